"""Honest senders: single events from tens of thousands of visitors, through a proxy that names their addresses.

    python -m bench.honest < plan.json > outcome.json

A ``Plan`` comes in, an ``Outcome`` goes out. With a rate, each request is sent when it is due, whether or not those
before it were answered; without one, 32 connections send as fast as they are answered. A request whose connection ends
before the answer is sent once more with the same event id, as the tracker does.
"""

from __future__ import annotations

import asyncio
import sys
import time
from array import array
from collections import Counter, deque
from itertools import cycle

import msgspec
import uvloop

AGENTS = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:130.0) Gecko/20100101 Firefox/130.0",
    (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        "Version/17.5 Mobile/15E148 Safari/604.1"
    ),
)
VISITORS = 50_000
CONNECTIONS_AT_FULL_SPEED = 32
TICK_SECONDS = 0.005
LAST_ANSWERS_SECONDS = 15.0


class SitePlan(msgspec.Struct):
    """A site, and the write keys that its servers send with; its pages send without one."""

    domain: str
    keys: list[str]


class Plan(msgspec.Struct):
    """What to send: ``rate`` requests a second for ``seconds``; ids count from ``first``. A rate of 0: full speed."""

    port: int
    seconds: float
    rate: float
    first: int
    sites: list[SitePlan]


class Outcome(msgspec.Struct):
    """What became of it. ``acknowledged`` are numbers of events, ``milliseconds`` times from sending to answer."""

    sent: int
    seconds: float
    statuses: dict[str, int]
    again: int
    late_ms: float
    acknowledged: list[int]
    milliseconds: list[float]

    def percentile(self, part: float) -> float:
        """The time, in ms, in which this part of the requests was answered."""
        ordered = sorted(self.milliseconds)
        return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def event_id(number: int) -> str:
    """The id of an event, as a UUID is written."""
    return f"f007fa11-0000-4000-8000-{number:012x}"


class Asked(msgspec.Struct):
    """A request on its way."""

    number: int
    text: bytes
    began: float
    tries: int = 1


class Connection(asyncio.Protocol):
    """One request at a time."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.asked: Asked | None = None
        self.answer = b""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.transport = transport

    def ask(self, asked: Asked) -> None:
        """Send it."""
        self.asked = asked
        self.transport.write(asked.text)

    def data_received(self, data: bytes) -> None:
        self.answer += data
        head, end, body = self.answer.partition(b"\r\n\r\n")
        if not end:
            return
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        if len(body) >= length and (asked := self.asked):
            self.asked, self.answer = None, b""
            self.load.answered(self, asked, int(head[9:12]), body)

    def connection_lost(self, exc: Exception | None) -> None:
        self.load.lost(self)


class Load:
    """The requests of one plan."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.idle: deque[Connection] = deque()
        self.statuses: Counter[str] = Counter()
        self.acknowledged: list[int] = []
        self.milliseconds = array("d")
        self.sent = self.again = self.under_way = 0
        self.late = 0.0
        self.tasks: set[asyncio.Task[None]] = set()
        ways = [(site.domain, key) for site in plan.sites for key in ("", *site.keys)]
        self.ways = cycle(ways)
        self.ended = False

    async def run(self) -> Outcome:
        """Send, and wait for the last answers."""
        began = time.perf_counter()
        if self.plan.rate:
            await self._steady(began)
        else:
            for _ in range(CONNECTIONS_AT_FULL_SPEED):
                self.send()
            await asyncio.sleep(self.plan.seconds)
        self.ended = True
        took = time.perf_counter() - began
        deadline = time.perf_counter() + LAST_ANSWERS_SECONDS
        while self.under_way and time.perf_counter() < deadline:
            await asyncio.sleep(0.05)
        self.statuses["no answer"] += self.under_way
        return Outcome(
            self.sent,
            took,
            dict(+self.statuses),
            self.again,
            1000 * self.late,
            self.acknowledged,
            list(self.milliseconds),
        )

    async def _steady(self, began: float) -> None:
        while (now := time.perf_counter() - began) < self.plan.seconds:
            due = int(now * self.plan.rate)
            self.late = max(self.late, (due - self.sent) / self.plan.rate - TICK_SECONDS)
            while self.sent < due:
                self.send()
            await asyncio.sleep(TICK_SECONDS)

    def send(self) -> None:
        """The next event of the plan."""
        number = self.plan.first + self.sent
        self.sent += 1
        self.under_way += 1
        self._ask(Asked(number, self._request(number), time.perf_counter()))

    def _ask(self, asked: Asked) -> None:
        if self.idle:
            self.idle.pop().ask(asked)
            return
        task = asyncio.ensure_future(self._connect(asked))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _connect(self, asked: Asked) -> None:
        try:
            loop = asyncio.get_running_loop()
            _, connection = await loop.create_connection(lambda: Connection(self), "127.0.0.1", self.plan.port)
        except OSError as exc:
            self._over(f"no connection: {exc}")
        else:
            connection.ask(asked)

    def answered(self, connection: Connection, asked: Asked, status: int, body: bytes) -> None:
        """One answer: taken only where it accepts the event."""
        self.milliseconds.append(1000 * (time.perf_counter() - asked.began))
        if status == 202 and b'"rejected":[]' in body:
            self.acknowledged.append(asked.number)
            self._over("202")
        else:
            self._over(f"{status} {body[:120].decode(errors='replace')}")
        self.idle.append(connection)
        if not self.plan.rate and not self.ended:
            self.send()

    def lost(self, connection: Connection) -> None:
        """A connection ended; what it was asked is asked once more."""
        if connection in self.idle:
            self.idle.remove(connection)
        if asked := connection.asked:
            connection.asked = None
            if asked.tries > 1:
                self._over("connection lost twice")
            else:
                asked.tries += 1
                self.again += 1
                self._ask(asked)

    def _over(self, how: str) -> None:
        self.statuses[how] += 1
        self.under_way -= 1

    def _request(self, number: int) -> bytes:
        domain, key = next(self.ways)
        visitor = number * 7919 % VISITORS
        name = "purchase" if number % 10 == 9 else "page_view"
        body = (
            f'{{"name":"{name}","event_id":"{event_id(number)}","site":"{domain}",'
            f'"url":"https://{domain}/p/{number % 50}?utm_source=news","props":{{"plan":"basic","cart":{number % 7}}}}}'
        )
        credential = f"X-Footfall-Key: {key}" if key else f"Origin: https://{domain}"
        return (
            f"POST /v1/events HTTP/1.1\r\nHost: collect.example\r\nContent-Type: application/json\r\n{credential}\r\n"
            f"X-Forwarded-For: 10.{visitor >> 16}.{visitor >> 8 & 255}.{visitor & 255}\r\n"
            f"User-Agent: {AGENTS[visitor % len(AGENTS)]}\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        ).encode()


if __name__ == "__main__":
    outcome = uvloop.run(Load(msgspec.json.decode(sys.stdin.buffer.read(), type=Plan)).run())
    sys.stdout.buffer.write(msgspec.json.encode(outcome))

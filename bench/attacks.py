"""What attackers send to a collector, all at once, each at its own pace, over loopback alone.

    python -m bench.attacks < plan.json > outcome.json

A ``Plan`` comes in; out goes how often each attack was answered how. Attackers need no key: they know the victim's
domain and forge the Origin of its pages. Some come through the trusted proxy (from 127.0.0.1) and name any address,
the others have addresses of their own (127.0.0.2 and so on).
"""

from __future__ import annotations

import asyncio
import gzip
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from itertools import count, cycle

import msgspec
import zstandard

ANSWER_SECONDS = 40.0
IDLE_CONNECTIONS, SLOW_BODIES = 400, 100
# Of each kind of which no two may be alike, more than any cache holds.
BODIES = 40
DAY_MS = 86_400_000
PROXY = "127.0.0.1"


class Plan(msgspec.Struct):
    """``victim`` is flooded, ``other`` gets what tells on the loader. ``pace`` is 1.0 for two cores of their own; a
    machine that is busy with other things is attacked less often, as it is sent less honest traffic."""

    port: int
    seconds: float
    victim: str
    other: str
    pace: float = 1.0


class Attacks:
    """All attacks on one collector until the plan's time is over."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.outcome: dict[str, Counter[str]] = {}
        self.fresh = count(1)
        self.bomb = gzip.compress(bytes(20_000_000))
        self.zstd_bomb = zstandard.compress(bytes(20_000_000))
        # Made before it begins: attackers have processors of their own, which here are the collector's.
        self.email_bodies = cycle([self._emails() for _ in range(BODIES)])
        self.long_bodies = cycle([self._long_addresses() for _ in range(BODIES)])
        self.midnight_bodies = cycle([self._midnight() for _ in range(BODIES)])
        self.many_properties = self._packed([{"name": "v", "props": {f"p{n}": n for n in range(30_000)}}])
        self.until = time.monotonic() + plan.seconds

    async def run(self) -> dict[str, Counter[str]]:
        """Every attack: what it is, how often a second, and how many of it may be under way."""
        every = self._every
        await asyncio.gather(
            every("quadratic e-mail pattern", 2, lambda: self.packed(next(self.email_bodies))),
            every("refused keys of 100 KB", 5, self.long_key),
            every("endless chunk extension", 0.5, lambda: self.endless_chunk(b"5;", b"a")),
            every("endless chunk size", 0.5, lambda: self.endless_chunk(b"", b"0")),
            every("late events that join visits", 1 / self.plan.pace, self.late_join),
            every("one visitor around midnight UTC", 1, lambda: self.packed(next(self.midnight_bodies), "10.200.0.1")),
            every("long addresses, all different", 2, lambda: self.packed(next(self.long_bodies))),
            every("batches over the bound", 1, lambda: self.batch(30_000)),
            every("one site's flood", 5, lambda: self.batch(1_000)),
            every("gzip bombs", 5, lambda: self.post(self.bomb, "Content-Encoding: gzip")),
            every("zstd bombs", 5, lambda: self.post(self.zstd_bomb, "Content-Encoding: zstd")),
            every("thousands of forwarded hops", 1, lambda: self.hops(6_000)),
            every("hundreds of forwarded hops", 5, lambda: self.hops(800)),
            every("deep JSON", 3, self.deep),
            every("thirty thousand properties", 3, lambda: self.packed(self.many_properties)),
            every("bodies broken off", 20, self.broken),
            every("pixel flood", 5, self.pixels),
            *(self._hold("idle connections", n, self.idle) for n in range(IDLE_CONNECTIONS)),
            *(self._hold("slow bodies", n, self.slow) for n in range(SLOW_BODIES)),
        )
        return self.outcome

    async def _every(self, name: str, rate: float, attack: Callable[[], Awaitable[str]]) -> None:
        """So often a second, at most eight of them at once: who waits for answers does not pile up without end."""
        under_way: set[asyncio.Task[None]] = set()
        while time.monotonic() < self.until:
            if len(under_way) < 8:
                task = asyncio.ensure_future(self._one(name, attack))
                under_way.add(task)
                task.add_done_callback(under_way.discard)
            await asyncio.sleep(random.uniform(0.5, 1.5) / (rate * self.plan.pace))
        await asyncio.gather(*under_way)

    async def _hold(self, name: str, number: int, attack: Callable[[str], Awaitable[str]]) -> None:
        """A connection of its own, again whenever it is cut."""
        await asyncio.sleep(random.uniform(0, 5))
        while time.monotonic() < self.until:
            await self._one(name, lambda: attack(f"127.0.0.{2 + number % 8}"))
            await asyncio.sleep(0.2)

    async def _one(self, name: str, attack: Callable[[], Awaitable[str]]) -> None:
        try:
            how = await asyncio.wait_for(attack(), ANSWER_SECONDS)
        except TimeoutError:
            how = "no answer"
        except OSError:
            how = "cut"
        self.outcome.setdefault(name, Counter())[how] += 1

    def _emails(self) -> bytes:
        word = "a" * 3_900
        pages = [f"https://{self.plan.other}/{self._new()}40{word}" for _ in range(63)]
        return self._packed([{"name": "v", "url": page, "referrer": page} for page in pages])

    def _long_addresses(self) -> bytes:
        """More of them than any cache keeps, each with a wide character."""
        wide, url = "\u4e00" * 1_300, f"https://{self.plan.other}/"
        return self._packed([{"name": "v", "url": f"{url}{self._new()}{wide}"} for _ in range(120)])

    def _midnight(self) -> bytes:
        midnight = int(time.time() * 1000) // DAY_MS * DAY_MS
        moments = [midnight + random.randint(-1_500_000, 1_500_000) for _ in range(800)]
        return self._packed([{"name": "v", "timestamp": ms} for ms in moments])

    async def long_key(self) -> str:
        key = "\U0001f600" * 25_000 + str(self._new())
        return await self.post(json.dumps({"name": "v", "key": key}, ensure_ascii=False).encode())

    async def late_join(self) -> str:
        """Two page views fifty minutes apart, and then one between."""
        number, now = self._new(), int(time.time() * 1000)
        for minutes in (90, 40, 65):
            event = {"name": "page_view", "url": f"https://{self.plan.other}/", "timestamp": now - 60_000 * minutes}
            status = await self.packed(self._packed([event]), self._address(number))
            await asyncio.sleep(2.5)
        return status

    async def batch(self, events: int) -> str:
        site = self.plan.victim
        body = json.dumps({"site": site, "events": [{"name": "v"}] * events}).encode()
        return await self.post(
            body, *self._as_page(site), f"User-Agent: {'x' * 512}", address=self._address(self._new())
        )

    async def hops(self, hops: int) -> str:
        return await self.post(b'{"name":"v"}', f"X-Forwarded-For: {'127.0.0.1,' * hops}")

    async def deep(self) -> str:
        levels = 80_000
        body = random.choice(
            (b"[" * levels + b"]" * levels, b'{"props":' + b'{"a":' * levels + b"1" + b"}" * (levels + 1))
        )
        return await self.post(body, *self._as_page(self.plan.other))

    async def endless_chunk(self, first: bytes, more: bytes) -> str:
        """At most 4 MB, or until it is cut."""
        head = b"POST /v1/events HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        reader, writer = await self._open("127.0.0.9")
        try:
            writer.write(head + first)
            for _ in range(64):
                writer.write(more * 65_536)
                await writer.drain()
                if reader.at_eof():
                    return "cut"
            return await _status(reader)
        finally:
            writer.close()

    async def broken(self) -> str:
        _, writer = await self._open(PROXY)
        writer.write(b"POST /v1/events HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n" + b"[" * 50_000)
        await writer.drain()
        writer.close()
        return "broken off"

    async def pixels(self) -> str:
        """A hundred on one connection, from one address."""
        reader, writer = await self._open("127.0.0.10")
        where = f"/v1/pixel.gif?site={self.plan.victim}&url=https://{self.plan.victim}/"
        one = f"GET {where} HTTP/1.1\r\nHost: a\r\nReferer: https://{self.plan.victim}/\r\n\r\n"
        try:
            writer.write(one.encode() * 100)
            return await _status(reader)
        finally:
            writer.close()

    async def idle(self, source: str) -> str:
        """Half a minute, unless it is cut before."""
        reader, writer = await self._open(source)
        try:
            await asyncio.wait_for(reader.read(), min(30.0, max(0.1, self.until - time.monotonic())))
        except TimeoutError:
            return "held"
        finally:
            writer.close()
        return "cut"

    async def slow(self, source: str) -> str:
        reader, writer = await self._open(source)
        try:
            writer.write(b"POST /v1/events HTTP/1.1\r\nHost: a\r\nContent-Length: 400000\r\n\r\n" + b" " * 300_000)
            while time.monotonic() < self.until and not reader.at_eof():
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(1)
            return await _status(reader) if reader.at_eof() else "held to the end"
        finally:
            writer.close()

    async def post(self, body: bytes, *headers: str, address: str = "") -> str:
        """One request over a connection of its own; the status, or that it was cut."""
        reader, writer = await self._open(PROXY)
        behind = [f"X-Forwarded-For: {address}"] if address else []
        lines = ["POST /v1/events HTTP/1.1", "Host: a", *headers, *behind, f"Content-Length: {len(body)}", "", ""]
        try:
            writer.write("\r\n".join(lines).encode() + body)
            return await _status(reader)
        finally:
            writer.close()

    async def packed(self, body: bytes, address: str = "") -> str:
        """A body of ``_packed``, from an address of its own unless one is given."""
        headers = [*self._as_page(self.plan.other), "Content-Encoding: gzip", "User-Agent: Mozilla/5.0 Firefox/130.0"]
        return await self.post(body, *headers, address=address or self._address(self._new()))

    def _packed(self, events: list[dict[str, object]]) -> bytes:
        return gzip.compress(json.dumps({"site": self.plan.other, "events": events}, ensure_ascii=False).encode())

    async def _open(self, source: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.plan.port, local_addr=(source, 0))

    def _new(self) -> int:
        return next(self.fresh)

    @staticmethod
    def _address(number: int) -> str:
        return f"10.{100 + (number >> 16) % 100}.{number >> 8 & 255}.{number & 255}"

    @staticmethod
    def _as_page(site: str) -> tuple[str, ...]:
        return (f"Origin: https://{site}", "Content-Type: application/json")


async def _status(reader: asyncio.StreamReader) -> str:
    return (await reader.read(65_536))[9:12].decode() or "cut"


if __name__ == "__main__":
    outcome = asyncio.run(Attacks(msgspec.json.decode(sys.stdin.buffer.read(), type=Plan)).run())
    sys.stdout.buffer.write(msgspec.json.encode(outcome))

"""A made-up shop's traffic, the same for the same seed: as an access log, or as events a tracker would post.

    python -m bench.traffic --seed 7 --days 30 --visits 20000 --site shop.example > access.log

Built like real traffic: pages follow Zipf's law; visits follow the hour and the weekday of the site's zone
and grow a little; some visitors come back, some came with a campaign, a search or a link; few buy. A browser
also fetches styles, pictures and old links. Search engines, AI crawlers, uptime checks and scanners are
there too. Addresses are from the ranges kept for documentation and benchmarks, so nobody real is meant.
"""

from __future__ import annotations

import argparse
import datetime as dt
import heapq
import random
import sys
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from zoneinfo import ZoneInfo

from bench.shop import (
    AGENTS,
    ASSETS,
    BOTS,
    CHECKOUT,
    HOURS,
    LISTS,
    LOST,
    MOVED,
    PAGES,
    PRICES,
    PROBES,
    SOURCES,
    UPTIME,
    WEEKDAYS,
    Agent,
    Source,
)

BACK = 0.34  # of visits are by somebody who was here before
BOUNCE = 0.42
MORE_PAGES = 0.66  # chance of another page, once past the first
TO_CART = 0.11  # chance that a product that is looked at goes into the cart
BUYS = 0.35  # chance that a cart is paid for
BOT_VISITS = 0.06  # crawler visits for each human one
PROBE_VISITS = 0.01
UPTIME_EVERY = 600
KNOWN = 20_000  # visitors who may come back
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with one browser at one address."""

    address: str
    agent: Agent
    client_id: str


@dataclass(frozen=True, slots=True)
class Step:
    """One page of a visit: when (seconds since 1970), which, and the order it thanks for (number, price)."""

    at: float
    path: str
    order: tuple[int, str] | None = None


@dataclass(frozen=True, slots=True)
class Visit:
    """One visit of a person, from a source."""

    person: Person
    source: Source
    returning: bool
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Post:
    """One event as a browser posts it: its body in the format of docs/events.md, and who sent it when."""

    at: float
    address: str
    user_agent: str
    event: dict[str, object]


class Traffic:
    """``visits`` human visits in the ``days`` before ``until``, and the machines beside them."""

    def __init__(
        self,
        *,
        seed: int,
        until: dt.datetime,
        days: int = 30,
        visits: int = 20_000,
        site: str = "shop.example",
        zone: str = "Europe/Berlin",
    ) -> None:
        self.site = site
        self.zone = ZoneInfo(zone)
        self.end = int(until.timestamp())
        self.start = self.end - days * 86_400
        self._seed = seed
        self._slots = days * 24
        self._visits = visits
        self._orders = 1000
        self._known: list[Person] = []

    def visits(self) -> Iterator[Visit]:
        """The human visits, by their start."""
        rng = self._rng("visits")
        self._orders, self._known = 1000, []
        for slot, count in self._per_hour(rng, self._visits):
            for at in sorted(self.start + slot * 3600 + rng.random() * 3600 for _ in range(count)):
                yield self._visit(rng, at)

    def lines(self, layout: str = "combined") -> Iterator[str]:
        """The access log, without newlines, in the order of a server, which writes when it has answered."""
        rows = heapq.merge(self._in_order(self._human_rows()), self._in_order(self._machine_rows()))
        previous, stamp = -1, ""
        for _, at, address, request, answer, referrer, agent in rows:
            if at != previous:
                previous, stamp = at, self._stamp(at)
            line = f'{address} - - [{stamp}] "{request}" {answer}'
            yield line if layout == "common" else f'{line} "{referrer}" "{agent}"'

    def posts(self) -> Iterator[Post]:
        """What the tracker would send for the same visits, visit by visit."""
        rng = self._rng("posts")
        for visit in self.visits():
            previous = visit.source.referrer
            for number, step in enumerate(visit.steps):
                url = f"https://{self.site}{step.path}"
                more = visit.steps[number + 1].at - step.at if number + 1 < len(visit.steps) else 8.0
                for at, event in _tracked(rng, step, url, previous, more):
                    yield self._post(rng, visit.person, at, event)
                previous = url

    def _post(self, rng: random.Random, person: Person, at: float, event: dict[str, object]) -> Post:
        common = {
            "event_id": str(uuid.UUID(int=rng.getrandbits(128), version=4)),
            "timestamp": int(at * 1000),
            "screen": person.agent.screen,
            "language": person.agent.language,
            "client_id": person.client_id,
        }
        return Post(at, person.address, person.agent.text, event | common)

    def _rng(self, purpose: str) -> random.Random:
        return random.Random(f"{self._seed} {purpose}")

    def _per_hour(self, rng: random.Random, total: int) -> Iterator[tuple[int, int]]:
        """How many of ``total`` fall into each hour, by the rhythm of the site's zone."""
        weights = []
        for slot in range(self._slots):
            local = dt.datetime.fromtimestamp(self.start + slot * 3600, self.zone)
            weights.append(HOURS[local.hour] * WEEKDAYS[local.weekday()] * (1 + 0.25 * slot / self._slots))
        counts = Counter(rng.choices(range(self._slots), cum_weights=list(accumulate(weights)), k=total))
        yield from sorted(counts.items())

    def _visit(self, rng: random.Random, at: float) -> Visit:
        returning = bool(self._known) and rng.random() < BACK
        if returning:
            person = self._known[rng.randrange(len(self._known))]
        else:
            person = _person(rng)
            if len(self._known) < KNOWN:
                self._known.append(person)
            else:
                self._known[rng.randrange(KNOWN)] = person
        weights = [source.returning if returning else source.weight for source in SOURCES]
        source = rng.choices(SOURCES, weights)[0]
        steps = tuple(step for step in self._steps(rng, at, source) if step.at < self.end)
        return Visit(person, source, returning, steps)

    def _steps(self, rng: random.Random, at: float, source: Source) -> Iterator[Step]:
        path = source.landing or PAGES.pick(rng)
        yield Step(at, path + source.query(rng))
        if rng.random() < BOUNCE:
            return
        while True:
            if path in PRICES and rng.random() < TO_CART:
                yield from self._checkout(rng, at, path)
                return
            at += _pause(rng)
            path = PAGES.next(rng, path)
            yield Step(at, path)
            if rng.random() > MORE_PAGES:
                return

    def _checkout(self, rng: random.Random, at: float, path: str) -> Iterator[Step]:
        paid = rng.random() < BUYS
        for page in CHECKOUT if paid else CHECKOUT[: rng.randint(1, len(CHECKOUT) - 1)]:
            at += _pause(rng)
            if page == CHECKOUT[-1]:
                self._orders += 1
                yield Step(at, f"{page}?order={self._orders}", (self._orders, PRICES[path]))
            else:
                yield Step(at, page)

    def _in_order(self, rows: Iterator[tuple[float, Row]]) -> Iterator[FullRow]:
        """Rows by the time of their answer. ``rows`` come by visit: (start of the visit, row)."""
        heap: list[FullRow] = []
        for floor, (at, address, request, answer, referrer, agent) in rows:
            while heap and heap[0][0] < floor - 1:
                yield heapq.heappop(heap)
            # The answer takes a moment, the stamp is the request's: neighbours may be swapped, as in life.
            answered = at + 0.002 * (1 + len(request) % 97)
            if at < self.end:
                heapq.heappush(heap, (answered, int(at), address, request, answer, referrer, agent))
        while heap:
            yield heapq.heappop(heap)

    def _human_rows(self) -> Iterator[tuple[float, Row]]:
        rng = self._rng("browsers")
        for visit in self.visits():
            start, address, agent = visit.steps[0].at, visit.person.address, visit.person.agent.text
            cached = visit.returning and rng.random() < 0.7
            previous = visit.source.referrer or "-"
            for step in visit.steps:
                page = f"https://{self.site}{step.path}"
                for after, request, answer in _requests(rng, step, cached):
                    referrer = page if after > 0 else previous
                    yield start, (step.at + after, address, request, answer, referrer, agent)
                previous, cached = page, True

    def _machine_rows(self) -> Iterator[tuple[float, Row]]:
        rng = self._rng("machines")
        starts = [(at, "uptime") for at in range(self.start, self.start + self._slots * 3600, UPTIME_EVERY)]
        for kind, share in (("bot", BOT_VISITS), ("probe", PROBE_VISITS)):
            count = int(self._visits * share) + 1  # machines know no night
            starts += [(self.start + rng.randrange(self._slots * 3600), kind) for _ in range(count)]
        for start, kind in sorted(starts):
            for row in _MACHINES[kind](rng, float(start)):
                yield start, row

    def _stamp(self, at: int) -> str:
        local = dt.datetime.fromtimestamp(at, self.zone)
        return f"{local.day:02}/{MONTHS[local.month - 1]}/{local:%Y:%H:%M:%S %z}"


# When, address, request, status and size, referrer, user agent.
Row = tuple[float, str, str, str, str, str]
FullRow = tuple[float, int, str, str, str, str, str]


def _person(rng: random.Random) -> Person:
    if rng.random() < 0.25:
        address = f"2001:db8:{rng.randrange(65536):x}:{rng.randrange(256):x}::{rng.randrange(1, 65536):x}"
    else:
        address = f"198.{18 + rng.randrange(2)}.{rng.randrange(256)}.{rng.randrange(1, 255)}"
    agent = rng.choices(AGENTS, [agent.weight for agent in AGENTS])[0]
    return Person(address, agent, f"{rng.getrandbits(64):016x}")


def _pause(rng: random.Random) -> float:
    """Seconds on a page: most are short, none ends a visit."""
    return min(max(rng.lognormvariate(3.3, 1.0), 2.0), 1200.0)


def _size(path: str) -> int:
    return 2000 + sum(path.encode()) * 37 % 60_000


def _requests(rng: random.Random, step: Step, cached: bool) -> Iterator[tuple[float, str, str]]:
    """What a browser asks for one page: seconds after the page, request line, status and size."""
    path = step.path.partition("?")[0]
    if path in MOVED and rng.random() < 0.5:
        yield -0.08, f"GET {MOVED[path]} HTTP/1.1", "301 162"
    if step.order:
        yield -0.2, "POST /checkout/pay HTTP/1.1", "303 0"
    yield 0.0, f"GET {step.path} HTTP/1.1", f"200 {_size(path)}"
    for number, asset in enumerate(ASSETS):
        if not cached or (number == 0 and rng.random() < 0.2):
            yield 0.1 + number * 0.03, f"GET {asset} HTTP/1.1", "304 0" if cached else f"200 {_size(asset)}"
    if path in PRICES:
        yield 0.35, f"GET /images{path}.webp HTTP/1.1", f"200 {_size(path) * 3}"
    if rng.random() < 0.01:
        yield 1.5, f"GET {rng.choice(LOST)} HTTP/1.1", "404 548"


def _uptime(rng: random.Random, at: float) -> Iterator[Row]:
    yield (
        at,
        "198.51.100.10",
        "HEAD / HTTP/1.1" if rng.random() < 0.5 else "GET / HTTP/1.1",
        "200 4312",
        "-",
        UPTIME,
    )


def _crawl(rng: random.Random, at: float) -> Iterator[Row]:
    agent = rng.choice(BOTS)
    address = f"192.0.2.{1 + BOTS.index(agent) * 8 + rng.randrange(8)}"
    if rng.random() < 0.3:
        yield at, address, "GET /robots.txt HTTP/1.1", "200 118", "-", agent
        yield at + 2, address, "GET /sitemap.xml HTTP/1.1", "200 9120", "-", agent
    for _ in range(rng.randint(1, 9)):
        at += rng.uniform(1, 20)
        path = rng.choice(PAGES.paths)
        yield at, address, f"GET {path} HTTP/1.1", f"200 {_size(path)}", "-", agent


def _probe(rng: random.Random, at: float) -> Iterator[Row]:
    address = f"203.0.113.{rng.randrange(1, 255)}"
    for request, answer, agent in rng.sample(PROBES, k=rng.randint(1, len(PROBES))):
        at += rng.uniform(0.05, 0.8)
        yield at, address, request, answer, "-", agent


_MACHINES = {"uptime": _uptime, "bot": _crawl, "probe": _probe}


def _tracked(
    rng: random.Random, step: Step, url: str, referrer: str, stay: float
) -> Iterator[tuple[float, dict[str, object]]]:
    """The events of one page: seen, put into the cart, bought, read."""
    path = step.path.partition("?")[0]
    yield step.at, {"name": "page_view", "url": url, "referrer": referrer, "title": _title(path)}
    if path == CHECKOUT[0]:
        yield step.at + 0.1, {"name": "add_to_cart", "url": url, "props": {"quantity": rng.randint(1, 2)}}
    if step.order:
        order, price = step.order
        revenue = {"amount": price, "currency": "EUR"}
        yield (
            step.at + 0.2,
            {"name": "purchase", "url": url, "revenue": revenue, "props": {"order": str(order)}},
        )
    seen = min(stay, 600.0) * rng.uniform(0.4, 0.95)
    depth = rng.choice(LISTS["depth"])
    yield (
        step.at + seen,
        {"name": "engagement", "url": url, "engagement_ms": int(seen * 1000), "scroll_depth": depth},
    )


def _title(path: str) -> str:
    last = path.rstrip("/").rpartition("/")[2]
    return f"{last.replace('-', ' ').capitalize() or 'DataDir'} – Shop"


def main(arguments: list[str] | None = None) -> None:
    """Write an access log to standard output."""
    parser = argparse.ArgumentParser(prog="python -m bench.traffic", description="A made-up shop's access log.")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--visits", type=int, default=20_000, help="human visits")
    parser.add_argument("--site", default="shop.example")
    parser.add_argument("--zone", default="Europe/Berlin", help="IANA zone whose days and nights it follows")
    parser.add_argument("--format", choices=["combined", "common"], default="combined")
    parser.add_argument("--until", type=dt.datetime.fromisoformat, help="ISO time at which it ends (default: now)")
    given = parser.parse_args(arguments)
    until = given.until or dt.datetime.now(dt.UTC)
    traffic = Traffic(
        seed=given.seed,
        until=until if until.tzinfo else until.replace(tzinfo=ZoneInfo(given.zone)),
        days=given.days,
        visits=given.visits,
        site=given.site,
        zone=given.zone,
    )
    sys.stdout.writelines(f"{line}\n" for line in traffic.lines(given.format))


if __name__ == "__main__":
    main()

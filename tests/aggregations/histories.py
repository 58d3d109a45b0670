"""Small histories of events, as awkward as they come: around midnight, month's end and changes of clocks, late, at one
moment, by machines, without fields, of two sites."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import strategies as st

from aggregations.query.sites import SiteRow
from collector.event.model import SpooledEvent
from tests.aggregations.write_path import Request

MINUTE = 60_000
DAY = 24 * 60 * MINUTE
# When the first request arrives.
ARRIVAL = 1_790_000_000_000
GAP = 30 * MINUTE
# What happens there at this moment.
TURNS = [
    ("Europe/Berlin", "2026-10-25T01:00Z"),  # the hour from 2 comes twice
    ("Europe/Berlin", "2026-03-29T01:00Z"),  # and here not at all
    ("Europe/Berlin", "2026-10-31T23:00Z"),  # November begins
    ("Australia/Lord_Howe", "2026-04-04T15:00Z"),  # half an hour comes twice
    ("Australia/Lord_Howe", "2026-10-03T15:30Z"),  # and here not at all
    ("Asia/Kolkata", "2026-08-31T18:30Z"),  # September begins
    ("America/Havana", "2026-11-01T05:00Z"),  # the first hour of the day comes twice
    ("America/Havana", "2026-03-08T05:00Z"),  # the day begins at one
    ("Pacific/Chatham", "2026-09-26T14:00Z"),  # from 2:45 to 3:45
    ("America/Santiago", "2026-04-05T03:00Z"),  # the last hour of the day comes twice
    ("Asia/Kathmandu", "2026-12-31T18:15Z"),  # the year ends
    ("UTC", "2026-03-01T00:00Z"),
]
AGENTS = [
    "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1 Version/17.5 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
]
MACHINES = ["Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "curl/8.5.0"]
NAMES = ["page_view"] * 8 + ["engagement", "add_to_cart", "add_to_cart", "purchase", "purchase", "ping"]
PATHS = ["/", "/product/1", "/product/1", "/product/2", "/cart", "/Ünï%20code"]
TAGS = ["", "", "?utm_source=news&utm_medium=email&utm_campaign=spring", "?utm_campaign=fall&utm_term=tea&gclid=1",
        "?ref=friend&utm_content=top"]  # fmt: skip
REFERRERS = ["", "", "https://www.google.com/", "https://blog.example/post", "https://chatgpt.com/"]
COUNTRIES = ["", "DE", "FR"]
# From one event of a visitor to the next, in ms: ties, the longest gap within a visit and the shortest between two.
PAUSES = [0, 0, 1, 20_000, 90_000, 10 * MINUTE, 25 * MINUTE, GAP, GAP + 1, 2 * GAP, 5 * 60 * MINUTE, DAY, DAY - 1]
# What goes on every half hour for longer than a visit lasts.
TIMES = st.sampled_from([1] * 30 + [60])
# One history of three has late events: where they join visits, the engine takes a second or two.
DISORDER = st.sampled_from([False, False, True])
KINDS = ["", "sign_up", "contact", "none"]
CONFIDENCES = ["", "low", "medium", "high", "sure"]
RULES = ["", "path"]
SELECTORS = ["", "#a", "form > b"]


@dataclass(frozen=True, slots=True)
class Sent:
    """An event, which of two sites it is of, in which batch it arrives, and whether in the request before it too."""

    site: int
    batch: int
    event: SpooledEvent
    together: bool


@dataclass(frozen=True, slots=True)
class History:
    """``sent`` in order of arrival. ``zones`` are those of the two sites, ``first`` and ``last`` the local days that
    are asked for."""

    zones: tuple[str, str]
    first: dt.date
    last: dt.date
    sent: list[Sent]
    overrides: list[dict[str, str]] = field(default_factory=list)


@st.composite
def histories(draw: Callable[..., Any]) -> History:
    """Some visitors on two sites around a turn of the clock or the calendar, in any order of arrival."""
    zone, text = draw(st.sampled_from(TURNS))
    turn = dt.datetime.fromisoformat(text)
    runs = draw(st.lists(_run(), min_size=1, max_size=9))
    disorder = draw(DISORDER)
    at_turn = int(turn.timestamp() * 1000)
    # In disorder the limit of 24 hours cuts a run elsewhere: visits that are stored are never cut.
    sent = [one for number, run in enumerate(runs) for one in _sent(run, at_turn, number, long=not disorder)]
    late = [disorder and late for late in draw(st.lists(st.booleans(), min_size=len(sent), max_size=len(sent)))]
    order = sorted(range(len(sent)), key=lambda n: (late[n], sent[n].event.timestamp))
    cuts = draw(st.lists(st.integers(0, len(sent)), max_size=2))
    arrived = [replace(sent[n], batch=sum(place >= cut for cut in cuts)) for place, n in enumerate(order)]
    first = turn.date() + dt.timedelta(days=draw(st.integers(-2, 1)))
    last = first + dt.timedelta(days=draw(st.sampled_from([0, 0, 1, 2, 30])))
    other = draw(st.sampled_from([name for name, _ in TURNS]))
    return History((zone, other), first, last, arrived, draw(st.lists(_override(), max_size=2)))


def _run() -> Any:
    """Some events of one visitor: site, visitor, start in minutes from the turn, and of each (pause, what, with the one
    before, how often)."""
    return st.tuples(
        st.sampled_from([0, 0, 0, 1]),
        st.integers(1, 3),
        st.one_of(st.integers(-70, 70), st.integers(-2 * 1440, 2 * 1440)),
        st.lists(st.tuples(st.sampled_from(PAUSES), _event(), st.booleans(), TIMES), min_size=1, max_size=6),
    )


def _event() -> Any:
    return st.fixed_dictionaries(
        {
            "name": st.sampled_from([*NAMES, "click", "click", "form_submit"]),
            "interactive": st.sampled_from([None, None, None, True, False]),
            "path": st.sampled_from([*PATHS, None]),
            "tags": st.sampled_from(TAGS),
            "referrer": st.sampled_from(REFERRERS),
            "country": st.sampled_from(COUNTRIES),
            "agent": st.sampled_from(AGENTS * 4 + MACHINES),
            "engagement_ms": st.sampled_from([0, 0, 9_000, 12_000]),
            "detected": st.tuples(*map(st.sampled_from, (KINDS, CONFIDENCES, RULES, SELECTORS, SELECTORS))),
        }
    )


def _override() -> Any:
    return st.fixed_dictionaries(
        {"kind": st.sampled_from(["contact", "purchase", "none"]), "selector": st.sampled_from(SELECTORS)},
        optional={"rule": st.sampled_from(RULES), "name": st.sampled_from(["click", "form_submit"])},
    )


def _sent(run: tuple[int, int, int, list[Any]], turn: int, number: int, long: bool) -> list[Sent]:
    site, visitor, minutes, steps = run
    at = turn + minutes * MINUTE
    found: list[Sent] = []
    for pause, what, together, times in steps:
        for again in range(times if long else 1):
            at += (GAP if again else pause) if found else 0
            key = (site << 32 | number << 16 | len(found)).to_bytes(16, "big")
            found.append(Sent(site, 0, _spooled(key, visitor, at, what), together))
    return found


def _spooled(key: bytes, visitor: int, at: int, what: dict[str, Any]) -> SpooledEvent:
    passive = what["name"] in {"page_view", "engagement"}
    told = zip(("kind", "confidence", "rule", "selector", "form"), what["detected"], strict=True)
    return SpooledEvent(
        event_id=key,
        visitor=visitor,
        timestamp=at,
        name=what["name"],
        interactive=not passive if what["interactive"] is None else what["interactive"],
        url=f"https://shop.example{what['path']}{what['tags']}" if what["path"] else "",
        referrer=what["referrer"],
        country=what["country"],
        user_agent=what["agent"],
        language="en",
        engagement_ms=what["engagement_ms"],
        props={name: value for name, value in told if value},
    )


def batches_of(history: History, sites: Sequence[SiteRow]) -> list[list[Request]]:
    """What arrives. Events that come together are one request; each request arrives a moment after the one before."""
    batches = []
    arrived = itertools.count(ARRIVAL)
    for _, its in itertools.groupby(history.sent, key=lambda one: one.batch):
        made: list[Request] = []
        for one in its:
            if one.together and made and made[-1].site is sites[one.site]:
                made[-1].events.append(one.event)
            else:
                made.append(Request(sites[one.site], next(arrived), [one.event]))
        batches.append(made)
    return batches

"""Small histories of events, as awkward as they come: around midnight, month's end and changes of clocks, late, at one
moment, by machines, without fields, of two sites, sampled by the tracker."""

from __future__ import annotations

import datetime as dt
import itertools
import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import strategies as st
from msgspec import structs

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
# As often as they are written.
NAMES = "page_view " * 8 + "engagement add_to_cart add_to_cart purchase purchase ping click click form_submit"
PATHS = ["/", "/product/1", "/product/1", "/product/2", "/cart", "/Ünï%20code", None]
TAGS = ["", "", "?utm_source=news&utm_medium=email&utm_campaign=spring", "?utm_campaign=fall&utm_term=tea&gclid=1",
        "?ref=friend&utm_content=top"]  # fmt: skip
REFERRERS = ["", "", "https://www.google.com/", "https://blog.example/post", "https://chatgpt.com/"]
COUNTRIES = ["", "DE", "FR"]
# From one event of a visitor to the next, in ms: ties, the longest gap within a visit and the shortest between two.
PAUSES = [0, 0, 0, 0, 1, 90_000, 10 * MINUTE, *[25 * MINUTE] * 5, GAP, GAP, GAP + 1, 5 * 60 * MINUTE, DAY, DAY - 1]
# How often an event comes again every half hour, for longer than a visit lasts.
OFTEN, LONG = 0.02, 60
# How often a history has late events, and how many of its events these are. Where they join visits, the engine takes a
# second or two.
DISORDER, LATE = 0.4, 0.3
# How often a history is of sites that sample; their shares, each for some days and pages; how often an event comes from
# a server, which does not sample; and what strangers write.
SAMPLING, SERVER, STRANGE = 0.6, 0.1, 0.03
SHARES = [1, 1, 0.5, 0.3, 0.1, 0.7]
WEIGHTS = [0, -1, 0.25, 1, 1000.4, 1e12, 1.7e308]
KINDS = ["", "sign_up", "sign_up", "contact", "none"]
CONFIDENCES = ["", "low", "low", "medium", "high", "high", "sure"]
RULES = ["", "path"]
SELECTORS = ["", "#a", "#a", "form > b"]


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
    are asked for. ``seed`` and ``runs`` make it again."""

    seed: int
    runs: int
    zones: tuple[str, str]
    first: dt.date
    last: dt.date
    sent: list[Sent]
    overrides: list[dict[str, str]] = field(default_factory=list)


def history(seed: int, runs: int) -> History:
    """``runs`` runs of events of some visitors on two sites around a turn of the clock or the calendar."""
    dice = random.Random(seed)
    zone, text = dice.choice(TURNS)
    turn = dt.datetime.fromisoformat(text)
    disorder = dice.random() < DISORDER
    # In disorder the limit of 24 hours cuts a run elsewhere: visits that are stored are never cut.
    sent = [one for number in range(runs) for one in _run(dice, turn, number, long=not disorder)]
    if dice.random() < SAMPLING:
        sent = _sampled(dice, sent) or sent
    sent.sort(key=lambda one: (disorder and dice.random() < LATE, one.event.timestamp))
    cuts = [dice.randrange(len(sent)) for _ in range(dice.randrange(3))]
    arrived = [replace(one, batch=sum(place >= cut for cut in cuts)) for place, one in enumerate(sent)]
    first = turn.date() - dt.timedelta(days=dice.randrange(4))
    last = first + dt.timedelta(days=dice.choice([0, 1, 2, 6, 30]))
    overrides = [_override(dice) for _ in range(dice.randrange(6))]
    return History(seed, runs, (zone, dice.choice(TURNS)[0]), first, last, arrived, overrides)


# Hypothesis varies what it has already drawn, bit by bit. A history costs a second, so each is another one; one that
# fails is made smaller by its runs.
histories = st.builds(history, st.integers(0, 2**32 - 1), st.integers(1, 30))


def _run(dice: random.Random, turn: dt.datetime, number: int, long: bool) -> list[Sent]:
    """Some events of one visitor; ``number`` is that of the run."""
    site, visitor = dice.choice([0, 0, 0, 1]), dice.randint(1, 6)
    away = dice.choice([dice.randint(-70, 70), dice.randint(-2 * 1440, 2 * 1440)])
    at = int(turn.timestamp() * 1000) + away * MINUTE
    found: list[Sent] = []
    for _ in range(dice.randint(1, 7)):
        what = _event(dice)
        for again in range(LONG if long and dice.random() < OFTEN else 1):
            at += (GAP if again else dice.choice(PAUSES)) if found else 0
            key = (site << 32 | number << 16 | len(found)).to_bytes(16, "big")
            found.append(Sent(site, 0, _spooled(key, visitor, at, what), together=dice.random() < 0.5))
    return found


def _sampled(dice: random.Random, sent: list[Sent]) -> list[Sent]:
    """What the tracker sends of these: events of visitors whose hash is below the share of their day and page."""
    hashes: dict[int, float] = {}
    shares: dict[tuple[int, bool], float] = {}
    kept = []
    for one in sent:
        event = one.event
        share = shares.setdefault((event.timestamp // DAY, event.url.endswith("/cart")), dice.choice(SHARES))
        weight: float | None = None
        if dice.random() < STRANGE:
            weight = dice.choice(WEIGHTS)
        elif dice.random() > SERVER and share != 1:
            # Most of few visitors are in every sample.
            if hashes.setdefault(event.visitor, dice.random() ** 2) >= share:
                continue
            weight = 1 / share
        kept.append(replace(one, event=event if weight is None else _weighed(event, weight)))
    return kept


def _weighed(event: SpooledEvent, weight: float) -> SpooledEvent:
    return structs.replace(event, props_number={"sample_weight": weight})


def _event(dice: random.Random) -> dict[str, Any]:
    return {
        "name": dice.choice(NAMES.split()),
        "interactive": dice.choice([None, None, None, True, False]),
        "path": dice.choice(PATHS),
        "tags": dice.choice(TAGS),
        "referrer": dice.choice(REFERRERS),
        "country": dice.choice(COUNTRIES),
        "agent": dice.choice(AGENTS * 4 + MACHINES),
        "engagement_ms": dice.choice([0, 0, 9_000, 12_000]),
        "scroll_depth": dice.choice([0, 0, 40, 75, 100]),
        "revenue": dice.choice(["", "", "", "9.99", "10", "50.25"]),
        "detected": [dice.choice(values) for values in (KINDS, CONFIDENCES, RULES, SELECTORS, SELECTORS)],
    }


def _override(dice: random.Random) -> dict[str, str]:
    made = {"kind": dice.choice(["contact", "purchase", "none"]), "selector": dice.choice(SELECTORS)}
    more = {"rule": dice.choice(RULES), "event": dice.choice(["click", "form_submit"])}
    return made | {name: value for name, value in more.items() if dice.random() < 0.4}


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
        scroll_depth=what["scroll_depth"],
        revenue=what["revenue"],
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

"""Who belongs to a segment: random segments over random histories against plain Python."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from aggregations.query import closed
from aggregations.query.answer import fetched
from aggregations.query.periods import Period
from aggregations.segments.definition import Segment, check
from aggregations.segments.language import parse
from aggregations.segments.language import written as text_of
from aggregations.segments.statement import statement
from tests.aggregations.histories import DAY, MINUTE, History, batches_of, histories
from tests.oracle import segment as truth
from tests.oracle.clock import Clock
from tests.oracle.dimension import DIMENSIONS
from tests.oracle.visit import visits

SEGMENTS = 12
# What holds of an event or a visit: as it is written, whether of visits, and in Python.
INNER = [
    ("event=purchase", False, lambda one: one.event.name == "purchase"),
    ("event=add_to_cart|click", False, lambda one: one.event.name in {"add_to_cart", "click"}),
    ("page=/product/1", False, lambda one: one.event.name == "page_view" and one.event.path == "/product/1"),
    ("path^=/product", False, lambda one: one.event.path.startswith("/product")),
    ("revenue>9.99", False, lambda one: one.event.revenue > 9.99),
    ("event!=page_view", False, lambda one: one.event.name != "page_view"),
    ("country=DE", True, lambda one: one.visit.first.fields["country"] == "DE"),
    ("channel=Direct|Email", True, lambda one: one.visit.first.fields["channel"] in {"Direct", "Email"}),
    ("views>1 and source!=''", True, None),
    ("event=purchase and country=DE|FR", False,
     lambda one: one.event.name == "purchase" and one.visit.first.fields["country"] in {"DE", "FR"}),
]  # fmt: skip
INNER = [one for one in INNER if one[2]]
SPANS = {"30m": 30 * MINUTE, "90s": 90_000, "1h": 60 * MINUTE, "1d": DAY, "2d": 2 * DAY, "30d": 30 * DAY}
PLANS = ["pro", "free", ""]


def behaviour(dice):
    inner, of_visits, holds = dice.choice(INNER)
    last, ms = _last(dice)
    sign, number = dice.choice([(">=", 1), (">=", 2), ("<", 3), ("=", 1), (">", 0), ("<=", 1)])
    return f"did({inner}) {sign} {number}{last}", truth.total("events", holds, sign, number, ms, of_visits)


def absence(dice):
    inner, of_visits, holds = dice.choice(INNER)
    last, ms = _last(dice)
    test = truth.total("events", holds, ">=", 1, ms, of_visits)
    return f"did_not({inner}){last}", lambda history: not test(history)


def total(dice):
    inner, of_visits, holds = dice.choice(INNER)
    last, ms = _last(dice)
    measure, sign = dice.choice(["visits", "days", "events", "revenue"]), dice.choice(list(truth.SIGNS))
    number = dice.choice([0, 1, 2, 3, 9.99, 20])
    if (measure == "revenue" and of_visits) or dice.random() < 0.3:
        inner, of_visits, holds = "", False, lambda one: True
    of = f"({inner})" if inner else ""
    return f"{measure}{of} {sign} {number}{last}", truth.total(measure, holds, sign, number, ms, of_visits)


def sequence(dice):
    steps, texts = [], []
    count = dice.choice([1, 2, 2, 3])
    absent = count == 1 or dice.random() < 0.5
    for at in range(count + absent):
        inner, of_visits, holds = dice.choice(INNER)
        within, ms = _last(dice, "in")
        times = dice.choice([1, 2, 3]) if at == 0 else 1
        steps.append(truth.Step(holds, of_visits, at < count, times, ms))
        repeated = f" >= {times}" if times > 1 else ""
        texts.append(f"{'did' if at < count else 'did_not'}({inner}){repeated}{within}")
    return " then ".join(texts), truth.sequence(steps)


def touch(dice):
    end, name = dice.choice(["first", "last"]), dice.choice(["source", "channel", "country", "browser", "utm_campaign"])
    value = dice.choice(["DE", "Direct", "Email", "Google", "Firefox", "spring", ""])
    test = truth.touch(end == "last", DIMENSIONS[name].value, lambda found: found == value)
    return f'{end}.{name}="{value}"', test


def trait(dice):
    value = dice.choice(PLANS)
    return f'trait.plan="{value}"', truth.trait("plan", lambda found: found == value)


def seen(dice):
    end, sign = dice.choice(["first", "last"]), dice.choice(list(truth.SIGNS))
    day = dt.date(2026, dice.randint(1, 12), dice.randint(1, 28))
    month = day.replace(day=1)
    spans = {
        f"{day}": (day, day),
        f"{day:%Y-%m}": (month, (month + dt.timedelta(days=31)).replace(day=1) - dt.timedelta(days=1)),
        "2026": (dt.date(2026, 1, 1), dt.date(2026, 12, 31)),
    }
    text = dice.choice(list(spans))
    return f"{end}_seen {sign} {text}", truth.seen(end == "last", sign, *map(str, spans[text]))


def _last(dice, word="last"):
    span = dice.choice([None, *SPANS])
    return (f" {word} {span}", SPANS[span]) if span else ("", 0)


TERMS = [behaviour, behaviour, absence, total, sequence, sequence, sequence, touch, trait, seen]


def term(dice, named):
    """A term as it is written, and its oracle."""
    if named and dice.random() < 0.1:
        name = dice.choice(list(named))
        return f"segment={name}", named[name][1]
    return dice.choice(TERMS)(dice)


def random_segment(dice, named):
    """A segment as it is written, and its oracle."""
    texts, tests = zip(*(term(dice, named) for _ in range(dice.choice([1, 1, 2, 3]))), strict=True)
    texts, tests = list(texts), list(tests)
    for at in range(len(texts)):
        if dice.random() < 0.2:
            texts[at] = f"not ({texts[at]})"
            tests[at] = lambda history, test=tests[at]: not test(history)
    word, join = dice.choice([(" and ", all), (" or ", any)])
    return word.join(texts), lambda history: join(test(history) for test in tests)


def identified(history: History, dice) -> History:
    """The same with events that tell a trait."""
    users, sent = dice.choice([[], [], ["ann", "bob"]]), []
    for one in history.sent:
        event = one.event
        if dice.random() < 0.1:
            event = structs.replace(event, name="identify", props={"plan": dice.choice(PLANS)})
        if users and dice.random() < 0.2:
            event = structs.replace(event, user_id=dice.choice(users))
        sent.append(replace(one, event=event))
    return replace(history, sent=sent)


@pytest.mark.timeout(900)
@settings(deadline=None, max_examples=8)
@given(histories, st.integers(0, 2**32 - 1))
def test_random_segments(written, history: History, seed: int):
    dice = random.Random(seed)
    sites = [written.site(zone) for zone in history.zones]
    written.path.load(sites, batches_of(identified(history, dice), sites))
    site, clock = sites[0], Clock(history.zones[0])
    stored = written.path.stored(site)
    if not stored:
        return
    moments = [event.at for event in stored]
    now = dice.choice([max(moments) + 1, max(moments) + 3 * DAY, dice.choice(moments), dice.choice(moments) + MINUTE])
    named = {}
    for number in range(SEGMENTS):
        named[f"s{number}"] = random_segment(dice, named)
    for text, _ in named.values():
        check(Segment(text))
        assert parse(text_of(parse(text))) == parse(text)
    span = Period(clock.day(min(moments)), clock.day(max(moments)), site.timezone)
    at = dt.datetime.fromtimestamp(now / 1000, dt.UTC)
    conditions = {name: parse(text) for name, (text, _) in named.items()}
    if dice.random() < 0.4:
        written.path.close(sites, span.last)
    known = closed.of(written.client, site, [span])
    users = {
        event.visitor: event.user
        for event in sorted(stored, key=lambda one: (one.at, one.user), reverse=True)
        if event.user
    }
    told = statement(site, list(conditions.values()), conditions, span, at, known, identified=bool(users))
    found = {row["visitor_id"]: set(row["places"]) for row in fetched(written.client, told).iter_rows(named=True)}
    true = {}
    for persons, its in truth.histories(visits(stored), now, clock, users).items():
        places = {place for place, (_, test) in enumerate(named.values(), 1) if test(its)}
        if places:
            true |= dict.fromkeys(persons, places)
    assert found == true, [text for text, _ in named.values()]

"""The oracle itself, held against figures worked out by hand."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from fractions import Fraction

import pytest

from tests.oracle.clock import Clock, previous
from tests.oracle.condition import Condition
from tests.oracle.detected import Override
from tests.oracle.event import FIELDS, Event, weight_of
from tests.oracle.funnel import Funnel, Step
from tests.oracle.goal import Goal
from tests.oracle.oracle import Oracle
from tests.oracle.visit import visits
from tests.oracle.visitor import visitors

MINUTE = 60_000
DAY = 24 * 60 * MINUTE
NOON = int(dt.datetime(2026, 11, 2, 12, tzinfo=dt.UTC).timestamp() * 1000)
PERIOD = (dt.date(2026, 11, 2), dt.date(2026, 11, 2))
BLANK = dict.fromkeys(FIELDS, "")


def event(minute: float, visitor: int = 1, **more) -> Event:
    """An event so many minutes after noon of 2 November 2026."""
    fields = BLANK | {name: more.pop(name) for name in FIELDS if name in more}
    more["weight"] = Fraction(more.get("weight", 1))
    return Event(visitor, NOON + int(minute * MINUTE), fields=fields, **more)


def only(rows):
    [row] = rows
    return row


@pytest.mark.parametrize(
    ("minutes", "runs"),
    [
        pytest.param([0, 30, 60], [3], id="gaps of 30 minutes hold"),
        pytest.param([0, 30.001], [1, 1], id="a little more does not"),
        pytest.param([60, 0, 30], [3], id="in any order"),
        pytest.param([700, 730, 740], [3], id="over midnight"),
        pytest.param([*range(0, 1441, 20), 1460], [73, 1], id="24 hours at most"),
    ],
)
def test_visits(minutes, runs):
    assert [len(visit.events) for visit in visits(map(event, minutes))] == runs


def test_visits_are_of_one_visitor():
    assert [visit.visitor for visit in visits([event(0, 2), event(1, 1), event(2, 2)])] == [1, 2]


def test_what_a_visit_says():
    came = [
        event(0, name="ping", path="/app", source="Google", country="DE"),
        event(0, path="/late", received_at=2, source="Bing"),
        event(0, path="/b", received_at=1),
        event(1, path="/c", engagement_ms=9_000),
        event(2, path="/app", name="order", engagement_ms=2_000, interactive=True, bot=True),
    ]
    [visit] = visits(reversed(came))
    assert (visit.first.fields["source"], visit.entry_page, visit.exit_page) == ("Google", "/b", "/c")
    assert (len(visit.views), visit.interactions, visit.engagement_ms, visit.bot) == (3, 1, 11_000, True)
    assert visit.ended - visit.started == 2 * MINUTE


@pytest.mark.parametrize(
    ("events", "bounce"),
    [
        ([event(0)], True),
        ([event(0), event(5, name="engagement")], True),
        ([event(0), event(5)], False),
        ([event(0), event(5, name="order", interactive=True)], False),
        ([event(0, name="order", interactive=True)], False),
        ([event(0, name="ping")], False),
    ],
)
def test_bounces(events, bounce):
    assert [visit.bounce for visit in visits(events)] == [bounce]


def test_each_figure_is_counted_where_it_lies():
    """A visit over midnight: of the first day, its second page view and its visitor of the second too."""
    oracle = Oracle([event(719), event(721)], "UTC")
    figures = ["visitors", "visits", "pageviews", "views_per_visit", "bounce_rate", "visit_duration"]
    assert only(oracle.query(metrics=figures, period=PERIOD)) == dict(
        zip(figures, [1, 1, 1, 1.0, 0.0, 120.0], strict=True)
    )
    next_day = (dt.date(2026, 11, 3), dt.date(2026, 11, 3))
    assert only(oracle.query(metrics=figures, period=next_day)) == dict(
        zip(figures, [1, 0, 1, None, None, None], strict=True)
    )
    both = oracle.query(metrics=["visitors", "visits"], dimensions=["time:day"], period=(PERIOD[0], next_day[0]))
    assert [tuple(row.values()) for row in both] == [(PERIOD[0], 1, 1), (next_day[0], 1, 0)]


def test_a_question_about_visits_counts_them_whole():
    oracle = Oracle([event(719, source="a"), event(721, path="/out", source="b"), event(0, 2, source="b")], "UTC")
    found = oracle.query(metrics=["visitors", "visits", "pageviews"], dimensions=["source"], period=PERIOD)
    assert [tuple(row.values()) for row in found] == [("a", 1, 1, 2), ("b", 1, 1, 1)]
    found = oracle.query(metrics=["exits", "exit_rate"], dimensions=["exit_page"], period=PERIOD)
    assert [tuple(row.values()) for row in found] == [("/", 1, 0.5), ("/out", 1, 1.0)]


def test_bots_are_left_out_by_event_and_by_visit():
    oracle = Oracle([event(0), event(1, bot=True), event(2, 2, path="/b"), event(3, 3, bot=True)], "UTC")
    figures = ["visitors", "visits", "pageviews"]
    assert list(only(oracle.query(metrics=figures, period=PERIOD)).values()) == [2, 1, 2]
    assert list(only(oracle.query(metrics=figures, period=PERIOD, include_bots=True)).values()) == [3, 3, 4]
    by_entry = oracle.query(metrics=figures, dimensions=["entry_page"], period=PERIOD)
    assert [tuple(row.values()) for row in by_entry] == [("/b", 1, 1, 1)]


def test_dimensions_of_events_and_of_visits_together():
    """An event has what its visit has."""
    oracle = Oracle([event(0, source="a"), event(1, path="/b", source="z"), event(2, 2, source="c")], "UTC")
    found = oracle.query(metrics=["pageviews", "visits"], dimensions=["page", "source"], period=PERIOD)
    assert [tuple(row.values()) for row in found] == [("/", "a", 1, 1), ("/", "c", 1, 1), ("/b", "a", 1, 1)]


@pytest.mark.parametrize(
    ("where", "figures"),
    [
        pytest.param([Condition("source", "a".__eq__)], [1, 1, 2], id="of the visit"),
        pytest.param([Condition("page", "/b".__eq__)], [2, 2, 2], id="of the event"),
        pytest.param([Condition("page", "/b".__eq__), Condition("source", "a".__eq__)], [1, 1, 1], id="both"),
        pytest.param([Condition("page", "/b".__eq__), Condition("event", "x".__eq__)], [0, 0, 0], id="of one event"),
        pytest.param([Condition("page", "/b".__eq__, of_visitor=True)], [2, 3, 4], id="whoever did"),
        pytest.param([Condition("source", "c".__eq__, of_visitor=True)], [1, 2, 2], id="whoever came so"),
    ],
)
def test_conditions(where, figures):
    oracle = Oracle(
        [
            event(0, source="a"), event(1, path="/b"),
            event(0, 2, source="b", path="/b"), event(100, 2, source="c"),
            event(0, 3, source="b"),
        ],
        "UTC",
    )  # fmt: skip
    asked = ["visitors", "visits", "pageviews"]
    assert list(only(oracle.query(metrics=asked, where=where, period=PERIOD)).values()) == figures


@pytest.mark.parametrize(
    ("number", "weight"),
    [
        (None, 1), (10.0, 10), (1 / 0.3, Fraction(3333333, 10**6)), (0.5, 1), (-3.0, 1), (math.nan, 1), (math.inf, 1),
        (1000.5, 1000), (1e300, 1000),
    ],
)  # fmt: skip
def test_what_an_event_stands_for(number, weight):
    assert weight_of(number) == weight


SAMPLED = ["visitors", "visits", "pageviews", "events", "bounce_rate", "visit_duration"]


@pytest.mark.parametrize(
    ("events", "figures"),
    [
        pytest.param([event(0, weight=10)], [10, 10, 10, 10, 1.0, 0.0], id="one for ten"),
        pytest.param([event(0, weight=10), event(0, 2)], [11, 11, 11, 11, 1.0, 0.0], id="and one that is not sampled"),
        pytest.param([event(0, weight=10), event(0, 2), event(9, 2)], [11, 11, 12, 12, 10 / 11, 540 / 11], id="rates"),
        pytest.param([event(0, weight=10), event(100, weight=2)], [2, 12, 12, 12, 1.0, 0.0], id="another share later"),
        pytest.param(
            [event(0, weight=10), event(1, name="order", interactive=True)], [1, 1, 10, 11, 0.0, 60.0],
            id="with an event that everyone sends",
        ),
    ],
)  # fmt: skip
def test_what_is_sampled_stands_for_others(events, figures):
    assert list(only(Oracle(events, "UTC").query(metrics=SAMPLED, period=PERIOD)).values()) == figures


def test_a_row_weighs_by_its_own_events():
    oracle = Oracle([event(0, weight=10), event(1, path="/b"), event(2, path="/b", weight=4)], "UTC")
    found = oracle.query(metrics=["visitors", "visits", "events"], dimensions=["page"], period=PERIOD)
    assert [tuple(row.values()) for row in found] == [("/", 10, 10, 10), ("/b", 1, 1, 5)]
    found = oracle.query(metrics=["exits", "exit_page_views", "exit_rate"], dimensions=["exit_page"], period=PERIOD)
    assert [tuple(row.values()) for row in found] == [("/b", 1, 5, 0.2)]


def test_goals_and_funnels_weigh():
    came = [event(0, weight=10), event(1, name="order", revenue=Decimal(3)), event(2, name="order", weight=2)]
    oracle = Oracle([*came, event(0, 2, weight=10), event(0, 3, name="order")], "UTC")
    figures = ["conversions", "completions", "goal_revenue", "conversion_rate"]
    found = only(oracle.query(metrics=figures, period=PERIOD, goal=Goal(event="order")))
    assert list(found.values()) == [2, 4, 3.0, 2 / 12]
    found = only(oracle.query(metrics=figures, period=PERIOD, goal=Goal(seconds=60)))
    assert list(found.values()) == [1, 1, 3.0, 1 / 12]
    reached = oracle.funnel(Funnel([Step("page_view"), Step("order")]), PERIOD)
    assert [count for count, _ in reached[""]] == [20, 10]


@pytest.mark.parametrize(
    ("zone", "day", "hours", "some"),
    [
        ("Europe/Berlin", dt.date(2026, 10, 25), 25, ["2026-10-25T02:00+02:00", "2026-10-25T02:00+01:00"]),
        ("Europe/Berlin", dt.date(2026, 3, 29), 23, ["2026-03-29T01:00+01:00", "2026-03-29T03:00+02:00"]),
        ("Asia/Kolkata", dt.date(2026, 3, 29), 24, ["2026-03-29T00:00+05:30"]),
        ("Australia/Lord_Howe", dt.date(2026, 4, 5), 25, ["2026-04-05T01:00+11:00", "2026-04-05T01:00+10:30"]),
        ("America/Havana", dt.date(2026, 3, 8), 23, ["2026-03-08T01:00-04:00"]),
    ],
)
def test_local_hours(zone, day, hours, some):
    found = Clock(zone).buckets("hour", (day, day))
    assert len(found) == hours
    assert set(some) <= set(found)
    assert Clock(zone).buckets("day", (day, day)) == [day]


def test_weeks_and_months_and_the_period_before():
    period = (dt.date(2026, 10, 31), dt.date(2026, 11, 2))
    clock = Clock("Asia/Kolkata")
    assert clock.buckets("week", period) == [dt.date(2026, 10, 26), dt.date(2026, 11, 2)]
    assert clock.buckets("month", period) == [dt.date(2026, 10, 1), dt.date(2026, 11, 1)]
    assert previous(period) == (dt.date(2026, 10, 28), dt.date(2026, 10, 30))


@pytest.mark.parametrize(
    ("events", "level"),
    [
        pytest.param([], 0, id="nobody"),
        pytest.param([event(1, name="a"), event(2, name="b"), event(3, path="/c/1")], 3, id="all"),
        pytest.param([event(2, name="a"), event(1, name="b"), event(3, path="/c/1")], 1, id="in another order"),
        pytest.param([event(1, name="a"), event(1, name="b", place=1)], 2, id="at one moment, in order of arrival"),
        pytest.param([event(1, name="a", place=1), event(1, name="b")], 1, id="and in the other"),
        pytest.param([event(1, name="a"), event(1441, name="b")], 2, id="after 24 hours"),
        pytest.param([event(1, name="a"), event(1442, name="b")], 1, id="after more"),
        pytest.param([event(1, name="a"), event(900, name="a"), event(1600, name="b")], 2, id="begun again"),
    ],
)
def test_funnels(events, level):
    assert len(Funnel([Step("a"), Step("b"), Step("/c/*")]).attempt(events)) == level


def test_one_event_is_one_step():
    funnel = Funnel([Step("page_view"), Step("/*"), Step("page_view:/b")])
    assert [len(funnel.attempt(events)) for events in ([event(0)], [event(0), event(1)])] == [1, 2]


@pytest.mark.parametrize(
    ("names", "more", "minutes"),
    [
        pytest.param("abc", {}, [0, 1, 2], id="each step at once"),
        pytest.param("aaxbbc", {}, [1, 3, 5], id="the last to begin, and each step as early as can be"),
        pytest.param("abcaabc", {}, [0, 1, 2], id="the first to get there"),
        pytest.param("aabaa", {}, [1, 2], id="the farthest, however many begin later"),
        pytest.param("ab" + "x" * 30 + "c", {"window": 20 * 60_000}, [0, 1], id="the window"),
        pytest.param("axbabc", {"order": "strict"}, [3, 4, 5], id="strict"),
        pytest.param("abxcab", {"order": "strict"}, [0, 1], id="strict, and never done"),
        pytest.param("cxxba", {"order": "any"}, [0, 3, 4], id="any order"),
        pytest.param("ccb", {"order": "any"}, [1, 2], id="any order, begun last"),
        pytest.param("axbyc", {"excluded": [Step("y")]}, [0, 2], id="excluded"),
        pytest.param("aybc", {"excluded": [Step("y")]}, [0], id="excluded at once"),
        pytest.param("ayabc", {"excluded": [Step("y")]}, [2, 3, 4], id="excluded, and begun again"),
    ],
)
def test_the_attempt_that_counts(names, more, minutes):
    events = [event(minute, name=name, interactive=True) for minute, name in enumerate(names)]
    attempt = Funnel([Step("a"), Step("b"), Step("c")], **more).attempt(events)
    assert [(one.at - events[0].at) // 60_000 for one in attempt] == minutes


def test_in_any_order_the_longest_path_counts():
    funnel = Funnel([Step("page_view"), Step("/b*"), Step("/bc")], order="any")
    assert len(funnel.attempt([event(0, path="/bc"), event(1, path="/bc"), event(2, path="/bcd"), event(3)])) == 3


def test_overrides():
    def click(minute, text="", **props):
        told = {"kind": "contact", "confidence": "low", "rule": "r", "selector": "#a", "text": text} | props
        return event(minute, name="click", props=told)

    rules = [
        Override(1, "a", "purchase", {"selector": "#a", "text": "Buy"}),
        Override(2, "b", "search", {"selector": "#a"}),
        Override(3, "c", "share", {"selector": "#a"}),
        Override(4, "d", "none", {"selector": "#b"}),
    ]
    events = [click(0, "Buy"), click(1), click(2, selector="", form="#b"), click(3, selector="#c"), click(4, kind="")]
    oracle = Oracle([*events, event(5), event(6, name="teaser", props=click(0).props)], "UTC", rules)
    found = oracle.query(metrics=["events", "reviewed"], dimensions=["kind"], period=PERIOD)
    assert [tuple(row.values()) for row in found] == [
        ("contact", 1, 0.0), ("none", 1, 1.0), ("purchase", 1, 1.0), ("share", 1, 1.0),
    ]  # fmt: skip


def test_a_visitor_outlives_midnight_while_the_visit_does():
    told = [(0, 1, 0), (20, 2, 1), (50, 2, 1), (81, 2, 1), (90, 2, 1)]
    assert visitors((minute * MINUTE, today, before) for minute, today, before in told) == [1, 1, 1, 2, 2]

"""Which days are sampled, what an answer says of it, and what each figure then is."""

from __future__ import annotations

import datetime as dt
import math

import pytest

from aggregations.query import goals
from aggregations.query.answer import about, answer, ask
from aggregations.query.atoms import ATOMS
from aggregations.query.closed import NOTHING, Closed, of
from aggregations.query.explain import explained
from aggregations.query.goals import Goal
from aggregations.query.metrics import METRICS
from aggregations.query.model import Query
from aggregations.query.periods import Period
from aggregations.query.sampled import Sampled, SampledDay
from aggregations.query.sites import SiteRow
from aggregations.query.where import parse
from aggregations.reports.funnel import Funnel
from aggregations.reports.funnel_steps import FunnelStep
from aggregations.reports.left_out import LeftOut, bots
from aggregations.reports.ranked import RANKED
from aggregations.reports.reached import report

SITE = SiteRow(1, "shop.example", "UTC")
WEEK = Period(dt.date(2026, 11, 2), dt.date(2026, 11, 8), "UTC")
DAY = "2026-11-03"


def sampled(*days, least=10.0, most=10.0):
    return Sampled(tuple(SampledDay(dt.date.fromisoformat(f"2026-{day}"), least, most) for day in days))


@pytest.mark.parametrize(
    ("days", "note"),
    [
        (sampled(), ""),
        (sampled("11-01", "11-11"), ""),  # neither do visits of the period reach these
        (sampled("11-03"), "Sampled by the tracker on 1 of 7 days (1 in 10 visitors): figures are estimates."),
        (sampled("11-10"), "Sampled by the tracker on the days after (1 in 10 visitors): figures are estimates."),
        (
            sampled(*(f"11-0{day}" for day in range(2, 9)), least=10 / 3, most=1000.0),
            "Sampled by the tracker (1 in 3.33 to 1 in 1,000 visitors): figures are estimates.",
        ),
    ],
    ids=["none", "others", "one", "visits", "all"],
)
def test_what_an_answer_says(days, note):
    asked = about(Query(metrics=("visits",)), SITE, WEEK, None, Closed(sampled=days))
    assert asked.sampled_note == note
    assert ("weight" in asked.statement.text) is bool(note)
    if not note:
        assert asked.statement == about(Query(metrics=("visits",)), SITE, WEEK).statement


def test_either_of_two_periods_may_be_sampled():
    for day in ("11-03", "10-29"):
        asked = about(Query(metrics=("pageviews",)), SITE, WEEK, WEEK.previous(), Closed(sampled=sampled(day)))
        assert asked.parts[0].refused[0][1] == "some events of this period are sampled"
        assert "on 1 of 14 days" in asked.sampled_note
    whole = about(Query(metrics=("pageviews",)), SITE, WEEK, WEEK.previous(), NOTHING)
    assert whole.parts[0].source.name == "daily_events"


def rows(*given):
    """Visits of a visitor each: (weight or None, name, path, minute)…; the visitor's number is that of its visit."""
    made = []
    for number, events in enumerate(given, 1):
        for weight, name, path, minute in events:
            row = {"at": f"{DAY}T10:{minute:02}:00", "visitor": number, "visit": number, "name": name, "path": path}
            numbers = {} if weight is None else {"sample_weight": weight}
            made.append(row | {"props_number": numbers, "revenue": 5 if name == "buy" else 0, "source": f"s{number}"})
    return made


VIEWED, BOUGHT, SERVED, BOTH = (
    [(10.0, "page_view", "/", 0)],
    [(10.0, "page_view", "/", 0), (10.0, "page_view", "/b", 2), (None, "buy", "/b", 4)],
    [(None, "buy", "/b", 0)],
    [(10.0, "page_view", "/", 0), (2.0, "page_view", "/b", 1)],
)


@pytest.fixture
def shop(world):
    site = world.site("UTC")
    world.events(site, *rows(VIEWED, BOUGHT, SERVED, BOTH))
    return site


def only(world, site, exact=False, **query):
    return answer(world.client, ask(world.client, Query(exact=exact, limit=0, **query), site, WEEK)).rows()


@pytest.mark.parametrize("exact", [False, True], ids=["visits", "raw"])
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"metrics": ("visitors", "visits", "pageviews", "events")}, [(14, 14, 42, 44)]),
        ({"metrics": ("revenue", "bounce_rate", "views_per_visit")}, [(10.0, 10 / 14, 3.0)]),
        ({"metrics": ("visit_duration",)}, [((240 + 2 * 60) / 14,)]),
        (
            {"metrics": ("visitors", "visits", "events"), "dimensions": ("page",)},
            [("/", 30, 30, 30), ("/b", 12, 12, 12)],
        ),
        ({"metrics": ("visits",), "dimensions": ("source",)}, [("s1", 10), ("s4", 2), ("s2", 1), ("s3", 1)]),
        ({"metrics": ("visits",), "where": parse("page=/b")}, [(3,)]),
        ({"metrics": ("visitors",), "segment": parse("event=buy")}, [(2,)]),
        ({"metrics": ("visitors",), "sample": 1.0}, [(14,)]),
        ({"metrics": ("visits",), "dimensions": ("entry_page",), "having": (("visits", ">", 1.0),)}, [("/", 13)]),
    ],
    ids=str,
)  # fmt: skip
def test_figures(world, shop, query, expected, exact):
    assert only(world, shop, exact, **query) == expected


@pytest.mark.parametrize("exact", [False, True], ids=["visits", "raw"])
def test_goals(world, shop, exact):
    metrics = ("conversions", "completions", "goal_revenue", "conversion_rate")
    for goal, expected in (
        (Goal(event="buy"), (2, 2, 10.0, 2 / 14)),
        (Goal(page="/b"), (3, 12, 0.0, 3 / 14)),
        (Goal(duration=60), (3, 3, 5.0, 3 / 14)),
    ):
        query = Query(metrics=metrics, goal="g", exact=exact)
        asked = ask(world.client, query, shop, WEEK, goal=goals.condition(goal))
        assert answer(world.client, asked).rows() == [expected]


@pytest.mark.parametrize("exact", [False, True], ids=["visits", "raw"])
def test_exit_pages(world, shop, exact):
    found = RANKED["exit-pages"].rows(world.client, shop, WEEK, raw=exact)
    assert found.rows() == [("/", 10, 10, 30, 1 / 3), ("/b", 3, 3, 12, 0.25)]


def test_an_attempt_is_seen_where_all_of_it_is(world, shop):
    funnel = Funnel("f", (FunnelStep("page_view"), FunnelStep("buy")))
    assert report(world.client, funnel, Query(), shop, WEEK).rows["visitors"].to_list() == [30, 10]
    by_page = report(world.client, funnel, Query(dimensions=("path",)), shop, WEEK).rows
    assert by_page.select("first_path", "visitors").rows() == [("/", 20), ("/", 0), ("/b", 10), ("/b", 10)]


def test_what_is_left_out_is_weighed_too(world):
    site = world.site("UTC")
    world.events(site, *({**row, "bot": True} for row in rows(VIEWED)), *rows(BOTH))
    assert bots(world.client, ask(world.client, Query(), site, WEEK)) == LeftOut(10, 10)


@pytest.mark.parametrize(
    ("weight", "counts"),
    [(1.0, 1), (0.0, 1), (-5.0, 1), (0.999, 1), (1.5, 2), (2.5, 2), (1000.0, 1000), (1001.0, 1000), (1e308, 1000),
     (math.inf, 1), (math.nan, 1)],
)  # fmt: skip
def test_what_a_weight_may_be(world, weight, counts):
    site = world.site("UTC")
    world.events(site, *rows([(weight, "page_view", "/", 0)]))
    assert only(world, site, metrics=("visitors", "visits", "pageviews")) == [(counts, counts, counts)]
    assert bool(of(world.client, site, [WEEK]).sampled) is (counts > 1)


def test_text_is_not_a_weight(world):
    site = world.site("UTC")
    world.events(site, {"at": f"{DAY}T10:00:00", "props": {"sample_weight": "10"}})
    assert only(world, site, metrics=("pageviews",)) == [(1,)]


def test_it_is_explained(world, shop):
    told = explained(world.client, ask(world.client, Query(metrics=("pageviews",)), shop, WEEK))
    assert "Sampled by the tracker on 1 of 7 days (1 in 2 to 1 in 10 visitors): figures are estimates." in told
    assert "not from daily_events: some events of this period are sampled" in told


def test_every_figure_knows_weights():
    """A new metric cannot forget them."""
    for metric in METRICS.values():
        for name in metric.made_of:
            assert {source for source in ATOMS[name].on if source.rows} == ATOMS[name].weighted.keys(), name

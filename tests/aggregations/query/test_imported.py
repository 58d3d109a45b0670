"""Daily totals of imports in answers, against sums in plain Python."""

from __future__ import annotations

import datetime as dt
import random

import pytest
from msgspec.structs import replace

from aggregations.query import imported
from aggregations.query.answer import answer, ask
from aggregations.query.model import Query
from aggregations.query.where import parse
from aggregations.reports import overview, timeseries
from aggregations.reports.ranked import RANKED, campaigns
from aggregations.reports.timeseries import Interval

COLUMNS = ["site_id", "dimension", "day", "value", "visitors", "visits", "pageviews", "bounces", "seconds", "import_id"]
VALUES = {
    "": [""], "source": ["Google", "Direct", "Bing"], "page": ["/a", "/b", "/c"], "entry_page": ["/a", "/x"],
    "country": ["DE", "FR"], "device": ["desktop", "mobile"], "browser": ["Firefox", ""], "os": ["Linux"],
    "channel": ["Email"], "utm_campaign": ["spring", "autumn"],
}  # fmt: skip
FIRST_EVENT = dt.date(2026, 10, 10)


@pytest.fixture(scope="module")
def made(world):
    """A site with events from 10 October on, and totals from 20 September to 15 October, by a seeded chance."""
    site = world.site()
    chance = random.Random(7)
    rows = []
    for at in range(26):
        day = dt.date(2026, 9, 20) + dt.timedelta(days=at)
        for dimension, values in VALUES.items():
            for value in values:
                visits = chance.randrange(1, 50)
                figures = (visits - chance.randrange(0, 1), visits, visits * 3, chance.randrange(visits), visits * 60)
                rows.append((site.site_id, dimension, day, value, *figures, chance.choice(["one", "two"])))
    world.client.insert("imported_days", rows, column_names=COLUMNS)
    world.events(
        site,
        *(
            {
                "at": f"2026-10-{day} 10:{minute:02}", "visitor": day * 10 + visit, "visit": day * 10 + visit,
                "path": ["/a", "/z"][visit % 2], "source": ["Google", "News"][visit % 2], "country": "DE",
                "browser": "Firefox", "utm_campaign": ["spring", ""][visit % 2], "channel": "Email",
            }
            for day in range(10, 20) for visit in range(3) for minute in range(1 + visit)
        ),
    )  # fmt: skip
    return site, [dict(zip(COLUMNS, row, strict=True)) for row in rows]


def expected(rows, dimension, first, last, key):
    """Sums by key of the totals that count: those before the first event."""
    found: dict[object, dict[str, int]] = {}
    for row in rows:
        if row["dimension"] == dimension and first <= row["day"] <= min(last, FIRST_EVENT - dt.timedelta(days=1)):
            its = found.setdefault(key(row), dict.fromkeys(COLUMNS[4:9], 0))
            for name in its:
                its[name] += row[name]
    return found


def figures(totals, live):
    """The metrics of both together."""
    visits = totals["visits"] + live["visits"]

    def ratio(of, name):
        return None if not visits else (totals[of] + round((live[name] or 0) * live["visits"], 6)) / visits

    return {
        **{name: totals[name] + live[name] for name in ("visitors", "visits", "pageviews")},
        "views_per_visit": ratio("pageviews", "views_per_visit"),
        "bounce_rate": ratio("bounces", "bounce_rate"),
        "visit_duration": ratio("seconds", "visit_duration"),
    }


NOTHING = dict.fromkeys(COLUMNS[4:9], 0)
ALL = ("visitors", "visits", "pageviews", "views_per_visit", "bounce_rate", "visit_duration")
QUIET = dict.fromkeys(("visitors", "visits", "pageviews"), 0) | dict.fromkeys(ALL[3:])


def without(client, query, site, period, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(imported, "why_not", lambda query, before: "not now")
        return answer(client, ask(client, query, site, period))


PERIODS = {
    "before events": ("2026-09-25", "2026-10-05"),
    "both": ("2026-09-28", "2026-10-14"),
    "around": ("2026-09-01", "2026-10-31"),
}


@pytest.mark.parametrize("period", PERIODS)
@pytest.mark.parametrize(
    "dimension", ["", "source", "page", "entry_page", "country", "browser", "utm_campaign", "channel"]
)
def test_sums_of_both(world, made, days, monkeypatch, dimension, period):
    site, rows = made
    span = days(*PERIODS[period], site)
    names = ALL[:3] if dimension == "page" else ALL
    query = Query(metrics=names, dimensions=(dimension,) if dimension else (), limit=0)
    asked = ask(world.client, query, site, span)
    live = without(world.client, query, site, span, monkeypatch)
    totals = expected(rows, dimension, span.first, span.last, lambda row: row["value"])
    by_value = {row.get(dimension, ""): row for row in live.to_dicts()}
    wanted = {
        value: figures(totals.get(value, NOTHING), QUIET | by_value.get(value, {})) for value in {*totals, *by_value}
    }
    found = answer(world.client, asked)
    assert found.columns == live.columns
    assert found.schema == live.schema
    for row in found.to_dicts():
        assert {name: row[name] for name in names} == pytest.approx(
            {name: wanted[row.get(dimension, "")][name] for name in names}
        )
    assert found.height == len(wanted)
    order = [(-row["visitors"], -row["visits"]) for row in found.to_dicts()]
    assert order == sorted(order)
    first, last = max(span.first, dt.date(2026, 9, 20)), min(span.last, FIRST_EVENT - dt.timedelta(days=1))
    assert (
        asked.imported_note == f"With imported daily totals of {first} to {last}: their visitors are added up by day."
    )


@pytest.mark.parametrize("unit", [Interval.DAY, Interval.WEEK, Interval.MONTH])
def test_sums_over_time(world, made, days, monkeypatch, unit):
    site, rows = made
    span = days("2026-09-17", "2026-10-20", site)
    query = timeseries.query(unit)
    live = without(world.client, query, site, span, monkeypatch)
    point = {
        "day": lambda row: row["day"],
        "week": lambda row: row["day"] - dt.timedelta(days=row["day"].weekday()),
        "month": lambda row: row["day"].replace(day=1),
    }[unit.value]
    totals = expected(rows, "", span.first, span.last, point)
    found = answer(world.client, ask(world.client, query, site, span))
    assert found.columns == live.columns
    assert found[unit.value].to_list() == live[unit.value].to_list()
    for row, before in zip(found.to_dicts(), live.to_dicts(), strict=True):
        wanted = figures(totals.get(row[unit.value], NOTHING), QUIET | before)
        assert {name: row[name] for name in timeseries.FIGURES} == pytest.approx(
            {name: wanted[name] for name in timeseries.FIGURES}
        )


def test_the_period_before_is_of_imports_alone(world, made, days):
    site, rows = made
    span = days("2026-10-10", "2026-10-19", site)
    found = overview.overview(world.client, site, span)
    assert found["visits"][0] == 30  # no totals after the first event
    [totals] = expected(rows, "", span.previous().first, span.previous().last, lambda row: 0).values()
    assert found["visits"][1] == totals["visits"]
    assert found["bounce_rate"][1] == pytest.approx(totals["bounces"] / totals["visits"])


def test_a_list_is_cut_after_the_sums(world, made, days):
    site, _ = made
    span = days("2026-09-28", "2026-10-14", site)
    whole = RANKED["sources"].rows(world.client, site, span, limit=0)
    assert whole.height == 4
    assert RANKED["sources"].rows(world.client, site, span, limit=2).equals(whole.head(2))
    known = campaigns().rows(world.client, site, span, limit=0)
    assert set(known["utm_campaign"]) == {"spring", "autumn"}


@pytest.mark.parametrize(
    ("query", "why"),
    [
        (Query(where=parse("country=DE")), "they cannot be filtered"),
        (Query(segment=parse("page=/a")), "they cannot be filtered"),
        (Query(sample=0.5), "they cannot be filtered"),
        (Query(having=(("visitors", ">", 1.0),)), "they cannot be filtered"),
        (Query(exact=True), "raw events are asked for"),
        (Query(dimensions=("language",)), "they are not counted by language"),
        (Query(dimensions=("source", "page")), "they are not counted by source and page"),
        (Query(dimensions=("time:hour",)), "they are not counted by time:hour"),
        (Query(metrics=("visitors", "revenue")), "they have no revenue"),
        (Query(metrics=("events",), dimensions=("page",)), "they have no events"),
        (Query(dimensions=("time:day",), compare="previous"), "points of time cannot be compared"),
    ],
)
def test_where_they_are_left_out_it_is_said(world, made, days, query, why):
    site, _ = made
    span = days("2026-09-28", "2026-10-14", site)
    before = span.previous() if query.compare == "previous" else None
    asked = ask(world.client, query, site, span, before)
    assert asked.imported is None
    assert asked.imported_note.endswith(f" are left out: {why}.")


def test_a_site_without_imports_asks_what_it_always_asked(world, days):
    """No statement more, and the same texts: those of the golden file."""
    site = world.site()
    world.events(site, {"at": "2026-10-10 10:00"})
    asked_for: list[str] = []

    class Noting:
        def __getattr__(self, name):
            return getattr(world.client, name)

        def raw_query(self, text, *given, **more):
            asked_for.append(text)
            return world.client.raw_query(text, *given, **more)

        def query(self, text, *given, **more):
            asked_for.append(text)
            return world.client.query(text, *given, **more)

    span = days("2026-10-01", "2026-10-31", site)
    for query in (overview.QUERY, timeseries.query(), RANKED["sources"].query(), RANKED["pages"].query()):
        asked_for.clear()
        asked = ask(Noting(), replace(query, compare="none"), site, span)
        answer(Noting(), asked)
        assert len(asked_for) == 2
        assert asked_for[1] == asked.statement.text
        assert (asked.imported, asked.imported_note) == (None, "")


def test_all_begins_with_the_first_totals(world, made):
    site, _ = made
    assert imported.earliest(world.client, site) == dt.date(2026, 9, 20)
    assert imported.earliest(world.client, world.site()) is None

"""Top, entry and exit pages from given rows."""

from __future__ import annotations

import pytest

from aggregations.query.answer import answer, ask
from aggregations.query.filters import Filter
from aggregations.query.model import Query
from aggregations.reports.ranked import RANKED

pytestmark = pytest.mark.parametrize("raw", [False, True], ids=["rollups", "raw"])


@pytest.fixture
def site(world):
    site = world.site()
    world.events(
        site,
        {"at": "2026-11-02T10:00:00", "visitor": 1, "visit": 1, "path": "/"},
        {"at": "2026-11-02T10:00:10", "visitor": 1, "visit": 1, "path": "/a"},
        {
            "at": "2026-11-02T10:00:20",
            "visitor": 1,
            "visit": 1,
            "path": "/b",
            "name": "click",
            "interactive": True,
        },
        {"at": "2026-11-02T11:00:00", "visitor": 2, "visit": 2, "path": "/"},
        {"at": "2026-11-02T12:00:00", "visitor": 2, "visit": 3, "path": "/a"},
        {"at": "2026-11-02T12:00:30", "visitor": 2, "visit": 3, "path": "/a"},
        {"at": "2026-11-02T12:00:00", "visitor": 3, "visit": 4, "path": "/only-an-event", "name": "ping"},
        {"at": "2026-11-02T12:00:00", "visitor": 4, "visit": 5, "path": "/bot", "bot": True},
    )
    return site


def test_top_pages(world, days, site, raw):
    got = RANKED["pages"].rows(world.client, site, days("2026-11-02", "2026-11-02", site), raw=raw)
    assert got.rows() == [("/a", 2, 3), ("/", 2, 2)]
    assert got.columns == ["page", "visitors", "pageviews"]


def test_entry_pages(world, days, site, raw):
    got = RANKED["entry-pages"].rows(world.client, site, days("2026-11-02", "2026-11-02", site), raw=raw)
    assert got.rows() == [("/", 2, 2, 0.5, 10.0), ("/a", 1, 1, 0.0, 30.0)]


def test_exit_pages(world, days, site, raw):
    got = RANKED["exit-pages"].rows(world.client, site, days("2026-11-02", "2026-11-02", site), raw=raw)
    assert got.rows() == [("/a", 2, 2, 3, pytest.approx(2 / 3)), ("/", 1, 1, 2, 0.5)]


@pytest.mark.parametrize(("limit", "rows"), [(1, 1), (2, 2), (0, 2)])
def test_limit(world, days, site, raw, limit, rows):
    assert (
        RANKED["pages"].rows(world.client, site, days("2026-11-02", "2026-11-02", site), limit=limit, raw=raw).height
        == rows
    )


def test_exit_rates_of_visits_over_midnight(world, days, raw):
    """Five visits begin before midnight and end after it, one begins and ends on the next day: exits and page views
    are those of the visits that began in the period, on whatever day they lie."""
    site = world.site()
    rows = []
    for visit in range(1, 6):
        rows += [
            {"at": "2026-11-02T23:50:00", "visit": visit, "visitor": visit, "path": "/cart"},
            {"at": "2026-11-03T00:10:00", "visit": visit, "visitor": visit, "path": "/thanks"},
        ]
    rows.append({"at": "2026-11-03T12:00:00", "visit": 6, "visitor": 6, "path": "/thanks"})
    world.events(site, *rows)

    def found(first, last):
        got = RANKED["exit-pages"].rows(world.client, site, days(first, last, site), raw=raw)
        return {row[0]: row[1:] for row in got.select("page", "exits", "pageviews", "exit_rate").rows()}

    assert found("2026-11-02", "2026-11-02") == {"/thanks": (5, 5, 1.0)}
    assert found("2026-11-03", "2026-11-03") == {"/thanks": (1, 1, 1.0)}
    assert found("2026-11-02", "2026-11-03") == {"/thanks": (6, 6, 1.0)}


def test_exit_rates_leave_out_whole_visits_of_bots(world, days, raw):
    """One flagged event is enough: page views of that visit which are not flagged are left out too."""
    site = world.site()
    world.events(
        site,
        {"at": "2026-11-02T10:00:00", "visit": 1, "path": "/"},
        *({"at": f"2026-11-02T11:0{n}:00", "visit": 2, "visitor": 2, "path": "/", "bot": n == 3} for n in range(4)),
    )
    period = days("2026-11-02", "2026-11-02", site)
    assert RANKED["exit-pages"].rows(world.client, site, period, raw=raw).rows() == [("/", 1, 1, 1, 1.0)]
    everyone = RANKED["exit-pages"].rows(world.client, site, period, Filter(include_bots=True), raw=raw)
    assert everyone.rows() == [("/", 2, 2, 5, 0.4)]


def test_exits_by_other_dimensions(world, days, raw):
    """Page views are those of the same visits, whatever they are broken down by."""
    site = world.site()
    world.events(
        site,
        {"at": "2026-11-02T23:50:00", "path": "/a", "device": "mobile"},
        {"at": "2026-11-03T00:10:00", "path": "/b", "device": "desktop"},
        {"at": "2026-11-03T12:00:00", "visit": 2, "visitor": 2, "path": "/a", "device": "desktop"},
        {"at": "2026-11-03T12:01:00", "visit": 2, "visitor": 2, "path": "/a", "device": "desktop"},
    )
    period = days("2026-11-02", "2026-11-03", site)

    def found(*dimensions):
        query = Query(metrics=("exits", "exit_page_views", "exit_rate"), dimensions=dimensions, exact=raw, limit=0)
        return answer(world.client, ask(world.client, query, site, period)).rows()

    assert found() == [(2, 4, 0.5)]
    assert found("exit_page") == [("/a", 1, 3, 1 / 3), ("/b", 1, 1, 1.0)]
    assert found("device") == [("desktop", 1, 2, 0.5), ("mobile", 1, 2, 0.5)]
    assert found("device", "exit_page") == [("desktop", "/a", 1, 2, 0.5), ("mobile", "/b", 1, 1, 1.0)]
    assert found("time:day") == [(period.first, 1, 2, 0.5), (period.last, 1, 2, 0.5)]
    assert found("time:hour", "exit_page") == [
        ("2026-11-02T23:00+01:00", "/b", 1, 1, 1.0), ("2026-11-03T12:00+01:00", "/a", 1, 2, 0.5),
    ]  # fmt: skip


def test_exit_pages_of_a_sample_are_scaled_up(world, days, raw):
    site = world.site()
    rows = [{"at": "2026-11-02T10:00:00", "visitor": n * 2**56, "visit": n + 1, "path": "/out"} for n in range(1, 256)]
    world.events(site, *rows)
    query = RANKED["exit-pages"].query(sample=0.25, exact=raw)
    [found] = answer(world.client, ask(world.client, query, site, days("2026-11-02", "2026-11-02", site))).rows()
    assert found == ("/out", 252, 252, 252, 1.0)

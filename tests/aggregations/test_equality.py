"""The same figure from rollups and from raw events: every report, on made-up traffic.

Several sites and zones, months, bots, clock changes; 400 visitors, so that the sketch is exact.
"""

from __future__ import annotations

import datetime as dt

import polars as pl
import polars.testing
import pytest

from aggregations.query.filters import Filter
from aggregations.query.periods import Period
from aggregations.reports import devices, events, overview, pages, places, sources, timeseries

ZONES = ["Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe", "America/New_York"]
REPORTS = {
    "overview": (overview.overview, {}),
    "by-day": (timeseries.series, {}),
    "by-hour": (timeseries.series, {"step": timeseries.Step.HOUR}),
    "pages": (pages.top_pages, {"limit": 0}),
    "entry-pages": (pages.entry_pages, {"limit": 0}),
    "exit-pages": (pages.exit_pages, {"limit": 0}),
    "sources": (sources.sources, {"limit": 0}),
    "channels": (sources.channels, {"limit": 0}),
    "campaigns": (sources.campaigns, {"limit": 0}),
    "countries": (places.countries, {"limit": 0}),
    "devices": (devices.devices, {"limit": 0}),
    "browsers": (devices.browsers, {"limit": 0}),
    "os": (devices.systems, {"limit": 0}),
    "events": (events.events, {"limit": 0}),
}


@pytest.fixture(scope="module")
def busy(world):
    made = {zone: world.site(zone) for zone in ZONES}
    for site in made.values():
        world.traffic(site, events=8000, visitors=400)
    return made


@pytest.mark.parametrize("bots", [False, True], ids=["people", "bots-too"])
@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("report", REPORTS)
def test_rollups_and_raw_events_say_the_same(world, busy, report, zone, bots):
    ask, more = REPORTS[report]
    period = Period(dt.date(2026, 9, 28), dt.date(2026, 11, 3), zone)
    only = Filter(include_bots=bots)
    served = ask(world.client, busy[zone], period, only=only, **more)
    raw = ask(world.client, busy[zone], period, only=only, raw=True, **more)
    assert served.height > 1
    polars.testing.assert_frame_equal(served, raw, check_exact=False, rel_tol=1e-12)


def test_bots_make_a_difference_in_the_traffic(world, busy):
    period = Period(dt.date(2026, 9, 28), dt.date(2026, 11, 3), ZONES[0])
    people, everyone = (
        overview.overview(world.client, busy[ZONES[0]], period, Filter(include_bots=bots)) for bots in (False, True)
    )
    for figure in ("visitors", "visits", "pageviews"):
        assert people[figure][0] < everyone[figure][0]


def test_an_independent_count_agrees(world, busy):
    """The same headline by plain Python over the rows of `events`, from the written definitions."""
    site = busy["Asia/Kolkata"]
    first, last = dt.date(2026, 10, 1), dt.date(2026, 10, 31)
    rows = world.client.query(
        "select visitor_id, visit_id, timestamp, name, interactive, bot from events where site_id = {s:UInt32}",
        parameters={"s": site.site_id},
    ).result_rows
    offset = dt.timedelta(hours=5, minutes=30)
    inside = [r for r in rows if first <= (r[2] + offset).date() <= last and not r[5]]
    visits: dict[tuple[int, int], list] = {}
    for row in rows:
        visits.setdefault(row[:2], []).append(row)
    started = [
        visit
        for visit in visits.values()
        if first <= (min(r[2] for r in visit) + offset).date() <= last and not any(r[5] for r in visit)
    ]
    bounces = [v for v in started if sum(r[3] == "page_view" for r in v) == 1 and not any(r[4] for r in v)]
    seconds = sum((max(r[2] for r in v) - min(r[2] for r in v)).total_seconds() for v in started)
    got = overview.overview(world.client, site, Period(first, last, site.timezone)).row(0, named=True)
    assert got["visitors"] == len({r[0] for r in inside})
    assert got["pageviews"] == sum(r[3] == "page_view" for r in inside)
    assert got["visits"] == len(started)
    assert got["bounce_rate"] == len(bounces) / len(started)
    assert got["visit_duration"] == pytest.approx(seconds / len(started))


def test_visitors_beyond_the_exact_size_are_within_the_stated_error(world):
    """Four standard errors of 0.56 % each way, for 240,000 visitors; pageviews and visits stay exact."""
    site = world.site("Europe/Berlin")
    world.client.command(
        "insert into events (site_id, local_date, visitor_id, timestamp, visit_id, visit_start, visit_date, event_id,"
        " name, path) select {site:UInt32}, toDate('2026-11-01') + number % 20, cityHash64(number % 240000),"
        " toDateTime64('2026-11-01 12:00:00', 3, 'UTC') + toIntervalDay(number % 20) as time, number + 1, time,"
        " toDate(time), generateUUIDv4(number), 'page_view', '/' from numbers(480000)",
        parameters={"site": site.site_id},
    )
    period = Period(dt.date(2026, 11, 1), dt.date(2026, 11, 20), site.timezone)
    served = overview.overview(world.client, site, period).row(0, named=True)
    raw = overview.overview(world.client, site, period, raw=True).row(0, named=True)
    assert raw["visitors"] == 240_000
    assert served["visitors"] == pytest.approx(240_000, rel=4 * 0.0056)
    assert (served["visits"], served["pageviews"]) == (raw["visits"], raw["pageviews"]) == (480_000, 480_000)
    page = pages.top_pages(world.client, site, period)
    assert page.schema == pl.Schema({"page": pl.String, "visitors": pl.UInt64, "pageviews": pl.UInt64})
    assert page["visitors"][0] == pytest.approx(240_000, rel=4 * 0.0056)

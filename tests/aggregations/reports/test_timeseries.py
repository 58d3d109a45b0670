"""Figures over time: nothing left out, and hours that are the site's own."""

from __future__ import annotations

import datetime as dt

import pytest

from aggregations.reports.timeseries import Interval, series
from sql.core.errors import EngineError, UsageError

pytestmark = pytest.mark.parametrize("raw", [False, True], ids=["rollups", "raw"])


def test_quiet_days_are_zeros(world, days, raw):
    site = world.site()
    world.events(site, {"at": "2026-11-02T10:00:00"}, {"at": "2026-11-04T10:00:00", "visit": 2})
    got = series(world.client, site, days("2026-11-01", "2026-11-05", site), raw=raw)
    assert got["day"].to_list() == [dt.date(2026, 11, day) for day in range(1, 6)]
    assert got["visits"].to_list() == [0, 1, 0, 1, 0]
    assert got["bounce_rate"].to_list() == [None, 1.0, None, 1.0, None]


def test_a_day_with_page_views_alone_and_a_day_with_visits_alone(world, days, raw):
    site = world.site()
    world.events(site, {"at": "2026-11-02T23:59:00", "name": "ping"}, {"at": "2026-11-03T00:01:00"})
    got = series(world.client, site, days("2026-11-02", "2026-11-03", site), raw=raw)
    assert got.select("visitors", "visits", "pageviews").rows() == [(1, 1, 0), (1, 0, 1)]


@pytest.mark.parametrize(
    ("zone", "at", "hour", "hours"),
    [
        ("Asia/Kolkata", "2026-11-02T10:59:59", "2026-11-02T10:00+05:30", 24),
        ("Asia/Kathmandu", "2026-11-02T00:00:00", "2026-11-02T00:00+05:45", 24),
        ("Europe/Berlin", "2026-03-29T03:00:00", "2026-03-29T03:00+02:00", 23),
        ("Europe/Berlin", "2026-10-25T02:30:00+02:00", "2026-10-25T02:00+02:00", 25),
        ("Europe/Berlin", "2026-10-25T02:30:00+01:00", "2026-10-25T02:00+01:00", 25),
        ("Australia/Lord_Howe", "2026-10-04T01:45:00+10:30", "2026-10-04T01:00+10:30", 24),
        ("Australia/Lord_Howe", "2026-10-04T02:45:00", "2026-10-04T02:00+11:00", 24),
        ("Australia/Lord_Howe", "2026-04-05T01:45:00+11:00", "2026-04-05T01:00+11:00", 25),
        ("Australia/Lord_Howe", "2026-04-05T01:45:00+10:30", "2026-04-05T01:00+10:30", 25),
        ("Pacific/Chatham", "2026-09-27T02:40:00+12:45", "2026-09-27T02:00+12:45", 24),
        ("Pacific/Chatham", "2026-09-27T03:50:00+13:45", "2026-09-27T03:00+13:45", 24),
    ],
)
def test_hours_are_the_sites(world, days, raw, zone, at, hour, hours):
    site = world.site(zone)
    world.events(site, {"at": at})
    got = series(world.client, site, days(at[:10], at[:10], site), Interval.HOUR, raw=raw)
    busy = got.filter(got["visitors"] > 0)
    assert got.height == hours
    assert busy.select("hour", "visitors", "visits", "pageviews").rows() == [(hour, 1, 1, 1)]


def test_too_many_hours_are_refused(world, days, raw):
    site = world.site()
    with pytest.raises(UsageError, match="63 days are too many to group by hour"):
        series(world.client, site, days("2026-01-01", "2026-03-04", site), Interval.HOUR, raw=raw)


@pytest.mark.parametrize("zone", ["Africa/Casablanca", "America/Winnipeg"])
def test_hours_of_a_zone_whose_rules_changed_lately(world, days, raw, zone):
    """Rules of 2026: the engine, Polars and the system may not know them yet. Hours and days come from one source."""
    site = world.site(zone)
    rows = [{"at": f"2026-11-0{day}T00:30:00", "visit": day, "visitor": day} for day in range(1, 6)]
    world.events(site, *rows)
    period = days("2026-11-01", "2026-11-05", site)
    assert series(world.client, site, period, raw=raw)["visits"].to_list() == [1] * 5
    by_hour = series(world.client, site, period, Interval.HOUR, raw=raw)
    assert by_hour.height == 5 * 24
    assert [at[11:16] for at in by_hour.filter(by_hour["visits"] == 1)["hour"]] == ["00:00"] * 5


def test_events_that_were_dated_by_other_rules_are_an_error_not_zeros(world, days, raw):
    site = world.site("Africa/Casablanca")
    world.events(site, {"at": "2026-11-03T12:00:00"}, {"at": "2026-11-03T23:30:00", "local_date": dt.date(2026, 11, 4)})
    with pytest.raises(EngineError, match="a local date that does not match their time in Africa/Casablanca"):
        series(world.client, site, days("2026-11-04", "2026-11-04", site), Interval.HOUR, raw=raw)

"""Given rows, expected headline figures."""

from __future__ import annotations

import pytest

from aggregations.query.filters import Filter
from aggregations.reports.overview import overview

pytestmark = pytest.mark.parametrize("raw", [False, True], ids=["rollups", "raw"])
EVERYONE = Filter(include_bots=True)


def figures(frame, row=0):
    return {name: value for name, value in frame.row(row, named=True).items() if name not in {"first_day", "last_day"}}


def test_counts_rates_and_the_period_before(world, days, raw):
    site = world.site()
    world.events(
        site,
        {"at": "2026-11-02T10:00:00", "visitor": 1, "visit": 1},
        {"at": "2026-11-02T10:01:40", "visitor": 1, "visit": 1},
        {"at": "2026-11-03T09:00:00", "visitor": 1, "visit": 2},  # a bounce
        {"at": "2026-11-03T09:00:00", "visitor": 2, "visit": 3},
        {"at": "2026-11-03T09:00:20", "visitor": 2, "visit": 3, "name": "signup", "interactive": True},
        {"at": "2026-11-03T12:00:00", "visitor": 3, "visit": 4, "name": "ping"},  # no page view: no bounce
        {"at": "2026-11-01T12:00:00", "visitor": 9, "visit": 5},  # the period before
        {"at": "2026-11-04T00:00:00", "visitor": 8, "visit": 6},  # the day after
    )
    got = overview(world.client, site, days("2026-11-02", "2026-11-03", site), raw=raw)
    assert figures(got) == {
        "period": "current",
        "visitors": 3,
        "visits": 4,
        "pageviews": 4,
        "views_per_visit": 1.0,
        "bounce_rate": 0.25,
        "visit_duration": pytest.approx(30.0),
    }
    assert figures(got, 1) == {
        "period": "previous",
        "visitors": 1,
        "visits": 1,
        "pageviews": 1,
        "views_per_visit": 1.0,
        "bounce_rate": 1.0,
        "visit_duration": 0.0,
    }
    assert [str(day) for day in got["first_day"]] == ["2026-11-02", "2026-10-31"]
    assert [str(day) for day in got["last_day"]] == ["2026-11-03", "2026-11-01"]


def test_a_visit_across_midnight_counts_once_on_the_day_it_started(world, days, raw):
    site = world.site()
    world.events(
        site,
        {"at": "2026-11-02T23:55:00"},
        {"at": "2026-11-03T00:05:00"},
    )
    first = figures(overview(world.client, site, days("2026-11-02", "2026-11-02", site), raw=raw))
    second = figures(overview(world.client, site, days("2026-11-03", "2026-11-03", site), raw=raw))
    assert (first["visits"], first["pageviews"], first["bounce_rate"], first["visit_duration"]) == (
        1,
        1,
        0.0,
        600.0,
    )
    assert (second["visitors"], second["visits"], second["pageviews"], second["bounce_rate"]) == (
        1,
        0,
        1,
        None,
    )


def test_a_visit_over_the_short_day_of_spring_keeps_its_end(world, days, raw):
    # 23 h 59 min from the evening of the 28th end two local days later: the 29th of March has 23 hours.
    site = world.site("Europe/Berlin")
    world.events(site, {"at": "2026-03-28T23:50:00"}, {"at": "2026-03-30T00:49:00"})
    got = figures(overview(world.client, site, days("2026-03-28", "2026-03-28", site), raw=raw))
    assert (got["visits"], got["visit_duration"]) == (1, 23 * 3600 + 59 * 60)


@pytest.mark.parametrize(
    ("only", "expected"), [(Filter(), (1, 1, 1)), (EVERYONE, (3, 3, 4))], ids=["people", "everyone"]
)
def test_bots_are_left_out_unless_asked(world, days, raw, only, expected):
    site = world.site()
    world.events(
        site,
        {"at": "2026-11-02T10:00:00", "visitor": 1, "visit": 1},
        {"at": "2026-11-02T10:00:00", "visitor": 2, "visit": 2, "bot": True},
        {"at": "2026-11-02T10:00:00", "visitor": 3, "visit": 3, "bot": True},
        {"at": "2026-11-02T10:05:00", "visitor": 3, "visit": 3, "bot": True},
    )
    got = figures(overview(world.client, site, days("2026-11-02", "2026-11-02", site), only, raw=raw))
    assert (got["visitors"], got["visits"], got["pageviews"]) == expected


def test_no_events_are_zeros_and_no_rates(world, days, raw):
    site = world.site()
    other = world.site()
    world.events(other, {"at": "2026-11-02T10:00:00"})
    got = figures(overview(world.client, site, days("2026-11-01", "2026-11-30", site), raw=raw))
    assert got == {
        "period": "current",
        "visitors": 0,
        "visits": 0,
        "pageviews": 0,
        "views_per_visit": None,
        "bounce_rate": None,
        "visit_duration": None,
    }

"""What people write for a period, and the days and hours that follow from it."""

from __future__ import annotations

import datetime as dt

import pytest

from aggregations.query.periods import Period, parse
from sql.core import timezones
from sql.core.errors import UsageError

# 20 November in Berlin, still the 19th in New York, already the 21st in Kiritimati.
NOW = dt.datetime(2026, 11, 20, 11, 30, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("today", "2026-11-20", "2026-11-20"),
        ("yesterday", "2026-11-19", "2026-11-19"),
        ("1d", "2026-11-20", "2026-11-20"),
        ("7d", "2026-11-14", "2026-11-20"),
        (" 30D ", "2026-10-22", "2026-11-20"),
        ("month", "2026-11-01", "2026-11-20"),
        ("1mo", "2026-11-01", "2026-11-20"),
        ("12mo", "2025-12-01", "2026-11-20"),
        ("11mo", "2026-01-01", "2026-11-20"),
        ("year", "2026-01-01", "2026-11-20"),
        ("2025", "2025-01-01", "2025-12-31"),
        ("2026-10", "2026-10-01", "2026-10-31"),
        ("2024-02", "2024-02-01", "2024-02-29"),
        ("2025-12", "2025-12-01", "2025-12-31"),
        ("2026-11", "2026-11-01", "2026-11-20"),
        ("2026-10-31", "2026-10-31", "2026-10-31"),
        ("2026-10-01..2026-10-15", "2026-10-01", "2026-10-15"),
        ("2026-09..2026-10", "2026-09-01", "2026-10-31"),
        ("2026-11-18..", "2026-11-18", "2026-11-20"),
        ("2026-11-18..2027-01-01", "2026-11-18", "2026-11-20"),
    ],
)
def test_what_people_write(text, first, last):
    got = parse(text, zone="Europe/Berlin", now=NOW)
    assert (str(got.first), str(got.last), got.zone) == (first, last, "Europe/Berlin")


@pytest.mark.parametrize(
    ("zone", "today"),
    [
        ("Pacific/Kiritimati", "2026-11-21"),
        ("Pacific/Pago_Pago", "2026-11-20"),
        ("Asia/Kolkata", "2026-11-20"),
    ],
)
def test_today_is_the_sites_today(zone, today):
    assert str(parse("today", zone=zone, now=NOW).first) == today
    late = dt.datetime(2026, 11, 20, 5, 0, tzinfo=dt.UTC)
    assert str(parse("today", zone="Pacific/Pago_Pago", now=late).first) == "2026-11-19"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not a period"),
        ("24h", "not a period"),
        ("0d", "not a period"),
        ("-7d", "not a period"),
        ("last week", "not a period"),
        ("20261031", "not a period"),
        ("2026-1-1", "not a period"),
        ("..", "not a period"),
        ("2026-10-01..x", "not a period"),
        ("2026-13", "no such date: 2026-13"),
        ("2026-02-30", "no such date: 2026-02-30"),
        ("0000", "no such date"),
        ("2026-10-15..2026-10-01", "ends before it starts"),
        ("2026-11-21", "lies in the future"),
        ("2027", "lies in the future"),
        ("1969", "out of range"),
        ("9999", "out of range"),
    ],
)
def test_what_is_no_period(text, says):
    with pytest.raises(UsageError, match=says) as caught:
        parse(text, zone="Europe/Berlin", now=NOW)
    assert caught.value.hint


def test_all_begins_with_the_data_and_has_nothing_before():
    got = parse("all", zone="UTC", now=NOW, earliest=lambda: dt.date(2026, 3, 4))
    assert (str(got.first), str(got.last), got.previous()) == ("2026-03-04", "2026-11-20", None)
    assert parse("all", zone="UTC", now=NOW).days == 1


def test_previous_is_as_long_and_ends_where_the_period_begins():
    before = Period(dt.date(2026, 3, 1), dt.date(2026, 3, 31), "UTC").previous()
    assert before is not None
    assert (str(before.first), str(before.last), before.days) == ("2026-01-29", "2026-02-28", 31)
    assert Period(dt.date(1970, 1, 5), dt.date(1970, 1, 31), "UTC").previous() is None


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", dt.date(2026, 3, 29), 23),
        ("Europe/Berlin", dt.date(2026, 10, 25), 25),
        ("America/New_York", dt.date(2026, 11, 1), 25),
        ("Asia/Kolkata", dt.date(2026, 10, 25), 24),
        ("Asia/Kathmandu", dt.date(2026, 10, 25), 24),
        ("Australia/Lord_Howe", dt.date(2026, 10, 4), 24),
        ("Australia/Lord_Howe", dt.date(2026, 4, 5), 25),
        ("Pacific/Chatham", dt.date(2026, 9, 27), 24),
        ("America/Santiago", dt.date(2026, 9, 6), 23),  # its day begins at one o'clock
    ],
)
def test_hours_of_a_day(zone, day, hours):
    starts = Period(day, day, zone).hours()
    keys = [(start.date(), start.hour, start.utcoffset()) for start in starts]
    assert len(starts) == hours
    assert len(set(keys)) == hours
    assert {start.date() for start in starts} == {day}
    where = timezones.zone(zone)
    assert [start.isoformat() for start in starts] == [start.astimezone(where).isoformat() for start in starts]

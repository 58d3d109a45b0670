"""Times of logs are those that Python's own library reads."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.imports.layouts.line_error import LineError
from collector.imports.layouts.times import MAX_STARTS, Times

OFFSETS = st.integers(-15 * 60, 15 * 60).map(lambda minutes: dt.timezone(dt.timedelta(minutes=minutes)))
MOMENTS = st.datetimes(dt.datetime(1970, 1, 2), dt.datetime(2100, 1, 1), timezones=OFFSETS)
TIMES = Times()


def ms(moment: dt.datetime) -> int:
    return (moment - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(milliseconds=1)


@given(st.lists(MOMENTS, min_size=1, max_size=20))
def test_every_notation_gives_the_same_moment(moments: list[dt.datetime]) -> None:
    for moment in moments:
        whole = moment.replace(microsecond=0)
        texts = {
            f"{moment:%d/%b/%Y:%H:%M:%S %z}": ms(whole),
            f"[{moment:%d/%b/%Y:%H:%M:%S %z}]": ms(whole),
            moment.isoformat(timespec="seconds"): ms(whole),
            moment.isoformat(timespec="microseconds"): ms(moment),
            f"{moment:%Y-%m-%d %H:%M:%S%z}": ms(whole),
            f"{moment.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}": ms(whole),
            f"{moment.astimezone(dt.UTC):%Y/%m/%d %H:%M:%S}": ms(whole),
            f"{moment.astimezone(dt.UTC):%d/%b/%Y:%H:%M:%S}": ms(whole),
            f"{moment.astimezone(dt.UTC):%d/%b/%Y:%H:%M:%S.%f}": ms(moment),
        }
        assert {text: TIMES.read(text.encode()) for text in texts} == texts


@given(st.datetimes(dt.datetime(1990, 1, 1), dt.datetime(2100, 1, 1)))
def test_numbers_are_told_by_their_size(moment: dt.datetime) -> None:
    at = ms(moment.replace(tzinfo=dt.UTC))
    assert TIMES.epoch(at / 1000) == TIMES.epoch(at) == TIMES.epoch(at * 1000) == TIMES.epoch(at * 1_000_000) == at
    assert TIMES.read(f"{at / 1000:.3f}".encode()) == TIMES.read(b"%d" % at) == at


@given(st.datetimes(dt.datetime(1990, 1, 1), dt.datetime(2100, 1, 1)))
def test_times_without_an_offset_are_of_the_zone(moment: dt.datetime) -> None:
    zone = ZoneInfo("Europe/Paris")
    local = moment.replace(microsecond=0, fold=0)  # of an hour that comes twice, the first
    times = Times(zone)
    for text in (f"{local:%d/%b/%Y:%H:%M:%S.000}", f"{local:%Y-%m-%d %H:%M:%S}"):
        assert times.read(text.encode()) == ms(local.replace(tzinfo=zone))


@pytest.mark.parametrize(
    "text",
    [
        "", "x", "31/Feb/2015:10:05:03 +0000", "11/Mai/2015:10:05:03 +0000", "11/May/2015:24:05:03 +0000",
        "11/May/2015:10:60:03 +0000", "11/May/2015:10:05:61 +0000", "11/May/2015:10:05:03 +9900",
        "11/May/2015:10:05:03 +0060", "01/Jan/0000:00:00:00 +0000", "2026-13-01T00:00:00Z", "2026-11-21T25:00:00Z",
        "2026-11-21T10:00:61Z", "2026-11-21", "1e5", "-5", "99999999999999999999999",
        "11/May/2015:1\u0660:05:03 +0000", "11/May/2015:+1:05:03 +0000",
    ],
)  # fmt: skip
def test_impossible_times(text: str) -> None:
    times = Times()
    with pytest.raises(LineError):
        times.read(text.encode())
    times.read(b"11/May/2015:10:05:03 +0000")  # what is remembered of the day lets none of them in
    with pytest.raises(LineError):
        times.read(text.encode())


def test_days_that_are_remembered_are_bounded() -> None:
    times = Times()
    for number in range(MAX_STARTS + 10):
        times.iso(b"%04d-01-01T%02d:%02d:00Z" % (1000 + number // 1440, number // 60 % 24, number % 60))
    assert len(times._starts) <= MAX_STARTS

"""Offsets of every zone, as the package tzdata has them."""

from __future__ import annotations

import datetime as dt
import random
from bisect import bisect_right
from importlib.resources import files
from zoneinfo import ZoneInfo

import pytest

from sql.core import timezones

FIRST, LAST = 631_152_000, 2_000_000_000  # 1990 to 2033


@pytest.mark.parametrize("name", sorted(timezones.names()))
def test_offsets_are_those_of_the_zone(name):
    dice = random.Random(name)
    with (files("tzdata") / "zoneinfo").joinpath(*name.split("/")).open("rb") as data:
        zone = ZoneInfo.from_file(data)
    first = dice.randint(FIRST, LAST)
    last = first + dice.randint(0, 1_000 * 86_400)
    starts, offsets = timezones.offsets(name, first, last)
    assert starts[0] == first
    assert starts == sorted(set(starts))
    for at in [dice.randint(first, last) for _ in range(50)] + [s + d for s in starts[1:] for d in (-1, 0)]:
        offset = dt.datetime.fromtimestamp(at, zone).utcoffset()
        assert dt.timedelta(seconds=offsets[bisect_right(starts, at) - 1]) == offset, at


def test_one_moment():
    assert timezones.offsets("Asia/Kolkata", FIRST, FIRST) == ([FIRST], [19_800])


def test_no_zone():
    with pytest.raises(KeyError):
        timezones.zone("Mars/Olympus")

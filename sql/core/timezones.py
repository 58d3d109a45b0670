"""Time zones from one source: the package tzdata, whatever the system, Polars and ClickHouse bring along.

Their data differ from release to release: a zone whose rules were changed lately has another offset in each, and
events would lie on other days than the reports that look for them.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

_DAY = 86_400


@cache
def names() -> frozenset[str]:
    """Every IANA name."""
    return frozenset((files("tzdata") / "zones").read_text("utf-8").split())


@cache
def zone(name: str) -> ZoneInfo:
    """The zone of an IANA name. Raises KeyError where there is none."""
    if name not in names():
        raise KeyError(name)
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as data:
        return ZoneInfo.from_file(data, key=name)


def offsets(name: str, first: int, last: int) -> tuple[list[int], list[int]]:
    """From which moments on which offset holds, between two moments; the first of them is not after ``first``.

    Moments are seconds since 1970 UTC, offsets seconds east of UTC. Clocks are taken to change at most once a day.
    """
    where = zone(name)
    starts, found = [first], [_offset(where, first)]
    for day in range(first, last + _DAY, _DAY):
        end = min(day + _DAY, last)
        offset = _offset(where, end)
        if offset != found[-1]:
            change = bisect_left(range(day, end + 1), True, key=lambda at: _offset(where, at) == offset)
            starts.append(day + change)
            found.append(offset)
    return starts, found


def _offset(where: ZoneInfo, moment: int) -> int:
    offset = dt.datetime.fromtimestamp(moment, where).utcoffset()
    return int(offset.total_seconds()) if offset else 0

"""Local time: the days of a period, and the hours, days, weeks and months that a moment lies in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import cache, lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo

# Clocks have changed at quarters of an hour for as long as there is an internet.
_QUARTER = dt.timedelta(minutes=15)
Period = tuple[dt.date, dt.date]
Bucket = dt.date | str


@cache
def zone(name: str) -> ZoneInfo:
    """The zone of an IANA name, by the data of the package tzdata."""
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as data:
        return ZoneInfo.from_file(data, key=name)


def previous(period: Period) -> Period:
    """The same number of days just before."""
    first, last = period
    return first - (last - first) - dt.timedelta(days=1), first - dt.timedelta(days=1)


class Clock:
    """The clock of a zone. Moments are ms since 1970 UTC, periods a first and a last local day, both within."""

    def __init__(self, name: str) -> None:
        self.zone = zone(name)

    def local(self, at: int) -> dt.datetime:
        """What the clock shows at a moment."""
        return _local(self.zone, at)

    def day(self, at: int) -> dt.date:
        """The local day of a moment."""
        return self.local(at).date()

    def inside(self, at: int, period: Period) -> bool:
        """Whether a moment lies in a period."""
        return period[0] <= self.day(at) <= period[1]

    def bucket(self, step: str, at: int) -> Bucket:
        """The hour (ISO 8601 with its offset: an hour can come twice), day, week (its Monday) or month (its first
        day) that a moment lies in."""
        return _STEPS[step](self.local(at))

    def buckets(self, step: str, period: Period) -> list[Bucket]:
        """Every bucket of a period, ascending, found by looking at the clock every quarter of an hour."""
        at = dt.datetime.combine(period[0], dt.time(), self.zone).astimezone(dt.UTC) - dt.timedelta(hours=3)
        found: dict[Bucket, None] = {}
        while (local := at.astimezone(self.zone)).date() <= period[1]:
            if local.date() >= period[0]:
                found[_STEPS[step](local)] = None
            at += _QUARTER
        return list(found)


@lru_cache(maxsize=1 << 17)
def _local(where: ZoneInfo, at: int) -> dt.datetime:
    return (dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(milliseconds=at)).astimezone(where)


def _hour(local: dt.datetime) -> str:
    offset = local.strftime("%z")
    return f"{local:%Y-%m-%dT%H}:00{offset[:3]}:{offset[3:]}"


_STEPS: dict[str, Callable[[dt.datetime], Bucket]] = {
    "hour": _hour,
    "day": lambda local: local.date(),
    "week": lambda local: local.date() - dt.timedelta(days=local.weekday()),
    "month": lambda local: local.date().replace(day=1),
}

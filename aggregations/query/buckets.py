"""Points in time that a series has: hours, days, weeks and months of a period, quiet ones included."""

from __future__ import annotations

import datetime as dt

from aggregations.query.periods import Period
from aggregations.query.sources import Level, Source
from sql.compose import Binder
from sql.core.errors import UsageError

MAX_HOURLY_DAYS = 62
UNITS = ("hour", "day", "week", "month")


def labels(period: Period, unit: str) -> list[str] | list[dt.date]:
    """Every point, ascending: dates, of weeks their Monday, of months their first; hours as ISO 8601 with offset."""
    if unit == "hour":
        return [start.replace(minute=0).isoformat(timespec="minutes") for start in period.hours()]
    if unit == "day":
        return period.dates()
    if unit == "week":
        first = monday(period.first)
        return [first + dt.timedelta(days=at) for at in range(0, (period.last - first).days + 1, 7)]
    months = range(_month(period.first), _month(period.last) + 1)
    return [dt.date(number // 12, number % 12 + 1, 1) for number in months]


def partial(period: Period, unit: str) -> tuple[bool, bool]:
    """Whether the first and the last point lie in the period only in part."""
    if unit == "week":
        return period.first.weekday() != 0, period.last.weekday() != 6
    if unit == "month":
        return period.first.day != 1, (period.last + dt.timedelta(days=1)).day != 1
    return False, False


def position(binder: Binder, source: Source, unit: str, period: Period) -> str:
    """The text of a row's point, counted from 0 over the period. Hours that the period does not have are -1."""
    date = f"s.{source.date}"
    first = period.first
    if unit == "day":
        return f"toInt32({date} - {binder.bind(first, 'Date')})"
    if unit == "week":
        return f"toInt32(intDiv({date} - {binder.bind(monday(first), 'Date')}, 7))"
    if unit == "month":
        return f"toInt32(toYear({date}) * 12 + toMonth({date}) - 1 - {binder.bind(_month(first), 'UInt32')})"
    if period.days > MAX_HOURLY_DAYS:
        raise UsageError(
            f"{period.days} days are too many to group by hour", f"use at most {MAX_HOURLY_DAYS} days, or group by day"
        )
    starts = binder.bind([int(start.timestamp()) for start in period.hours()], "Array(UInt32)")
    until = binder.bind(int(period.end.timestamp()), "UInt32")
    moment = "s.started" if source.level is Level.VISIT else "s.timestamp"
    return f"toInt32(indexOf({starts}, local_hour({moment}, {starts}, {until}))) - 1"


def monday(day: dt.date) -> dt.date:
    """The Monday of a day's ISO week."""
    return day - dt.timedelta(days=day.weekday())


def _month(day: dt.date) -> int:
    return day.year * 12 + day.month - 1

"""Periods: which local days of a site a report looks at, and what a person writes to say so."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass

from sql.core import timezones
from sql.core.errors import UsageError

HINT = "today, yesterday, 7d, 30d, month, 12mo, year, all, 2026, 2026-10, 2026-10-01, 2026-10-01..2026-10-15"
# What the engine's Date can hold.
FIRST_DAY, LAST_DAY = dt.date(1970, 1, 1), dt.date(2149, 6, 6)
_HOUR = 3600

_COUNTED = re.compile(r"([1-9]\d{0,3})(d|mo)\Z")
_DATE = re.compile(r"(\d{4})(?:-(\d\d))?(?:-(\d\d))?\Z")


@dataclass(frozen=True, slots=True)
class Period:
    """Whole local days of ``zone`` (an IANA name), ``first`` to ``last``, both within."""

    first: dt.date
    last: dt.date
    zone: str
    comparable: bool = True

    @property
    def days(self) -> int:
        """How many local days."""
        return (self.last - self.first).days + 1

    @property
    def label(self) -> str:
        """The period as a person reads it."""
        return f"{self.first}" if self.first == self.last else f"{self.first} to {self.last}"

    def previous(self) -> Period | None:
        """The same number of days just before; None where nothing can lie before (``all``)."""
        first = self.first - dt.timedelta(days=self.days)
        if not self.comparable or first < FIRST_DAY:
            return None
        return Period(first, self.first - dt.timedelta(days=1), self.zone)

    def year_before(self) -> Period | None:
        """The same days a year before; None where nothing can lie before."""
        first, last = (_year_before(day) for day in (self.first, self.last))
        return Period(first, last, self.zone) if self.comparable and first >= FIRST_DAY else None

    def dates(self) -> list[dt.date]:
        """Every local day, ascending."""
        return [self.first + dt.timedelta(days=day) for day in range(self.days)]

    @property
    def end(self) -> dt.datetime:
        """The first moment after the period, in UTC."""
        last = dt.datetime.combine(self.last + dt.timedelta(days=1), dt.time(), timezones.zone(self.zone))
        return last.astimezone(dt.UTC)

    def hours(self) -> list[dt.datetime]:
        """The moment at which every local hour begins, ascending, with its offset.

        A day of a clock change has 23 or 25 hours. Where clocks change within an hour, a short one begins there.
        """
        midnight = dt.datetime.combine(self.first, dt.time(), timezones.zone(self.zone))
        first, end = int(midnight.timestamp()), int(self.end.timestamp())
        changes, offsets = timezones.offsets(self.zone, first, end)
        starts = []
        for at, until, offset in zip(changes, [*changes[1:], end], offsets, strict=True):
            fixed = dt.timezone(dt.timedelta(seconds=offset))
            while at < until:
                starts.append(dt.datetime.fromtimestamp(at, fixed))
                at += _HOUR - (at + offset) % _HOUR
        return starts


def parse(text: str, *, zone: str, now: dt.datetime, earliest: Callable[[], dt.date | None] = lambda: None) -> Period:
    """The period that ``text`` names, cut off at today.

    ``now`` is any aware time, ``earliest`` tells the first day with data (asked only for ``all``).
    Raises UsageError for what is no period, ends before it starts, or lies in the future.
    """
    today = now.astimezone(timezones.zone(zone)).date()
    text = text.strip().lower()
    if text == "all":
        return Period(min(earliest() or today, today), today, zone, comparable=False)
    first, last = _named(text, today) or _counted(text, today) or _written(text, today)
    if last < first:
        raise UsageError(f"the period {text} ends before it starts", f"write {last}..{first}")
    if first > today:
        raise UsageError(f"the period {text} lies in the future", f"today is {today} in {zone}")
    return Period(first, min(last, today), zone)


def _year_before(day: dt.date) -> dt.date:
    return day.replace(year=day.year - 1, day=28 if (day.month, day.day) == (2, 29) else day.day)


def _named(text: str, today: dt.date) -> tuple[dt.date, dt.date] | None:
    yesterday = today - dt.timedelta(days=1)
    return {
        "today": (today, today),
        "yesterday": (yesterday, yesterday),
        "month": (today.replace(day=1), today),
        "year": (today.replace(month=1, day=1), today),
    }.get(text)


def _counted(text: str, today: dt.date) -> tuple[dt.date, dt.date] | None:
    match = _COUNTED.match(text)
    if not match:
        return None
    count = int(match[1])
    if match[2] == "d":
        return max(today - dt.timedelta(days=count - 1), FIRST_DAY), today
    month = today.year * 12 + today.month - count
    year, zero_based = divmod(month, 12)
    return (dt.date(year, zero_based + 1, 1) if year >= FIRST_DAY.year else FIRST_DAY), today


def _written(text: str, today: dt.date) -> tuple[dt.date, dt.date]:
    start, dots, end = text.partition("..")
    first, last = _span(start, text)
    if dots:
        last = _span(end, text)[1] if end else max(today, first)
    return first, last


def _span(part: str, text: str) -> tuple[dt.date, dt.date]:
    """First and last day of a written year, month or date."""
    match = _DATE.match(part)
    if not match:
        raise UsageError(f"not a period: {text!r}", HINT)
    year, month, day = (int(group) if group else 0 for group in match.groups())
    try:
        first = dt.date(year, month or 1, day or 1)
        if day:
            last = first
        elif month:
            last = (first + dt.timedelta(days=31)).replace(day=1) - dt.timedelta(days=1)
        else:
            last = dt.date(year, 12, 31)
    except (ValueError, OverflowError):
        raise UsageError(f"no such date: {part}", "year-month-day, such as 2026-10-31") from None
    if first < FIRST_DAY or last > LAST_DAY:
        raise UsageError(f"{part} is out of range", f"days from {FIRST_DAY} to {LAST_DAY}")
    return first, last

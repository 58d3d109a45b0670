"""Times as logs write them: ``17/May/2015:10:05:03 +0000``, ISO 8601, seconds since 1970.

Lines of one day or minute follow each other, so its start is worked out once.
"""

from __future__ import annotations

import datetime as dt
import re

from collector.imports.layouts.line_error import LineError, shown

MAX_STARTS = 65_536
_MONTHS = {name: at for at, name in enumerate(b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)}
_MINUTES = {b"%02d:%02d:" % (at // 60, at % 60): at * 60_000 for at in range(1440)}
_SECONDS = {b"%02d" % second: second * 1000 for second in range(61)}  # 60: a leap second
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_CLF = re.compile(rb"(\d\d)/([A-Za-z]{3})/(\d{4}):(\d\d):(\d\d):(\d\d)(\.\d{1,9})?(?: ([+-]\d{4}))?\Z")
_ISO = re.compile(
    rb"(\d{4})[-/](\d\d)[-/](\d\d)[T ](\d\d):(\d\d):(\d\d)([.,]\d{1,9})?(?: ?([+-]\d\d:?\d\d|Z|UTC|GMT))?\Z"
)
_NUMBER = re.compile(rb"\d{1,20}(?:\.\d{1,9})?\Z")
# Above these a number since 1970 is not in seconds, milliseconds or microseconds: the year 5138.
_MAX_SECONDS, _MAX_MILLIS, _MAX_MICROS = 1e11, 1e14, 1e17


class Times:
    """Reads times. Those without an offset are of ``zone``. All methods raise LineError for impossible times."""

    def __init__(self, zone: dt.tzinfo = dt.UTC) -> None:
        self._zone = zone
        self._starts: dict[bytes, int] = {}
        self._last: tuple[bytes | None, int] = (None, 0)

    def clf(self, stamp: bytes) -> int:
        """ms since 1970 UTC of ``17/May/2015:10:05:03 +0000``."""
        if stamp == self._last[0]:
            return self._last[1]
        day = self._starts.get(stamp[:12] + stamp[20:])
        minute, second = _MINUTES.get(stamp[12:18]), _SECONDS.get(stamp[18:20])
        if day is None or minute is None or second is None:
            return self._other(stamp)
        self._last = (stamp, day + minute + second)
        return self._last[1]

    def iso(self, stamp: bytes) -> int:
        """ms since 1970 UTC of ``2026-11-21T10:00:00.123Z`` and its kin, down to ``2026/11/21 10:00:00``."""
        found = _ISO.match(stamp)
        if found is None:
            raise LineError(f"the time does not look like 2026-11-21T10:00:00Z: {shown(stamp)}")
        year, month, day, hour, minute, second, fraction, offset = found.groups()
        key = b"iso" + stamp[:17] + (offset or b"")  # no key of another notation
        if (start := self._starts.get(key)) is None:
            start = self._remember(key, (year, month, day), (hour, minute), offset)
        return start + _second(second) + _millis(fraction)

    def epoch(self, number: float) -> int:
        """ms since 1970 UTC of a number of seconds, milliseconds, microseconds or nanoseconds, told by its size."""
        if not 0 <= number < 1e20:
            raise LineError(f"no such time: {number}")
        if number < _MAX_SECONDS:
            return round(number * 1000)
        if number < _MAX_MILLIS:
            return int(number)
        return int(number // (1000 if number < _MAX_MICROS else 1_000_000))

    def read(self, text: bytes) -> int:
        """ms since 1970 UTC of a time in any of these notations."""
        if _NUMBER.match(text):
            return self.epoch(float(text))
        return self.iso(text) if text[4:5] in (b"-", b"/") else self.clf(text.strip(b"[]"))

    def _other(self, stamp: bytes) -> int:
        """A time of a day that is new, without an offset, or with a fraction of a second."""
        found = _CLF.match(stamp)
        if found is None:
            raise LineError(f"the time does not look like 17/May/2015:10:05:03 +0000: {shown(stamp)}")
        day, month, year, hour, minute, second, fraction, offset = found.groups()
        date = (year, b"%02d" % _MONTHS.get(month.title(), 0), day)
        if fraction is None and offset is not None:
            start = self._remember(stamp[:12] + stamp[20:], date, (b"00", b"00"), offset)
            return start + _minute(hour, minute) + _second(second)
        key = b"clf" + stamp[:18] + (offset or b"")
        if (begun := self._starts.get(key)) is None:
            begun = self._remember(key, date, (hour, minute), offset)
        return begun + _second(second) + _millis(fraction)

    def _remember(
        self, key: bytes, date: tuple[bytes, bytes, bytes], time: tuple[bytes, bytes], offset: bytes | None
    ) -> int:
        zone = self._zone if offset is None else _zone(offset)
        try:
            day = dt.date(*map(int, date))
        except ValueError as exc:
            raise LineError(f"no such day: {shown(b'-'.join(date))}") from exc
        _minute(*time)
        try:
            moment = dt.datetime.combine(day, dt.time(int(time[0]), int(time[1])), zone)
            start = (moment - _EPOCH) // dt.timedelta(milliseconds=1)
        except OverflowError as exc:
            raise LineError(f"no such time: {shown(b'-'.join(date))}") from exc
        if len(self._starts) >= MAX_STARTS:
            self._starts.clear()
        self._starts[key] = start
        return start


def _minute(hour: bytes, minute: bytes) -> int:
    if (found := _MINUTES.get(b"%b:%b:" % (hour, minute))) is None:
        raise LineError(f"no such time of day: {shown(b'%b:%b' % (hour, minute))}")
    return found


def _second(text: bytes) -> int:
    if (second := _SECONDS.get(text)) is None:
        raise LineError(f"no such time of day: second {shown(text)}")
    return second


def _millis(fraction: bytes | None) -> int:
    return int(fraction[1:4].ljust(3, b"0")) if fraction else 0


def _zone(offset: bytes) -> dt.tzinfo:
    if not offset.startswith((b"+", b"-")):
        return dt.UTC
    hours, minutes = int(offset[1:3]), int(offset[-2:])
    if hours > 15 or minutes > 59:
        raise LineError(f"no such UTC offset: {shown(offset)}")
    return dt.timezone((-1 if offset[:1] == b"-" else 1) * dt.timedelta(hours=hours, minutes=minutes))

"""Moments as exports write them."""

from __future__ import annotations

import datetime as dt

# From where on a number is in milliseconds, microseconds, nanoseconds since 1970: as seconds it would be after 5000.
_UNITS = ((100_000_000_000_000_000, 1_000_000), (100_000_000_000_000, 1_000), (100_000_000_000, 1))


def milliseconds(value: object, zone: dt.tzinfo) -> int:
    """Milliseconds since 1970 UTC of a date and time, an ISO 8601 text or a number (of s, ms, µs or ns since 1970).

    What names no zone is in ``zone``. Raises ValueError for anything else.
    """
    if isinstance(value, bool):
        raise ValueError("not a time")
    if isinstance(value, str):
        text = value.strip()
        try:
            return _of_number(float(text) if "." in text else int(text))
        except ValueError:
            value = dt.datetime.fromisoformat(text.removesuffix(" UTC") + ("+00:00" if text.endswith(" UTC") else ""))
    if isinstance(value, int | float):
        return _of_number(value)
    if isinstance(value, dt.datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=zone)
        return int(aware.timestamp() * 1000)
    raise ValueError("not a time")


def _of_number(value: float) -> int:
    for least, parts in _UNITS:
        if abs(value) >= least:
            return int(value // parts)
    return int(value * 1000)

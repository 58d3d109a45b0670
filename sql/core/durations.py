"""Durations as people write them: 90m, 24h, 7d."""

from __future__ import annotations

import re

from sql.core.errors import UsageError

LONGEST = 3650 * 86_400
_SPAN = re.compile(r"([0-9]{1,9})([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def seconds_of(span: str) -> int:
    """Seconds of a span such as 0s, 90m, 24h, 7d. Raises UsageError for anything else, and for more than ten years."""
    found = _SPAN.fullmatch(span.strip())
    seconds = int(found[1]) * _SECONDS[found[2]] if found else LONGEST + 1
    if seconds > LONGEST:
        raise UsageError(f"not a duration: {span!r}", "use a number with s, m, h or d, such as 24h; at most 3650d")
    return seconds


def span_of(seconds: int) -> str:
    """The shortest span of whole seconds: 90 is 90s, 120 is 2m."""
    unit, length = next((unit, length) for unit, length in reversed(_SECONDS.items()) if seconds % length == 0)
    return f"{seconds // length}{unit}" if seconds else "0s"

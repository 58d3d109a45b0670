"""Which visitor a cookieless event belongs to: salts change at midnight UTC, visits do not end there."""

from __future__ import annotations

from collections.abc import Iterable

from tests.oracle.visit import GAP_MS


def visitors(events: Iterable[tuple[int, int, int]]) -> list[int]:
    """The visitor of each event, for (ms since 1970, hash of its day, hash of the day before), which come by time.

    The hash of the day before (0: none) goes on for as long as a visit under it is open.
    """
    last: dict[int, int] = {}
    found = []
    for at, today, yesterday in events:
        open_still = yesterday in last and at - last[yesterday] <= GAP_MS
        visitor = yesterday if yesterday and open_still else today
        last[visitor] = at
        found.append(visitor)
    return found

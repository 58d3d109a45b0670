"""Event ids that this worker put into the spool lately: a retry is told that it is one, and costs nothing more.

What is not known here may still be a duplicate: other workers have memories of their own, and the loader decides.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from collector.event.model import SpooledEvent

ROOM = 50_000


class RecentIds:
    """At most ``room`` ids and never less than the last half of that. Ids are added when they are safe, never before.

    Two generations, as in ``collector.cache``: a dictionary whose first entry is deleted again and again looks through
    all the places that are empty by then, which took a tenth of a busy worker's time.
    """

    def __init__(self, room: int = ROOM) -> None:
        self._half = room // 2
        self._young: set[tuple[int, bytes]] = set()
        self._old: set[tuple[int, bytes]] = set()

    def holds(self, site_id: int, event_id: bytes) -> bool:
        """Whether the event is in the spool, or was."""
        key = site_id, event_id
        return key in self._young or key in self._old

    def add(self, site_id: int, events: Iterable[SpooledEvent]) -> None:
        """Remember the ids that clients gave."""
        for event in events:
            if event.known:
                if len(self._young) >= self._half:
                    self._old, self._young = self._young, set()
                self._young.add((site_id, event.event_id))


class FreshIds:
    """Random ids of 16 bytes, drawn from the system many at a time: asking it for each took longer than the rest of
    the step. One for each process, made after it was forked."""

    def __init__(self) -> None:
        self._drawn = b""
        self._at = 0

    def __next__(self) -> bytes:
        at = self._at
        if at >= len(self._drawn):
            self._drawn = os.urandom(16 * 512)
            at = 0
        self._at = at + 16
        return self._drawn[at : at + 16]

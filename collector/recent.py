"""Event ids that this worker put into the spool lately: a retry is told that it is one, and costs nothing more.

What is not known here may still be a duplicate: other workers have memories of their own, and the loader decides.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from collector.model import SpooledEvent

ROOM = 50_000


class RecentIds:
    """At most ``room`` ids, the oldest forgotten first. Ids are added when they are safe, never before."""

    def __init__(self, room: int = ROOM) -> None:
        self._room = room
        self._ids: dict[tuple[int, bytes], None] = {}

    def holds(self, site_id: int, event_id: bytes) -> bool:
        """Whether the event is in the spool, or was."""
        return (site_id, event_id) in self._ids

    def add(self, site_id: int, events: Iterable[SpooledEvent]) -> None:
        """Remember the ids that clients gave."""
        for event in events:
            if event.known:
                self._ids[site_id, event.event_id] = None
        while len(self._ids) > self._room:
            del self._ids[next(iter(self._ids))]


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

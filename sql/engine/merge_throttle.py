"""Merges of `events` wait while a backlog is loaded: the embedded engine's own rule.

On two cores they take 40 % of both while large batches follow each other, and the work can be done as well when the
backlog is through. Mutations do not wait. The hold ends by itself, with the process at the latest.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from sql.core.queries import query

log = logging.getLogger("footfall.engine")
# Rows of an insert that speaks of a backlog: live traffic comes in smaller batches.
LARGE = 40_000
# Merges go on when no large insert has come for so long.
HOLD_SECONDS = 2.0
# Parts of one month at which merges are not held any more. The engine slows inserts down at 1,000.
MAX_PARTS = 300


class Merges:
    """Holds merges while large inserts come. ``connect`` opens an engine connection."""

    def __init__(self, connect: Callable[[], Any]) -> None:
        self._connect = connect
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None

    def inserted(self, rows: int) -> None:
        """An insert of this many rows is done: a large one holds merges for a while, unless parts are many already.

        Never raises: the rows are stored.
        """
        if rows < LARGE:
            return
        with self._lock:
            try:
                parts = int(self._say(query("engine/most_parts")) or 0)
                if parts >= MAX_PARTS:
                    self._go_on()
                elif parts:
                    self._hold()
            except Exception as exc:
                log.warning("cannot pause merges: %s", exc)

    def close(self) -> None:
        """The engine stops: no statement comes any more."""
        with self._lock:
            if self._timer:
                self._timer.cancel()

    def _hold(self) -> None:
        if self._timer:
            self._timer.cancel()
        else:
            self._say("system stop merges events")
        self._set_timer()

    def _set_timer(self) -> None:
        self._timer = threading.Timer(HOLD_SECONDS, self._time_is_up)
        self._timer.daemon = True
        self._timer.start()

    def _go_on(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._say("system start merges events")
            self._timer = None

    def _time_is_up(self) -> None:
        with self._lock:
            try:
                self._go_on()
            except Exception as exc:  # they must not stand for good
                log.warning("cannot resume merges yet: %s", exc)
                self._set_timer()

    def _say(self, statement: str) -> bytes:
        connection = self._connect()
        try:
            return bytes(connection.query(statement, "TabSeparated").bytes())
        finally:
            connection.close()

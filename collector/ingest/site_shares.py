"""How much of the spool is whose: one site's flood must not take the room of all others.

Each site may hold at most ``PART`` times what is free (dynamic thresholds, as switches share their memory between
ports). One flood ends at three quarters of the spool; several end earlier, each at the same share, and there is always
room for a site that holds little.

Each worker counts what it wrote, by site, in a row of memory that all share. The loader takes the oldest first: what
still waits of a worker's is what it wrote last, as many bytes as its segments have.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable

from collector.ingest.counters import Board
from collector.spool.spool import Spool, SpoolFull

PART = 3
# Sites with ids so far apart share a place.
PLACES = 4_096
LOOK_SECONDS = 1.0
# What is written is remembered in pieces of this part of the spool.
_PIECES = 1_024


class SiteShares:
    """One worker's view. ``total`` is the spool's bound in bytes. A row has one writer at a time."""

    def __init__(
        self,
        spool: Spool,
        total: int,
        board: Board | None = None,
        row: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._spool = spool
        self._total = total
        self._board = board or Board(1, PLACES)
        self._cells = self._board.row(row)
        for place in range(self._board.width):  # what a worker before this one wrote is nobody's
            self._cells[place] = 0.0
        self._clock = clock
        self._looked = -1e9
        self._waiting = 0
        self._written: deque[dict[int, int]] = deque([{}])

    def check(self, site_id: int) -> None:
        """Raises SpoolFull where the spool is over half full and the site holds its share of it."""
        now = self._clock()
        if now - self._looked > LOOK_SECONDS:
            self._looked = now
            self._look()
        if 4 * self._waiting < self._total:
            return
        held = self.held(site_id)
        waiting = max(self._waiting, held)  # what other workers wrote since this one looked is in the site's share
        if 2 * waiting > self._total and held > PART * (self._total - waiting):
            raise SpoolFull("this site has used its share of the spool; the rest is reserved for other sites")

    def add(self, site_id: int, size: int) -> None:
        """The site's events are in the spool, in so many bytes."""
        self._waiting += size
        self._cells[site_id % self._board.width] += size
        last = self._written[-1]
        last[site_id] = last.get(site_id, 0) + size
        if last[site_id] * _PIECES > self._total:
            self._written.append({})

    def held(self, site_id: int) -> float:
        """Bytes of the site that wait, of all workers."""
        return self._board.sum(site_id % self._board.width)

    def _look(self) -> None:
        self._waiting, own = self._spool.sizes(f"collector-{os.getpid()}-")
        sizes = [sum(piece.values()) for piece in self._written]
        left = sum(sizes)
        for size in sizes:
            if not left or left - size < own:
                break
            left -= size
            for site_id, of_site in self._written.popleft().items():
                self._cells[site_id % self._board.width] -= of_site
        if not self._written:
            self._written.append({})

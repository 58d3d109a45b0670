"""What workers count of their requests, side by side: a row each, in memory shared since before the fork."""

from __future__ import annotations

import mmap
from bisect import bisect_left

from collector.event.model import DropReason
from collector.ingest.pipeline import Outcomes

_CELL = 8
STATUSES = (200, 202, 204, 304, 400, 401, 403, 404, 405, 413, 415, 429, 500, 503)
OTHER = "other"
# Upper bounds of the request histogram, in seconds.
LATENCIES = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)

ACCEPTED, DUPLICATES, WARNED, BODY_BYTES, SECONDS = "accepted", "duplicates", "warned", "body bytes", "seconds"
CELLS: tuple[object, ...] = (
    ACCEPTED,
    DUPLICATES,
    WARNED,
    BODY_BYTES,
    SECONDS,
    *DropReason,
    *STATUSES,
    OTHER,
    *LATENCIES,
    "longer",
)
_AT = {name: at for at, name in enumerate(CELLS)}
_ACCEPTED, _DUPLICATES, _WARNED = _AT[ACCEPTED], _AT[DUPLICATES], _AT[WARNED]
_BODY_BYTES, _SECONDS, _OTHER = _AT[BODY_BYTES], _AT[SECONDS], _AT[OTHER]
_FIRST_LATENCY = _AT[LATENCIES[0]]
_STATUS_AT = {status: _AT[status] for status in STATUSES}


class Board:
    """Rows of doubles. Whoever owns a row adds to its cells (0.1 us each); everybody may read the sums.

    The memory belongs to the process that made the board: a worker that is killed leaves its row as it was, and
    the worker after it counts on.
    """

    def __init__(self, rows: int, width: int) -> None:
        self.rows = rows
        self.width = width
        self._cells = memoryview(mmap.mmap(-1, rows * width * _CELL)).cast("d")

    def row(self, number: int) -> memoryview[float]:
        """The cells of one row. It has one writer at a time."""
        return self._cells[number * self.width : (number + 1) * self.width]

    def sum(self, at: int) -> float:
        """One cell, summed over all rows."""
        return sum(self._cells[at :: self.width])

    def sums(self) -> list[float]:
        """Each cell, summed over all rows."""
        return [sum(self._cells[at :: self.width]) for at in range(self.width)]


class Counts:
    """What one worker counts: its row of the board."""

    def __init__(self, board: Board | None = None, row: int = 0) -> None:
        self.board = board or Board(1, len(CELLS))
        self._cells = self.board.row(row)

    def judged(self, judged: Outcomes) -> None:
        """Events that are in the spool, and why others are not."""
        cells = self._cells
        cells[_ACCEPTED] += len(judged.accepted)
        if judged.duplicates:
            cells[_DUPLICATES] += judged.duplicates
        if judged.warned:
            cells[_WARNED] += len(judged.warned)
        for drop in judged.dropped:
            cells[_AT[drop.reason]] += 1

    def answered(self, status: int, seconds: float, body_bytes: int) -> None:
        """One request and its answer."""
        cells = self._cells
        cells[_STATUS_AT.get(status, _OTHER)] += 1
        cells[_FIRST_LATENCY + bisect_left(LATENCIES, seconds)] += 1
        cells[_SECONDS] += seconds
        cells[_BODY_BYTES] += body_bytes

    def sums(self) -> dict[object, float]:
        """The counts of all workers, by the names of ``CELLS``."""
        return dict(zip(CELLS, self.board.sums(), strict=True))

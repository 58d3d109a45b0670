"""How many events each writer of the spool has acknowledged, counted apart from the segments that hold them.

One small file a writer, in ``writers/``, flocked while the writer lives. It is written with every commit, so that it
survives a kill -9, and synced before a segment is sealed: after a power cut it is at most one segment behind, and
whoever adopts that segment brings it up to date. When the writer is gone and its segments are sealed, the loader
takes its figure into the journal. What is accepted is the sum of the journal's figure and of these files.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_FORM = struct.Struct("<QQQ")


@dataclass(frozen=True, slots=True)
class WriterCounts:
    """Events acknowledged by one writer: those in segments ``sealed`` before, those in the segment ``number``."""

    number: int = 0
    sealed: int = 0
    open: int = 0

    @property
    def accepted(self) -> int:
        """All of them."""
        return self.sealed + self.open

    @classmethod
    def read(cls, path: Path) -> WriterCounts:
        """A writer's present figures. Raises FileNotFoundError."""
        before = None
        while before != (data := path.read_bytes()):  # a reading may fall into the middle of a writing
            before = data
        return cls(*_FORM.unpack(data)) if len(data) == _FORM.size else cls()

    def write(self, fd: int) -> None:
        """Put the figures into an open file."""
        os.pwrite(fd, self.packed(), 0)

    def packed(self) -> bytes:
        """The figures as a file holds them."""
        return _FORM.pack(self.number, self.sealed, self.open)


def segment_of(path: Path) -> tuple[str, int]:
    """The writer of an open segment, and which of its segments it is."""
    writer, _, number = path.stem.rpartition("-")
    return (writer, int(number)) if writer and number.isdigit() else (path.stem, 1)


def adopted(folder: Path, segment: Path, events: int) -> int:
    """A dead writer's open segment holds ``events``; returns how many it must answer for.

    That is more where acknowledged ones are missing. Where it holds more, its writer had no time to count them: now
    they are counted.
    """
    writer, number = segment_of(segment)
    fd = os.open(folder / writer, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        tally = WriterCounts.read(folder / writer)
        if tally.number < number:  # it had no time to begin it
            tally = WriterCounts(number, tally.accepted)
        if tally.number != number:
            return events
        if events > tally.open:
            tally = WriterCounts(number, tally.sealed, events)
            tally.write(fd)
            os.fdatasync(fd)
        return tally.open
    finally:
        os.close(fd)


@contextlib.contextmanager
def _owned(path: Path) -> Iterator[bool]:
    """Whether the writer of a tally is gone; while inside, no other takes it."""
    fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield True
    except BlockingIOError:
        yield False
    finally:
        os.close(fd)


def finished(folder: Path, open_dir: Path) -> Iterator[tuple[Path, int]]:
    """Tallies whose writer is gone and has no open segment, with the events it accepted. Each is locked meanwhile."""
    for path in sorted(folder.iterdir()):
        with _owned(path) as gone:
            if gone and not any(segment_of(segment)[0] == path.name for segment in open_dir.glob("*.seg")):
                yield path, WriterCounts.read(path).accepted

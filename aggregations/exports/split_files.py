"""Rows of text as CSV files, split where a platform takes no larger ones."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from aggregations.exports.encode import Counted
from aggregations.exports.files import FileEntry, Target

_PIECE = 1 << 16


@dataclass(frozen=True, slots=True)
class Limits:
    """What a file may have at most; 0: no limit is known."""

    rows: int = 0
    bytes: int = 0


class _Lines:
    """Lines of a file one after the other, with one that can be given back."""

    def __init__(self, lines: Iterator[bytes]) -> None:
        self._lines = lines
        self._next = next(lines, None)

    @property
    def more(self) -> bool:
        return self._next is not None

    def of_one_file(self, head: bytes, limits: Limits, counted: Counted) -> Iterator[bytes]:
        """Pieces of the next file: at least a line, and no more than it may have."""
        held, size = [head], len(head)
        length = len(head)
        while self._next is not None:
            over = limits.bytes and size + len(self._next) > limits.bytes
            if counted.rows and (over or (limits.rows and counted.rows >= limits.rows)):
                break
            held.append(self._next)
            size += len(self._next)
            length += len(self._next)
            counted.rows += 1
            self._next = next(self._lines, None)
            if length > _PIECE:
                yield b"".join(held)
                held, length = [], 0
        yield b"".join(held)


def put_rows(
    target: Target,
    name: str,
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    limits: Limits,
    holds: str = "rows",
    before: Sequence[Sequence[str]] = (),
) -> list[FileEntry]:
    """Write rows as a CSV file, or as numbered ones where it would be too large. ``before`` are lines above the header.

    Cells are written as they are. Raises StorageError.
    """
    head = b"".join(map(line, before)) + (line(header) if header else b"")
    return put_lines(target, name, head, map(line, rows), limits, holds)


def put_lines(
    target: Target, name: str, head: bytes, lines: Iterator[bytes], limits: Limits, holds: str = "rows"
) -> list[FileEntry]:
    """The same of lines, each with its end; ``head`` is at the beginning of every file."""
    files: list[FileEntry] = []
    left = _Lines(lines)
    while left.more or not files:
        counted = Counted()
        part = _numbered(name, len(files) + 1)
        size, digest = target.put(part, left.of_one_file(head, limits, counted))
        files.append(FileEntry(part, counted.rows, size, digest, holds))
    return files


def line(cells: Sequence[str]) -> bytes:
    """Cells as a line of CSV in UTF-8; quoted where they have to be."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(cells)
    return out.getvalue().encode()


def _numbered(name: str, number: int) -> str:
    """The name of the n-th file: audience.csv, audience-2.csv."""
    if number == 1:
        return name
    stem, dot, ending = name.rpartition(".")
    return f"{stem}-{number}.{ending}" if dot else f"{name}-{number}"

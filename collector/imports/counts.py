"""What became of the lines of an import."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from collector.imports.layouts.table import NAMES

SHOWN_BAD_LINES = 20
SHOWN_EXAMPLES = 3


class SkipReason(StrEnum):
    """Why a line is no page view."""

    STATIC = "static"
    METHOD = "method"
    STATUS = "status"
    OTHER_HOST = "other_host"
    NO_REQUEST = "no_request"
    DIRECTIVE = "directive"
    BLANK = "blank"
    BAD_LINE = "bad_line"
    TOO_LONG = "too_long"


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that cannot be read: where it is (from 1) and why."""

    source: str
    number: int
    cause: str


@dataclass(frozen=True, slots=True)
class Stranger:
    """A file that is not an access log: none of its lines (but blank ones) can be read."""

    source: str
    lines: int
    unread: int
    examples: tuple[BadLine, ...]

    def __str__(self) -> str:
        examples = "".join(f"\n  line {bad.number}: {bad.cause}" for bad in self.examples)
        lines = "its only line is not readable" if self.lines == 1 else f"none of its {self.lines:,} lines is readable"
        return f"{self.source} is not an access log: {lines}{examples}\n  → supported formats: {NAMES}"


@dataclass(slots=True)
class ImportCounts:
    """What became of the lines: lines = events + all of ``skipped``. ``bad`` holds the first bad ones.

    ``strangers`` are files that cannot be read at all; their lines are not in ``bad``. ``names`` holds the first
    clients that are given by the name of a host instead of an address.
    """

    lines: int = 0
    events: int = 0
    skipped: Counter[SkipReason] = field(default_factory=Counter)
    bad: list[BadLine] = field(default_factory=list)
    strangers: list[Stranger] = field(default_factory=list)
    names: list[str] = field(default_factory=list)

    @property
    def unread(self) -> int:
        """Lines that could not be read."""
        return self.skipped[SkipReason.BAD_LINE] + self.skipped[SkipReason.TOO_LONG]

    @property
    def unshown(self) -> int:
        """Lines that could not be read and are neither in ``bad`` nor in a stranger."""
        return self.unread - len(self.bad) - sum(file.unread for file in self.strangers)

    @property
    def nothing_understood(self) -> bool:
        """Whether there were lines, and none could be read."""
        return self.unread > 0 and self.unread + self.skipped[SkipReason.BLANK] == self.lines

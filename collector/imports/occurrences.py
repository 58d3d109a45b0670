"""How often each line of a file came before: equal lines of one file are different events, and the number of the
occurrence is part of an event's id."""

from __future__ import annotations

from array import array

# Lines of a generation: its table takes 64 MiB, and there are two. A line that came again takes as much as several.
MAX_LINES = 4 * 1024 * 1024
AGAIN = 4
_SMALL = 1024


class _Table:
    """An open table of 64-bit hashes, 16 to 32 bytes a line, and the numbers of the lines that came again."""

    def __init__(self) -> None:
        self.table = array("Q", bytes(8 * _SMALL))
        self.room = _SMALL // 2
        self.again: dict[int, int] = {}

    def has(self, hashed: int) -> bool:
        table, mask = self.table, len(self.table) - 1
        at = hashed & mask
        while found := table[at]:
            if found == hashed:
                return True
            at = (at + 1) & mask
        return False

    def add(self, hashed: int) -> bool:
        """Put a hash into the table; False where it is in it."""
        table, mask = self.table, len(self.table) - 1
        at = hashed & mask
        while found := table[at]:
            if found == hashed:
                return False
            at = (at + 1) & mask
        table[at] = hashed
        self.room -= 1
        if not self.room:
            self._grow()
        return True

    def _grow(self) -> None:
        old = self.table
        self.table = array("Q", bytes(16 * len(old)))
        self.room = len(old)
        for hashed in filter(None, old):
            self.add(hashed)


class Occurrences:
    """Counts exactly, however far apart equal lines are and however their times jump (a log that is written when
    requests end has the times at which they began), up to ``most`` different lines (a fifth, if each comes again).
    Beyond, the last of these are known: memory has a bound, and a file gives the same numbers every time.

    Two lines with one hash (a chance of 3 in 10^8 for a file of a million) are taken for a repetition, which changes
    an id only.
    """

    def __init__(self, most: int = MAX_LINES) -> None:
        self._most = most
        self._held = 0
        self._young = _Table()
        self._old: _Table | None = None

    def count(self, key: bytes) -> int:
        """The number of this occurrence, from 1. ``key`` is a keyed hash of the line, of at least 8 bytes."""
        hashed = int.from_bytes(key[:8], "little") or 1
        young = self._young
        if not young.add(hashed):
            number = young.again[hashed] = young.again.get(hashed, 1) + 1
            if number == 2:
                self._held += AGAIN
            return number
        self._held += 1
        if self._old is None and self._held < self._most:
            return 1
        return self._beyond(hashed)

    def _beyond(self, hashed: int) -> int:
        """A line that is new in its generation, where there is one before it, or it is the last."""
        number = 1
        if self._old is not None and self._old.has(hashed):
            number = self._young.again[hashed] = self._old.again.get(hashed, 1) + 1
            self._held += AGAIN
        if self._held >= self._most:
            self._old, self._young, self._held = self._young, _Table(), 0
        return number

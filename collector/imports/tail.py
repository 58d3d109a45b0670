"""A file by its name, as ``tail -F`` reads it: also while it does not exist yet, and across rotation.

By *rename* (logrotate's ``create``) there is another file under the name. Servers write into the old one until they
open their logs again, so it is read for some seconds more. By *copytruncate* the file is shorter than what was read of
it, or begins with other bytes.
"""

from __future__ import annotations

import os
import select
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import IO

from collector.imports.compression import CHUNK, HEAD, kind_of, other_kind
from collector.imports.log_files import cut
from sql.core.errors import UsageError

# A file that was replaced is let go when nothing came for so long; not more of them are kept.
IDLE_SECONDS = 10.0
MAX_REPLACED = 4
_BEGINNING = 256


class Stream(ABC):
    """One file, or one life of a file that is truncated: lines come until ``over``."""

    def __init__(self, limit: int) -> None:
        self.over = False
        self._limit = limit
        self._rest = b""

    def lines(self) -> list[bytes]:
        """Some of the lines that are there and have not been given yet; empty for none."""
        while chunk := self._more():
            parts, self._rest = cut(self._rest, chunk, self._limit)
            if parts:
                return parts
        return []

    def last(self) -> list[bytes]:
        """A line without its newline at the end of what is over."""
        rest, self._rest = self._rest, b""
        return [rest] if rest else []

    @abstractmethod
    def _more(self) -> bytes:
        """What can be read now; empty where that is nothing."""


class Pipe(Stream):
    """Standard input: it is over at its end."""

    def __init__(self, limit: int, fd: int = 0) -> None:
        super().__init__(limit)
        self.fd = fd

    def _more(self) -> bytes:
        if self.over or not select.select([self.fd], [], [], 0)[0]:
            return b""
        chunk = os.read(self.fd, CHUNK)
        self.over = not chunk
        return chunk


class _Life(Stream):
    """An open file from its beginning on."""

    def __init__(self, limit: int, file: IO[bytes], clock: Callable[[], float]) -> None:
        super().__init__(limit)
        self._file = file
        self._clock = clock
        self._position = 0
        self._beginning = b""
        self._grew = clock()

    def is_of(self, status: os.stat_result) -> bool:
        """Whether this is the file that has the name now."""
        own = os.fstat(self._file.fileno())
        return (own.st_dev, own.st_ino) == (status.st_dev, status.st_ino)

    def was_truncated(self) -> bool:
        """Whether what was read is no longer there."""
        fd = self._file.fileno()
        return os.fstat(fd).st_size < self._position or os.pread(fd, len(self._beginning), 0) != self._beginning

    def again(self) -> _Life:
        """The same file from its beginning; this life is over, and its last line is in the copy of the file alone."""
        self.over, self._rest = True, b""
        return _Life(self._limit, self._file, self._clock)

    def is_idle(self) -> bool:
        return self._clock() - self._grew > IDLE_SECONDS

    def close(self) -> None:
        self.over = True
        self._file.close()

    def _more(self) -> bytes:
        if self.over:
            return b""
        chunk = os.pread(self._file.fileno(), CHUNK, self._position)
        if chunk:
            self._grew = self._clock()
            self._position += len(chunk)
            self._beginning = (self._beginning + chunk)[:_BEGINNING]
        return chunk


class Tail:
    """Follows one name. ``streams`` are those that may have lines; the caller drops what is over. ``trouble`` says why
    the file cannot be opened now, and is empty if it can or is not there.

    Raises UsageError for what is there at first and cannot be followed: a directory, a compressed file, one that is
    unreadable.
    """

    def __init__(self, name: str, limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = name
        self.trouble = ""
        self._path = Path(name)
        self._limit = limit
        self._clock = clock
        self._now: _Life | None = None
        self._replaced: deque[_Life] = deque()
        self._open()
        if self.trouble:
            raise UsageError(f"cannot follow {name}: {self.trouble}", "--follow reads plain files")

    def streams(self) -> list[Stream]:
        """What to read from now, the oldest first."""
        try:
            status = self._path.stat()
        except OSError:  # renamed, and the next one not made yet
            status = None
        if self._now is not None and status is not None:
            if not self._now.is_of(status):
                self._replaced.append(self._now)
                self._now = None
            elif self._now.was_truncated():
                self._now = self._now.again()
        if self._now is None:
            self._open()
        while self._replaced and (len(self._replaced) > MAX_REPLACED or self._replaced[0].is_idle()):
            self._replaced.popleft().close()
        return [*self._replaced, *([self._now] if self._now else [])]

    def close(self) -> None:
        """Let go of all files."""
        for life in (*self._replaced, *([self._now] if self._now else [])):
            life.close()

    def _open(self) -> None:
        try:
            file = self._path.open("rb", buffering=0)
            head = os.pread(file.fileno(), HEAD, 0)
        except FileNotFoundError:
            self.trouble = ""
            return
        except OSError as exc:
            self.trouble = (exc.strerror or str(exc)).lower()
            return
        self.trouble = ""
        if kind_of(head) or other_kind(head):
            file.close()
            self.trouble = "is compressed"
            return
        self._now = _Life(self._limit, file, self._clock)

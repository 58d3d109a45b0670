"""The write-ahead spool: one append-only open segment a writer, sealed by size or age with a rename.

Layout: ``open/`` holds segments being written (each flocked by its writer), ``sealed/`` those that wait
for the loader, in the order of their names, ``quarantine/`` what could not be read.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from collector.frames import events_in, frame, key_of
from sql.errors import StorageError
from sql.files import fsync_dir

log = logging.getLogger("footfall.collector")
RECORD_BYTES = 256 * 1024


class Durability(StrEnum):
    """What an acknowledgement promises: ``fsync`` survives a power cut, ``os`` a crash of Footfall."""

    FSYNC = "fsync"
    OS = "os"


class SpoolFull(StorageError):
    """The spool has reached its bound, or the disk has."""


@dataclass(frozen=True, slots=True)
class SpoolOptions:
    """Bounds of a spool. Sizes in bytes, ages in seconds."""

    durability: Durability = Durability.FSYNC
    segment_bytes: int = 8 * 1024 * 1024
    segment_seconds: float = 1.0
    total_bytes: int = 4 * 1024**3


class Spool:
    """The spool's folders."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.open_dir = root / "open"
        self.sealed_dir = root / "sealed"
        self.quarantine_dir = root / "quarantine"
        self.prepared_dir = root / "prepared"

    def make(self) -> Spool:
        """Create the folders that are missing."""
        for folder in (self.open_dir, self.sealed_dir, self.quarantine_dir, self.prepared_dir):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return self

    def sealed(self) -> list[Path]:
        """Sealed segments, oldest first."""
        return sorted(path for path in self.sealed_dir.iterdir() if path.suffix == ".seg")

    def size(self) -> int:
        """Bytes of all segments that wait."""
        total = 0
        for folder in (self.open_dir, self.sealed_dir):
            for entry in os.scandir(folder):
                try:
                    total += entry.stat().st_size
                except FileNotFoundError:  # sealed or retired while we looked
                    continue
        return total


class SpoolWriter:
    """The one writer of its segments. Not thread-safe: one thread commits."""

    def __init__(
        self,
        spool: Spool,
        name: str,
        options: SpoolOptions | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.spool = spool.make()
        self.options = options or SpoolOptions()
        self.clock = clock
        self.name = f"{name}-{os.getpid()}-{secrets.token_hex(6)}"
        self._fd: int | None = None
        self._path = Path()
        self._key = 0
        self._events = 0
        self._number = 0
        self._length = 0
        self._began = 0.0
        self._size_seen = 0
        self._size_at = -1e9

    @property
    def is_open(self) -> bool:
        """Whether a segment is open."""
        return self._fd is not None

    def commit(self, payloads: Iterable[bytes]) -> None:
        """Append records and make them as durable as the options say; all of them, or an error.

        Raises SpoolFull (bound or disk) and StorageError; nothing of a failed call counts as accepted.
        """
        if self._fd is None:
            self._fd = self._open()
        data, events = self._framed(payloads)
        self._check_bound(len(data))
        try:
            _write_all(self._fd, data)
        except OSError as exc:
            self._take_back(self._fd)
            raise _storage_error(exc) from exc
        try:
            if self.options.durability is Durability.FSYNC:
                os.fdatasync(self._fd)
        except OSError as exc:
            # After a failed sync nobody knows what is on disk: leave this file to the loader.
            self._abandon()
            raise _storage_error(exc) from exc
        self._length += len(data)
        self._events = events
        if self._length >= self.options.segment_bytes:
            try:
                self.seal()
            except StorageError as exc:  # what was committed stays committed
                log.warning("%s; the segment grows on", exc)

    def _framed(self, payloads: Iterable[bytes]) -> tuple[bytes, int]:
        """The records, and how many events the segment holds with them. What is committed together is one record."""
        events = self._events
        records = []
        for payload in _joined(payloads):
            records.append(frame(payload, self._key, events))
            events += events_in(payload)
        return b"".join(records), events

    def seal_if_old(self) -> None:
        """Seal the open segment when it has reached ``segment_seconds``."""
        if self._fd is not None and self.clock() - self._began >= self.options.segment_seconds:
            self.seal()

    def seal(self) -> None:
        """Hand the open segment to the loader: an atomic rename. Nothing happens where none is open.

        Raises StorageError where it cannot be renamed; it stays open then.
        """
        if self._fd is None:
            return
        try:
            if self._length == 0:
                self._path.unlink(missing_ok=True)
            else:
                self._path.rename(self.spool.sealed_dir / sealed_name(self._path, self._events))
        except OSError as exc:
            raise _storage_error(exc) from exc
        # From here on the loader may delete the file: not a byte more must go into it.
        self._abandon()
        if self.options.durability is Durability.FSYNC:
            try:
                fsync_dir(self.spool.sealed_dir)
            except OSError as exc:  # after a power cut it would lie in open/ again, and be adopted
                log.warning("cannot sync the names of sealed segments: %s", exc)

    def _open(self) -> int:
        fd: int | None = None
        try:
            while fd is None:
                self._number += 1
                self._path = self.spool.open_dir / f"{self.name}-{self._number:06d}.seg"
                fd = _own(self._path)
            if self.options.durability is Durability.FSYNC:
                fsync_dir(self.spool.open_dir)
        except OSError as exc:
            if fd is not None:
                self._path.unlink(missing_ok=True)
                os.close(fd)
            raise _storage_error(exc) from exc
        self._key = key_of(self._path)
        self._events = 0
        self._length = 0
        self._began = self.clock()
        return fd

    def _take_back(self, fd: int) -> None:
        """Cut a half-written record off, so that the next one follows a whole one."""
        try:
            os.ftruncate(fd, self._length)
        except OSError:
            self._abandon()

    def _abandon(self) -> None:
        """Let go of the open file; if it still lies in ``open/``, the loader adopts it."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _check_bound(self, more: int) -> None:
        now = time.monotonic()
        if now - self._size_at > 1.0:
            self._size_seen, self._size_at = self.spool.size(), now
        self._size_seen += more
        if self._size_seen > self.options.total_bytes:
            self._size_at = -1e9
            raise SpoolFull(f"the spool holds its {self.options.total_bytes} bytes", "is the loader running?")


def _joined(payloads: Iterable[bytes]) -> Iterator[bytes]:
    """Payloads in as few records as their size allows."""
    group: list[bytes] = []
    size = 0
    for payload in payloads:
        if group and size + len(payload) > RECORD_BYTES:
            yield b"".join(group)
            group, size = [], 0
        group.append(payload)
        size += len(payload)
    if group:
        yield b"".join(group)


def sealed_name(path: Path, events: int) -> str:
    """What an open segment of so many events is called once it is sealed: the moment, the count, its name."""
    return f"{time.time_ns():020d}~{events}~{path.name}"


def events_of(path: Path) -> int | None:
    """How many events a sealed segment holds by its name; None where the name does not say."""
    parts = path.stem.split("~")
    return int(parts[1]) if len(parts) == 3 and parts[1].isdigit() else None


def _own(path: Path) -> int | None:
    """Create and lock a segment; None where the loader took it for an orphan first."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if path.stat().st_ino == os.fstat(fd).st_ino:
            return fd
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(fd)
    return None


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def _storage_error(exc: OSError) -> StorageError:
    if exc.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return SpoolFull(f"no space for the spool: {exc.strerror}", "free some space")
    return StorageError(f"cannot write to the spool: {exc.strerror}")

"""The write-ahead spool: one append-only open segment a writer, sealed by size or age with a rename.

Layout: ``open/`` holds segments being written (each flocked by its writer), ``sealed/`` those that wait
for the loader, in the order of their names, ``quarantine/`` what could not be read, ``writers/`` what each writer
acknowledged (writer_counts.py). The time of the file ``seal`` says when all open segments were last asked for.
"""

from __future__ import annotations

import errno
import fcntl
import itertools
import logging
import os
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from collector.choices import Durability
from collector.settings import COLLECTOR
from collector.spool.framing import MAX_PAYLOAD, events_in, frame, key_of
from collector.spool.writer_counts import WriterCounts
from sql.core.errors import StorageError
from sql.core.files import fsync_dir

log = logging.getLogger("footfall.collector")
RECORD_BYTES = 256 * 1024
# Sealed are lines, and rows that come back from quarantine.
LINES, ROWS = ".seg", ".rows"
# Writers of what comes back: of events that wait in quarantine, and of segments that were set apart.
REQUEUE, REPLAY = "requeue", "replay"


class SpoolFull(StorageError):
    """The spool has reached its bound, or the disk has."""


@dataclass(frozen=True, slots=True)
class SpoolOptions:
    """Bounds of a spool. Sizes in bytes, ages in seconds."""

    durability: Durability = COLLECTOR.durability
    segment_bytes: int = COLLECTOR.segment_bytes
    segment_max_age_seconds: float = COLLECTOR.segment_max_age_seconds
    total_bytes: int = COLLECTOR.spool_max_bytes


class Spool:
    """The spool's folders."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.open_dir = root / "open"
        self.sealed_dir = root / "sealed"
        self.quarantine_dir = root / "quarantine"
        self.prepared_dir = root / "prepared"
        self.writers_dir = root / "writers"
        self._seal_mark = root / "seal"

    def make(self) -> Spool:
        """Create the folders that are missing."""
        for folder in (self.open_dir, self.sealed_dir, self.quarantine_dir, self.prepared_dir, self.writers_dir):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return self

    def sealed(self) -> list[Path]:
        """Sealed segments, oldest first."""
        return sorted(path for path in self.sealed_dir.iterdir() if path.suffix in {LINES, ROWS})

    def ask_to_seal(self) -> None:
        """Ask every writer to seal what it has open."""
        self._seal_mark.touch(mode=0o600)
        os.utime(self._seal_mark)

    def seal_asked(self) -> int:
        """When writers were last asked to seal, in nanoseconds; 0 where they never were."""
        try:
            return self._seal_mark.stat().st_mtime_ns
        except OSError:
            return 0

    def size(self) -> int:
        """Bytes of all segments that wait."""
        return self.sizes()[0]

    def sizes(self, writer: str = "~") -> tuple[int, int]:
        """Bytes of all segments that wait, and of those whose writer's name begins with ``writer``."""
        total = own = 0
        for folder in (self.open_dir, self.sealed_dir):
            for entry in os.scandir(folder):
                try:
                    size = entry.stat().st_size
                except FileNotFoundError:  # sealed or retired while we looked
                    continue
                total += size
                if entry.name.rpartition("~")[2].startswith(writer):
                    own += size
        return total, own


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
        self.kind = name
        self.name = self._new_name()
        self._fd: int | None = None
        self._tally_fd: int | None = None
        self._tally = WriterCounts()
        self._path = Path()
        self._key = 0
        self._events = 0
        self._length = 0
        self._began = 0.0
        self._seal_asked = 0
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
            self._write(self._fd, data)
            self._length += len(data)
            self._events = events
            self._count(WriterCounts(self._tally.number, self._tally.sealed, events))
        except StorageError:
            raise
        except BaseException:  # ctrl-c: what of it is in the file the loader counts when it adopts that
            self._abandon()
            raise
        if self._length >= self.options.segment_bytes:
            try:
                self.seal()
            except StorageError as exc:  # what was committed stays committed
                log.warning("%s; the segment keeps growing", exc)

    def _write(self, fd: int, data: bytes) -> None:
        """Whole and as durable as the options say, or a StorageError and nothing that counts."""
        try:
            _write_all(fd, data)
        except OSError as exc:
            self._take_back(fd)
            raise _storage_error(exc) from exc
        try:
            if self.options.durability is Durability.FSYNC:
                os.fdatasync(fd)
        except OSError as exc:
            # After a failed sync nobody knows what is on disk: leave this file to the loader.
            self._abandon()
            raise _storage_error(exc) from exc

    def _framed(self, payloads: Iterable[bytes]) -> tuple[bytes, int]:
        """The records, and how many events the segment holds with them. What is committed together is one record."""
        events = self._events
        records = []
        for payload in _joined(payloads):
            records.append(frame(payload, self._key, events))
            events += events_in(payload)
        return b"".join(records), events

    def seal_if_old(self) -> None:
        """Seal the open segment when it has reached ``segment_max_age_seconds``, or was asked for."""
        if self._fd is None:
            return
        old = self.clock() - self._began >= self.options.segment_max_age_seconds
        if old or self.spool.seal_asked() != self._seal_asked:
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
                if self.options.durability is Durability.FSYNC and self._tally_fd is not None:
                    os.fdatasync(self._tally_fd)
                self._path.rename(self.spool.sealed_dir / sealed_name(self._path, self._events))
        except OSError as exc:
            raise _storage_error(exc) from exc
        # From here on the loader may delete the file: not a byte more must go into it.
        self._let_go()
        self._count(WriterCounts(self._tally.number, self._tally.accepted))
        if self.options.durability is Durability.FSYNC:
            try:
                fsync_dir(self.spool.sealed_dir)
            except OSError as exc:  # after a power cut it would lie in open/ again, and be adopted
                log.warning("cannot sync the directory of sealed segments: %s", exc)

    def close(self) -> None:
        """Seal, and end: the loader takes over the count of what was accepted. Raises StorageError as ``seal``."""
        self.seal()
        self._abandon()

    def _new_name(self) -> str:
        return f"{self.kind}-{os.getpid()}-{secrets.token_hex(6)}"

    def _open(self) -> int:
        fd: int | None = None
        self._seal_asked = self.spool.seal_asked()
        try:
            while self._tally_fd is None:
                self.name, self._tally = self._new_name(), WriterCounts()
                self._tally_fd = _own(self.spool.writers_dir / self.name, os.O_RDWR)
                if self.options.durability is Durability.FSYNC:
                    fsync_dir(self.spool.writers_dir)
            while fd is None:
                self._count(WriterCounts(self._tally.number + 1, self._tally.accepted))
                self._path = self.spool.open_dir / f"{self.name}-{self._tally.number:06d}.seg"
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

    def _count(self, tally: WriterCounts) -> None:
        self._tally = tally
        try:
            if self._tally_fd is not None:
                tally.write(self._tally_fd)
        except OSError as exc:  # what is committed stays committed; the next writing makes up for it
            log.warning("cannot count what was accepted: %s", exc.strerror)

    def _let_go(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _abandon(self) -> None:
        """Leave the open file as it is to the loader, which adopts it. The writer goes on under another name."""
        self._let_go()
        if self._tally_fd is not None:
            os.close(self._tally_fd)
            self._tally_fd = None

    def _check_bound(self, more: int) -> None:
        now = time.monotonic()
        if now - self._size_at > 1.0:
            self._size_seen, self._size_at = self.spool.size(), now
        self._size_seen += more
        if self._size_seen > self.options.total_bytes:
            self._size_at = -1e9
            raise SpoolFull(
                f"the spool has reached its limit of {self.options.total_bytes} bytes", "is the loader running?"
            )


def _joined(payloads: Iterable[bytes]) -> Iterator[bytes]:
    """Payloads in as few records as their size allows."""
    payloads = list(payloads)
    whole = b"".join(payloads)
    if len(whole) <= RECORD_BYTES:
        if whole:
            yield whole
        return
    group: list[bytes] = []
    size = 0
    for payload in itertools.chain.from_iterable(map(_parts, payloads)):
        if group and size + len(payload) > RECORD_BYTES:
            yield b"".join(group)
            group, size = [], 0
        group.append(payload)
        size += len(payload)
    if group:
        yield b"".join(group)


def _parts(payload: bytes) -> Iterator[bytes]:
    """A payload in pieces that a record can hold, cut between lines."""
    while len(payload) > MAX_PAYLOAD:
        end = payload.rfind(b"\n", 0, MAX_PAYLOAD) + 1 or len(payload)  # a line that is too long is refused as it is
        yield payload[:end]
        payload = payload[end:]
    if payload:
        yield payload


def sealed_name(path: Path, events: int) -> str:
    """The name of an open segment once it is sealed: the moment, the number of events, its name until then."""
    return f"{time.time_ns():020d}~{events}~{path.name}"


def events_of(path: Path) -> int | None:
    """How many events a sealed segment holds by its name; None where the name does not say."""
    parts = path.stem.split("~")
    return int(parts[1]) if len(parts) == 3 and parts[1].isdigit() else None


def writer_kind(path: Path) -> str:
    """What kind of writer a sealed file comes from: ``collector``, ``import``, REQUEUE, REPLAY, …"""
    return path.stem.rpartition("~")[2].partition("-")[0]


def _own(path: Path, how: int = os.O_WRONLY | os.O_APPEND) -> int | None:
    """Create and lock a file; None where the loader took it for an orphan first."""
    fd = os.open(path, how | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
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
        return SpoolFull(f"no disk space for the spool: {exc.strerror}", "free some space")
    return StorageError(f"cannot write to the spool: {exc.strerror}")

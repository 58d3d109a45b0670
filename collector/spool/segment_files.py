"""Segments as the loader sees them: adopt those whose writer died, read, set damage aside."""

from __future__ import annotations

import fcntl
import logging
import os
from pathlib import Path

from collector.spool import framing, writer_counts
from collector.spool.spool import Spool, events_of, sealed_name
from sql.core.files import fsync_dir, write_atomic

log = logging.getLogger("footfall.loader")


def adopt_orphans(spool: Spool) -> list[Path]:
    """Seal open segments whose writer is gone, cut at their last whole record; returns the sealed paths.

    The bytes cut off at the end, a record whose end is missing, were never acknowledged. A segment that is damaged
    otherwise is sealed as it is: its reader sets the damage aside.
    """
    adopted = []
    for path in sorted(spool.open_dir.glob("*.seg")):
        try:
            fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:  # its writer sealed it
            continue
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if path.stat().st_ino == os.fstat(fd).st_ino:
                adopted += _adopt(spool, path, fd)
        except (BlockingIOError, FileNotFoundError):
            continue
        finally:
            os.close(fd)
    return adopted


def _adopt(spool: Spool, path: Path, fd: int) -> list[Path]:
    data = path.read_bytes()
    found = framing.read(data, framing.key_of(path))
    length = len(data)
    broken = bool(found.damaged) and found.damaged[-1].end == length
    if broken and framing.is_torn(data, found.damaged[-1].start):
        length = found.damaged[-1].start
        os.ftruncate(fd, length)
        log.info("cut %d unacknowledged bytes off a segment", len(data) - length, extra={"segment": path.name})
        broken = False
    # A last record that is damaged holds at least one event; how many were acknowledged, their writer's tally knows.
    events = writer_counts.adopted(spool.writers_dir, path, found.events + broken)
    if not events:
        path.unlink()
        return []
    os.fsync(fd)
    sealed = spool.sealed_dir / sealed_name(path, events)
    path.rename(sealed)
    fsync_dir(spool.sealed_dir)
    return [sealed]


def read(spool: Spool, path: Path) -> tuple[list[bytes], int]:
    """The payloads of a sealed segment, and how many events were lost to damage.

    Both together are what the name counts; where it does not, a damaged range counts as one event. Damaged ranges
    are copied to quarantine and named.
    """
    data = path.read_bytes()
    found = framing.read(data, framing.key_of(path), events_of(path))
    for damage in found.damaged:
        name = f"{path.stem}.{damage.start}-{damage.end}"
        events = "an unknown number of" if damage.events is None else str(damage.events)
        reason = f"bytes {damage.start} to {damage.end} of {path.name} are damaged: {events} events"
        set_aside(spool, name, ".damaged", data[damage.start : damage.end], reason)
        log.error("%s; kept in quarantine", reason, extra={"segment": path.name})
    return found.payloads, sum(1 if damage.events is None else damage.events for damage in found.damaged)


def set_aside(spool: Spool, name: str, suffix: str, data: bytes, reason: str) -> None:
    """Keep what cannot be loaded, with the reason beside it; the reason alone is not worth a sync of its own."""
    path = spool.quarantine_dir / f"{name}.reason"
    path.touch(mode=0o600)
    path.write_text(reason)
    write_atomic(spool.quarantine_dir / f"{name}{suffix}", data, mode=0o600)

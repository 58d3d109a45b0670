"""Segments as the loader sees them: adopt those whose writer died, read, set damage aside."""

from __future__ import annotations

import fcntl
import logging
import os
import time
from dataclasses import dataclass
from pathlib import Path

from collector import frames
from collector.spool import Spool
from sql.files import fsync_dir, write_atomic

log = logging.getLogger("footfall.loader")


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes of a segment that could not be read, kept in ``quarantine/<name>``."""

    name: str
    size: int


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
    damaged = frames.read(data).damaged
    length = len(data)
    if damaged and damaged[-1][1] == length and frames.is_torn(data, damaged[-1][0]):
        length = damaged[-1][0]
        os.ftruncate(fd, length)
        log.info("cut %d unacknowledged bytes off %s", len(data) - length, path.name)
    if not length:
        path.unlink()
        return []
    os.fsync(fd)
    sealed = spool.sealed_dir / f"{time.time_ns():020d}-{path.name}"
    path.rename(sealed)
    fsync_dir(spool.sealed_dir)
    return [sealed]


def read(spool: Spool, path: Path) -> tuple[list[bytes], list[Damage]]:
    """The payloads of a sealed segment; damaged ranges are copied to quarantine and named."""
    data = path.read_bytes()
    found = frames.read(data)
    damages = []
    for start, end in found.damaged:
        name = f"{path.stem}.{start}-{end}.damaged"
        write_atomic(spool.quarantine_dir / name, data[start:end], mode=0o600)
        log.error("%s is damaged at bytes %d to %d; kept as quarantine/%s", path.name, start, end, name)
        damages.append(Damage(name, end - start))
    return found.payloads, damages

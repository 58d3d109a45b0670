"""Segment files from elsewhere, such as a backup: each whole record goes into the spool as if it had just come."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from collector.spool import framing
from collector.spool.spool import REPLAY, Spool, SpoolOptions, SpoolWriter, events_of
from sql.core.errors import StorageError, UsageError


@dataclass(frozen=True, slots=True)
class SetApart:
    """A segment file outside the spool: its records, how many events they hold, how many events are damaged."""

    path: Path
    payloads: list[bytes]
    events: int
    damaged: int


def read(spool: Spool, path: Path) -> SetApart:
    """A segment file. Raises UsageError (it is in the spool, or no segment) and StorageError."""
    if spool.root.resolve() in path.resolve().parents:
        raise UsageError(f"{path} is already in the spool", "it will be loaded from there")
    try:
        data = path.read_bytes()
    except OSError as exc:
        raise StorageError(f"cannot read {path}: {exc.strerror}") from exc
    found = framing.read(data, framing.key_of(path), events_of(path))
    if data and not found.payloads:
        raise UsageError(f"{path} has no readable events", "it must be a segment under its original name")
    events = sum(map(framing.events_in, found.payloads))
    return SetApart(path, found.payloads, events, sum(damage.events or 1 for damage in found.damaged))


def restore(spool: Spool, files: list[SetApart], options: SpoolOptions) -> int:
    """Accept their events again; returns how many. Those that are stored are dropped as duplicates, by their ids.

    Raises SpoolFull and StorageError: then some may be in the spool already, and it can be done again.
    """
    writer = SpoolWriter(spool, REPLAY, options)
    try:
        for file in files:
            if file.payloads:
                writer.commit(file.payloads)
    finally:
        writer.close()
    return sum(file.events for file in files)

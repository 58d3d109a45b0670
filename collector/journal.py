"""The loader's journal: *intent* before an insert, *done* after, and the totals that the promise is checked by."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

import msgspec

from collector.batches import Manifest
from sql.files import write_atomic

JOURNAL = "journal.jsonl"


class Totals(msgspec.Struct):
    """Events ever loaded. accepted = stored + duplicate + quarantined."""

    batches: int = 0
    stored: int = 0
    duplicate: int = 0
    quarantined: int = 0


class _Record(msgspec.Struct, omit_defaults=True):
    op: str
    batch: str = ""
    token: str = ""
    stored: int = 0
    duplicate: int = 0
    quarantined: int = 0
    totals: Totals | None = None


def read_totals(root: Path) -> Totals:
    """The totals of a data directory's journal, read beside a loader that may be writing it."""
    totals = Totals()
    try:
        lines = (root / JOURNAL).read_bytes().rpartition(b"\n")[0].splitlines()
    except FileNotFoundError:
        return totals
    for line in lines:
        record = msgspec.json.decode(line, type=_Record)
        if record.op == "totals" and record.totals:
            totals = record.totals
        elif record.op == "done":
            _add(totals, record)
    return totals


def _add(totals: Totals, record: _Record) -> None:
    totals.batches += 1
    totals.stored += record.stored
    totals.duplicate += record.duplicate
    totals.quarantined += record.quarantined


class Journal:
    """An append-only file of JSON lines, each synced before the next step. One process writes it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.totals = Totals()
        self.intents: dict[str, str] = {}
        self.done: set[str] = set()
        self._read()
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def intent(self, manifest: Manifest, token: str) -> None:
        """An insert of this batch is about to be sent under ``token``."""
        self._append(_Record("intent", str(manifest.batch_id), token))
        self.intents[str(manifest.batch_id)] = token

    def finish(self, manifest: Manifest, quarantined: int = 0) -> None:
        """The batch is in `events` and in every derivation, but for rows the engine refused (``quarantined``)."""
        batch = str(manifest.batch_id)
        counts = (manifest.rows - quarantined, manifest.duplicates, manifest.quarantined + quarantined)
        record = _Record("done", batch, "", *counts)
        self._append(record)
        self._apply(record)

    def forget(self, manifest: Manifest) -> None:
        """The batch's files are gone; its name is not needed any more."""
        self.done.discard(str(manifest.batch_id))

    def compact(self) -> None:
        """Rewrite the file as totals and what is open. Where that fails the old one stays in use."""
        records = [_Record("totals", totals=self.totals)]
        records += [_Record("intent", batch, token) for batch, token in self.intents.items()]
        write_atomic(self.path, b"".join(msgspec.json.encode(r) + b"\n" for r in records), mode=0o600)
        fd = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        os.close(self._fd)
        self._fd = fd

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)

    def _append(self, record: _Record) -> None:
        """One durable line, or an OSError and no line."""
        line = msgspec.json.encode(record) + b"\n"
        length = os.fstat(self._fd).st_size
        try:
            if os.write(self._fd, line) != len(line):
                raise OSError(errno.ENOSPC, "the journal line was written in part")
            os.fdatasync(self._fd)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, length)
            raise

    def _read(self) -> None:
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return
        whole, _, torn = data.rpartition(b"\n")
        if torn:  # a line that was never synced: what it announces has not happened
            os.truncate(self.path, len(whole) + (1 if whole else 0))
        for line in whole.splitlines():
            self._apply(msgspec.json.decode(line, type=_Record))

    def _apply(self, record: _Record) -> None:
        if record.op == "totals" and record.totals:
            self.totals = record.totals
        elif record.op == "intent":
            self.intents[record.batch] = record.token
        elif record.op == "done":
            self.intents.pop(record.batch, None)
            self.done.add(record.batch)
            _add(self.totals, record)

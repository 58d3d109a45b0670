"""The loader's journal: *intent* before an insert, *done* after, and the totals that the promise is checked by."""

from __future__ import annotations

import contextlib
import errno
import os
import threading
from pathlib import Path

import msgspec

from collector.loader.batches import Manifest
from sql.core.files import write_atomic

JOURNAL = "journal.jsonl"


class Totals(msgspec.Struct):
    """Events ever loaded: stored, dropped as duplicates or of erased visitors, in quarantine or purged from there.

    ``accepted`` is what writers that are gone have acknowledged; those that live say it in files of their own.
    """

    batches: int = 0
    stored: int = 0
    duplicate: int = 0
    quarantined: int = 0
    accepted: int = 0
    erased: int = 0

    @property
    def answered(self) -> int:
        """Events whose fate is known."""
        return self.stored + self.duplicate + self.erased + self.quarantined


class _Record(msgspec.Struct, omit_defaults=True):
    op: str
    batch: str = ""
    token: str = ""
    stored: int = 0
    duplicate: int = 0
    quarantined: int = 0
    writer: str = ""
    accepted: int = 0
    totals: Totals | None = None
    erased: int = 0


class JournalState:
    """What the lines of a journal say: the totals, batches announced and batches done, writers that were counted."""

    def __init__(self, data: bytes = b"") -> None:
        self.totals = Totals()
        self.intents: dict[str, str] = {}
        self.done: set[str] = set()
        self.writers: set[str] = set()
        for line in data.rpartition(b"\n")[0].splitlines():
            self.apply(msgspec.json.decode(line, type=_Record))

    def apply(self, record: _Record) -> None:
        """One more line."""
        if record.op == "totals" and record.totals:
            self.totals = record.totals
        elif record.op == "intent":
            self.intents[record.batch] = record.token
        elif record.op == "writer":
            self.writers.add(record.writer)
            self.totals.accepted += record.accepted
        elif record.op == "done":
            self.intents.pop(record.batch, None)
            self.done.add(record.batch)
            self.totals.batches += 1
            self.totals.stored += record.stored
            self.totals.duplicate += record.duplicate
            self.totals.erased += record.erased
            self.totals.quarantined += record.quarantined


def read_state(root: Path) -> JournalState:
    """What a data directory's journal says, read beside a loader that may be writing it."""
    try:
        return JournalState((root / JOURNAL).read_bytes())
    except FileNotFoundError:
        return JournalState()


def read_totals(root: Path) -> Totals:
    """The totals of a data directory's journal."""
    return read_state(root).totals


class Journal:
    """An append-only file of JSON lines, each synced before the next step. One process writes it, from two threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._turn = threading.Lock()
        self._state = self._read()
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    @property
    def totals(self) -> Totals:
        """Events ever loaded."""
        return self._state.totals

    @property
    def intents(self) -> dict[str, str]:
        """The last token of each batch that was announced and is not done."""
        return self._state.intents

    @property
    def done(self) -> set[str]:
        """Batches that are done and whose files may still be there."""
        return self._state.done

    def intent(self, manifest: Manifest, token: str) -> None:
        """An insert of this batch is about to be sent under ``token``."""
        self._append(_Record("intent", str(manifest.batch_id), token))

    def finish(self, manifest: Manifest, quarantined: int = 0) -> None:
        """The batch is in `events` and in every derivation, but for rows the engine refused (``quarantined``)."""
        aside = manifest.quarantined + quarantined - manifest.requeued
        counts = (manifest.rows - quarantined, manifest.duplicates, aside)
        self._append(_Record("done", str(manifest.batch_id), "", *counts, erased=manifest.erased))

    def accept(self, writer: str, events: int) -> None:
        """A writer is gone, with ``events`` acknowledged; its own file may be deleted now."""
        if events and writer not in self._state.writers:
            self._append(_Record("writer", writer=writer, accepted=events))

    def forget(self, manifest: Manifest) -> None:
        """The batch's files are gone; its name is not needed any more."""
        self.done.discard(str(manifest.batch_id))

    def compact(self) -> None:
        """Rewrite the file as totals and what is open. Where that fails the old one stays in use.

        Files of writers that were counted must be gone. Nothing happens while those of a batch that is done are there.
        """
        with self._turn:
            if self.done:
                return
            records = [_Record("totals", totals=self.totals)]
            records += [_Record("intent", batch, token) for batch, token in self.intents.items()]
            try:
                write_atomic(self.path, b"".join(msgspec.json.encode(r) + b"\n" for r in records), mode=0o600)
            finally:  # where the sync of the directory failed it is the new file all the same that has the name
                fd = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
                os.close(self._fd)
                self._fd = fd
            self._state.writers.clear()

    @property
    def size(self) -> int:
        """Bytes."""
        return os.fstat(self._fd).st_size

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)

    def _append(self, record: _Record) -> None:
        """One durable line, or an OSError and no line."""
        line = msgspec.json.encode(record) + b"\n"
        with self._turn:
            length = os.fstat(self._fd).st_size
            try:
                if os.write(self._fd, line) != len(line):
                    raise OSError(errno.ENOSPC, "the last journal line is incomplete")
                os.fdatasync(self._fd)
            except OSError:
                with contextlib.suppress(OSError):
                    os.ftruncate(self._fd, length)
                raise
            self._state.apply(record)

    def _read(self) -> JournalState:
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return JournalState()
        whole, _, torn = data.rpartition(b"\n")
        if torn:  # a line that was never synced: what it announces has not happened
            os.truncate(self.path, len(whole) + (1 if whole else 0))
        return JournalState(data)

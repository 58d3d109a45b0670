"""The ledger of imports: one record a run, a JSON file in the data directory.

A record is written before the first event is, so whatever of an import is stored has one. Its run holds a lock next to
it: a record that says `running` and is not locked is of a run that was killed.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

import msgspec

from collector.imports.log_files import STDIN
from sql.core.data_dir import DataDir
from sql.core.errors import StorageError, UsageError
from sql.core.files import OwnedLock, write_atomic


class State(StrEnum):
    """How far an import came. ``undoing``: some of its events are gone, and the rest goes when undo runs again."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    UNDOING = "undoing"
    UNDONE = "undone"


class ImportedFile(msgspec.Struct, frozen=True, omit_defaults=True):
    """A file by its name, with size in bytes and SHA-256; both unknown for pipes and for files that are followed."""

    name: str
    size: int | None = None
    sha256: str = ""


class Run(msgspec.Struct, frozen=True, omit_defaults=True):
    """One import. ``id`` is `import_id` of its events, ``site`` the domain. Moments are UTC, days the site's.

    ``rows`` = ``events`` + all of ``rejected``; of the events, some were new (``stored``), others there before
    (``duplicates``). ``first`` and ``last`` are the days of what was stored. Undo took events out on days between
    ``undo_from`` and ``undo_to``, those included on which their visits began.
    """

    id: str
    what: str
    site_id: int
    site: str
    started: dt.datetime
    by: str = ""
    files: tuple[ImportedFile, ...] = ()
    state: State = State.RUNNING
    rows: int = 0
    events: int = 0
    stored: int = 0
    duplicates: int = 0
    rejected: dict[str, int] = {}
    first: dt.date | None = None
    last: dt.date | None = None
    ended: dt.datetime | None = None
    error: str = ""
    undo_from: dt.date | None = None
    undo_to: dt.date | None = None
    undone: dt.datetime | None = None


def described(name: str) -> ImportedFile:
    """A file as it is now. Raises StorageError where it cannot be read."""
    path = Path(name)
    if name == STDIN or not path.is_file():
        return ImportedFile("standard input" if name == STDIN else name)
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            return ImportedFile(name, file.tell(), digest)
    except OSError as exc:
        raise StorageError(f"cannot read {name}: {exc.strerror}") from exc


def imported_before(home: DataDir, site_id: int, file: ImportedFile) -> Run | None:
    """The newest import of a site that read the same content to its end and was not undone.

    One that stored nothing, since all was there already, says nothing: what was there may have been undone.
    """
    if not file.sha256:
        return None
    runs = (run for run in every(home) if run.site_id == site_id and run.state is State.DONE and run.stored)
    return next((run for run in runs if any(its.sha256 == file.sha256 for its in run.files)), None)


@contextmanager
def recorded(home: DataDir, run: Run, filled: Callable[[Run], Run]) -> Iterator[None]:
    """Keep the record of an import while it runs; ``filled`` adds what is known of it at its end, however it ends."""
    write(home, run)
    lock = _lock(home, run.id)
    if not lock.try_acquire():
        raise StorageError(f"another process is running {run.id}")
    try:
        try:
            yield
        except BaseException as exc:
            state = State.INTERRUPTED if isinstance(exc, KeyboardInterrupt) else State.FAILED
            write(home, _ended(filled(run), state, str(exc)))
            raise
        done = filled(run)
        write(home, _ended(done, State.FAILED if done.error else State.DONE, done.error))
    finally:
        lock.path.unlink(missing_ok=True)
        lock.release()


def write(home: DataDir, run: Run) -> None:
    """Keep a record, durably. Raises StorageError."""
    folder = home.make().imports
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        write_atomic(folder / f"{run.id}.json", msgspec.json.format(msgspec.json.encode(run), indent=1))
    except OSError as exc:
        raise StorageError(f"cannot write the record of an import to {folder}: {exc.strerror}") from exc


def every(home: DataDir) -> list[Run]:
    """All records that can be read, the newest first."""
    found = [_read(home, path.stem) for path in home.imports.glob("*.json")]
    return sorted((run for run in found if run is not None), key=lambda run: run.started, reverse=True)


def find(home: DataDir, number: str) -> Run | None:
    """The record of an id; None where there is none."""
    return _read(home, number) if number and "/" not in number else None


def known(home: DataDir, number: str) -> Run:
    """The record of an id. Raises UsageError where there is none."""
    if (run := find(home, number)) is None:
        raise UsageError(f"no import {number!r}", "see `footfall import list`")
    return run


def _read(home: DataDir, number: str) -> Run | None:
    try:
        run = msgspec.json.decode((home.imports / f"{number}.json").read_bytes(), type=Run)
    except (OSError, msgspec.MsgspecError):
        return None
    if run.state is State.RUNNING and _lock(home, number).is_free():
        return msgspec.structs.replace(run, state=State.INTERRUPTED)
    return run


def _ended(run: Run, state: State, error: str) -> Run:
    return msgspec.structs.replace(run, state=state, error=error, ended=dt.datetime.now(dt.UTC))


def _lock(home: DataDir, number: str) -> OwnedLock:
    return OwnedLock(home.imports / f"{number}.lock", "footfall import")

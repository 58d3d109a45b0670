"""Receipts: what commands changed, one JSON file a run in the data directory."""

from __future__ import annotations

import datetime as dt
import os
from enum import StrEnum

import msgspec

from sql.core.data_dir import DataDir
from sql.core.errors import StorageError, UsageError
from sql.core.files import write_atomic


class Progress(StrEnum):
    """How far a run came. One that ends without a word (a kill, a power failure) stays ``unfinished``."""

    UNFINISHED = "unfinished"
    DONE = "done"
    FAILED = "failed"


class Step(msgspec.Struct, frozen=True, omit_defaults=True):
    """One change: ``act`` (a verb) and ``what``; how much it concerns: rows, bytes, months (202610), files."""

    act: str
    what: str
    rows: int = 0
    bytes: int = 0
    months: tuple[int, ...] = ()
    files: tuple[str, ...] = ()


class Receipt(msgspec.Struct, frozen=True):
    """One run: the steps that were planned, and how many of them, from the first, are ``done``. Moments are UTC."""

    id: str
    command: str
    by: str
    started: dt.datetime
    steps: tuple[Step, ...]
    done: int = 0
    progress: Progress = Progress.UNFINISHED
    ended: dt.datetime | None = None
    error: str = ""


def begun(command: str, by: str, steps: tuple[Step, ...]) -> Receipt:
    """The receipt of a run that begins now."""
    now = dt.datetime.now(dt.UTC)
    return Receipt(f"{now:%Y%m%dT%H%M%S}-{os.getpid()}", command, by, now, steps)


def went_on(receipt: Receipt) -> Receipt:
    """The receipt after one more step; the last one ends the run."""
    done = receipt.done + 1
    if done < len(receipt.steps):
        return msgspec.structs.replace(receipt, done=done)
    return msgspec.structs.replace(receipt, done=done, progress=Progress.DONE, ended=dt.datetime.now(dt.UTC))


def failed(receipt: Receipt, exc: BaseException) -> Receipt:
    """The receipt of a run that ended in an error."""
    error = str(exc) or type(exc).__name__
    return msgspec.structs.replace(receipt, progress=Progress.FAILED, ended=dt.datetime.now(dt.UTC), error=error)


def write(home: DataDir, receipt: Receipt) -> None:
    """Keep a receipt, durably. Raises StorageError."""
    folder = home.make().receipts
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        write_atomic(folder / f"{receipt.id}.json", msgspec.json.format(msgspec.json.encode(receipt), indent=1))
    except OSError as exc:
        raise StorageError(f"cannot write a receipt to {folder}: {exc.strerror}") from exc


def every(home: DataDir) -> list[Receipt]:
    """All receipts that can be read, the newest first."""
    found = [_read(home, path.stem) for path in sorted(home.receipts.glob("*.json"), reverse=True)]
    return [receipt for receipt in found if receipt is not None]


def find(home: DataDir, number: str) -> Receipt:
    """The receipt of an id. Raises UsageError where there is none."""
    found = _read(home, number) if "/" not in number else None
    if found is None:
        raise UsageError(f"no receipt {number!r}", "see `footfall receipt list`")
    return found


def _read(home: DataDir, number: str) -> Receipt | None:
    try:
        return msgspec.json.decode((home.receipts / f"{number}.json").read_bytes(), type=Receipt)
    except (OSError, msgspec.MsgspecError):
        return None

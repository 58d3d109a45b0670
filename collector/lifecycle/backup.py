"""Backups: one folder each in a directory or object store, complete once its manifest is there.

A run holds everything of one moment (`held.py`), copies it at leisure, and writes the manifest last. What a killed run
has left, links and files without a manifest, the next one removes.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from collector.lifecycle import held
from collector.lifecycle.store import CHUNK, Store
from sql.client import embedded_home
from sql.core.data_dir import DataDir
from sql.core.errors import EngineBusy, StorageError, UsageError
from sql.core.files import OwnedLock, write_atomic
from sql.schema import migrate

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

FORMAT = 1
MANIFEST = "manifest.json"
CONFIG = "footfall.toml"


class File(msgspec.Struct, frozen=True):
    """A file of a backup: its name in the data directory, its size in bytes, its SHA-256.

    ``modified`` is its time in nanoseconds since 1970: prepared batches are loaded in the order of theirs.
    ``shared``: it is one with that of the backup before.
    """

    name: str
    bytes: int
    sha256: str
    modified: int
    shared: bool = False


class Manifest(msgspec.Struct, frozen=True):
    """What a backup holds. ``taken`` is the moment (UTC) of all of it; ``links`` are those of the engine directory.

    ``schema`` are the checksums of the schema's steps, ``rows`` the stored rows by table and partition (month). Without
    ``embedded``, tables are on a server and not in here. ``config``: footfall.toml is in it.
    """

    format: int
    footfall: str
    taken: dt.datetime
    embedded: bool
    schema: dict[str, str]
    rows: held.Rows
    links: dict[str, str]
    files: tuple[File, ...]
    config: bool = False

    @property
    def bytes(self) -> int:
        """Of all files."""
        return sum(file.bytes for file in self.files)


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that is complete, by its name: the moment it was taken."""

    name: str
    manifest: Manifest


class Last(msgspec.Struct, frozen=True):
    """The backup of this data directory that was begun last: where, its name, and whether it is complete.

    ``taken`` is the moment of the last one that is.
    """

    to: str
    name: str
    done: bool
    taken: dt.datetime | None = None


def create(
    client: Client,
    url: str,
    home: DataDir,
    to: str,
    config: Path | None = None,
    wait: float = 60.0,
    *,
    incremental: bool = False,
) -> Backup:
    """Make a backup of what is stored now, while Footfall runs. ``url`` is the database's, ``config`` footfall.toml.

    ``incremental``: files that the latest backup there has too are shared with it. Each is whole all the same.

    Safe to interrupt at any moment. Raises EngineBusy (another backup is made, or the partitions are not free within
    ``wait`` seconds), UsageError (nothing is stored yet) and StorageError.
    """
    lock = OwnedLock(home.backup_lock, "footfall backup create")
    with lock.held(0.0) as taken:
        if not taken:
            raise EngineBusy(f"another backup is being made by {lock.holder() or 'another process'}", "wait for it")
        store = Store(to)
        store.folders()  # where it does not serve, nothing need be held
        before = last(home)
        if before and not before.done:
            _clean(before, to)
        if all(step.state is migrate.State.PENDING for step in migrate.steps(client)):
            raise UsageError(f"nothing is stored in {home.root} yet", "check data_dir, or start `footfall serve`")
        embedded = embedded_home(url) is not None
        try:
            found = held.hold(client, home, embedded, wait)
            moment = dt.datetime.now(dt.UTC)
            steps = {step.name: step.checksum for step in migrate.steps(client)}
            name = f"{moment:%Y%m%dT%H%M%S.%f}"[:-3] + "Z"
            _remember(home, Last(to, name, False, before.taken if before else None))
            ours = None if config is None else home.backup_held / CONFIG  # of an earlier restore
            held_ = [path for path in _held(home) if path != ours]
            known = _known(to) if incremental else {}
            files = tuple(_copy(store, name, path, path.relative_to(home.backup_held), known) for path in held_)
            if config is not None:
                files += (_copy(store, name, config, Path(CONFIG), known),)
            told = (moment, embedded, steps, found.rows, found.links, files, config is not None)
            manifest = Manifest(FORMAT, version("footfall"), *told)
            store.put(f"{name}/{MANIFEST}", [msgspec.json.format(msgspec.json.encode(manifest), indent=1)])
            _remember(home, Last(to, name, True, moment))
        finally:
            held.forget(home)
        return Backup(name, manifest)


def every(to: str) -> list[Backup]:
    """All complete backups, the oldest first. Raises StorageError for a manifest that cannot be read."""
    store = Store(to)
    return [_read(store, name) for name in store.folders() if store.has(f"{name}/{MANIFEST}")]


def find(to: str, name: str = "") -> Backup:
    """The backup of a name, or the latest one. Raises UsageError where there is none."""
    found = [each for each in every(to) if name in {"", each.name}]
    if not found:
        raise UsageError(f"no backup {name!r} in {to}" if name else f"no backups in {to}", "see `footfall backup list`")
    return found[-1]


def check(to: str, backup: Backup) -> Iterator[str]:
    """What is wrong with a backup's files: nothing where each is there and is what was written.

    Raises StorageError where the place of the backups does not serve.
    """
    store = Store(to)
    for file in backup.manifest.files:
        try:
            digest = hashlib.sha256()
            for data in store.chunks(f"{backup.name}/{file.name}"):
                digest.update(data)
            if digest.hexdigest() != file.sha256:
                yield f"{file.name}: its content has changed"
        except OSError:
            yield f"{file.name}: missing or unreadable"


def remove(to: str, backup: Backup) -> None:
    """Remove a backup, its manifest first: where this is interrupted, it is not one any more."""
    store = Store(to)
    store.delete(f"{backup.name}/{MANIFEST}")
    store.remove(backup.name)


def last(home: DataDir) -> Last | None:
    """The backup of a data directory that was begun last."""
    try:
        return msgspec.json.decode(home.backup_file.read_bytes(), type=Last)
    except (OSError, msgspec.MsgspecError):
        return None


def _remember(home: DataDir, told: Last) -> None:
    write_atomic(home.backup_file, msgspec.json.encode(told))


def _clean(begun: Last, to: str) -> None:
    """Remove what a run has left that was killed. It does no harm in a place of before that is away now."""
    with nullcontext() if begun.to == to else suppress(StorageError):
        place = Store(begun.to)
        if not place.has(f"{begun.name}/{MANIFEST}"):
            place.remove(begun.name)


def _held(home: DataDir) -> list[Path]:
    return sorted(path for path in home.backup_held.rglob("*") if path.is_file())


def _known(to: str) -> dict[str, tuple[str, File]]:
    """Files of the latest backup by their name, with the name that they are stored under."""
    found = every(to)
    return {file.name: (f"{found[-1].name}/{file.name}", file) for file in found[-1].manifest.files} if found else {}


def _copy(store: Store, backup: str, path: Path, name: Path, known: dict[str, tuple[str, File]]) -> File:
    with path.open("rb") as source:
        facts = os.fstat(source.fileno())
        modified = facts.st_mtime_ns
        stored, same = known.get(str(name), ("", None))
        if same is not None and same.bytes == facts.st_size:
            equal = hashlib.file_digest(source, "sha256").hexdigest() == same.sha256
            if equal and store.share(f"{backup}/{name}", stored):
                return File(str(name), same.bytes, same.sha256, modified, shared=True)
            source.seek(0)
        size, digest = store.put(f"{backup}/{name}", iter(lambda: source.read(CHUNK), b""))
    return File(str(name), size, digest, modified)


def _read(store: Store, name: str) -> Backup:
    try:
        manifest = msgspec.json.decode(store.get(f"{name}/{MANIFEST}"), type=Manifest)
    except (OSError, msgspec.MsgspecError) as exc:
        raise StorageError(f"cannot read the manifest of the backup {name}: {exc}") from exc
    if manifest.format > FORMAT:
        raise StorageError(f"footfall {manifest.footfall} made the backup {name}", "restore it with that version")
    return Backup(name, manifest)

"""A backup as a data directory again, which `serve` starts on as after a power failure."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from collector.lifecycle.backup import Backup, File
from collector.lifecycle.store import Store
from collector.spool.spool import Spool
from sql.client import opened
from sql.core.data_dir import DataDir
from sql.core.errors import StorageError, UsageError
from sql.core.files import fsync_dir
from sql.core.queries import identifier, query
from sql.engine.server import alongside

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client


@dataclass(frozen=True, slots=True)
class Unequal:
    """A partition (month) of a table that has other rows, once opened, than the manifest says."""

    table: str
    partition: str
    expected: int
    found: int


def restore(to: str, backup: Backup, target: Path) -> None:
    """Make a data directory of a backup: all of it, or none. Safe to interrupt and to run again.

    Raises UsageError (``target`` is in use) and StorageError (a file is missing or damaged, or cannot be written).
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UsageError(f"{target} is not empty", "choose another directory, or move it aside")
    part = target.with_name(f".{target.name}.restore")
    store = Store(to)
    try:
        if part.exists():
            shutil.rmtree(part)
        part.mkdir(parents=True, mode=0o700)
        for file in backup.manifest.files:
            _fetch(store, backup.name, file, part)
        for name, link in backup.manifest.links.items():
            path = _inside(part, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.symlink_to(link)
        Spool(part / "spool").make()
        for folder, _, _ in os.walk(part):
            fsync_dir(Path(folder))
        if target.exists():
            target.rmdir()
        part.rename(target)
        fsync_dir(target.parent)
    except OSError as exc:
        raise StorageError(f"cannot write to {target}: {exc.strerror}") from exc


def compare(to: str, backup: Backup, scratch: Path | None = None) -> list[Unequal]:
    """Restore a backup into a temporary directory (below ``scratch``), open it, and count rows by table and month.

    Parts that the engine has merged since it was opened count as they were. Every part is read and checked.
    """
    with tempfile.TemporaryDirectory(prefix="footfall-verify-", dir=scratch) as folder:
        home = DataDir(Path(folder) / "data")
        restore(to, backup, home.root)
        if not backup.manifest.embedded:
            return []
        names = {_part(file.name) for file in backup.manifest.files if file.name.endswith("/count.txt")}
        with alongside(home), opened(f"chdb://{home.root}", direct=False, newer=True) as client:
            found: dict[tuple[str, str], int] = {}
            for table, path, partition, rows in client.query(query("engine/parts")).result_rows:
                if _part(f"{path}count.txt") in names and not partition.startswith("patch-"):
                    key = (table, partition)
                    found[key] = found.get(key, 0) + rows
            for table in backup.manifest.rows:
                if not _sound(client, table):
                    found |= {key: -1 for key in found if key[0] == table}
    said = {(table, month): rows for table, months in backup.manifest.rows.items() for month, rows in months.items()}
    return [
        Unequal(*key, said.get(key, 0), found.get(key, 0))
        for key in sorted(said.keys() | found.keys())
        if said.get(key, 0) != found.get(key, 0)
    ]


def _sound(client: Client, table: str) -> bool:
    """Whether the engine can read every part of a table."""
    return (
        int(str(client.command(f"check table {identifier(table)} settings check_query_single_value_result = 1"))) == 1
    )


def _part(name: str) -> str:
    """The folder of the table and the part, of a file in it."""
    return "/".join(Path(name).parts[-3:-1])


def _fetch(store: Store, backup: str, file: File, root: Path) -> None:
    path = _inside(root, file.name)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    digest = hashlib.sha256()
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(fd, "wb") as out:
        for data in _chunks(store, backup, file):
            out.write(data)
            digest.update(data)
        out.flush()
        os.fsync(out.fileno())
    os.utime(path, ns=(file.modified, file.modified))
    if digest.hexdigest() != file.sha256:
        raise StorageError(f"the backup {backup} is damaged: {file.name} has changed", "restore an earlier one")


def _chunks(store: Store, backup: str, file: File) -> Iterator[bytes]:
    chunks = store.chunks(f"{backup}/{file.name}")
    while True:
        try:
            data = next(chunks, b"")
        except OSError as exc:
            raise StorageError(f"the backup {backup} lacks {file.name}", "restore an earlier one") from exc
        if not data:
            return
        yield data


def _inside(root: Path, name: str) -> Path:
    """A path below ``root``. A manifest may come from anywhere: its names must not lead out."""
    path = Path(name)
    if path.is_absolute() or ".." in path.parts:
        raise StorageError(f"the backup names a file outside of its directory: {name}")
    return root / path

"""All that a data directory stores, of one moment, held by hard links while writers and loader go on.

While the partitions lock is held, no batch is on its way and no month is rewritten: the engine's active parts, the
journal and the spool belong together. Parts never change, and a replaced file keeps its content under another name, so
links hold them. An open segment only grows: what is added after the moment counts too, and a torn end is cut as after a
crash. Parts are linked here, not by `FREEZE`: that leaves out patches, the rows that lightweight updates wrote.
"""

from __future__ import annotations

import os
import shutil
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from collector.lifecycle.ledger import Moment
from collector.lifecycle.partitions import held
from collector.loader.journal import JOURNAL
from collector.loader.status import FILE as LOADER_FILE
from collector.spool.spool import Spool
from sql.core.data_dir import DataDir
from sql.core.errors import StorageError
from sql.core.queries import query

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

PATIENCE_SECONDS = 20.0
Rows = dict[str, dict[str, int]]
"""Rows by table and partition (a month, YYYYMM, but for small tables)."""


@dataclass(frozen=True, slots=True)
class Held:
    """What is held: links of the engine (name: target), rows as they are stored, before rows of one key are merged."""

    links: dict[str, str] = field(default_factory=dict)
    rows: Rows = field(default_factory=dict)


def hold(client: Client, home: DataDir, embedded: bool, wait: float = 60.0) -> Held:
    """Link all that is stored into ``home.backup_held``, of one moment. A server's tables are not ours to hold.

    Raises EngineBusy (the partitions are not free within ``wait`` seconds) and StorageError (a batch has not been
    confirmed, or the spool does not stand still for long enough).
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    with held(client, home, "footfall backup create", wait):
        while time.monotonic() < deadline:
            forget(home)
            try:
                found = _engine(client, home) if embedded else Held()
                while time.monotonic() < deadline:
                    if _spool(home):
                        _files(home)
                        return found
            except FileNotFoundError:  # a part was merged away, or a file replaced, while we looked
                continue
            except OSError as exc:
                raise StorageError(f"cannot link files in {home.root}: {exc.strerror}") from exc
    raise StorageError("could not take a consistent snapshot of the data directory", "try again")


def forget(home: DataDir) -> None:
    """Let go of what is held, and of what a run that was killed has left."""
    if home.backup_held.exists():
        shutil.rmtree(home.backup_held)


def _engine(client: Client, home: DataDir) -> Held:
    root, target = home.engine_dir.resolve(), home.backup_held / "engine"
    found = Held()
    tables = client.query(query("engine/stored_tables")).result_rows
    parts = client.query(query("engine/active_parts")).result_rows
    schema = root / "metadata" / str(client.command("select currentDatabase()"))
    found.links[f"engine/metadata/{schema.name}"] = str(schema.readlink())
    definitions = schema.resolve()
    for name, file, folders in tables:
        _link(definitions / (Path(file).name or f"{name}.sql"), target / definitions.relative_to(root))
        for folder in map(Path, folders):
            _link(folder / "format_version.txt", target / folder.relative_to(root))
    for table, _, folder, partition, rows in parts:
        by_partition = found.rows.setdefault(table, {})
        if not partition.startswith("patch-"):
            by_partition[partition] = by_partition.get(partition, 0) + rows
        _link_tree(Path(folder), target / Path(folder).relative_to(root))
    _link_tree(root / "user_defined", target / "user_defined")
    return found


def _spool(home: DataDir) -> bool:
    """Link the spool, and copy counts and journal; whether all of it is of one moment."""
    spool, target = Spool(home.spool).make(), home.backup_held / "spool"
    if target.exists():
        shutil.rmtree(target)
    try:
        with ExitStack() as files:
            moment = Moment(home, spool, files)
            for folder in (spool.open_dir, spool.sealed_dir, spool.prepared_dir, spool.quarantine_dir):
                _link_tree(folder, target / folder.name)
            counts = target / spool.writers_dir.name
            counts.mkdir(parents=True)
            for name, tally in moment.tallies.items():
                (counts / name).write_bytes(tally.packed())
            (home.backup_held / JOURNAL).write_bytes(moment.journal_data)
            return moment.still()
    except FileNotFoundError:
        return False


def _files(home: DataDir) -> None:
    """Everything else: registries, keys, tracker, receipts. Salts are never copied: they must not outlive 48 hours."""
    left = {
        home.engine_dir,
        home.engine_file,
        home.engine_socket,
        home.salts,
        home.spool,
        home.backup_held,
        home.backup_file,
        home.root / JOURNAL,
        home.root / LOADER_FILE,
    }
    for path in home.root.iterdir():
        if path in left or path.suffix == ".lock" or path.name.startswith("."):
            continue
        if path.is_dir():
            _link_tree(path, home.backup_held / path.name)
        elif path.is_file():
            _link(path, home.backup_held)


def _link(path: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.link(path, folder / path.name)


def _link_tree(source: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True, mode=0o700)
    if source.is_dir():
        for path in source.iterdir():
            if path.name.startswith("."):
                continue
            if path.is_dir():
                _link_tree(path, target / path.name)
            else:
                os.link(path, target / path.name)

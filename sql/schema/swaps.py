"""A month in the place of another, for good, whatever is killed meanwhile.

`replace partition` is one step for readers, but not for an engine that is killed in it: the new parts are there a
moment before the old ones are marked as gone, and after the restart the month has both. So a table that is complete is
renamed first, to a name that says whose place its rows take. Whoever finds a table of such a name does the step again:
an engine before it answers, and everyone who takes a lock on what is stored.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from sql.core.errors import SchemaError
from sql.core.queries import identifier, query

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

# The first major version that was seen to drop a table at once.
_DROPS_AT_ONCE = 26
_READY = re.compile(r"(\w+)_swap_([0-9a-z]+)_rebuild")
SIDE = "_rebuild"
_REPLICATED = re.compile(r"Replicated(\w*MergeTree)\('[^']*', '[^']*'(?:, )?")
Run = Callable[[str], str]
"""Runs a statement, and returns its one value as text."""


def running(client: Client) -> Run:
    """Statements by a client."""
    return lambda text: str(client.command(text))


def drop(client: Client, table: str) -> None:
    """Drop a table that work has made, if it is there, with its files at once.

    The engine would keep them for eight minutes, with rows that nobody is to have any more. Older ones do: 25.8, tried
    as a library, waits for ever where it is to drop at once.
    """
    _drop(running(client), identifier(table), str(client.server_version))


def make(client: Client, table: str, side: str) -> None:
    """Make ``side``, an empty table in which a partition of ``table`` is written again; one that is there is dropped.

    That of a replicated table is not replicated: the path of its original is taken. What is put in the place of a
    partition is copied to other replicas then.
    """
    table, side = identifier(table), identifier(side)
    drop(client, side)
    [(stored,)] = client.query(query("engine/how_stored"), parameters={"table": table}).result_rows
    engine = f" engine = {unreplicated(stored)}" if stored.startswith("Replicated") else ""
    client.command(f"create table {side} as {table}{engine}")


def unreplicated(stored: str) -> str:
    """The text of a replicated table's engine, keys and settings, as of a table of its own."""
    found = _REPLICATED.match(stored)
    if not found:
        raise SchemaError(f"how is this table stored? {stored}", "its engine should begin with a path and a replica")
    keys, _, settings = stored[found.end() :].partition(" SETTINGS ")
    kept = [each for each in settings.split(", ") if each and not each.startswith("replicated_")]
    return f"{found[1]}({keys}" + (f" SETTINGS {', '.join(kept)}" if kept else "")


def swap_in(client: Client, table: str, side: str, month: int | str) -> None:
    """Put a month of ``side``, or a partition by its id, in the place of that of ``table``, and drop ``side``."""
    table, side, partition = identifier(table), identifier(side), str(month)
    ready = f"{table}_swap_{partition}{SIDE}"
    if not _READY.fullmatch(ready):
        raise ValueError(f"not a partition: {partition!r}")
    drop(client, ready)
    client.command(f"rename table {side} to {ready}")
    _put(running(client), table, partition, ready, str(client.server_version))


def side_tables(run: Run) -> list[str]:
    """Tables of work that is going on, or was interrupted."""
    return run(query("engine/side_tables")).split()


def owner(side: str) -> str:
    """The table that a side table belongs to."""
    found = _READY.fullmatch(side)
    return found[1] if found else side.removesuffix(SIDE)


def finish(run: Run, sides: Collection[str]) -> None:
    """Of these side tables, put those in their place that were about to be. The caller holds the locks of all."""
    for side in sorted(sides):
        if found := _READY.fullmatch(side):
            _put(run, found[1], found[2], side, run("select version()"))


def _put(run: Run, table: str, partition: str, ready: str, version: str) -> None:
    if int(run(f"select count() from {ready}")):  # noqa: S608 (identifiers of ours)
        run(f"alter table {table} replace partition id '{partition}' from {ready}")
    else:  # the engine refuses to replace by nothing
        run(f"alter table {table} drop partition id '{partition}'")
    _drop(run, ready, version)


def _drop(run: Run, table: str, version: str) -> None:
    at_once = int(version.split(".", 1)[0]) >= _DROPS_AT_ONCE
    run(f"drop table if exists {table}{' sync' if at_once else ''}")

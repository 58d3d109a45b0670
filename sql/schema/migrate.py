"""Bringing a database to the schema that this version ships: migrations once, the rest whenever it changes.

A migration file is never changed in effect once released; its statements are idempotent, so an interrupted run is
simply run again. Functions and views are made again when their text changes. A derivation is then made again too, and
its table rebuilt from raw events. A file that goes is dropped by a migration, which also ends its record.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from sql.core import queries
from sql.core.errors import SchemaError, lacks_table
from sql.schema import closing, rebuild, shipped
from sql.schema.placement import placed
from sql.schema.shipped import SchemaKind

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

# Checksums of texts that were rewritten to the same effect: a database on which the text on the left was applied has
# what the text on the right makes.
REWRITTEN = {
    "34e04f3a0b10d03a": "bf3e1d5eea3527c9",  # 0002_events: `codec … comment`, which ClickHouse 25.8 does not read
    "05b8dc2b9e431489": "ce86f842eb447579",  # 0001_sites
    "bf3e1d5eea3527c9": "b3abfd213c1543a7",  # 0002_events
    "dba7fa46734c355c": "e14935f252a2358d",  # 0003_visits
    "dda672727e689bc3": "d94e852f8323d542",  # 0004_rollups
    "867e0abfeac289f0": "73fcde72ec80278a",  # 0005_funnels
    "5cfdc386c4d2b050": "63de7a1b00b2144b",  # 0006_loading
    "ed37a4faf411e7a3": "7555588f5f6ee520",  # 0007_event_schemas
    "21196c96fdf9afd1": "df62ba006e2b0230",  # 0008_event_overrides
    "577947c6674a2fe3": "6e1c42804b885f34",  # 0009_arrival_order
    "b895f86c8d4475cb": "a3c42f840d4e07f2",  # 0010_patch_events
    "2d9af0fe64251ab0": "e3b0c44298fc1c14",  # 0011_local_hours
}
# The checksum of a step that a later migration has taken back.
GONE = ""


class State(StrEnum):
    """Whether a step of the schema is applied to a database."""

    APPLIED = "applied"
    PENDING = "pending"
    CHANGED = "changed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Step:
    """One file of the schema, and its state in a database. ``name`` is the key in `schema_steps`."""

    name: str
    kind: SchemaKind
    sql: str
    checksum: str
    state: State


def steps(client: Client) -> list[Step]:
    """All steps in the order in which they run, with their state in this database."""
    known = _applied(client)
    found = [
        Step(text.name, text.kind, text.sql, text.checksum, _state(known.get(text.name), text.checksum))
        for text in shipped.texts()
    ]
    ours = {step.name for step in found} | shipped.retired()
    strangers = [Step(name, SchemaKind.MIGRATION, "", "", State.UNKNOWN) for name in sorted(known.keys() - ours)]
    return found + strangers


def pending(client: Client) -> list[Step]:
    """Steps that ``apply`` would run. Raises SchemaError where it must not run."""
    refuse_newer(client)
    found = steps(client)
    for step in found:
        if step.kind is SchemaKind.MIGRATION and step.state is State.CHANGED:
            raise SchemaError(
                f"migration {step.name} was changed after it was applied",
                "restore the file; write a new migration",
            )
    return [step for step in found if step.state is not State.APPLIED]


def refuse_newer(client: Client) -> None:
    """Raise SchemaError where the database has steps that this version does not know."""
    known = _applied(client)
    for name in sorted(known.keys() - shipped.step_names() - shipped.retired()):
        raise SchemaError(f"the database has {name}, which this version of footfall does not know", "upgrade footfall")


def apply(client: Client, on_step: Callable[[Step], None] = lambda step: None) -> list[Step]:
    """Run what is pending, in order; returns it. The caller holds the partitions lock.

    Raises SchemaError as ``pending`` does.
    """
    todo = pending(client)
    if todo:
        client.command(queries.query("schema/steps_table"))
    for step in todo:
        on_step(step)
        _run(client, step)
        if step.name == "visits_merged":  # closed days were written by the rules that it had
            closing.reopen(client, "visits")
        if step.kind is SchemaKind.MIGRATION:
            for name in sorted(shipped.retired(step.name) & _applied(client).keys()):
                done(client, name, step.kind, GONE)
        done(client, step.name, step.kind, step.checksum)
    return todo


def make(client: Client) -> None:
    """Run everything in an empty database but for functions, which all databases of an engine share."""
    client.command(queries.query("schema/steps_table"))
    for step in steps(client):
        if step.kind is not SchemaKind.FUNCTION:
            _run(client, step)


def _run(client: Client, step: Step) -> None:
    if step.kind is SchemaKind.DERIVATION:
        rebuild.install(client, step.name)
    for statement in _statements(step):
        client.command(statement)


def done(client: Client, name: str, kind: SchemaKind, checksum: str) -> None:
    """Record a step with its checksum, or that it was taken back (``GONE``)."""
    bound = {"name": name, "kind": str(kind), "checksum": checksum}
    client.command(queries.query("schema/step_done"), parameters=bound)


def split(script: str) -> list[str]:
    """Statements of a migration file. They end with ``;`` at the end of a line; comments stay inside."""
    parts = re.split(r";[ \t]*(?:\n|\Z)", script)
    return [part.strip() for part in parts if re.sub(r"--[^\n]*", "", part).strip()]


def _statements(step: Step) -> Iterator[str]:
    if step.kind is SchemaKind.MIGRATION:
        yield from (placed(statement) for statement in split(step.sql))
    elif step.kind is not SchemaKind.DERIVATION:
        yield step.sql


def _state(applied: str | None, checksum: str) -> State:
    if applied is None:
        return State.PENDING
    while applied != checksum and applied in REWRITTEN:
        applied = REWRITTEN[applied]
    return State.APPLIED if applied == checksum else State.CHANGED


def _applied(client: Client) -> dict[str, str]:
    """Which steps are applied, with their checksums."""
    from clickhouse_connect.driver.exceptions import DatabaseError

    try:
        rows = client.query(queries.query("schema/steps_applied")).result_rows
    except DatabaseError as exc:
        if lacks_table(exc):  # asking first would cost every command a round trip
            return {}
        raise
    return {str(name): str(checksum) for name, checksum in rows}

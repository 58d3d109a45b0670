"""Taking back the last migrations, where a file says how: ``NNNN_name.down.sql``.

An older version then finds the database as it knows it. Migrations that changed or dropped what data is in have no such
file; a backup is their way back.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sql.core.errors import SchemaError, UsageError, lacks_table
from sql.schema import migrate, shipped
from sql.schema.migrate import GONE, State, Step
from sql.schema.shipped import SchemaKind

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client


def plan(client: Client, to: str) -> list[Step]:
    """The migrations with a number above ``to``, the last one first.

    Raises UsageError for what is not a number of four digits, SchemaError where one cannot be taken back.
    """
    if not re.fullmatch(r"[0-9]{4}", to):
        raise UsageError(f"not the number of a migration: {to!r}", "such as 0020; see `footfall schema status`")
    applied = [
        step for step in migrate.steps(client) if step.kind is SchemaKind.MIGRATION and step.state is State.APPLIED
    ]
    found = [step for step in reversed(applied) if step.name[:4] > to]
    for step in found:
        if not shipped.down(step.name):
            raise SchemaError(f"migration {step.name} cannot be taken back", "restore a backup from before it")
    return found


def take_back(client: Client, step: Step) -> None:
    """Take a migration back, with the views and functions that came with it. The caller holds the partitions lock.

    Safe to interrupt and to run again.
    """
    from clickhouse_connect.driver.exceptions import DatabaseError

    text = shipped.down(step.name)
    for statement in migrate.split(text):
        try:
            client.command(statement)
        except DatabaseError as exc:
            if not lacks_table(exc):  # a check of a table that an interrupted run has dropped already
                raise
    for name in sorted(shipped.dropped(text)):
        migrate.done(client, name, SchemaKind.VIEW, GONE)
    migrate.done(client, step.name, step.kind, GONE)

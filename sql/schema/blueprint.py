"""What the schema makes, as the engine itself says it: built in a database of its own that is dropped again."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sql.core.queries import query
from sql.schema import migrate, shipped
from sql.schema.shipped import SchemaKind

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its type, and what else is said of it (default, codec, comment), as SQL."""

    name: str
    type: str
    more: str = ""


@dataclass(frozen=True, slots=True)
class Thing:
    """A table or view, with the statement that makes it, without the name of a database."""

    name: str
    engine: str
    create: str
    columns: tuple[Column, ...]
    sorting: str = ""
    partition: str = ""
    said: str = ""
    """The statement as the engine says it, with the names of tables as they are in ``database``."""
    database: str = ""

    def create_in(self, database: str) -> str:
        """The statement that makes it in another database, and has it read that one's tables.

        Without their database, names in a view would be those of the session that creates it. What it is made from must
        be of ``built``, whose database has a name that is nothing else.
        """
        return _renamed(self.said, self.database, f"{database}.")

    @property
    def is_view(self) -> bool:
        """Whether it is a view, plain or materialized."""
        return self.engine in ("View", "MaterializedView")


def standing(client: Client) -> dict[str, Thing]:
    """Tables and views of the client's database, by name."""
    database = str(client.command("select currentDatabase()"))
    columns: dict[str, list[Column]] = {}
    for table, *column in client.query(query("schema/columns")).result_rows:
        columns.setdefault(table, []).append(Column(*column))
    rows = client.query(query("schema/tables")).result_rows
    return {
        name: Thing(
            name,
            engine,
            _renamed(create, database, ""),
            tuple(columns.get(name, ())),
            sorting,
            partition,
            create,
            database,
        )
        for name, engine, create, sorting, partition in rows
    }


def functions(client: Client) -> dict[str, str]:
    """The functions that stand, by name, as the statements that make them."""
    return {row[0]: row[1] for row in client.query(query("schema/functions")).result_rows}


def shipped_functions(client: Client) -> dict[str, str]:
    """The functions of this version, by name, as the engine writes them."""
    found = {}
    for name in shipped.names(SchemaKind.FUNCTION):
        text = shipped.read(SchemaKind.FUNCTION, name).replace("create or replace function", "create function")
        [[found[name]]] = client.query(query("schema/formatted"), parameters={"text": text}).result_rows
    return found


@contextmanager
def built(client: Client) -> Iterator[dict[str, Thing]]:
    """What this version makes: tables and views by name, as long as the context is open. Functions are left alone."""
    # By its name: without one, the embedded engine stays in a database that is gone.
    before = client.database or str(client.command("select currentDatabase()"))
    name = f"footfall_blueprint_{secrets.token_hex(4)}"
    client.command(f"create database {name}")
    try:
        client.database = name
        migrate.make(client)
        yield standing(client)
    finally:
        client.database = before
        client.command(f"drop database if exists {name}")


def _renamed(create: str, database: str, prefix: str) -> str:
    return create.replace(f"{database}.", prefix).replace(f"`{database}`.", prefix)

"""Schema: numbered migrations, then the materialized views that derive everything from `events`.

A migration file is never changed in effect once released; its statements are idempotent, so an interrupted run is
simply run again. A view (``sql/views/<target>.sql``) may change: it is then made again and its target
rebuilt from raw events.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files
from typing import TYPE_CHECKING

from sql.core import queries
from sql.core.errors import SchemaError
from sql.schema import rebuild

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

# Checksums that released migrations had before they were rewritten to the same effect: a database on which the earlier
# text was applied has what the text of today makes.
EARLIER = {
    "0002_events": frozenset({"34e04f3a0b10d03a"}),  # `codec … comment`, which ClickHouse 25.8 does not read
}
_FILE = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql\Z")


class State(StrEnum):
    """Where one step of the schema stands."""

    APPLIED = "applied"
    PENDING = "pending"
    CHANGED = "changed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Step:
    """One migration or view, and where it stands. ``name`` is the key in `schema_steps`."""

    name: str
    kind: str
    text: str
    state: State

    @property
    def checksum(self) -> str:
        """First 16 hex digits of the SHA-256 of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:16]


def steps(client: Client) -> list[Step]:
    """All steps in the order in which they run, with their state in this database."""
    known = _applied(client)
    found = [_with_state(step, known) for step in _shipped()]
    shipped = {step.name for step in found}
    strangers = [Step(name, "migration", "", State.UNKNOWN) for name in sorted(known.keys() - shipped)]
    return found + strangers


def pending(client: Client) -> list[Step]:
    """Steps that ``apply`` would run. Raises SchemaError where it must not run."""
    refuse_newer(client)
    found = steps(client)
    for step in found:
        if step.kind == "migration" and step.state is State.CHANGED:
            raise SchemaError(
                f"migration {step.name} was changed after it was applied",
                "restore the file; write a new migration",
            )
    return [step for step in found if step.state is not State.APPLIED]


def refuse_newer(client: Client) -> None:
    """Raise SchemaError where the database has steps that this version does not know."""
    known = _applied(client)
    for name in sorted(known.keys() - {step.name for step in _shipped()}):
        raise SchemaError(f"the database has {name}, which this version does not know", "upgrade footfall")


def apply(client: Client, on_step: Callable[[Step], None] = lambda step: None) -> list[Step]:
    """Run what is pending, in order; returns it. The caller holds the partitions lock.

    Raises SchemaError as ``pending`` does.
    """
    todo = pending(client)
    if todo:
        client.command(queries.query("schema_steps_table"))
    for step in todo:
        on_step(step)
        if step.kind == "migration":
            for statement in queries.split(step.text):
                client.command(statement)
        else:
            rebuild.install(client, step.name)
        client.command(
            queries.query("schema_step_done"),
            parameters={"name": step.name, "kind": step.kind, "checksum": step.checksum},
        )
    return todo


def _shipped() -> Iterator[Step]:
    folder = files("sql") / "migrations"
    for path in sorted(folder.iterdir(), key=lambda p: p.name):
        if _FILE.match(path.name):
            yield Step(path.name[:-4], "migration", path.read_text(), State.PENDING)
    for name in queries.names("views"):
        yield Step(name, "view", queries.view(name), State.PENDING)


def _with_state(step: Step, known: dict[str, str]) -> Step:
    if step.name not in known:
        return step
    same = {step.checksum, *EARLIER.get(step.name, ())}
    state = State.APPLIED if known[step.name] in same else State.CHANGED
    return Step(step.name, step.kind, step.text, state)


def _applied(client: Client) -> dict[str, str]:
    if not client.command("exists table schema_steps"):
        return {}
    rows = client.query(queries.query("schema_steps_applied")).result_rows
    return {str(name): str(checksum) for name, checksum in rows}

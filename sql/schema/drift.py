"""Where a database is not what this version makes, and the statements that would make it so."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sql.schema import blueprint, migrate
from sql.schema.blueprint import Thing
from sql.schema.migrate import State

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference. ``statement`` mends it; '' where that is for a person to decide, as ``why`` says."""

    name: str
    why: str
    statement: str = ""


def drift(client: Client) -> list[Drift]:
    """All differences between a database and what this version makes, steps that are not applied among them."""
    found = [
        Drift(step.name, f"{step.kind} is {step.state}")
        for step in migrate.steps(client)
        if step.state is not State.APPLIED
    ]
    ours, has = blueprint.shipped_functions(client), blueprint.functions(client)
    for name, text in sorted(ours.items()):
        if _plain(has.get(name, "")) != _plain(text):
            why = "function differs" if name in has else "function is missing"
            found.append(Drift(name, why, text.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION", 1)))
            has.pop(name, None)
    if ours.keys() - has.keys():
        return found  # views have functions written into them: they are compared when those are as they should be
    stands = blueprint.standing(client)
    with blueprint.built(client) as wanted:
        for name in sorted(stands.keys() | wanted.keys()):
            found += _of_thing(stands.get(name), wanted.get(name))
    return found


def _of_thing(stands: Thing | None, wanted: Thing | None) -> Iterator[Drift]:
    if wanted is None:
        if stands is not None:
            yield Drift(stands.name, f"{_kind(stands)} is not one of this version")
    elif stands is None:
        yield Drift(wanted.name, f"{_kind(wanted)} is missing", wanted.create)
    elif stands.is_view or wanted.is_view:
        if _plain(stands.create) != _plain(wanted.create):
            yield Drift(wanted.name, f"{_kind(wanted)} differs", _again(wanted))
    else:
        yield from _of_table(stands, wanted)


def _of_table(stands: Thing, wanted: Thing) -> Iterator[Drift]:
    name = wanted.name
    has, needs = ({column.name: column for column in each.columns} for each in (stands, wanted))
    for column in needs.values():
        now = has.get(column.name)
        text = f"`{column.name}` {column.type} {column.more}".rstrip()
        if now is None:
            yield Drift(name, f"column {column.name} is missing", f"ALTER TABLE {name} ADD COLUMN {text}")
        elif now != column:
            yield Drift(
                name,
                f"column {column.name} is {now.type} {now.more}".rstrip(),
                f"ALTER TABLE {name} MODIFY COLUMN {text}",
            )
    for column in has.values():
        if column.name not in needs:
            yield Drift(name, f"column {column.name} is not one of this version")
    for what in ("engine", "sorting", "partition"):
        if getattr(stands, what) != getattr(wanted, what):
            yield Drift(name, f"{what} is {getattr(stands, what) or 'none'}, not {getattr(wanted, what) or 'none'}")


def _plain(text: str) -> str:
    """Without parentheses: the engine writes more of them around what comes of a function that was read from disk."""
    return re.sub(r"[()\s]", "", text)


def _kind(thing: Thing) -> str:
    return {"View": "view", "MaterializedView": "materialized view"}.get(thing.engine, "table")


def _again(view: Thing) -> str:
    if view.engine == "View":
        return view.create.replace("CREATE VIEW", "CREATE OR REPLACE VIEW", 1)
    return f"DROP VIEW {view.name};\n{view.create}"

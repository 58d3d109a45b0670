"""The same schema on a cluster: replicated tables on each shard, and a database that reads over all of them.

`footfall` has the tables and materialized views, the same text but for the engine. `footfall_all` has a table of each
name that reads all shards, and every plain view again. Loaders write to a shard's `footfall`; reports read
`footfall_all`. No query is written twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum

from sql.core.errors import SchemaError
from sql.schema.blueprint import Thing

DATABASE, ALL = "footfall", "footfall_all"
# A replica forgets tokens after an hour by default: an outage of a night would double a batch that is tried again.
_WINDOW = "replicated_deduplication_window = 1000, replicated_deduplication_window_seconds = 604800"
_ENGINE = re.compile(r"\bENGINE = (\w*)MergeTree(?:\(([^()]*)\))?")
_NAME = re.compile(r"^CREATE (?:MATERIALIZED VIEW|TABLE|VIEW) \S+")
# Its numbers of batches are compared within one shard.
_OF_A_SHARD = {"closed_days"}


class Placement(StrEnum):
    """Where the rows of a table are."""

    SHARDED = "sharded"  # each shard has its own
    GLOBAL = "global"  # every host has all of them, so that views of a shard join what is there
    LOCAL = "local"  # in memory, for the work of one process


PLACEMENTS = {
    Placement.SHARDED: {
        "events", "visits", "closed_visits", "daily_events", "daily_pages", "monthly_events", "monthly_pages",
        "sampled_days", "revisions", "closings", "pending_days", "derived_by",
        "imported_days",
    },
    Placement.GLOBAL: {
        "sites", "write_keys", "definitions", "schema_steps", "horizons", "tombstones", "segment_members",
        "segment_refreshes", "work_members", "identity_log", "user_groups", "exports", "export_members", "work_export",
    },
}  # fmt: skip


def placement(thing: Thing) -> Placement:
    """Where a table's rows are. Raises SchemaError for a stored table that is not placed yet."""
    if thing.engine == "Memory":
        return Placement.LOCAL
    for place, names in PLACEMENTS.items():
        if thing.name in names:
            return place
    raise SchemaError(f"table {thing.name} has no place in a cluster yet", "add it to sql/schema/cluster.py")


def single(made: Mapping[str, Thing], functions: Mapping[str, str]) -> Iterator[str]:
    """The statements that make the schema in one database, in an order in which they run."""
    yield from functions.values()
    yield from (thing.create for thing in _ordered(made))


def clustered(made: Mapping[str, Thing], functions: Mapping[str, str], cluster: str) -> Iterator[str]:
    """The statements that make the schema on a cluster, in an order in which they run.

    Raises UsageError for a name that cannot be a cluster's, SchemaError for a statement that is not understood.
    """
    from sql.core.queries import identifier

    on = f"ON CLUSTER {identifier(cluster)}"
    for name in (DATABASE, ALL):
        yield f"CREATE DATABASE IF NOT EXISTS {name} {on}"
    for text in functions.values():
        yield re.sub(r"^CREATE FUNCTION (\w+)", rf"CREATE FUNCTION \1 {on}", text)
    for thing in _ordered(made):
        yield _placed(thing, on)
    for thing in _ordered(made):
        if thing.name in _OF_A_SHARD:
            continue
        if thing.engine == "View":
            yield _on(thing.create_in(ALL), on)
        elif thing.engine != "MaterializedView" and placement(thing) is not Placement.LOCAL:
            yield _reading(thing, cluster, on)


def _ordered(made: Mapping[str, Thing]) -> list[Thing]:
    """Tables, then plain views after those that they use, then materialized views."""
    views = {name for name, thing in made.items() if thing.engine == "View"}
    depth: dict[str, int] = {}

    def deep(name: str) -> int:
        if name not in depth:
            used = set(re.findall(r"\w+", made[name].create)) & views - {name}
            depth[name] = 1 + max(map(deep, used), default=0)
        return depth[name]

    order = {"View": 1, "MaterializedView": 2}
    return sorted(
        made.values(),
        key=lambda thing: (order.get(thing.engine, 0), deep(thing.name) if thing.name in views else 0, thing.name),
    )


def _placed(thing: Thing, on: str) -> str:
    text = _on(thing.create_in(DATABASE), on)
    if thing.is_view or (where := placement(thing)) is Placement.LOCAL:
        return text
    shard, replica = ("{shard}", "{replica}") if where is Placement.SHARDED else ("all", "{shard}-{replica}")
    path = f"/clickhouse/{{cluster}}/{shard}/{DATABASE}/{thing.name}"

    def replicated(found: re.Match[str]) -> str:
        more = f", {found[2]}" if found[2] else ""
        return f"ENGINE = Replicated{found[1]}MergeTree('{path}', '{replica}'{more})"

    text, count = _ENGINE.subn(replicated, text)
    text, settings = re.subn(r"non_replicated_deduplication_window = \d+", _WINDOW, text)
    if count != 1 or settings > 1:
        raise SchemaError(
            f"the statement of table {thing.name} has {count} engines and {settings} windows, not one each"
        )
    return text


def _on(text: str, on: str) -> str:
    return _NAME.sub(rf"\g<0> {on}", text, count=1)


def _reading(thing: Thing, cluster: str, on: str) -> str:
    if placement(thing) is Placement.GLOBAL:
        engine = f"Merge('{DATABASE}', '^{thing.name}$')"
    else:
        engine = f"Distributed('{cluster}', '{DATABASE}', '{thing.name}')"
    return f"CREATE TABLE {ALL}.{thing.name} {on} AS {DATABASE}.{thing.name} ENGINE = {engine}"

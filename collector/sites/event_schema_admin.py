"""Writing event schemas, and publishing them to collectors."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from collector.event.limits import MAX_NAME
from collector.sites.event_schemas import EventSchema, Mode, compiled
from collector.sites.snapshot import publish
from collector.sites.table import changing
from sql.core.data_dir import DataDir
from sql.core.errors import UsageError
from sql.core.queries import query

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_COLUMNS = ["site_id", "name", "version", "mode", "schema", "created_at"]


def newest(client: Client) -> list[EventSchema]:
    """The schemas that count: the newest version of each."""
    rows = client.query(query("event_schemas/newest")).result_rows
    return [EventSchema(site, name, version, Mode(mode), schema) for site, name, version, mode, schema in rows]


def publish_schemas(client: Client, home: DataDir) -> None:
    """Write the file that collectors read, from the table."""
    publish(home.event_schemas_file, newest(client))


def next_version(client: Client, site_id: int, name: str, mode: Mode, schema: str) -> EventSchema:
    """What ``add`` would write. Raises UsageError: no name, no JSON Schema."""
    if not 0 < len(name.strip()) <= MAX_NAME:
        raise UsageError(f"an event's name must have 1 to {MAX_NAME} characters, not {len(name)}")
    compiled(schema)
    before = next((s for s in newest(client) if (s.site_id, s.name) == (site_id, name)), None)
    return EventSchema(site_id, name, before.version + 1 if before else 1, mode, schema)


def add(client: Client, home: DataDir, site_id: int, name: str, mode: Mode, schema: str) -> EventSchema:
    """Write the next version; collectors follow within a second or two. Two at once get versions of their own."""
    with changing(client, home):
        made = next_version(client, site_id, name, mode, schema)
        _put(client, made)
        publish_schemas(client, home)
    return made


def _put(client: Client, made: EventSchema) -> None:
    # As a row, not as parameters: a schema may be longer than what an address takes.
    now = dt.datetime.now(dt.UTC)
    row = [made.site_id, made.name, made.version, made.mode.value, made.schema, now]
    client.insert("event_schemas", [row], column_names=_COLUMNS)

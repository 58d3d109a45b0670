"""Event schemas as they are defined, by the names of their events, and publishing them to collectors."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec

from collector.choices import SchemaMode
from collector.sites.event_schemas import EventSchema, compiled
from collector.sites.snapshot import publish
from sql import definitions
from sql.core.data_dir import DataDir
from sql.core.errors import UsageError
from sql.definitions import Kind

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client


class EventSchemaBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What events of a name must look like. ``schema`` is JSON text, as it was given."""

    mode: SchemaMode = SchemaMode.WARN
    schema: str = ""


def check(body: EventSchemaBody) -> None:
    """Raises UsageError for what is not a JSON Schema."""
    if not body.schema.strip():
        raise UsageError("an event schema needs a JSON Schema", "a file to the command, or `schema` in TOML")
    compiled(body.schema)


def shown(body: EventSchemaBody) -> str:
    """A schema in a line: its mode, and the beginning of its text's SHA-256."""
    return f"{body.mode}, schema {hashlib.sha256(body.schema.encode()).hexdigest()[:8]}"


def newest(client: Client) -> list[EventSchema]:
    """The schemas that are in force, of every site."""
    return [
        EventSchema(each.site_id, each.name, each.version, each.body.mode, each.body.schema)
        for each in definitions.every(client, 0, EVENT_SCHEMA)
    ]


def publish_schemas(client: Client, home: DataDir) -> None:
    """Write the file that collectors read. The caller holds the lock of definitions: ``definitions.publish``."""
    publish(home.event_schemas_file, newest(client))


EVENT_SCHEMA = Kind("event_schema", EventSchemaBody, check, shown, publish=publish_schemas)

"""``footfall event-schema``: what a site's events must look like."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import standard_input
from cli.context import database
from cli.defining import Defined, Name, group
from cli.exit_codes import Exit
from cli.options import SiteOption
from collector.choices import SchemaMode
from sql.core.errors import UsageError

if TYPE_CHECKING:
    import jsonschema_rs

    from collector.sites.event_schema_definitions import EventSchemaBody
    from sql.definitions import Kind


@dataclass(frozen=True, slots=True)
class EventSchemaOptions:
    """What an event schema is, as options; None: not stated."""

    file: Annotated[Path | None, typer.Argument(help="A file with the JSON Schema of the whole event, as sent.")] = None
    mode: Annotated[
        SchemaMode | None,
        typer.Option("--mode", help="What to do with events that fail validation (default: warn)."),
    ] = None

    def body(self, before: EventSchemaBody | None) -> EventSchemaBody:
        """The event schema that they say; what is not stated is as ``before``."""
        import msgspec

        from collector.sites.event_schema_definitions import EventSchemaBody

        stated = {"mode": self.mode, "schema": _read(self.file) if self.file is not None else None}
        stated = {name: value for name, value in stated.items() if value is not None}
        return msgspec.structs.replace(before or EventSchemaBody(), **stated)


def _kind() -> Kind[EventSchemaBody]:
    from collector.sites.event_schema_definitions import EVENT_SCHEMA

    return EVENT_SCHEMA


app = group(
    Defined(
        "event-schema",
        "event schema",
        "JSON Schemas that validate a site's events, by event name. Collectors apply changes within two seconds.",
        "purchase purchase.schema.json --mode reject",
        EventSchemaOptions,
        _kind,
        clears="--mode off stops validating.",
    )
)


@app.command(epilog="Example: footfall event-schema test purchase events.jsonl --site shop.example")
def test(
    name: Name,
    events: Annotated[Path, typer.Argument(help="Events as JSON, one per line; - reads stdin.")],
    site: SiteOption = None,
    schema: Annotated[Path | None, typer.Option(help="Test against this file instead of the current schema.")] = None,
) -> None:
    """Show which events would fail validation. Exit code 3 if any would."""
    from collector.sites.event_schemas import compiled

    validator = compiled(_read(schema) if schema is not None else _current(name, site))
    bad = total = 0
    for number, line in enumerate(_lines(events), 1):
        if not line.strip():
            continue
        if wrong := _wrong(validator, line, name):
            bad += 1
            typer.echo(f"{number}: {wrong}")
        total += 1
    typer.echo(f"{total - bad} of {total} events are valid", err=True)
    if bad:
        raise typer.Exit(Exit.FOUND)


def _current(name: str, site: str | None) -> str:
    """The schema of an event that is in force."""
    from aggregations.query import sites
    from sql import definitions

    with database("event-schema test") as client:
        return definitions.find(client, sites.find(client, site).site_id, _kind(), name).body.schema


def _wrong(validator: jsonschema_rs.Validator, line: bytes, name: str) -> str:
    from collector.event.decode import UNREADABLE, decode_event
    from collector.sites.event_schemas import misfit

    try:
        event = decode_event(line)
    except UNREADABLE as exc:
        return str(exc)
    if event.name != name:
        return f"name is {event.name!r}, not {name!r}"
    found = misfit(validator, event)
    return f"{found[0] or 'event'}: {found[1]}" if found else ""


def _read(path: Path) -> str:
    hint = "name a file with a JSON Schema in UTF-8"
    try:
        return _bytes(path, hint).decode()
    except UnicodeDecodeError as exc:
        raise UsageError(f"cannot read {path}: it is not UTF-8", hint) from exc


def _lines(path: Path) -> list[bytes]:
    data = standard_input.read() if str(path) == "-" else _bytes(path, "name a file of events, or - for standard input")
    return data.splitlines()


def _bytes(path: Path, hint: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as exc:
        raise UsageError(f"cannot read {path}: {exc.strerror}", hint) from exc

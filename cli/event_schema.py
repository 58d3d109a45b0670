"""``footfall event-schema``: what a site's events must look like."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli import standard_input
from cli.context import database, settings
from cli.exit_codes import Exit
from cli.options import DryRunOption, FormatOption, OutputOption, SiteOption
from cli.render.render import render
from cli.render.view import View
from sql.core.errors import UsageError

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="JSON Schemas that validate a site's events, by event name.",
    epilog="Example: footfall event-schema add purchase purchase.schema.json --site shop.example --mode reject",
)
Name = Annotated[str, typer.Argument(help="The event's name.")]
File = Annotated[Path, typer.Argument(help="A file with the JSON Schema of the whole event, as sent.")]


@app.command(epilog="Example: footfall event-schema add purchase purchase.schema.json --site shop.example")
def add(
    name: Name,
    file: File,
    site: SiteOption = None,
    mode: Annotated[
        str, typer.Option(help="What to do with events that fail validation: warn, reject or off.")
    ] = "warn",
    dry_run: DryRunOption = False,
) -> None:
    """Add a schema, or a new version of one. `--mode off` stops validating the event."""
    from aggregations.query import sites
    from collector.sites import event_schema_admin
    from collector.sites.event_schemas import Mode

    if mode not in set(Mode):
        raise UsageError(f"unknown mode {mode!r}", ", ".join(Mode))
    text = _read(file)
    with database("event-schema add") as client:
        row = sites.find(client, site)
        wanted = (row.site_id, name, Mode(mode), text)
        if dry_run:
            made = event_schema_admin.next_version(client, *wanted)
        else:
            made = event_schema_admin.add(client, settings().home.make(), *wanted)
    said = "would add" if dry_run else "added"
    typer.echo(f"{said} version {made.version} of the schema of {name} on {row.domain} ({mode})", err=True)


@app.command("list", epilog="Example: footfall event-schema list --site shop.example --format json")
def list_(site: SiteOption = None, fmt: FormatOption = None, output: OutputOption = None) -> None:
    """List all versions. The newest version for each event applies."""
    from aggregations.query import sites
    from aggregations.query.fetch import fetch

    with database("event-schema list") as client:
        chosen = sites.find(client, site).site_id if site else 0
        found = fetch(client, "event_schemas/listed", {"site": chosen})
    labels = {"site": "Site", "event": "Event", "version": "Version", "mode": "Mode", "created": "Created"}
    render(found, View("Event schemas", labels=labels, nothing="no event schemas yet"), fmt, output)


@app.command(epilog="Example: footfall event-schema test purchase events.jsonl --site shop.example")
def test(
    name: Name,
    events: Annotated[Path, typer.Argument(help="Events as JSON, one per line; - reads stdin.")],
    site: SiteOption = None,
    schema: Annotated[Path | None, typer.Option(help="Test against this file instead of the current schema.")] = None,
) -> None:
    """Show which events would fail validation. Exit code 3 if any would."""
    from aggregations.query import sites
    from collector.sites.event_schemas import compiled, misfit

    if schema is not None:
        text = _read(schema)
    else:
        from collector.sites import event_schema_admin

        with database("event-schema test") as client:
            row = sites.find(client, site)
            found = [s for s in event_schema_admin.newest(client) if (s.site_id, s.name) == (row.site_id, name)]
        if not found:
            raise UsageError(f"{row.domain} has no schema for {name}", "add one, or name a file with --schema")
        text = found[0].schema
    validator = compiled(text)
    bad = total = 0
    for number, line in enumerate(_lines(events), 1):
        if not line.strip():
            continue
        if wrong := _wrong(validator, misfit, line, name):
            bad += 1
            typer.echo(f"{number}: {wrong}")
        total += 1
    typer.echo(f"{total - bad} of {total} events are valid", err=True)
    if bad:
        raise typer.Exit(Exit.FOUND)


def _wrong(validator: object, misfit: object, line: bytes, name: str) -> str:
    from collector.event.decode import UNREADABLE, decode_event

    try:
        event = decode_event(line)
    except UNREADABLE as exc:
        return str(exc)
    if event.name != name:
        return f"name is {event.name!r}, not {name!r}"
    found = misfit(validator, event)  # type: ignore[operator]
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

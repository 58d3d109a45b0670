"""Commands that set Footfall up: init, schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from cli.context import database, options, settings
from cli.options import DryRunOption

schema_app = typer.Typer(
    no_args_is_help=True, help="The schema in ClickHouse.", epilog="Example: footfall schema status"
)

_URL_LINE = '# url = "clickhouse://user:password@host:8123/database"'
_TEMPLATE = """\
# Footfall. Every setting here can be left out; what is shown is the default.
data_dir = {data_dir}

# ClickHouse: leave it out for the embedded engine, or name a server:
{url_line}

# log_format = "auto"         # of `footfall serve`: text, json, or auto: text on a terminal, else json

[collector]
# host = "127.0.0.1"
# port = 8080
# workers = 2
# durability = "fsync"        # or "os": faster, an acknowledged event survives a crash of Footfall, not a power cut
# segment_max_age_seconds = 1.0       # how soon an event can be counted
# segment_bytes = 8388608     # a segment is sealed at this size, however young
# spool_max_bytes = 4294967296    # beyond this the collector answers 503
# geoip_file = ""           # an .mmdb file that tells countries by address
# trusted_proxies = []        # addresses and networks whose X-Forwarded-For is believed
# site_events_per_second = 2000    # beyond these four the collector answers 429; 0: no such limit
# site_burst = 4000
# address_requests_per_second = 50
# address_burst = 200
# metrics_networks = ["127.0.0.1", "::1"]  # addresses and networks that may read /metrics
# request_timeout_seconds = 20.0      # a request that has not arrived by then is cut off

[loader]
# idempotency_days = 7        # an event id counts once among events at most this many days apart
"""


def init(
    folder: Annotated[Path, typer.Argument(help="Where footfall.toml goes.")] = Path(),
) -> None:
    """Write footfall.toml, make the data directory, create the schema."""
    from cli.config.config import FILE_NAME, load
    from sql.client import opened
    from sql.core.errors import StorageError
    from sql.schema.upgrade import bring_up_to_date

    path = folder / FILE_NAME
    if path.exists():
        typer.echo(f"{path} is there already; leaving it as it is", err=True)
    else:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)  # a URL in it may hold a password
            data_dir = str(options.data_dir.absolute()) if options.data_dir else "footfall-data"
            text = _TEMPLATE.format(url_line=_URL_LINE, data_dir=json.dumps(data_dir, ensure_ascii=False))
            if options.url:
                text = text.replace(_URL_LINE, f"url = {json.dumps(options.url, ensure_ascii=False)}")
            path.write_text(text)
        except OSError as exc:
            raise StorageError(f"cannot write {path}: {exc.strerror}") from exc
        typer.echo(f"wrote {path}", err=True)
    config = load(path, options.data_dir, options.url)
    config.home.make()
    with opened(config.database_url, what="footfall init") as client:
        done = bring_up_to_date(client, config.home)
    typer.echo(f"data directory {config.data_dir}; schema {'created' if done else 'is current'}", err=True)
    typer.echo("next: footfall site add shop.example --timezone Europe/Paris", err=True)


@schema_app.command("status", epilog="Example: footfall schema status")
def schema_status() -> None:
    """Show every migration, function, view and derivation with its state. Exit code 3 when something is pending."""
    from cli.exit_codes import Exit
    from sql.schema.migrate import State, steps

    with database("schema status", newer=True) as client:
        found = steps(client)
    for step in found:
        typer.echo(f"{step.state:8}  {step.kind:10}  {step.name}")
    if any(step.state is not State.APPLIED for step in found):
        raise typer.Exit(Exit.FOUND)


@schema_app.command("apply", epilog="Example: footfall schema apply --dry-run")
def schema_apply(
    dry_run: DryRunOption = False,
) -> None:
    """Apply what is pending."""
    from sql.schema.migrate import pending
    from sql.schema.upgrade import bring_up_to_date

    with database("schema apply") as client:
        if dry_run:
            for step in pending(client):
                typer.echo(f"would apply {step.kind} {step.name}")
            return
        done = bring_up_to_date(
            client, settings().home, lambda step: typer.echo(f"applying {step.kind} {step.name}", err=True)
        )
    typer.echo(f"{len(done)} applied" if done else "schema is current", err=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog="Example: footfall init")(init)
    app.add_typer(schema_app, name="schema")

"""``footfall doctor``: is everything there, and does it work?"""

from __future__ import annotations

import typer

from cli.exits import Exit
from cli.state import settings

_MARK = {"ok": "ok  ", "note": "note", "bad": "BAD "}


def doctor() -> None:
    """Check configuration, disk, engine, schema, sites, spool and collector. Exit code 3 when something is wrong."""
    from collector.checkup import Level, checkup

    config = settings()
    where = (config.collector.host, config.collector.port)
    found = False
    for finding in checkup(config.home, config.database_url, where, config.collector.spool_bytes):
        typer.echo(f"{_MARK[finding.level]}  {finding.subject:<11} {finding.text}")
        if finding.hint:
            typer.echo(f"                  → {finding.hint}")
        found = found or finding.level is Level.BAD
    if config.source:
        typer.echo(f"configuration: {config.source}", err=True)
    if found:
        raise typer.Exit(Exit.FOUND)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: footfall doctor")(doctor)

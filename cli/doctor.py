"""``footfall doctor``: is everything there, and does it work?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from cli.context import settings
from cli.exit_codes import Exit
from sql.core.errors import FootfallError

if TYPE_CHECKING:
    from cli.config.config import Config
    from collector.lifecycle.doctor import Finding

_MARK = {"ok": "ok  ", "note": "note", "bad": "BAD "}


def doctor(
    expect_running: Annotated[
        bool, typer.Option("--expect-running", help="What does not run is a fault, for cron and monitors.")
    ] = False,
) -> None:
    """Check settings, disk, engine, schema, sites, spool, loader and collector. Exit code 3 when something is wrong."""
    from collector.lifecycle.doctor import Level, checkup

    config = settings()
    where = (config.collector.host, config.collector.port)
    found = False
    for finding in (
        *_settings(config),
        *checkup(config.home, config.database_url, where, config.collector.spool_max_bytes, expect_running),
    ):
        typer.echo(f"{_MARK[finding.level]}  {finding.subject:<11} {finding.text}")
        if finding.hint:
            typer.echo(f"                  → {finding.hint}")
        found = found or finding.level is Level.BAD
    if found:
        raise typer.Exit(Exit.FOUND)


def _settings(config: Config) -> Iterator[Finding]:
    """What keeps `serve` from starting before it has started anything."""
    from cli.serve import app_options
    from collector.lifecycle.doctor import Finding, Level

    try:
        app_options(config)
    except FootfallError as exc:
        yield Finding(Level.BAD, "settings", exc.message, exc.hint)
        return
    yield Finding(Level.OK, "settings", str(config.source or "no footfall.toml: the defaults"))


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: footfall doctor --expect-running")(doctor)

"""``footfall doctor``: is everything there, and does it work?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.context import loaded, settings
from cli.findings import tell
from sql.core.errors import FootfallError

if TYPE_CHECKING:
    from cli.config.settings import Config
    from collector.lifecycle.findings import Finding


def doctor(
    expect_running: Annotated[
        bool, typer.Option("--expect-running", help="Treat a stopped process as a fault, for cron and monitoring.")
    ] = False,
    deep: Annotated[
        bool, typer.Option("--deep", help="Also compare tables, views and functions with those of this version.")
    ] = False,
) -> None:
    """Check settings, disk, engine, schema, sites, spool, loader and collector. Exit code 3 if something is wrong."""
    from cli.config.check import problems
    from collector.lifecycle.doctor import checkup

    tell(problems(loaded()))
    config = settings()
    where = (config.collector.host, config.collector.port)
    limit = config.collector.spool_max_bytes
    spam, places = (Path(name) if name else None for name in (config.collector.spam_file, config.collector.geoip_file))
    running = checkup(
        config.home, config.database_url, where, limit, expect_running, deep=deep, backup_to=config.backup_to,
        spam_file=spam, geoip_file=places,
    )  # fmt: skip
    tell((*_settings(config), *running))


def _settings(config: Config) -> Iterator[Finding]:
    """What keeps `serve` from starting before it has started anything."""
    from cli.serve import app_options
    from collector.lifecycle.findings import Finding, Level

    try:
        app_options(config)
    except FootfallError as exc:
        yield Finding(Level.BAD, "settings", exc.message, exc.hint)
        return
    yield Finding(Level.OK, "settings", str(config.source or "no footfall.toml; using the defaults"))


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: footfall doctor --expect-running")(doctor)

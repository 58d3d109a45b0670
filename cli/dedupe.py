"""``footfall dedupe``: does any event stand twice? And the repair."""

from __future__ import annotations

import datetime as dt
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from cli.exits import Exit
from cli.period import FormatOption, OutputOption
from cli.render import render
from cli.state import database, settings
from cli.view import View
from sql.errors import UsageError

if TYPE_CHECKING:
    import polars as pl

    from collector.dedupe import Copies

_LABELS = {"site": "Site", "month": "Month", "ids": "Ids", "copies": "Copies", "first_day": "From", "last_day": "To"}
_DAY = ["%Y-%m-%d"]


def dedupe(
    site: Annotated[
        str | None, typer.Option("--site", "-s", help="Only this site's events (default: all sites).")
    ] = None,
    first: Annotated[
        dt.datetime | None, typer.Option("--from", formats=_DAY, help="First local day to look at.")
    ] = None,
    last: Annotated[dt.datetime | None, typer.Option("--to", formats=_DAY, help="Last local day to look at.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only look. Exit code 3 when an event stands twice.")
    ] = False,
    fmt: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """Prove that no event id stands twice on a site; remove later copies where one does.

    Rows of one id that lie further apart than `idempotency_days` are events of their own.
    """
    from aggregations import sites
    from collector.dedupe import EVER, Scope, find, repair

    config = settings()
    with database("dedupe") as client:
        known = {row.site_id: row.domain for row in sites.every(client)}
        site_id = sites.find(client, site).site_id if site else 0
        since, until = first.date() if first else EVER[0], last.date() if last else EVER[1]
        if since > until:
            raise UsageError("--from lies after --to")
        scope = Scope(config.loader.idempotency_days, site_id, since, until)
        found = find(client, scope)
        rows = sum(copies.copies for copies in found)
        if found and not dry_run:
            _confirm(rows, yes)
            found = repair(client, config.home, scope, lambda month: typer.echo(f"rewriting {month}", err=True))
            rows = sum(copies.copies for copies in found)
    view = View(f"Events that {'stand' if dry_run else 'stood'} twice", labels=_LABELS, nothing="no event stands twice")
    render(_frame(found, known), view, fmt, output)
    if rows:
        said = "would remove" if dry_run else "removed"
        typer.echo(f"{said} {rows:,} copies; what derives from their months is rebuilt with them", err=True)
    if rows and dry_run:
        raise typer.Exit(Exit.FOUND)


def _confirm(rows: int, yes: bool) -> None:
    if not yes and not sys.stdin.isatty():
        raise UsageError(f"removing {rows:,} copies needs a yes", "add --yes, or look first: --dry-run")
    if not yes:
        typer.confirm(f"Remove {rows:,} copies?", abort=True, err=True)


def _frame(found: list[Copies], known: dict[int, str]) -> pl.DataFrame:
    import polars as pl

    kinds = {"site": pl.String, "month": pl.String, "ids": pl.Int64, "copies": pl.Int64}
    rows = [
        (
            known.get(c.site_id, str(c.site_id)),
            f"{c.month // 100}-{c.month % 100:02}",
            c.ids,
            c.copies,
            c.first_day,
            c.last_day,
        )
        for c in found
    ]
    return pl.DataFrame(rows, {**kinds, "first_day": pl.Date, "last_day": pl.Date}, orient="row")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: footfall dedupe --site shop.example --from 2026-11-01 --dry-run")(dedupe)

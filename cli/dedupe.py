"""``footfall dedupe``: find events that are stored twice, and remove the copies."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Annotated

import typer

from cli.context import database, settings
from cli.exit_codes import Exit
from cli.options import FormatOption, OutputOption
from cli.plan import Action, Plan, Yes, carry_out
from cli.render.render import render
from cli.render.view import View
from sql.core.errors import UsageError

if TYPE_CHECKING:
    import polars as pl

    from collector.lifecycle.dedupe import Copies

_LABELS = {"site": "Site", "month": "Month", "ids": "Ids", "copies": "Copies", "first_day": "From", "last_day": "To"}
_DAY = ["%Y-%m-%d"]


def dedupe(
    site: Annotated[
        str | None, typer.Option("--site", "-s", help="Only this site's events (default: all sites).")
    ] = None,
    first: Annotated[dt.datetime | None, typer.Option("--from", formats=_DAY, help="First local day to check.")] = None,
    last: Annotated[dt.datetime | None, typer.Option("--to", formats=_DAY, help="Last local day to check.")] = None,
    yes: Yes = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show duplicates without removing them. Exit code 3 if there are any.")
    ] = False,
    fmt: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """Check for duplicate event ids and remove the later copies.

    Rows with the same id that are more than `idempotency_days` apart are different events.
    """
    from aggregations.query import sites
    from collector.lifecycle.dedupe import EVER, DedupeScope, find, repair

    config = settings()
    with database("dedupe") as client:
        known = {row.site_id: row.domain for row in sites.every(client)}
        site_id = sites.find(client, site).site_id if site else 0
        since, until = first.date() if first else EVER[0], last.date() if last else EVER[1]
        if since > until:
            raise UsageError("--from is after --to")
        scope = DedupeScope(config.loader.idempotency_days, site_id, since, until)
        found = find(client, scope)
        rows = sum(copies.copies for copies in found)
        action = Action(
            "remove",
            f"{rows:,} duplicates, and rebuild visits and rollups of their months",
            lambda: repair(client, config.home, scope, lambda month: typer.echo(f"rewriting {month}", err=True)),
            rows=rows,
            months=tuple(sorted({copies.month for copies in found})),
        )
        plan = Plan("footfall dedupe", (action,) if found else (), loses=True)
        carry_out(plan, config.home, dry_run=dry_run, yes=yes, hint="add --yes, or use --dry-run to see them first")
    title = "Duplicate events" if dry_run else "Duplicate events removed"
    render(_frame(found, known), View(title, labels=_LABELS, nothing="no duplicate events"), fmt, output)
    if rows and dry_run:
        raise typer.Exit(Exit.FOUND)


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

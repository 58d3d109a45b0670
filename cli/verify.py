"""``footfall verify``: prove derived tables from raw events."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from cli.context import database, settings
from cli.exit_codes import Exit
from cli.options import FormatOption, OutputOption
from cli.plan import Action, Plan, Yes, carry_out
from cli.render.render import render
from cli.render.view import View

if TYPE_CHECKING:
    import polars as pl

    from collector.lifecycle.verify import Difference

_LABELS = {"table": "Table", "site": "Site", "month": "Month", "stored": "Stored", "derived": "Raw events"}


def verify(
    repair: Annotated[
        bool, typer.Option("--repair", help="Rebuild the months that differ from raw events, then compare again.")
    ] = False,
    every_row: Annotated[
        bool, typer.Option("--every-row", help="Derive every row again and compare it, which takes much longer.")
    ] = False,
    yes: Yes = False,
    fmt: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """Compare visits and rollups with raw events, by site and month. Exit code 3 if something differs.

    Every table must add up to the same events, page views, revenue and checksums. What sums cannot tell, such as the
    source of a visit, is compared with `--every-row`.

    Changes nothing without `--repair`. Loading continues, and pauses only while months that differ are compared again.
    """
    from aggregations.query import sites
    from collector.lifecycle.verify import verify as compare

    config, started = settings(), time.perf_counter()
    with database("verify") as client:
        known = {row.site_id: row.domain for row in sites.every(client)}
        say = _say if not fmt else (lambda table: None)
        found = compare(client, config.home, every_row=every_row, on_table=say)
        if found.differences and repair:
            action = Action(
                "rebuild",
                f"{len(found.differences):,} months that differ",
                lambda: compare(client, config.home, every_row=every_row, repair=True, on_table=say),
                rows=sum(each.derived for each in found.differences),
                months=tuple(sorted({each.month for each in found.differences})),
            )
            hint = "add --yes, or run it without --repair first"
            carry_out(Plan("footfall verify", (action,), loses=True), config.home, yes=yes, hint=hint)
            found = compare(client, config.home, every_row=every_row, on_table=say)
    seconds = time.perf_counter() - started
    nothing = f"visits and rollups match {found.events:,} raw events"
    render(_frame(found.differences, known), View("Differences", labels=_LABELS, nothing=nothing), fmt, output)
    typer.echo(f"{found.events:,} events compared in {seconds:.1f} s", err=True)
    if found.differences:
        raise typer.Exit(Exit.FOUND)


def _say(table: str) -> None:
    typer.echo(f"comparing {table}", err=True)


def _frame(found: tuple[Difference, ...], known: dict[int, str]) -> pl.DataFrame:
    import polars as pl

    rows = [
        (d.table, known.get(d.site_id, str(d.site_id)), f"{d.month // 100}-{d.month % 100:02}", d.stored, d.derived)
        for d in found
    ]
    kinds = {"table": pl.String, "site": pl.String, "month": pl.String, "stored": pl.Int64, "derived": pl.Int64}
    return pl.DataFrame(rows, kinds, orient="row")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: footfall verify --repair --yes")(verify)

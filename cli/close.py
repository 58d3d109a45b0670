"""``footfall close``: write days that are over in the form in which they are read fastest."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from cli.context import database, settings
from cli.options import DryRunOption, FormatOption, OutputOption
from cli.plan import Action, Plan, carry_out
from cli.render.render import render
from cli.render.view import View

if TYPE_CHECKING:
    import polars as pl

    from collector.loader.close import Closing

_LABELS = {"table": "Table", "month": "Month", "days": "Days", "sites": "Sites", "first_day": "From", "last_day": "To"}


def close(
    until: Annotated[
        dt.datetime | None, typer.Option("--until", formats=["%Y-%m-%d"], help="Last local day to close.")
    ] = None,
    dry_run: DryRunOption = False,
    fmt: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """Write visits of days that are over as typed rows, and rollups of whole months. Reports read them faster.

    The loader does this by itself while it has nothing else to do. A late event opens its day again, and the day is
    closed again later: figures are the same at any moment.
    """
    from collector.lifecycle import closing
    from collector.loader.close import plan

    home = settings().home
    with database("close") as client:
        found = plan(client, dt.datetime.now(dt.UTC), until.date() if until else None)
        actions = tuple(_action(each, partial(closing.close, client, home, [each])) for each in found)
        carry_out(Plan("footfall close", actions), home, dry_run=dry_run)
    render(
        _frame(found),
        View(
            "Days to close" if dry_run else "Days closed", labels=_LABELS, nothing="all days that are over are closed"
        ),
        fmt,
        output,
    )


def _action(closing: Closing, do: Callable[[], object]) -> Action:
    days = len({day for _, day in closing.days})
    return Action("close", f"{days} days in {closing.table.name}", do, months=(closing.month,))


def _frame(found: list[Closing]) -> pl.DataFrame:
    import polars as pl

    rows = [
        (
            closing.table.name,
            f"{closing.month // 100}-{closing.month % 100:02}",
            len({day for _, day in closing.days}),
            len({site_id for site_id, _ in closing.days}),
            min(day for _, day in closing.days),
            max(day for _, day in closing.days),
        )
        for closing in found
    ]
    kinds = {"table": pl.String, "month": pl.String, "days": pl.Int64, "sites": pl.Int64}
    return pl.DataFrame(rows, {**kinds, "first_day": pl.Date, "last_day": pl.Date}, orient="row")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: footfall close --dry-run")(close)

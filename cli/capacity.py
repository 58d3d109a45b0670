"""``footfall capacity``: how much disk and spool a rate of events takes."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.context import database, settings
from cli.options import FormatOption, OutputOption
from cli.render.render import render
from cli.render.view import View

_LABELS = {
    "events_per_second": "Events/s", "gb_a_day": "GB a day", "gb_a_year": "GB a year", "spool_hours": "Spool lasts (h)",
}  # fmt: skip


def capacity(
    rate: Annotated[
        list[float] | None,
        typer.Option("--events-per-second", "-e", min=0.001, help="Rate to plan for, on average; repeatable."),
    ] = None,
    fmt: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """Show how much disk a rate of events takes, and how long the spool holds out while ClickHouse is away.

    By what your own events take, if there are enough of them.
    """
    import polars as pl

    from collector.lifecycle.capacity import ENOUGH, RATES, bytes_an_event
    from collector.lifecycle.capacity import capacity as of

    config = settings()
    with database("capacity") as client:
        each, measured = bytes_an_event(client)
    found = [of(its, each, config.collector.spool_max_bytes) for its in rate or RATES]
    frame = pl.DataFrame(
        {
            "events_per_second": [its.rate for its in found],
            "gb_a_day": [round(its.a_day / 1e9, 3) for its in found],
            "gb_a_year": [round(its.a_year / 1e9, 1) for its in found],
            "spool_hours": [round(its.spool_seconds / 3600, 2) for its in found],
        }
    )
    how = "measured here" if measured else f"planned, since there are fewer than {ENOUGH:,} events to measure by"
    note = f"An event takes {each:.0f} bytes in all tables ({how})."
    render(frame, View("Capacity", labels=_LABELS, footnote=note), fmt, output)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: footfall capacity --events-per-second 50")(capacity)

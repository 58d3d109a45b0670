"""``footfall import plausible``: daily totals, which reports mark as imported."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec.structs import replace

from cli import importing
from cli.context import database, settings
from cli.exit_codes import Exit
from cli.options import FormatOption, OutputOption
from cli.render.render import render
from cli.render.view import View

if TYPE_CHECKING:
    import polars as pl
    from clickhouse_connect.driver.client import Client

    from collector.imports.ledger import Run
    from collector.imports.plausible import Reading, Total
    from sql.core.data_dir import DataDir


def plausible(
    files: Annotated[list[str], typer.Argument(help="ZIP files of exports, or CSV files of one.", metavar="FILE...")],
    site: Annotated[str, typer.Option("--site", "-s", help="Domain of the site that the totals belong to.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and count without storing anything.")] = False,
    fmt: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """Import daily totals from the CSV export of Plausible.

    Reports add them to days before the site's first event, and say so. Bad rows are shown and counted, the others are
    kept. A day that was imported before does not count again.
    """
    from collector.imports import ledger
    from collector.imports.plausible import Reading, check
    from collector.imports.run import new_import_id
    from collector.lifecycle import imported_days
    from sql.definitions import user

    config = settings()
    found = importing.site_of(config, site)
    for name in files:
        check(name)
    now = dt.datetime.now(dt.UTC)
    described = importing.described(config, found, files)
    number = new_import_id("plausible", now.timestamp())
    run = ledger.Run(number, "plausible", found.site_id, found.domain, now, user(), described)
    reading = Reading()
    with database("import plausible") as client:
        brought = _Brought(run, reading, imported_days.known(client, found.site_id))
        if dry_run:
            brought.take(files, None, config.home)
        else:
            with ledger.recorded(config.home, run, brought.filled):
                brought.take(files, client, config.home)
    _say(reading)
    render(brought.summary(dry_run), View("Would be imported" if dry_run else "Imported", labels=_LABELS), fmt, output)
    if reading.rows and not brought.totals:
        raise typer.Exit(Exit.FAILED)


_LABELS = {"what": "", "count": "Rows"}


class _Brought:
    """What an import has brought so far. ``have`` are the dimensions and days that the site has."""

    def __init__(self, run: Run, reading: Reading, have: set[tuple[str, dt.date]]) -> None:
        self.run, self.reading, self.have = run, reading, have
        self.totals = self.stored = 0
        self.days: set[dt.date] = set()

    def take(self, files: list[str], client: Client | None, home: DataDir) -> None:
        """Read files, and store what is new where there is a client."""
        from collector.lifecycle import imported_days

        for its in self._new(files):
            self.stored += imported_days.store(client, home, self.run, its) if client else len(its)
            self.days |= {total.day for total in its}

    def _new(self, files: list[str]) -> Iterator[list[Total]]:
        from collector.imports.plausible import totals

        for name in files:
            for its in totals(name, self.reading):
                self.totals += len(its)
                yield [total for total in its if (total.dimension, total.day) not in self.have]
                self.have |= {(total.dimension, total.day) for total in its}

    def filled(self, run: Run) -> Run:
        """The record with what is known."""
        return replace(
            run,
            rows=self.reading.rows,
            events=self.totals,
            rejected=dict(self.reading.rejected),
            stored=self.stored,
            duplicates=self.totals - self.stored,
            first=min(self.days, default=None),
            last=max(self.days, default=None),
        )

    def summary(self, dry_run: bool) -> pl.DataFrame:
        """Columns what, count: rows, what was rejected by reason, totals, what became of them."""
        import polars as pl

        rows = {"rows": self.reading.rows, **dict(self.reading.rejected.most_common()), "totals": self.totals}
        rows |= {} if dry_run else {"stored": self.stored}
        rows["duplicates"] = self.totals - self.stored
        return pl.DataFrame({"what": list(rows), "count": list(rows.values())})


def _say(reading: Reading) -> None:
    for bad in reading.bad:
        typer.echo(bad, err=True)
    if (unshown := sum(reading.rejected.values()) - len(reading.bad)) > 0:
        typer.echo(f"… and {unshown:,} more rejected rows", err=True)
    if reading.passed_over:
        typer.echo(f"footfall: files that are not imported: {', '.join(reading.passed_over)}", err=True)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: footfall import plausible shop_example_20261101.zip --site shop.example")(plausible)

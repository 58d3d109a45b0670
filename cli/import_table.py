"""``footfall import ndjson|csv|parquet`` and the exports of other products: rows into events."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from msgspec.structs import replace

from cli import importing
from cli.context import settings
from cli.exit_codes import Exit
from cli.import_progress import Bar
from cli.options import FormatOption, OutputOption
from cli.render.render import render
from cli.render.view import View
from cli.taking import takes
from sql.core.errors import FootfallError, StorageError

if TYPE_CHECKING:
    import polars as pl

    from cli.config.settings import Config
    from collector.event.model import SpooledEvent
    from collector.imports.ledger import Run
    from collector.imports.rows import OnRead, Row
    from collector.imports.table import RowCounts, Table, Translate
    from collector.ingest.pipeline import IngestContext
    from collector.ingest.visitors import Salts

    Rows = Callable[[str, OnRead], Iterator[Row]]

MAX_UNUSED = 20
_EXAMPLES = {
    "ndjson": "footfall import ndjson events.jsonl.gz --site shop.example",
    "csv": "footfall import csv hits.csv --site shop.example --column timestamp=created_at --constant name=page_view",
    "parquet": "footfall import parquet *.parquet --site shop.example --map map.toml",
    "umami": "footfall import umami website_event.csv --site shop.example",
    "goatcounter": "footfall import goatcounter export.csv.gz --site shop.example",
    "matomo": "footfall import matomo visits-*.json --site shop.example",
    "ga4": "footfall import ga4 events_*.parquet --site shop.example",
}
FilesArgument = Annotated[
    list[str], typer.Argument(help="Files; text can be compressed. - is stdin (not for Parquet).", metavar="FILE...")
]

IntoOption = Annotated[str, typer.Option("--site", "-s", help="Domain of the site that the events belong to.")]
TimezoneOption = Annotated[str, typer.Option("--timezone", help="IANA time zone of times without a UTC offset.")]
OnlyReadOption = Annotated[bool, typer.Option("--dry-run", help="Read and count without storing anything.")]


@dataclass(frozen=True, slots=True)
class Importing:
    """What the options of one import of rows said."""

    site: IntoOption
    timezone: TimezoneOption = "UTC"
    dry_run: OnlyReadOption = False
    fmt: FormatOption = None
    output: OutputOption = None


MapOption = Annotated[Path | None, typer.Option("--map", help="TOML file with the tables [columns] and [constants].")]
ColumnOption = Annotated[
    list[str] | None,
    typer.Option("--column", help="FIELD=COLUMN, such as timestamp=created_at or props.plan=plan; repeatable."),
]
ConstantOption = Annotated[
    list[str] | None, typer.Option("--constant", help="FIELD=VALUE for every row, such as name=page_view; repeatable.")
]


def _of_format(name: str) -> Callable[..., None]:
    def command(
        options: Importing,
        files: FilesArgument,
        map_: MapOption = None,
        column: ColumnOption = None,
        constant: ConstantOption = None,
    ) -> None:
        from collector.imports import columns
        from collector.imports.rows import READERS

        mapped = columns.read(map_, column or (), constant or ())
        unused: set[str] = set()
        before: tuple[str, ...] = ()

        def translate(values: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
            nonlocal before
            if (names := tuple(values)) != before:
                before = names
                unused.update(mapped.unused(names)[: MAX_UNUSED - len(unused)])
            return (mapped.fields(values),)

        _bring(name, files, options, READERS[name], translate, unused, bounded=True)

    command.__doc__ = f"""Import events from {_TITLES[name]}: columns are fields of events, or mapped to them.

    Rows are validated like live events: bad ones are shown and counted, the others are kept. A row that is imported
    again does not count again.
    """
    return command


_TITLES = {"ndjson": "JSON lines", "csv": "CSV with a header", "parquet": "Parquet"}
_PRODUCTS = {
    "umami": "website_event.csv of an Umami export",
    "goatcounter": "the CSV export of GoatCounter",
    "matomo": "the JSON of Matomo's Live.getLastVisitsDetails",
    "ga4": "the BigQuery export of Google Analytics 4 (NDJSON or Parquet)",
}


def _of_product(name: str) -> Callable[..., None]:
    def command(options: Importing, files: FilesArgument) -> None:
        from collector.imports.products import PRODUCTS

        product = PRODUCTS[name]
        _bring(name, files, options, product.rows, product.translate, set(), bounded=False)

    command.__doc__ = f"""Import events from {_PRODUCTS[name]}.

    Rows are validated like live events: bad ones are shown and counted, the others are kept. A row that is imported
    again does not count again.
    """
    return command


def _bring(
    kind: str,
    files: list[str],
    options: Importing,
    rows: Rows,
    translate: Translate,
    unused: set[str],
    *,
    bounded: bool,
) -> None:
    from collector.imports.log_files import check
    from collector.imports.table import Table
    from sql.core.process import forbid_core_dumps

    forbid_core_dumps()
    config = settings()
    found, zone = importing.site_of(config, options.site), importing.zone_of(options.timezone)
    for name in files:
        check(name)  # a slip in the last name is told before the first file is read
    described = importing.described(config, found, files)
    errors: list[FootfallError] = []
    with importing.secrets(config, options.dry_run) as (salts, secret), Bar(files) as bar:
        table = Table(
            found,
            _rules(config, salts, options.dry_run),
            secret,
            translate,
            row_bytes=config.collector.limits.event_bytes if bounded else None,
            zone=zone,
            country_of=importing.country_of(config),
        )

        def filled(run: Run) -> Run:
            counts = table.counts
            rejected = {reason.value: count for reason, count in counts.rejected.items()}
            return replace(run, rows=counts.rows, events=counts.events, rejected=rejected, error=str(*errors[:1]))

        with importing.sink(config, found, kind, options.dry_run, bar, described, filled) as sink:
            sink.add(_read(table, files, rows, bar, errors))
            stored = sink.finish(bar.loading)
    _say_bad(table.counts, unused)
    view = View("Would be imported" if options.dry_run else "Imported", labels={"what": "", "count": "Rows"})
    render(_summary(table.counts, stored), view, options.fmt, options.output)
    for error in errors:
        typer.echo(f"footfall: {error}", err=True)
    if errors or (table.counts.rows and not table.counts.events):
        raise typer.Exit(Exit.FAILED)


def _read(table: Table, files: list[str], rows: Rows, bar: Bar, errors: list[FootfallError]) -> Iterator[SpooledEvent]:
    """The events of all files. One that cannot be read on is noted, and the next begun."""
    for name in files:
        try:
            yield from table.events(rows(name, bar.row_at), name)
        except StorageError as exc:
            errors.append(exc)
        bar.next_file()


def _rules(config: Config, salts: Salts, dry_run: bool) -> IngestContext:
    """What rows are judged by: as live events of this installation are."""
    from collector.ingest.identity_keys import CONSTANTS, identity_keys
    from collector.ingest.pipeline import IngestContext
    from collector.ingest.visitors import Visitors
    from collector.sites.event_schemas import EventSchemas

    keys = CONSTANTS if dry_run else identity_keys(config.home)
    misfit = EventSchemas(config.home.event_schemas_file).misfit
    visitors = Visitors(salts, keys.client)
    return IngestContext(config.collector.limits, visitors, misfit=misfit, user_key=keys.user)


def _say_bad(counts: RowCounts, unused: set[str]) -> None:
    for bad in counts.bad:
        typer.echo(f"{bad.source}:{bad.number}: {bad.cause}", err=True)
    if counts.unshown > 0:
        typer.echo(f"… and {counts.unshown:,} more rejected rows", err=True)
    if unused:
        typer.echo(f"footfall: columns that are not imported: {', '.join(sorted(unused))}", err=True)


def _summary(counts: RowCounts, stored: int | None) -> pl.DataFrame:
    """Columns what, count: rows, events, what was rejected by reason, what became of the events."""
    import polars as pl

    rows = {"rows": counts.rows, "events": counts.events}
    rows |= {reason.value: count for reason, count in counts.rejected.most_common()}
    if stored is not None:
        rows |= {"stored": stored, "duplicates": counts.events - stored}
    return pl.DataFrame({"what": list(rows), "count": list(rows.values())})


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for names, make in ((_TITLES, _of_format), (_PRODUCTS, _of_product)):
        for name in names:
            app.command(name, epilog=f"Example: {_EXAMPLES[name]}")(takes(Importing)(make(name)))

"""``footfall export events|visits|rollups|report``: stored data as files, with every row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aggregations.exports.consent import Consent
from aggregations.exports.data import FileFormat, Partition
from cli import exporting
from cli.exporting import Told
from cli.options import BotsOption, DryRunOption, PeriodOption, SiteOption
from cli.taking import takes
from sql.core.errors import UsageError

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from aggregations.exports.data import Rows, Wanted
    from aggregations.exports.files import FileEntry
    from aggregations.query.model import Query

FileOption = Annotated[
    str, typer.Option("--output", "-o", help="File, - for standard output, or a URL such as s3://bucket/events.csv.")
]
KindOption = Annotated[
    FileFormat | None, typer.Option("--format", "-f", help="Format (default: that of the file's name, else csv).")
]
WhereOption = Annotated[str, typer.Option("--where", "-w", help="Condition, such as 'country=FR and page^=/blog'.")]
SegmentOption = Annotated[str, typer.Option("--segment", help="Visitors of this segment, or of a condition.")]
PartitionOption = Annotated[
    Partition | None, typer.Option("--partition-by", help="Write a file for each day or month into the directory -o.")
]
ConsentOption = Annotated[
    Consent,
    typer.Option(
        "--consent", help="Leave out visitors who denied ad consent, or did not grant it, and all who send Sec-GPC."
    ),
]


class Rollup(StrEnum):
    """A rollup that can be exported."""

    EVENTS = "daily_events"
    PAGES = "daily_pages"


@dataclass(frozen=True, slots=True)
class DataExport:
    """One export of data, as options or a file of exports say it."""

    what: str = ""
    output: FileOption = exporting.STDOUT
    site: SiteOption = None
    period: PeriodOption = "30d"
    where: WhereOption = ""
    segment: SegmentOption = ""
    format: KindOption = None
    partition_by: PartitionOption = None
    include_bots: BotsOption = False
    consent: ConsentOption = Consent.ANY
    report: str = ""
    query: str = ""
    name: str = ""

    @property
    def definition(self) -> dict[str, object]:
        """What the manifest says of it."""
        names = ("what", "period", "where", "segment", "partition_by", "include_bots", "consent", "report", "query")
        return {name: str(getattr(self, name)) for name in names if getattr(self, name)}


def add_to(app: typer.Typer) -> None:
    """Add the commands to the group."""
    app.command("events", epilog="Example: footfall export events --period 2026-10 -o october.parquet")(events)
    app.command("visits", epilog="Example: footfall export visits --partition-by month -o visits/ --format parquet")(
        visits
    )
    app.command("rollups", epilog="Example: footfall export rollups --table daily_pages --period 12mo -o pages.csv")(
        rollups
    )
    app.command("report", epilog="Example: footfall export report pages --period 12mo -o pages.csv")(report)


@takes(DataExport, without=("what", "report", "query", "name"))
def events(asked: DataExport, dry_run: DryRunOption = False) -> None:
    """Write raw events, one row each."""
    run(replace(asked, what="events"), dry_run)


@takes(DataExport, without=("what", "report", "query", "name"))
def visits(asked: DataExport, dry_run: DryRunOption = False) -> None:
    """Write visits, one row each."""
    run(replace(asked, what="visits"), dry_run)


@takes(DataExport, without=("what", "report", "query", "name", "segment", "consent"))
def rollups(
    asked: DataExport,
    table: Annotated[Rollup, typer.Option("--table", help="Which rollup.")] = Rollup.EVENTS,
    dry_run: DryRunOption = False,
) -> None:
    """Write sums by day: of events by name, or of page views by host and path."""
    run(replace(asked, what=table), dry_run)


@takes(DataExport, without=("what", "report", "query", "name", "partition_by", "consent"))
def report(
    asked: DataExport,
    name: Annotated[str, typer.Argument(help="A ranked report, such as pages.")] = "",
    query: Annotated[Path | None, typer.Option("--query", help="File with a query as JSON.")] = None,
    dry_run: DryRunOption = False,
) -> None:
    """Write every row of a report, or of a query of your own."""
    run(replace(asked, what="report", report=name, query=_read(query) if query else ""), dry_run)


def run(asked: DataExport, dry_run: bool = False, told: Told = exporting.say) -> None:
    """Carry out an export, or say how much it would write. Raises UsageError, EngineError, StorageError."""
    fmt = asked.format or FileFormat(exporting.format_of(asked.output) or FileFormat.CSV)
    stream = exporting.to_stream(asked.output)
    if asked.partition_by and stream:
        raise UsageError("--partition-by needs a directory", "such as -o exports/")
    if stream and fmt in (FileFormat.PARQUET, FileFormat.ARROW) and not dry_run and exporting.on_terminal(asked.output):
        raise UsageError(f"refusing to write {fmt} to a terminal", "add -o FILE, or pipe it")
    with exporting.engine(f"export {asked.what}") as client:
        _carry_out(client, asked, fmt, stream, dry_run, told)


def _carry_out(client: Client, asked: DataExport, fmt: FileFormat, stream: bool, dry_run: bool, told: Told) -> None:
    from aggregations.exports import write
    from aggregations.exports.data import located, parts
    from aggregations.exports.encode import Counted
    from aggregations.exports.files import FileEntry

    wanted = _wanted(asked)
    site, period = located(client, wanted)
    make = _rows(client, asked, wanted, site)
    rows = make(period)
    if rows.note:
        told(rows.note)
    if dry_run:
        count = rows.count
        found = int(client.command(count.text, parameters=count.values, settings=count.settings))  # type: ignore[arg-type]
        told(f"would export {found:,} rows of {site.domain} to {asked.output} as {fmt}")
        return
    files: tuple[FileEntry, ...]
    where = None
    if stream:
        counted = Counted()
        exporting.write_stream(asked.output, write.chunks(client, rows, fmt, counted))
        files = (FileEntry(asked.output, counted.rows, 0, ""),)
    elif asked.partition_by:
        target = exporting.folder(asked.output)
        each = _teller(told)
        files = tuple(write.folder(client, list(parts(period, asked.partition_by)), make, fmt, target, each))
        where = (target, asked.what)
    else:
        where = exporting.target(asked.output)
        files = (write.one_file(client, rows, fmt, *where),)
    made = write.finished(client, rows, asked.what, fmt, files, asked.definition, where, asked.name)
    told(f"exported {made.rows:,} rows of {site.domain} to {asked.output}")


def _teller(told: Told) -> Callable[[FileEntry], object]:
    return lambda entry: told(f"exported {entry.name}: {entry.rows:,} rows")


def _rows(client: Client, asked: DataExport, wanted: Wanted, site: Any) -> Callable[[Any], Rows]:
    from aggregations.exports import data
    from aggregations.exports.columns import TABLES

    if asked.what == "report":
        query = _query(asked)
        return lambda period: data.of_report(client, query, wanted, site, period)
    return lambda period: data.of_table(client, TABLES[asked.what], wanted, site, period)


def _query(asked: DataExport) -> Query:
    from aggregations.query.model import decode
    from aggregations.reports.ranked import RANKED

    if bool(asked.report) == bool(asked.query):
        raise UsageError("name a report or a query", "such as `footfall export report pages`, or --query FILE")
    if asked.query:
        return decode(asked.query)
    if asked.report not in RANKED:
        raise UsageError(f"no ranked report {asked.report}", f"one of {', '.join(sorted(RANKED))}")
    return RANKED[asked.report].query()


def _wanted(asked: DataExport) -> Wanted:
    from aggregations.exports.data import Wanted
    from aggregations.query import members, where

    return Wanted(
        asked.site,
        asked.period,
        where.parse(asked.where) if asked.where else None,
        members.asked(asked.segment) if asked.segment else None,
        asked.include_bots,
        asked.consent,
    )


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError as exc:
        raise UsageError(f"cannot read {path}: {exc.strerror}") from exc

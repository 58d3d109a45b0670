"""Statements of exports: events, visits and rollups of a site, and reports, with every row."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import structs

from aggregations.exports.columns import Cell, Column, Table, harmless
from aggregations.exports.consent import Consent, refusing
from aggregations.query import buckets, closed, conditions, dimensions, kept, members, metrics, periods, sites
from aggregations.query.answer import ask
from aggregations.query.conditions import Condition, both
from aggregations.query.dimensions import ValueKind
from aggregations.query.model import Query
from aggregations.query.periods import Period
from aggregations.query.reader import Reader
from aggregations.query.restrict import has_column, of_level
from aggregations.query.sites import SiteRow
from aggregations.query.statement import Statement, settings
from sql.compose import Binder
from sql.core.errors import UsageError

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client


class FileFormat(StrEnum):
    """How an export is written."""

    CSV = "csv"
    PARQUET = "parquet"
    NDJSON = "ndjson"
    ARROW = "arrow"


class Partition(StrEnum):
    """By what an export is divided into files."""

    DAY = "day"
    MONTH = "month"


# Rows as lines of text, made by the engine: what is read of them is written as it is.
_LINES = {FileFormat.CSV: "CSV", FileFormat.NDJSON: "JSONEachRow"}
# Whatever is gathered on the way goes to disk before it takes the memory.
_SETTINGS = {
    "date_time_output_format": "iso",
    "output_format_json_escape_forward_slashes": 0,
    "output_format_arrow_compression_method": "none",
    "output_format_arrow_string_as_string": 1,
    "max_bytes_before_external_group_by": 1 << 30,
    "max_bytes_before_external_sort": 1 << 30,
}


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows to export: a text that selects columns of ``columns``, and what is to be said of them."""

    site: SiteRow
    period: Period
    columns: tuple[Column, ...]
    text: str
    values: dict[str, object]
    settings: dict[str, object]
    note: str = ""

    def told(self, fmt: FileFormat) -> Statement:
        """The statement in a format: typed columns, or lines of text in the column `line`."""
        bound = self.settings | _SETTINGS
        if fmt not in _LINES:
            return Statement(self.text, self.values, bound)
        cells = ", ".join(f"{_cell(each, fmt)} as `{each.name}`" for each in self.columns)
        names = ", ".join(f"`{each.name}`" for each in self.columns)
        line = f"formatRow('{_LINES[fmt]}', {names}) as line"
        text = f"select {line} from (select {cells} from (\n{self.text}\n) as r)"  # noqa: S608 (texts of ours)
        return Statement(text, self.values, bound)

    @property
    def count(self) -> Statement:
        """How many rows there are."""
        text = f"select count() from (\n{self.text}\n)"  # noqa: S608 (a text of ours)
        return Statement(text, self.values, self.settings)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of a table: a period as reports have it, a condition, the visitors of a segment."""

    site: str | None = None
    period: str = "30d"
    where: Condition | None = None
    segment: Condition | None = None
    include_bots: bool = False
    consent: Consent = Consent.ANY


def located(client: Client, wanted: Wanted, now: dt.datetime | None = None) -> tuple[SiteRow, Period]:
    """The site and the period. Raises UsageError."""
    site = sites.find(client, wanted.site)
    now = now or dt.datetime.now(dt.UTC)
    earliest = sites.first_day(client, site)
    return site, periods.parse(wanted.period, zone=site.timezone, now=now, earliest=lambda: earliest)


def of_table(client: Client, table: Table, wanted: Wanted, site: SiteRow, period: Period) -> Rows:
    """Rows of a table. Raises UsageError for what its rows cannot be asked."""
    query = Query(
        dimensions=("time:day",) if table.keys else (),
        where=wanted.where,
        segment=wanted.segment,
        include_bots=wanted.include_bots,
    )
    _check(table, query, wanted.consent)
    members.find(client, site, (wanted.where, wanted.segment))
    known = closed.of(client, site, [period])
    binder = Binder()
    reader = Reader(query, site.site_id, binder, period, known)
    only = []
    if wanted.consent is not Consent.ANY:
        only.append(f"s.visitor_id not in (\n{refusing(reader, wanted.consent)}\n)")
    rows = reader.chosen(table.source, wanted.where, only)
    chosen = ", ".join(f"{each.sql} as `{each.name}`" for each in table.columns)
    keys = ", ".join(str(at) for at in range(1, table.keys + 1))
    text = f"select {chosen}\nfrom (\n{rows}\n) as s"
    text += f"\ngroup by {keys}\norder by {keys}" if keys else ""
    note = kept.note(known, [table.source], text, (period, None))
    return Rows(site, period, table.columns, text, binder.values, settings(query), note)


def of_report(client: Client, query: Query, wanted: Wanted, site: SiteRow, period: Period) -> Rows:
    """Every row of a question's answer: dimensions, then metrics. Raises UsageError."""
    query = _whole(query, wanted)
    asked = ask(client, query, site, period)
    binder = Binder(asked.statement.values)
    columns, texts = [], []
    for at, name in enumerate(query.dimensions):
        kind = dimensions.find(name).kind
        plain = name.removeprefix("time:")
        text = f"d{at}"
        if kind is ValueKind.TIME:
            points = [str(point) for point in buckets.labels(period, plain)]
            text = f"{binder.bind(points, 'Array(String)')}[d{at} + 1]"
        columns.append(Column(plain, Cell.TEXT if kind is ValueKind.TEXT else Cell.EXACT))
        texts.append(text)
    columns += [Column(name) for name in query.metrics]
    texts += [f"m{at}" for at in range(len(query.metrics))]
    chosen = ", ".join(f"{text} as `{each.name}`" for text, each in zip(texts, columns, strict=True))
    text = f"select {chosen}\nfrom (\n{asked.statement.text}\n)"
    note = "; ".join(filter(None, (asked.segments_note, asked.sampled_note, asked.kept_note)))
    return Rows(site, period, tuple(columns), text, binder.values, asked.statement.settings, note)


def parts(period: Period, by: Partition) -> Sequence[tuple[str, Period]]:
    """The days or months of a period, by name (2026-10 or 2026-10-01)."""
    length = 7 if by is Partition.MONTH else 10
    found: dict[str, list[dt.date]] = {}
    for day in period.dates():
        found.setdefault(day.isoformat()[:length], []).append(day)
    return [(name, Period(days[0], days[-1], period.zone)) for name, days in found.items()]


def _whole(query: Query, wanted: Wanted) -> Query:
    if query.compare != "none" or query.funnel is not None:
        raise UsageError("a comparison or a funnel cannot be exported", "use `footfall report` with --format")
    for name in query.metrics:
        metrics.find(name)
    return structs.replace(
        query,
        where=both(query.where, wanted.where) if wanted.where is not None else query.where,
        segment=wanted.segment or query.segment,
        include_bots=query.include_bots or wanted.include_bots,
        limit=0,
    )


def _check(table: Table, query: Query, consent: Consent) -> None:
    if table.source.rows:
        return
    if query.segment is not None or consent is not Consent.ANY:
        raise UsageError("rollups have no visitors to choose", "export events or visits")
    if query.where is None:
        return
    for each in conditions.comparisons(query.where):
        if not has_column(dimensions.find(each.dimension), table.source) or not of_level(each, table.source.level):
            raise UsageError(f"{table.source.name} has no {each.dimension}", "export events or visits")


def _cell(column: Column, fmt: FileFormat) -> str:
    name = f"r.`{column.name}`"
    if column.kind is Cell.ID and fmt is FileFormat.NDJSON:
        return f"toString({name})"
    if fmt is not FileFormat.CSV:
        return name
    if column.kind is Cell.TEXT:
        return harmless(f"toString({name})")
    return f"toJSONString({name})" if column.kind is Cell.MAP else name

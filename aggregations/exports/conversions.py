"""Exporting conversions: events of a goal with the click that each came from, and what became of orders.

What went out is remembered by the hashes of its ids, not by time: events are loaded late. As with audiences, a run
counts from when it is in `exports`.
"""

from __future__ import annotations

import csv
import datetime as dt
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aggregations.exports import conversion_files, log
from aggregations.exports.consent import Consent
from aggregations.exports.conversion_files import CONVERSIONS, Adjust, Adjustment, Conversion, ConversionPlatform
from aggregations.exports.files import FileEntry, Manifest, Target, write_manifest
from aggregations.exports.split_files import Limits, line, put_lines
from aggregations.query import goals, periods, sites
from aggregations.query.closed import NOTHING
from aggregations.query.conditions import Comparison, Condition, Operator
from aggregations.query.model import Query
from aggregations.query.periods import Period
from aggregations.query.sites import SiteRow
from aggregations.query.sources import EVENTS
from aggregations.query.statement import Statement, scoped_statement
from sql.core.data_dir import DataDir
from sql.core.errors import UsageError
from sql.core.files import OwnedLock
from sql.core.queries import query
from sql.schema.locked import locked

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

WAIT = 60.0
_DAY = 86_400
_SETTINGS = {"max_bytes_before_external_group_by": 1 << 30, "insert_deduplicate": 0}
_OF_RUN = (
    "cells in (select cells from export_members "
    "where site_id = {site:UInt32} and export = {export:String} and run = {run:UInt64})"
)


@dataclass(frozen=True, slots=True)
class ConversionExport:
    """What is asked: conversions of a goal for a platform. ``window``: seconds that a click may lie before.

    ``adjust``: what became of them, from events called ``event`` that have an order id, or of a CSV file with order_id,
    time (ISO 8601), value and currency. ``name``: by it the next run finds this one.
    """

    goal: str
    platform: ConversionPlatform
    conversion: str = ""
    period: str = "90d"
    window: int = 90 * _DAY
    consent: Consent = Consent.NOT_DENIED
    since_last: bool = False
    adjust: Adjust | None = None
    event: str = "refund"
    file: str = ""
    name: str = ""

    @property
    def export(self) -> str:
        """Its name in the log."""
        return self.name or ".".join(filter(None, (self.goal, self.platform, self.adjust or "")))

    @property
    def called(self) -> str:
        """What the platform calls it."""
        return self.conversion or self.goal


@dataclass(frozen=True, slots=True)
class Found:
    """Conversions that go out, by the kind of their click id ('' where no click is known), and those left out."""

    run: int
    period: Period
    statement: Statement | None
    kinds: Mapping[str, int]
    left_out: Mapping[str, int]

    @property
    def rows(self) -> int:
        """How many go out."""
        return sum(self.kinds.values())


@contextmanager
def finding(
    client: Client, home: DataDir, site: SiteRow, asked: ConversionExport, now: dt.datetime | None = None
) -> Iterator[Found]:
    """Find what goes out, and hold the lock of exports while it is written. Raises UsageError, EngineBusy."""
    lock = OwnedLock(home.make().exports_lock, "footfall export")
    with locked(client, lock, WAIT, "{} is exporting"):
        yield _find(client, site, asked, now or dt.datetime.now(dt.UTC))


def write(client: Client, site: SiteRow, asked: ConversionExport, found: Found, target: Target, name: str) -> Manifest:
    """Write the files, then the manifest, then the log. Raises EngineError, StorageError, UsageError."""
    _remember(client, asked, found)
    files = (
        _adjustments(client, asked, found, target, name)
        if asked.adjust
        else _files(client, site, asked, found, target, name)
    )
    definition = _definition(client, site, asked)
    manifest = Manifest(
        asked.export, site.domain, asked.platform, log.moment(found.run), tuple(files), definition,
        found.period.first, found.period.last, asked.consent, left_out=dict(found.left_out),
    )  # fmt: skip
    write_manifest(target, name, manifest)
    run = log.Run(
        asked.export,
        found.run,
        "conversions",
        asked.platform,
        rows=manifest.rows,
        added=manifest.rows,
        left_out=dict(found.left_out),
        files=tuple(each.name for each in files),
        sha256=tuple(each.sha256 for each in files),
        definition=json.dumps(definition),
    )
    log.write(client, site, run)
    return manifest


def _find(client: Client, site: SiteRow, asked: ConversionExport, now: dt.datetime) -> Found:
    if asked.adjust and asked.platform is not ConversionPlatform.GOOGLE:
        raise UsageError(f"{asked.platform} takes no adjustments by order id", "--to google-ads does")
    condition = goals.condition(goal := goals.find(client, site, asked.goal))
    if goal.duration:
        raise UsageError(f"goal {asked.goal} is a visit's duration: no event has a click", "name a goal of events")
    run = log.next_run(client, site, now)
    first = sites.first_day(client, site)
    period = periods.parse(asked.period, zone=site.timezone, now=now, earliest=lambda: first)
    if asked.file:
        count = sum(1 for _ in _of_file(asked.file))
        return Found(run, period, None, {"": count}, {})
    told = _statement(site, asked, condition, period)
    if asked.adjust:
        count = _count(client, told, "count()")[0][0]
        return Found(run, period, told, {"": count}, {})
    kinds: dict[str, int] = {}
    left_out: dict[str, int] = {}
    for reason, kind, number in _count(client, told, "reason, kind, count()", "group by 1, 2 order by 1, 2"):
        into, key = (left_out, reason) if reason else (kinds, kind)
        into[key] = into.get(key, 0) + number
    return Found(run, period, told, kinds, left_out)


def _statement(site: SiteRow, asked: ConversionExport, condition: Condition, period: Period) -> Statement:
    """Conversions or adjustments of a period, with ``cells``, which tell them from each other; those that are new."""
    bound: dict[str, object] = {"site": site.site_id, "export": asked.export}
    key = "order_id, at" if asked.adjust else "event"
    if asked.adjust:
        condition = Comparison("event", Operator.IS, (asked.event,))
        name = "exports/adjustments"
    else:
        its = CONVERSIONS[asked.platform]
        clicked_from = period.first - dt.timedelta(days=asked.window // _DAY + 1)
        bound |= {"kinds": list(its.kinds), "clicked_from": clicked_from, "window": asked.window}
        bound |= {"consent": str(asked.consent), "contact": its.contact}
        name = "exports/conversions"
    told = scoped_statement(query(name), Query(where=condition), EVENTS, site.site_id, period, NOTHING, **bound)
    text = f"select *, [hex(sipHash128({key}))] as cells from (\n{told.text}\n)"  # noqa: S608 (texts of ours)
    if asked.since_last:
        text += f" where cells not in ({query('exports/exported')})"
    return Statement(text, told.values, told.settings)


def _remember(client: Client, asked: ConversionExport, found: Found) -> None:
    """Write down what goes out. It counts once the run is in the log."""
    if found.statement is None:
        return
    told, only = found.statement, "" if asked.adjust else " where reason = ''"
    chosen = "select {site:UInt32}, {export:String}, cells, {run:UInt64}, true"
    text = f"insert into export_members {chosen} from (\n{told.text}\n){only}"
    client.command(text, parameters=told.values | {"run": found.run}, settings=told.settings | _SETTINGS)


def _count(client: Client, told: Statement, what: str, by: str = "") -> list[Any]:
    text = f"select {what} from (\n{told.text}\n) {by}"  # noqa: S608 (texts of ours)
    return list(client.query(text, parameters=told.values, settings=told.settings | _SETTINGS).result_rows)


def _files(
    client: Client, site: SiteRow, asked: ConversionExport, found: Found, target: Target, name: str
) -> list[FileEntry]:
    its = CONVERSIONS[asked.platform]
    if not its.each:
        head = its.head(site.timezone, its.kinds[0])
        lines = (its.line(each, asked.called) for each in _conversions(client, found, ""))
        if asked.platform is not ConversionPlatform.META:
            return put_lines(target, name, head, lines, Limits())
        files = put_lines(target, name, head, iter(conversion_files.as_requests(lines)), Limits())
        return [FileEntry(each.name, found.rows, each.bytes, each.sha256) for each in files]
    kinds = [kind for kind in its.kinds if found.kinds.get(kind)] or its.kinds[:1]
    files = []
    for kind in kinds:
        lines = (its.line(each, asked.called) for each in _conversions(client, found, kind))
        files += put_lines(target, _of_kind(name, kind), its.head(site.timezone, kind), lines, Limits())
    return files


def _conversions(client: Client, found: Found, kind: str) -> Iterator[Conversion]:
    """Conversions that go out, by time; those of a kind of click id, or all of them."""
    if found.statement is None:
        return
    told = found.statement
    names = ", ".join(Conversion.__struct_fields__)
    only = f"{_OF_RUN} and reason = '' and (kind = {{only:String}} or {{only:String}} = '')"
    text = f"select {names} from (\n{told.text}\n) where {only} order by at, event"  # noqa: S608 (texts of ours)
    bound = told.values | {"only": kind, "run": found.run}
    with client.query_rows_stream(text, parameters=bound, settings=told.settings | _SETTINGS) as stream:
        for row in stream:
            yield Conversion(*row)


def _adjustments(client: Client, asked: ConversionExport, found: Found, target: Target, name: str) -> list[FileEntry]:
    how = asked.adjust or Adjust.RETRACT
    rows = _of_events(client, found) if found.statement is not None else _of_file(asked.file)
    lines = (conversion_files.adjustment(each, asked.called, how) for each in rows)
    return put_lines(target, name, line(conversion_files.ADJUSTMENTS), lines, Limits())


def _of_events(client: Client, found: Found) -> Iterator[Adjustment]:
    told = found.statement
    if told is None:
        return
    names = ", ".join(Adjustment.__struct_fields__)
    text = f"select {names} from (\n{told.text}\n) where {_OF_RUN} order by at, order_id"  # noqa: S608 (texts of ours)
    bound = told.values | {"run": found.run}
    with client.query_rows_stream(text, parameters=bound, settings=told.settings | _SETTINGS) as stream:
        for row in stream:
            yield Adjustment(*row)


def _of_file(path: str) -> Iterator[Adjustment]:
    """Adjustments of a CSV file. Raises UsageError that names the line."""
    try:
        with Path(path).open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            if missing := {"order_id", "time"} - set(reader.fieldnames or ()):
                raise UsageError(f"{path} has no column {', '.join(sorted(missing))}", "order_id,time,value,currency")
            for row in reader:
                yield _adjustment(path, reader.line_num, row)
    except (OSError, UnicodeDecodeError, csv.Error) as exc:
        raise UsageError(f"cannot read {path}: {exc}") from exc


def _adjustment(path: str, number: int, row: Mapping[str, str | None]) -> Adjustment:
    order, text = (row["order_id"] or "").strip(), (row["time"] or "").strip()
    try:
        moment = dt.datetime.fromisoformat(text)
        value = row.get("value") or ""
        float(value or 0)
    except ValueError as exc:
        raise UsageError(f"{path}, line {number}: {exc}", "time as 2026-11-30T12:00:00Z, value as 12.50") from None
    if not order or moment.tzinfo is None:
        raise UsageError(f"{path}, line {number}: no order id, or a time without a zone", "such as …T12:00:00Z")
    return Adjustment(int(moment.timestamp() * 1000), order, value, row.get("currency") or "")


def _of_kind(name: str, kind: str) -> str:
    stem, dot, ending = name.rpartition(".")
    return f"{stem}.{kind}.{ending}" if dot else f"{name}.{kind}"


def _definition(client: Client, site: SiteRow, asked: ConversionExport) -> dict[str, object]:
    told: dict[str, object] = {
        "goal": asked.goal,
        "asks": goals.shown(goals.find(client, site, asked.goal)),
        "conversion": asked.called,
        "to": str(asked.platform),
        "since_last": asked.since_last,
        "consent": str(asked.consent),
        "window": asked.window,
    }
    return told | ({"adjust": str(asked.adjust), "from": asked.file or asked.event} if asked.adjust else {})

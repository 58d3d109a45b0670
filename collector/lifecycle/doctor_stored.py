"""What ``footfall doctor`` looks at in the tables: parts, growth, work that was begun or is due, backups."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from collector.lifecycle import backup, retention
from collector.lifecycle.findings import Finding, Level
from collector.lifecycle.forecast import forecast
from collector.sites.admin import being_removed
from sql.core.data_dir import DataDir
from sql.core.errors import UsageError
from sql.core.queries import query
from sql.schema import pending
from sql.schema.drift import drift

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

# Active parts in one partition: from here on the loader slows down, and reads do.
MAX_PARTS = 300
LATE = dt.timedelta(days=2)
_FEW_DAYS, _MANY_DAYS = 7, 30
_CLOCK_NOTE, _CLOCK_BAD = 2.0, 60.0


def stored(client: Client, home: DataDir, deep: bool) -> Iterator[Finding]:
    """All findings of a database whose schema is current. ``deep`` compares that schema, which takes a second."""
    yield from _clock(client)
    yield from _parts(client)
    yield from _growth(client, home)
    yield from _unfinished(client)
    yield from _due(client)
    if deep:
        yield from _drift(client)


def backups(home: DataDir, to: str) -> Iterator[Finding]:
    """How old the last backup is, where one was ever made or is meant to be (``to``)."""
    last = backup.last(home)
    if last is None and not to:
        return
    hint = "run `footfall backup create`, such as daily from cron"
    if last is None or last.taken is None:
        yield Finding(Level.NOTE, "backup", "none yet", hint)
        return
    age = dt.datetime.now(dt.UTC) - last.taken
    text = f"{last.to}, {_hours(age)} old"
    if age > LATE:
        yield Finding(Level.BAD, "backup", text, hint)
    elif not last.done:
        yield Finding(Level.NOTE, "backup", f"{text}; a later one was not finished", hint)
    else:
        yield Finding(Level.OK, "backup", text)


def _clock(client: Client) -> Iterator[Finding]:
    before = time.time()
    told = int(str(client.command(query("engine/clock")))) / 1000
    apart = max(before - told, told - time.time(), 0.0)
    if apart > _CLOCK_NOTE:
        level = Level.BAD if apart > _CLOCK_BAD else Level.NOTE
        yield Finding(
            level, "clock", f"this host and ClickHouse are {apart:,.0f} s apart", "synchronise both, such as with NTP"
        )


def _parts(client: Client) -> Iterator[Finding]:
    for table, partition, parts in client.query(query("engine/parts_by_partition")).result_rows:
        [(merges, longest)] = client.query(query("engine/merges")).result_rows
        text = f"at most {parts} of {MAX_PARTS} in a partition ({table} {partition}), {merges} merges running"
        if merges:
            text += f", the longest for {longest:,.0f} s"
        hint = "merges do not keep up: is the disk slow, or full?"
        level = Level.BAD if parts >= MAX_PARTS else Level.NOTE if parts >= MAX_PARTS // 2 else Level.OK
        yield Finding(level, "parts", text, "" if level is Level.OK else hint)


def _growth(client: Client, home: DataDir) -> Iterator[Finding]:
    days = forecast(client, home.root).days
    if days is None:
        return
    level = Level.BAD if days < _FEW_DAYS else Level.NOTE if days < _MANY_DAYS else Level.OK
    text = f"at the rate of the last weeks, the disk is full in {days:,.0f} days" if days < 3650 else "lasts for years"
    yield Finding(level, "growth", text, "" if level is Level.OK else "see `footfall retention plan`")


def _unfinished(client: Client) -> Iterator[Finding]:
    if days := len(pending.every(client)):
        text = f"days that wait to be derived again: {days:,}"
        yield Finding(
            Level.NOTE, "backfill", text, "run the last `footfall backfill` again; see `footfall receipt list`"
        )
    for domain in being_removed(client).values():
        text = f"the removal of {domain} is not finished"
        yield Finding(Level.NOTE, "sites", text, f"run again: footfall site remove {domain}")


def _due(client: Client) -> Iterator[Finding]:
    try:
        late = retention.plan(client, retention.keeping(client, dt.datetime.now(dt.UTC) - LATE))
    except UsageError as exc:
        yield Finding(Level.BAD, "retention", exc.message, exc.hint)
        return
    if late:
        rows = sum(each.rows for each in late)
        text = f"rows that were to be removed more than {LATE.days} days ago: {rows:,}"
        yield Finding(Level.NOTE, "retention", text, "run `footfall retention apply --yes` daily from cron")


def _drift(client: Client) -> Iterator[Finding]:
    found = drift(client)
    for each in found:
        yield Finding(Level.BAD, "schema", f"{each.name}: {each.why}", "see `footfall schema diff`")
    if not found:
        yield Finding(Level.OK, "schema", "as this version makes it")


def _hours(age: dt.timedelta) -> str:
    hours = age / dt.timedelta(hours=1)
    return f"{hours:,.0f} hours" if hours < 48 else f"{hours / 24:,.0f} days"

"""Finds events that are stored twice in `events`, and removes the copies.

The loader drops an id that it has seen within the idempotency window. Rows of one id that are further apart are
events of their own, here as there.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from collector.lifecycle.partitions import held
from sql.core.data_dir import DataDir
from sql.core.errors import EngineError
from sql.core.queries import query
from sql.schema import rebuild
from sql.schema.swaps import drop, swap_in

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

EVER = (dt.date(1970, 1, 1), dt.date(2149, 6, 6))
SLICE_ROWS = 20_000_000


@dataclass(frozen=True, slots=True)
class DedupeScope:
    """Where to look: a site (0: all), local dates, and how many days apart two events of one id are one."""

    days: int
    site_id: int = 0
    first: dt.date = EVER[0]
    last: dt.date = EVER[1]


@dataclass(frozen=True, slots=True)
class Copies:
    """Rows of one site and month (YYYYMM) that stand again: of how many ids, on which days, in which months' visits."""

    site_id: int
    month: int
    ids: int
    copies: int
    first_day: dt.date
    last_day: dt.date
    visit_months: list[int]


def find(client: Client, scope: DedupeScope) -> list[Copies]:
    """All copies in a scope. Nothing is changed in `events`."""
    dates = {"first": scope.first, "last": scope.last}
    rows = int(str(client.command(query("dedupe/all_rows"), parameters=dates)))
    slices = rows // SLICE_ROWS + 1
    client.command("truncate table dedupe_ids")
    for number in range(slices):
        parameters = {**dates, "site": scope.site_id, "slices": slices, "slice": number}
        client.command(query("dedupe/ids"), parameters=parameters)
    found = client.query(query("dedupe/copies"), parameters={**dates, "days": scope.days}).result_rows
    return [Copies(*row) for row in found]


def repair(
    client: Client,
    home: DataDir,
    scope: DedupeScope,
    on_month: Callable[[int], None] = lambda month: None,
    wait: float = 30.0,
) -> list[Copies]:
    """Remove all copies of a scope but the first of each id, and rebuild what derives from their months.

    Returns what was removed. Waits up to ``wait`` seconds for the partitions lock. Safe to interrupt and to run again.
    Raises EngineBusy, StorageError (a batch has not been confirmed).
    """
    with held(client, home, "footfall dedupe", wait):
        found = find(client, scope)
        for month in sorted({copies.month for copies in found}):
            on_month(month)
            _rewrite(client, scope, month, sum(copies.copies for copies in found if copies.month == month))
        _rebuild(client, found)
    return found


def _rewrite(client: Client, scope: DedupeScope, month: int, copies: int) -> None:
    drop(client, "events_rebuild")
    client.command("create table events_rebuild as events")
    parameters = {"month": month, "first": scope.first, "last": scope.last, "days": scope.days}
    client.command(query("dedupe/keep"), parameters=parameters, settings={"insert_deduplicate": 0})
    before = int(str(client.command(query("dedupe/month_rows"), parameters={"month": month})))
    after = int(str(client.command("select count() from events_rebuild")))
    if after != before - copies:
        raise EngineError(
            f"{month} would have {after:,} of {before:,} events left instead of {before - copies:,}", "run it again"
        )
    swap_in(client, "events", "events_rebuild", month)


def _rebuild(client: Client, found: Iterable[Copies]) -> None:
    by_event = {copies.month for copies in found}
    by_visit = {month for copies in found for month in copies.visit_months}
    for table, column in rebuild.PARTITIONED_BY.items():
        rebuild.rebuild_months(client, [table], by_visit if column == "visit_date" else by_event)

"""Derivations: tables that materialized views fill from `events`, and that can be rebuilt from it.

A derivation's text is one SELECT over `events` (``derivations/<table>.sql``). The same text feeds the
materialized view and the rebuild, so that both say the same. A rebuild fills a side table for one
month and swaps it in with REPLACE PARTITION: readers see the old month or the new one, nothing between.

After a batch whose insert is in doubt, the days that it touches are compared first: a table carries the sum of the
hashes of its events, so that equal sums mean the same events, and only days that differ are derived again.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import TYPE_CHECKING

from sql.core import queries
from sql.core.queries import identifier
from sql.schema import closing, horizons
from sql.schema import days as of_days
from sql.schema.days import Days, after, by_month, first_of
from sql.schema.replaced import instead, of_events
from sql.schema.shipped import derivation
from sql.schema.swaps import make, swap_in

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

# Which column a derived table is partitioned by. All of them carry the sum of the hashes of their events.
PARTITIONED_BY = {
    "visits": "visit_date",
    "daily_events": "local_date",
    "daily_pages": "local_date",
    "sampled_days": "local_date",
}
# A visit lasts at most 24 hours, so its last event lies at most two local days after it started, where clocks change.
VISIT_DAYS = 2
_OF_VISITS = (
    "site_id in {sites:Array(UInt32)}",
    "visit_date between {first:Date} and {last:Date}",
    "visit_id in {visits:Array(UInt64)}",
)


def install(client: Client, table: str) -> None:
    """Create the materialized view that fills ``table``, and refill the table from all events."""
    name = identifier(table)
    client.command(f"drop table if exists {name}_mv")
    client.command(f"create materialized view {name}_mv to {name} as {derivation(name)}")
    rebuild_months(client, [name], months(client))


def months(client: Client) -> list[int]:
    """All months (YYYYMM) in which an event lies or a visit started, ascending."""
    return [row[0] for row in client.query(queries.query("events/months")).result_rows]


def rebuild_months(client: Client, tables: Iterable[str], wanted: Iterable[int]) -> None:
    """Rebuild whole months of derived tables from raw events. The caller holds the partitions lock.

    Days of which raw events were removed stay as they are. Months are YYYYMM. Safe to interrupt and to run again.
    """
    every = sorted(set(wanted))
    since = horizons.of_events(client)
    for table in tables:
        if every:
            closing.reopen(client, table, every)
        for month in every:
            if any(day > first_of(month) for day in since.values()):
                rebuild_days(client, table, _days_of(client, table, month))
            else:
                _rebuild(client, identifier(table), month)


def compare(client: Client, table: str, days: Days) -> set[tuple[int, dt.date]]:
    """Those of ``days`` on which a derived table was not made of the raw events that are there now.

    The caller holds the partitions lock. Days of which raw events were removed are left out.
    """
    days = horizons.whole(days, horizons.of_events(client))
    if not days:
        return set()
    of_days.work_on(client, days)
    text = queries.query(f"compare/{table}")
    stored, derived = (
        {(row[0], row[1]): (row[2], row[3]) for row in client.query(each, parameters=bound).result_rows}
        for each, bound in ((text, {}), (instead(text, table, _of_days(table)), _between(table, days)))
    )
    return {key for key in stored.keys() | derived.keys() if stored.get(key) != derived.get(key)}


def rebuild_days(client: Client, table: str, days: Days, *, for_good: bool = False) -> None:
    """Derive some days of a table again from raw events. The caller holds the partitions lock.

    Days of which raw events were removed stay as they are. ``for_good`` as in ``days.replace``. Safe to interrupt and
    to run again.
    """
    days = horizons.whole(days, horizons.of_events(client))
    for month, its in by_month(days).items():
        closing.reopen(client, table, [month])
        of_days.work_on(client, its)
        worked_on = of_days.worked_on(PARTITIONED_BY[table])
        derived, bound = _of_days(table), _between(table, its)
        of_days.replace(client, table, month, derived, bound, instead_of=worked_on, for_good=for_good)


def rebuild_visits(client: Client, days: Days, visits: list[int]) -> None:
    """Derive some visits, which start or started on ``days``, again from raw events.

    The caller holds the partitions lock. Readers see a month's visits as they were or as they are. Safe to interrupt
    and to run again.
    """
    for month, its in by_month(days).items():
        dates = [day for _, day in its]
        bound = {
            "sites": sorted({site_id for site_id, _ in its}),
            "first": min(dates),
            "last": max(dates),
            "until": max(dates) + dt.timedelta(days=VISIT_DAYS),
            "visits": visits,
        }
        derived = of_events(derivation("visits"), (*_OF_VISITS, "local_date between {first:Date} and {until:Date}"))
        of_days.replace(client, "visits", month, derived, bound, instead_of=" and ".join(_OF_VISITS))


def _rebuild(client: Client, table: str, month: int) -> None:
    side = f"{table}_rebuild"
    make(client, table, side)
    client.command(
        f"insert into {side} {derivation(table)}",
        settings={
            "additional_table_filters": "{'events': '" + _filter(table, month) + "'}",
            "insert_deduplicate": 0,
        },
    )
    swap_in(client, table, side, month)


def _days_of(client: Client, table: str, month: int) -> list[tuple[int, dt.date]]:
    """Days of a month of which raw events or a derived table have anything."""
    column = PARTITIONED_BY[table]
    texts = (
        f"select distinct site_id, {column} from {name} where toYYYYMM({column}) = {{month:UInt32}}"  # noqa: S608 (ours)
        for name in ("events", identifier(table))
    )
    rows = client.query(" union distinct ".join(texts), parameters={"month": month}).result_rows
    return [(row[0], row[1]) for row in rows]


def _of_days(table: str) -> str:
    """The derivation of a table over the events of the days in `work_days`. Parameters: first, last (local dates)."""
    column = PARTITIONED_BY[table]
    wanted = (
        "s.local_date between {first:Date} and {last:Date}",
        f"(s.site_id, s.{column}) in (select site_id, day from work_days)",  # noqa: S608 (an identifier of ours)
    )
    return of_events(derivation(table), wanted)


def _between(table: str, days: Days) -> dict[str, object]:
    """The local dates between which the events of these days lie."""
    dates = [day for _, day in days]
    more = VISIT_DAYS if PARTITIONED_BY[table] == "visit_date" else 0
    return {"first": min(dates), "last": max(dates) + dt.timedelta(days=more)}


def _filter(table: str, month: int) -> str:
    """Which events a month of ``table`` derives from, as a filter that prunes partitions of `events`."""
    if PARTITIONED_BY[table] == "local_date":
        return f"toYYYYMM(local_date) = {int(month)}"
    # A visit lasts at most 24 hours, so its last event lies at most one local day after the month.
    until = after(month) + dt.timedelta(days=1)
    return f"toYYYYMM(visit_date) = {int(month)} and local_date between \\'{first_of(month)}\\' and \\'{until}\\'"

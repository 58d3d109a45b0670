"""Derivations: tables that materialized views fill from `events`, and that can be rebuilt from it.

A derivation's text is one SELECT over `events` (``derivations/<table>.sql``). The same text feeds the
materialized view and the rebuild, so that both say the same. A rebuild fills a side table for one
month and swaps it in with REPLACE PARTITION: readers see the old month or the new one, nothing between.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import TYPE_CHECKING

from sql.core import queries
from sql.core.queries import identifier
from sql.schema.shipped import derivation

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

# Which column a derived table is partitioned by.
PARTITIONED_BY = {
    "visits": "visit_date",
    "daily_events": "local_date",
    "daily_pages": "local_date",
    "funnel_states": "local_date",
}
# A visit lasts at most 24 hours, so its last event lies at most two local days after it started, where clocks change.
VISIT_DAYS = 2
_ONE_OF = "visit_id in {visits:Array(UInt64)}"


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

    Months are YYYYMM. Safe to interrupt and to run again.
    """
    for table in tables:
        for month in sorted(set(wanted)):
            _rebuild(client, identifier(table), month)


def rebuild_visits(client: Client, sites: list[int], first: dt.date, last: dt.date, visits: list[int]) -> None:
    """Derive some visits again from raw events. The caller holds the partitions lock.

    ``first`` and ``last`` are the local dates between which they start. Safe to run again; where it is interrupted,
    the visits may be missing until then.
    """
    bound = {"sites": sites, "first": first, "last": last, "visits": visits}
    client.command(queries.query("loader/forget_visits"), parameters=bound)
    until = last + dt.timedelta(days=VISIT_DAYS)
    listed = ", ".join(str(int(site)) for site in sites)
    client.command(
        f"insert into visits select * from ({derivation('visits')}) where {_ONE_OF}",  # noqa: S608 (a text of ours)
        parameters=bound,
        settings={
            "additional_table_filters": "{'events': '"
            f"site_id in ({listed}) and local_date between \\'{first}\\' and \\'{until}\\'"
            "'}",
            "insert_deduplicate": 0,
        },
    )


def _rebuild(client: Client, table: str, month: int) -> None:
    side = f"{table}_rebuild"
    client.command(f"drop table if exists {side}")
    client.command(f"create table {side} as {table}")
    client.command(
        f"insert into {side} {derivation(table)}",
        settings={
            "additional_table_filters": "{'events': '" + _filter(table, month) + "'}",
            "insert_deduplicate": 0,
        },
    )
    swap_in(client, table, side, month)


def swap_in(client: Client, table: str, side: str, month: int) -> None:
    """Put a month of ``side`` in the place of that month of ``table``, and drop ``side``."""
    table, side = identifier(table), identifier(side)
    if client.command(f"select count() from {side}"):  # noqa: S608 (an identifier of ours)
        client.command(f"alter table {table} replace partition id '{int(month)}' from {side}")
    else:  # the engine refuses to replace by nothing
        client.command(f"alter table {table} drop partition id '{int(month)}'")
    client.command(f"drop table {side}")


def _filter(table: str, month: int) -> str:
    """Which events a month of ``table`` derives from, as a filter that prunes partitions of `events`."""
    first = dt.date(month // 100, month % 100, 1)
    after = (first + dt.timedelta(days=32)).replace(day=1)
    if PARTITIONED_BY[table] == "local_date":
        return f"toYYYYMM(local_date) = {int(month)}"
    # A visit lasts at most 24 hours, so its last event lies at most one local day after the month.
    until = after + dt.timedelta(days=1)
    return f"toYYYYMM(visit_date) = {int(month)} and local_date between \\'{first}\\' and \\'{until}\\'"

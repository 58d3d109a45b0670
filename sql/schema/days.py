"""Days of a derived table, replaced at once: readers see the old days or the new ones, nothing between."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from sql.core.queries import identifier

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

Days = Collection[tuple[int, dt.date]]
"""Days of sites, as (site id, day)."""


def month_of(day: dt.date) -> int:
    """YYYYMM."""
    return day.year * 100 + day.month


def first_of(month: int) -> dt.date:
    """The first day of a month (YYYYMM)."""
    return dt.date(month // 100, month % 100, 1)


def after(month: int) -> dt.date:
    """The first day after a month (YYYYMM)."""
    return (first_of(month) + dt.timedelta(days=32)).replace(day=1)


def by_month(days: Days) -> dict[int, list[tuple[int, dt.date]]]:
    """Days by their month (YYYYMM), ascending."""
    found: dict[int, list[tuple[int, dt.date]]] = {}
    for site_id, day in sorted(days, key=lambda its: (its[1], its[0])):
        found.setdefault(month_of(day), []).append((site_id, day))
    return found


def work_on(client: Client, days: Days) -> None:
    """Put ``days`` into `work_days`, alone. The caller holds the partitions lock."""
    client.command("truncate table work_days")
    client.insert("work_days", sorted(days), column_names=["site_id", "day"], column_type_names=["UInt32", "Date"])


def replace(
    client: Client,
    table: str,
    month: int,
    select: str,
    parameters: Mapping[str, object],
    *,
    instead_of: str,
) -> None:
    """Put the rows of ``select`` in the place of those that hold the condition ``instead_of``, all of one month.

    The other rows of the month stay as they are. Safe to interrupt and to run again.
    """
    table, bound = identifier(table), dict(parameters)
    side = f"{table}_rebuild"
    client.command(f"drop table if exists {side}")
    client.command(f"create table {side} as {table}")
    client.command(f"alter table {side} attach partition id '{int(month)}' from {table}")
    if client.command(f"select count() from {side} where {instead_of}", parameters=bound):  # noqa: S608 (ours)
        client.command(f"delete from {side} where {instead_of}", parameters=bound)  # noqa: S608 (a text of ours)
    client.command(f"insert into {side} {select}", parameters=bound, settings={"insert_deduplicate": 0})
    swap_in(client, table, side, month)


def worked_on(date: str) -> str:
    """The condition that a row is of a day in `work_days`; ``date`` is its column of days."""
    return f"(site_id, {identifier(date)}) in (select site_id, day from work_days)"  # noqa: S608 (an identifier)


def swap_in(client: Client, table: str, side: str, month: int) -> None:
    """Put a month of ``side`` in the place of that month of ``table``, and drop ``side``."""
    table, side = identifier(table), identifier(side)
    if client.command(f"select count() from {side}"):  # noqa: S608 (an identifier of ours)
        client.command(f"alter table {table} replace partition id '{int(month)}' from {side}")
    else:  # the engine refuses to replace by nothing
        client.command(f"alter table {table} drop partition id '{int(month)}'")
    client.command(f"drop table {side}")

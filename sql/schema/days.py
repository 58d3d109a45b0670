"""Days of a derived table, replaced at once: readers see the old days or the new ones, nothing between."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from sql.core.queries import identifier
from sql.schema.swaps import make, swap_in

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
    for_good: bool = False,
) -> None:
    """Put the rows of ``select`` in the place of those that hold the condition ``instead_of``, all of one month.

    The other rows of the month stay as they are. Rows that go are only marked as deleted, which is quick; ``for_good``
    writes the others again, so that none is left in the files. Safe to interrupt and to run again.
    """
    table, bound = identifier(table), dict(parameters)
    side = f"{table}_rebuild"
    make(client, table, side)
    if for_good:
        kept = f"select * from {table} where _partition_id = '{int(month)}' and not ({instead_of})"  # noqa: S608 (ours)
        client.command(f"insert into {side} {kept}", parameters=bound, settings={"insert_deduplicate": 0})
    else:
        client.command(f"alter table {side} attach partition id '{int(month)}' from {table}")
        if client.command(f"select count() from {side} where {instead_of}", parameters=bound):  # noqa: S608 (ours)
            client.command(f"delete from {side} where {instead_of}", parameters=bound)  # noqa: S608 (a text of ours)
    client.command(f"insert into {side} {select}", parameters=bound, settings={"insert_deduplicate": 0})
    swap_in(client, table, side, month)


def write_again(
    client: Client,
    table: str,
    date: str,
    month: int,
    where: str,
    parameters: Mapping[str, object],
    columns: str = "*",
) -> None:
    """Write those rows of a month again that hold ``where``, and put them in its place, by the column of days ``date``.

    Readers see the month as it was or as it is. Nothing else is left in the files of the table: rows that are only
    marked as deleted are not written. A mutation does no more, and is begun seconds later only.
    """
    name, date = identifier(table), identifier(date)
    side = f"{name}_rebuild"
    make(client, name, side)
    client.command(
        f"insert into {side} select {columns} from {name} where toYYYYMM({date}) = {{month:UInt32}} and {where}",  # noqa: S608 (ours)
        parameters={"month": month, **parameters},
        settings={"insert_deduplicate": 0},
    )
    swap_in(client, name, side, month)


def write_partition_again(
    client: Client, table: str, partition: str, where: str, parameters: Mapping[str, object], columns: str = "*"
) -> None:
    """Write those rows of a partition again, by its id, that hold ``where``: readers see it as it was or as it is."""
    name = identifier(table)
    side = f"{name}_rebuild"
    make(client, name, side)
    client.command(
        f"insert into {side} select {columns} from {name} where _partition_id = {{partition:String}} and {where}",  # noqa: S608 (ours)
        parameters={"partition": partition, **parameters},
        settings={"insert_deduplicate": 0},
    )
    swap_in(client, name, side, partition)


def worked_on(date: str) -> str:
    """The condition that a row is of a day in `work_days`; ``date`` is its column of days."""
    return f"(site_id, {identifier(date)}) in (select site_id, day from work_days)"  # noqa: S608 (an identifier)

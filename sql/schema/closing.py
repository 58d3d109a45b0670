"""Closed days and months: written once more in the form in which they are read fastest, when nothing changes any more.

Each batch of the loader has a number, and leaves it in `revisions` with each day that it brings or moves events of,
before it is inserted. `closings` says up to which number a closed table holds a day. A day is read from the closed
table while no later batch has touched it, so a late event opens it again by arriving. What closed tables are made of is
complete for every day, closed or not.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sql.core.queries import query
from sql.schema import days as of_days
from sql.schema.days import Days, by_month

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client


@dataclass(frozen=True, slots=True)
class ClosedTable:
    """A closed table: what it is made of, its column of days, and whether it holds months, by their first day."""

    name: str
    source: str
    date: str
    monthly: bool


CLOSED = (
    ClosedTable("closed_visits", "visits", "visit_date", False),
    ClosedTable("monthly_events", "daily_events", "local_date", True),
    ClosedTable("monthly_pages", "daily_pages", "local_date", True),
)


def last_batch(client: Client) -> int:
    """The number of the last batch that was brought in; 0 where there is none."""
    return int(str(client.command(query("closing/last_batch"))))


def revise(client: Client, batch_no: int, days: Days) -> None:
    """Say that a batch is about to change these days. The caller holds the partitions lock."""
    if not days:
        return
    rows = [(site_id, day, batch_no) for site_id, day in sorted(days)]
    names = {"site_id": "UInt32", "day": "Date", "batch_no": "UInt64"}
    client.insert("revisions", rows, column_names=list(names), column_type_names=list(names.values()))


def reopen(client: Client, source: str, months: Collection[int] = ()) -> None:
    """Say that closed tables do not hold what ``source`` has in these months (YYYYMM; none: in all of them)."""
    for table in CLOSED:
        if table.source == source:
            client.command(query("closing/reopen"), parameters={"derived": table.name, "months": sorted(set(months))})


def close_again(client: Client, table: ClosedTable, months: Collection[int]) -> None:
    """Write what a closed table holds of these months (YYYYMM) again. The caller holds the partitions lock."""
    parameters = {"derived": table.name, "months": sorted(set(months))}
    days = [(row[0], row[1]) for row in client.query(query("closing/of_months"), parameters=parameters).result_rows]
    reopen(client, table.source, months)
    for its in by_month(days).values():
        close(client, table, its)


def due(client: Client, table: ClosedTable) -> list[tuple[int, dt.date]]:
    """Days (months by their first day) of sites that a closed table does not hold as they are now, ascending."""
    name = "closing/due_months" if table.monthly else "closing/due_days"
    return [(row[0], row[1]) for row in client.query(query(name), parameters={"derived": table.name}).result_rows]


def close(client: Client, table: ClosedTable, days: Days) -> None:
    """Write these days, all of one month, into a closed table. The caller holds the partitions lock.

    No batch may be in doubt. Safe to interrupt and to run again.
    """
    upto = last_batch(client)
    [(month, its)] = by_month(days).items()
    of_days.work_on(client, its)
    first = of_days.first_of(month)
    last = of_days.after(month) - dt.timedelta(days=1)
    bound = {"first": first, "last": last}
    worked_on = of_days.worked_on(table.date)
    of_days.replace(client, table.name, month, query(f"closing/{table.name}"), bound, instead_of=worked_on)
    client.command(query("closing/close"), parameters={"derived": table.name, "batch_no": upto})

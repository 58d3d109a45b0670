"""Rows before a day, by table and month: counting and removing them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sql.core.queries import identifier
from sql.schema.days import write_again
from sql.schema.horizons import Kept

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client


@dataclass(frozen=True, slots=True)
class OldTable:
    """A table that rows are removed from by the day in ``date``. ``monthly``: its days are first days of months."""

    name: str
    date: str
    monthly: bool = False

    @property
    def last_day(self) -> str:
        """The last day that a row is about, as an expression."""
        return f"toLastDayOfMonth({self.date})" if self.monthly else self.date


TABLES = {
    Kept.EVENTS: (OldTable("events", "local_date"),),
    Kept.VISITS: (OldTable("visits", "visit_date"), OldTable("closed_visits", "visit_date")),
    Kept.ROLLUPS: (
        OldTable("daily_events", "local_date"),
        OldTable("daily_pages", "local_date"),
        OldTable("sampled_days", "local_date"),
        OldTable("monthly_events", "local_date", True),
        OldTable("monthly_pages", "local_date", True),
    ),
}


@dataclass(frozen=True, slots=True)
class OldRows:
    """Rows of a site in a month (YYYYMM) that lie before its cutoff, and the days that they are of."""

    site_id: int
    month: int
    rows: int
    first: dt.date
    last: dt.date


def count(client: Client, table: OldTable, cutoffs: Mapping[int, dt.date], column: str = "") -> list[OldRows]:
    """Rows before the ``cutoffs`` of their sites, by month; with ``column`` those that have something in it."""
    name, date = identifier(table.name), identifier(table.date)
    has = f" and notEmpty({identifier(column)})" if column else ""
    rows = client.query(
        f"select site_id, toYYYYMM({date}) as month, count(), min({date}), max({table.last_day}) from {name}"  # noqa: S608 (ours)
        f" where {_before(table)}{has} group by site_id, month order by month, site_id",
        parameters=_bound(cutoffs),
    ).result_rows
    return [OldRows(*row) for row in rows]


def drop_month(client: Client, table: OldTable, month: int) -> None:
    """Remove a whole month (YYYYMM). Safe to run again."""
    client.command(f"alter table {identifier(table.name)} drop partition id '{int(month)}'")


def delete(client: Client, table: OldTable, month: int, cutoffs: Mapping[int, dt.date]) -> None:
    """Take a month's (YYYYMM) rows before the ``cutoffs`` of their sites out of it. Safe to interrupt, to run again."""
    _rewrite(client, table, month, "*", f"not ({_before(table)})", cutoffs)


def clear(client: Client, table: OldTable, month: int, cutoffs: Mapping[int, dt.date], column: str) -> None:
    """Empty a column of a month's (YYYYMM) rows before the ``cutoffs`` of their sites. Safe to run again."""
    its = identifier(column)
    kept = f"if({_before(table)}, defaultValueOfArgumentType({its}), {its}) as {its}"
    _rewrite(client, table, month, f"* replace ({kept})", "true", cutoffs)


def _rewrite(
    client: Client, table: OldTable, month: int, columns: str, where: str, cutoffs: Mapping[int, dt.date]
) -> None:
    write_again(client, table.name, table.date, month, where, _bound(cutoffs), columns)


def _before(table: OldTable) -> str:
    """The condition that a row lies before the cutoff of its site. Parameters: sites, days."""
    return f"{table.last_day} < transform(site_id, {{sites:Array(UInt32)}}, {{days:Array(Date)}}, toDate(0))"


def _bound(cutoffs: Mapping[int, dt.date]) -> dict[str, object]:
    """The first site is none: `transform` refuses empty arrays."""
    return {"sites": [0, *cutoffs], "days": [dt.date(1970, 1, 1), *cutoffs.values()]}

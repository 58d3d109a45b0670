"""Which days are over and can be closed, and closing them: typed visits by day, rollups by month."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from collector.sites.table import all_sites
from sql.core import timezones
from sql.schema import closing
from sql.schema.closing import CLOSED, ClosedTable
from sql.schema.days import by_month

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

# A day is over for good when a visit that began at its end must have ended.
LONGEST_VISIT = dt.timedelta(hours=24)
_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Closing:
    """What a closed table is to get: days of one month (YYYYMM) as (site id, day), or months by their first day."""

    table: ClosedTable
    month: int
    days: tuple[tuple[int, dt.date], ...]


def plan(client: Client, now: dt.datetime, until: dt.date | None = None) -> list[Closing]:
    """What can be closed: days that are over, up to ``until``, and are not closed as they are now. Ascending by table.

    Days of a site that is gone stay open.
    """
    last = {site.site_id: last_over(site.timezone, now) for site in all_sites(client)}
    found = []
    for table in CLOSED:
        days = [
            (site_id, day)
            for site_id, day in closing.due(client, table)
            if site_id in last and _end(table, day) <= min(last[site_id], until or last[site_id])
        ]
        found += [Closing(table, month, tuple(its)) for month, its in by_month(days).items()]
    return found


def last_over(zone: str, now: dt.datetime) -> dt.date:
    """The last local day that ended longer ago than a visit lasts."""
    return (now - LONGEST_VISIT).astimezone(timezones.zone(zone)).date() - _DAY


def carry_out(client: Client, closing_: Closing) -> None:
    """Close these days. The caller holds the partitions lock, and no batch is in doubt. Safe to run again."""
    closing.close(client, closing_.table, closing_.days)


def _end(table: ClosedTable, day: dt.date) -> dt.date:
    return (day + dt.timedelta(days=31)).replace(day=1) - _DAY if table.monthly else day

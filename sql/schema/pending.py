"""Days whose events were changed and whose derived rows were not made again yet: kept, so that a kill loses none."""

from __future__ import annotations

import datetime as dt
import time
from typing import TYPE_CHECKING

from sql.core.queries import query
from sql.schema import rebuild
from sql.schema.days import Days

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client


def every(client: Client) -> list[tuple[int, dt.date]]:
    """Days that are pending, as (site id, day)."""
    return [(row[0], row[1]) for row in client.query(query("backfill/pending")).result_rows]


def mark(client: Client, days: Days, pending: bool = True) -> None:
    """Say that derived rows of these days are to be made again, or are. The caller holds the partitions lock."""
    version = time.time_ns()
    rows = [(site_id, day, pending, version) for site_id, day in sorted(days)]
    if rows:
        client.insert("pending_days", rows, column_names=["site_id", "day", "pending", "version"])


def finish(client: Client, *, for_good: bool = False) -> int:
    """Make the derived rows of all pending days again; returns how many days. The caller holds the partitions lock.

    ``for_good`` as in ``days.replace``. Safe to interrupt and to run again.
    """
    days = every(client)
    if days:
        for table in rebuild.PARTITIONED_BY:
            rebuild.rebuild_days(client, table, days, for_good=for_good)
        mark(client, days, pending=False)
    return len(days)

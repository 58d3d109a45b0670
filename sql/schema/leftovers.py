"""What tables hold on disk and nobody reads any more: rows marked as deleted, days that are not closed, old parts.

Readers do not see it. It matters where something must be gone for good, and not only from answers.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from sql.core.errors import EngineBusy
from sql.core.queries import identifier, query
from sql.schema.closing import CLOSED
from sql.schema.days import write_again
from sql.schema.rebuild import PARTITIONED_BY

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

DATES = {"events": "local_date", **PARTITIONED_BY, **{table.name: table.date for table in CLOSED}}
_POLL_SECONDS = 0.05
# A month that no row is of: dropping it removes old parts of the table at once, which the engine does by itself only
# from time to time.
_NO_MONTH = 190001


def remove(client: Client, gone: Mapping[str, str]) -> None:
    """Write every month again in which rows are only marked as deleted, or days of a closed table are not read.

    ``gone``: rows of tables that go as well, as conditions. The caller holds the partitions lock. Safe to interrupt and
    to run again.
    """
    wanted = {(row[0], row[1]) for row in client.query(query("persons/marked"), parameters=_bound()).result_rows}
    unread = {table.name: _unread(table.name, table.date) for table in CLOSED}
    drop = {name: " or ".join(filter(None, (unread.get(name), gone.get(name)))) for name in {*unread, *gone}}
    for name, where in drop.items():
        text = f"select distinct toYYYYMM({DATES[name]}) from {identifier(name)} where {where}"  # noqa: S608 (ours)
        wanted |= {(name, row[0]) for row in client.query(text).result_rows}
    for name, month in sorted(wanted):
        where = f"not ({drop[name]})" if name in drop else "true"
        write_again(client, name, DATES[name], month, where, {})


def remove_old_parts(client: Client, wait: float, tables: Iterable[str] = tuple(DATES)) -> None:
    """Have the engine delete the files of parts that were replaced or merged.

    Raises EngineBusy where a query still reads them after ``wait`` seconds. Safe to interrupt and to run again.
    """
    kept = int(str(client.command(query("persons/keeps_parts"))))
    deadline = time.monotonic() + wait
    for table in map(identifier, tables):
        if kept:
            client.command(f"alter table {table} modify setting old_parts_lifetime = 0")
        bound = {"tables": [table]}
        while True:
            client.command(f"alter table {table} drop partition id '{_NO_MONTH}'")
            [(parts,)] = client.query(query("persons/old_parts"), parameters=bound).result_rows
            if not parts:
                break
            if time.monotonic() > deadline:
                raise EngineBusy(f"a query still reads old files of {table}", "run it again when the query has ended")
            time.sleep(_POLL_SECONDS)
        if kept:
            client.command(f"alter table {table} reset setting old_parts_lifetime")


def _bound() -> dict[str, object]:
    return {"tables": list(DATES)}


def _unread(table: str, date: str) -> str:
    closed = f"select site_id, day from closed_days where derived = '{identifier(table)}'"  # noqa: S608 (ours)
    return f"(site_id, {identifier(date)}) not in ({closed})"

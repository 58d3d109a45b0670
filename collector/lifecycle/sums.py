"""What derived tables add up to by day, next to what raw events do: counts, figures, and hashes of events and of keys.

Equal sums of hashes mean the same events under the same keys, so that raw events are read once, and nothing is derived.
What sums cannot tell is which text a visit has for its source, or when it started: that takes a comparison of each row.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from sql.core.queries import query
from sql.schema.closing import CLOSED
from sql.schema.days import month_of
from sql.schema.horizons import of_events, whole
from sql.schema.replaced import replaced

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

Sums = dict[tuple[int, dt.date], tuple[int, ...]]
"""By site and day: the number of events, then other sums."""

_RAW = {
    "visits": "events_by_visit_day",
    "daily_events": "events_by_day",
    "daily_pages": "views_by_day",
    "sampled_days": "sampled_by_day",
}
_WRAP = 2**64
_CLOSED = {table.name: table for table in CLOSED}
TABLES = (*_RAW, *_CLOSED)


def differences(
    client: Client, tables: Iterable[str], on_table: Callable[[str], None] = lambda table: None
) -> list[tuple[str, int, int, int, int]]:
    """Months in which a table does not add up to what raw events do.

    As table, site id, YYYYMM, how many events the table has there, how many raw events there are. Days of which raw
    events were removed are left out.
    """
    since = of_events(client)
    raw: dict[str, Sums] = {}
    found = []
    for table in tables:
        on_table(table)
        source = _CLOSED[table].source if table in _CLOSED else table
        if source not in raw:
            raw[source] = _sums(client, query(f"sums/{_RAW[source]}"))
        text = replaced(query(f"sums/{source}"), f"from {source} as t", f"from {table} as t")
        stored, true = _sums(client, text), raw[source]
        if table in _CLOSED:
            stored, true = _of_closed(client, table, stored, true)
        keys = whole(stored.keys() | true.keys(), since)
        wrong = {(key[0], month_of(key[1])) for key in keys if stored.get(key) != true.get(key)}
        found += [(table, *key, _events(stored, key), _events(true, key)) for key in sorted(wrong)]
    return found


def _sums(client: Client, text: str) -> Sums:
    return {(row[0], row[1]): tuple(value % _WRAP for value in row[2:]) for row in client.query(text).result_rows}


def _of_closed(client: Client, table: str, stored: Sums, raw: Sums) -> tuple[Sums, Sums]:
    """The sums of what is closed: those of months from the days of the month."""
    parameters = {"derived": table}
    days = {(row[0], row[1]) for row in client.query(query("closing/closed_days"), parameters=parameters).result_rows}
    if _CLOSED[table].monthly:
        months: Sums = {}
        for (site_id, day), values in raw.items():
            key = (site_id, day.replace(day=1))
            before = months.get(key, (0,) * len(values))
            months[key] = tuple((one + other) % _WRAP for one, other in zip(before, values, strict=True))
        raw = months
    return {key: stored[key] for key in stored.keys() & days}, {key: raw[key] for key in raw.keys() & days}


def _events(sums: Sums, key: tuple[int, int]) -> int:
    return sum(values[0] for (site_id, day), values in sums.items() if (site_id, month_of(day)) == key)

"""Proof of what is derived: every table compared with the raw events, by site and month.

A month of a table is what raw events make of it where its sums are equal (`sums.py`), and, if every row is asked for,
where the digests of all its rows are. Where they are not, it is compared again while nobody writes, since a batch may
have been on its way.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from collector.lifecycle import sums
from collector.lifecycle.partitions import held
from sql.compose import derived
from sql.core.data_dir import DataDir
from sql.core.queries import query
from sql.schema import closing, rebuild
from sql.schema.replaced import instead
from sql.schema.shipped import derivation

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client


_CLOSED = {table.name: table for table in closing.CLOSED}


@dataclass(frozen=True, slots=True)
class Difference:
    """A month (YYYYMM) of a site in a derived table that is not what raw events make of it; both in events."""

    table: str
    site_id: int
    month: int
    stored: int
    derived: int


@dataclass(frozen=True, slots=True)
class Verified:
    """How many raw events the comparison covers, which differences there are, and whether they are removed."""

    events: int
    differences: tuple[Difference, ...]
    repaired: bool = False


def verify(
    client: Client,
    home: DataDir,
    *,
    every_row: bool = False,
    repair: bool = False,
    on_table: Callable[[str], None] = lambda table: None,
    wait: float = 60.0,
) -> Verified:
    """Compare every derived table with the raw events; with ``repair`` rebuild the months that differ.

    By sums; with ``every_row`` row by row, as a reader sees them: then each is derived once more, which takes longer.
    Differences are looked at again, and repaired, under the partitions lock. Safe to interrupt and to run again.
    Raises EngineBusy (that lock is not had within ``wait`` seconds) and StorageError (a batch has not been confirmed).
    """
    compare = _by_row if every_row else _by_sums
    found = compare(client, [*rebuild.PARTITIONED_BY, *_CLOSED], on_table)
    if found:
        with held(client, home, "footfall verify", wait):
            tables = list(dict.fromkeys(difference.table for difference in found))
            found = compare(client, tables, on_table)
            if repair:
                for table in tables:
                    months = {difference.month for difference in found if difference.table == table}
                    if table in _CLOSED:
                        closing.close_again(client, _CLOSED[table], months)
                    else:
                        rebuild.rebuild_months(client, [table], months)
    events = int(str(client.command("select count() from events")))
    return Verified(events, tuple(found), repair and bool(found))


def _by_sums(client: Client, tables: Iterable[str], on_table: Callable[[str], None]) -> list[Difference]:
    return list(itertools.starmap(Difference, sums.differences(client, tables, on_table)))


def _by_row(client: Client, tables: Iterable[str], on_table: Callable[[str], None]) -> list[Difference]:
    found = []
    for table in tables:
        on_table(table)
        text = query(f"verify/{table}")
        stored = _digests(client, text)
        made = _digests(client, instead(text, table, _derived(table)))
        for key in sorted(stored.keys() | made.keys()):
            one, other = stored.get(key), made.get(key)
            if one != other:
                found.append(Difference(table, *key, one[1] if one else 0, other[1] if other else 0))
    return found


def _derived(table: str) -> str:
    """What raw events make of a table, as a SELECT; of closed tables what is closed is chosen from it."""
    if table == "closed_visits":
        return derived("visits_merged", "visits", ("true",))
    return derivation(_CLOSED[table].source if table in _CLOSED else table)


def _digests(client: Client, text: str) -> dict[tuple[int, int], tuple[int, int, int]]:
    """Rows, events and digest by site and month."""
    return {(row[0], row[1]): (row[2], row[3], row[4]) for row in client.query(text).result_rows}

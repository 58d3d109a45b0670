"""Proof of what is derived: every table compared with the raw events, by site and month, as a reader sees it.

A month of a table is equal to what raw events make of it where the digests of all its rows are equal. Where they are
not, it is compared again while nobody writes, since a batch may have been on its way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sql.compose import instead
from sql.core.data_dir import DataDir
from sql.core.errors import EngineBusy
from sql.core.files import OwnedLock
from sql.core.queries import query
from sql.schema import rebuild
from sql.schema.shipped import derivation

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client


@dataclass(frozen=True, slots=True)
class Difference:
    """A month (YYYYMM) of a site in a derived table that is not what raw events make of it; both in rows."""

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
    repair: bool = False,
    on_table: Callable[[str], None] = lambda table: None,
    wait: float = 60.0,
) -> Verified:
    """Compare every derived table with the raw events; with ``repair`` rebuild the months that differ.

    Differences are looked at again, and repaired, under the partitions lock. Safe to interrupt and to run again.
    Raises EngineBusy where that lock is not had within ``wait`` seconds.
    """
    found = _differences(client, rebuild.PARTITIONED_BY, on_table)
    if found:
        lock = OwnedLock(home.partitions_lock, "footfall verify")
        with lock.held(wait) as taken:
            if not taken:
                raise EngineBusy(f"events are being written by {lock.holder() or 'another process'}", "try again")
            tables = list(dict.fromkeys(difference.table for difference in found))
            found = _differences(client, tables, on_table)
            if repair:
                for table in tables:
                    months = {difference.month for difference in found if difference.table == table}
                    rebuild.rebuild_months(client, [table], months)
    events = int(str(client.command("select count() from events")))
    return Verified(events, tuple(found), repair and bool(found))


def _differences(client: Client, tables: Iterable[str], on_table: Callable[[str], None]) -> list[Difference]:
    found = []
    for table in tables:
        on_table(table)
        text = query(f"verify/{table}")
        stored = _digests(client, text)
        derived = _digests(client, instead(text, table, derivation(table)))
        for key in sorted(stored.keys() | derived.keys()):
            one, other = stored.get(key), derived.get(key)
            if one != other:
                found.append(Difference(table, *key, one[0] if one else 0, other[0] if other else 0))
    return found


def _digests(client: Client, text: str) -> dict[tuple[int, int], tuple[int, int, int]]:
    """Rows, events and digest by site and month."""
    return {(row[0], row[1]): (row[2], row[3], row[4]) for row in client.query(text).result_rows}

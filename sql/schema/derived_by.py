"""By which version of rules and lists the columns of a day's events were derived."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sql.core.queries import query
from sql.schema.days import Days

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_COLUMNS = {
    "site_id": "UInt32", "derivation": "LowCardinality(String)", "day": "Date", "version": "LowCardinality(String)",
    "whole": "Bool", "at": "DateTime64(3, 'UTC')",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Outdated:
    """Days of a month (YYYYMM) that another version derived. ``oldest`` is '' where none was written down."""

    derivation: str
    month: int
    first: dt.date
    last: dt.date
    days: int
    oldest: str


def record(client: Client, versions: Mapping[str, str], days: Days, *, whole: bool) -> None:
    """Write down by which versions events of these days are derived; ``whole``: all of them, and not only new ones."""
    at = _now()
    rows = [(site, name, day, text, whole, at) for site, day in sorted(days) for name, text in versions.items()]
    if rows:
        client.insert("derived_by", rows, column_names=list(_COLUMNS), column_type_names=list(_COLUMNS.values()))


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def outdated(
    client: Client, versions: Mapping[str, str], sites: Sequence[int], first: dt.date, last: dt.date
) -> list[Outdated]:
    """What other versions have derived of the local days of sites, by derivation and month, ascending."""
    bound = {
        "derivations": list(versions), "versions": list(versions.values()), "sites": list(sites), "first": first,
        "last": last,
    }  # fmt: skip
    return [Outdated(*row) for row in client.query(query("derived_by/outdated"), parameters=bound).result_rows]

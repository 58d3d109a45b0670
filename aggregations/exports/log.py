"""The log of exports: what went out, when, and how much was left out."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import msgspec

from aggregations.query.fetch import fetch
from aggregations.query.statement import NO_LIMIT
from sql.core.queries import query

if TYPE_CHECKING:
    import polars as pl
    from clickhouse_connect.driver.client import Client

    from aggregations.query.sites import SiteRow

DONE, FAILED = "done", "failed"


class Run(msgspec.Struct, frozen=True, omit_defaults=True):
    """One export. ``run`` is its number, its moment in ms since 1970 UTC.

    ``export`` is its name, by which the next one finds it; ``what`` is events, a segment …, ``target`` a format or
    platform.
    """

    export: str
    run: int
    what: str
    target: str
    rows: int = 0
    people: int = 0
    added: int = 0
    removed: int = 0
    left_out: dict[str, int] = {}
    files: tuple[str, ...] = ()
    sha256: tuple[str, ...] = ()
    definition: str = ""
    status: str = DONE
    error: str = ""


_COLUMNS = ["site_id", *(name for name in Run.__struct_fields__)]


def next_run(client: Client, site: SiteRow, now: dt.datetime | None = None) -> int:
    """A number above that of every run there was, also of one that was killed."""
    [(last,)] = client.query(query("exports/last_run"), parameters={"site": site.site_id}).result_rows
    return max(int((now or dt.datetime.now(dt.UTC)).timestamp() * 1000), int(last) + 1)


def write(client: Client, site: SiteRow, run: Run) -> None:
    """Add a run: from now on it counts."""
    values = [getattr(run, name) for name in Run.__struct_fields__]
    client.insert("exports", [[site.site_id, *values]], column_names=_COLUMNS)


def last(client: Client, site: SiteRow, export: str) -> Run | None:
    """The last run of an export that was done; None before there was one."""
    rows = client.query(query("exports/last"), parameters={"site": site.site_id, "export": export}).result_rows
    return Run(export, int(rows[0][0]), rows[0][1], rows[0][2]) if rows else None


def every(client: Client, site: SiteRow, export: str = "", limit: int = 20) -> pl.DataFrame:
    """Runs, the newest first: at (UTC), export, what, target, rows, people, added, removed, left_out, files, status."""
    return fetch(client, "exports/log", {"site": site.site_id, "export": export, "limit": limit or NO_LIMIT})


def moment(run: int) -> dt.datetime:
    """The moment of a run, in UTC."""
    return dt.datetime.fromtimestamp(run / 1000, dt.UTC)

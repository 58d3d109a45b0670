"""Visits that events were taken out of: what is left is given the visits that it makes by itself.

Whether a visit is torn shows in its events, so a run that was killed is finished by the next, whatever it had done.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import polars as pl

from collector.loader.enrichment import local_date
from collector.loader.visits import GAP_MS, OPEN_VISITS, assign_visits
from sql.core.errors import EngineError
from sql.core.queries import query
from sql.schema import horizons, pending
from sql.schema.days import after, first_of, month_of
from sql.schema.swaps import swap_in

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from collector.sites.registry import SiteRegistry

_AT_ONCE = 100_000
_ALWAYS = dt.date(1970, 1, 1)
_MOMENTS = {
    "key": pl.UInt64, "visitor_id": pl.UInt64, "visit_id": pl.UInt64, "timestamp": pl.Int64, "visit_start": pl.Int64,
    "visit_date": pl.Date, "month": pl.UInt32, "torn": pl.Boolean,
}  # fmt: skip


def mend(client: Client, registry: SiteRegistry, site_id: int, first: dt.date, last: dt.date) -> int:
    """Assign visits again to the events of torn visits that began between two local days; returns how many moments.

    The caller holds the partitions lock; days that are touched are left pending. Safe to interrupt and to run again.
    """
    # A visit that began before raw events are whole is torn for good, and its derived row is all that is left of it.
    since = horizons.of_events(client).get(site_id, _ALWAYS)
    changed, month = 0, month_of(max(first, since))
    while first_of(month) <= last:
        end = after(month)
        days = {"first": max(first, since, first_of(month)), "last": min(last, end - dt.timedelta(days=1))}
        changed += _mend(client, registry, site_id, {"site": site_id, "since": since, **days})
        month = month_of(end)
    return changed


def _mend(client: Client, registry: SiteRegistry, site_id: int, bound: dict[str, object]) -> int:
    rows = client.query(query("visits/moments"), parameters=bound).result_rows
    placed = _placed(pl.DataFrame(rows, _MOMENTS, orient="row"), registry, site_id)
    if placed.is_empty():
        return 0
    days = {day for name in ("visit_date", "now_date") for day in placed[name].unique()}
    pending.mark(client, [(site_id, day) for day in days])
    client.command("truncate table backfill_values")
    values = placed.select(
        "key", made=pl.concat_list(pl.col(name).cast(pl.String) for name in ("now_id", "now_start", "now_date"))
    )
    for chunk in values.iter_slices(_AT_ONCE):
        client.insert("backfill_values", list(chunk.iter_rows()), column_names=["key", "made"])
    for month in sorted(placed["month"].unique()):
        _rewrite(client, site_id, month)
    client.command("truncate table backfill_values")
    return placed.height


def _placed(moments: pl.DataFrame, registry: SiteRegistry, site_id: int) -> pl.DataFrame:
    """Those of the moments whose visit is another one: now_id, now_start and now_date are of the one that it is."""
    moments = moments.sort("visitor_id", "timestamp")
    began = (pl.col("visitor_id") != pl.col("visitor_id").shift(1)) | (pl.col("timestamp").diff() > GAP_MS)
    runs = moments.with_columns(run=began.fill_null(value=True).cum_sum())
    runs = runs.filter(pl.col("torn").any().over("run"))
    if runs.is_empty():
        return runs
    events = runs.select(
        pl.lit(site_id, pl.UInt32).alias("site_id"),
        pl.col("visitor_id").alias("visitor"),
        pl.lit(0, pl.UInt64).alias("previous"),
        "timestamp",
    )
    made = assign_visits(events, pl.DataFrame(schema=OPEN_VISITS)).events
    placed = runs.with_columns(now_id=made["visit_id"], now_start=made["visit_start"], site_id=events["site_id"])
    placed = placed.with_columns(now_date=local_date(placed, registry, "now_start"))
    return placed.filter(
        (pl.col("visit_id") != pl.col("now_id"))
        | (pl.col("visit_start") != pl.col("now_start"))
        | (pl.col("visit_date") != pl.col("now_date"))
    )


def _rewrite(client: Client, site_id: int, month: int) -> None:
    client.command("drop table if exists events_rebuild")
    client.command("create table events_rebuild as events")
    bound = {"site": site_id, "month": month}
    client.command(query("visits/assign"), parameters=bound, settings={"insert_deduplicate": 0})
    before, now = (
        int(str(client.command(f"select count() from {table} where toYYYYMM(local_date) = {int(month)}")))  # noqa: S608 (ours)
        for table in ("events", "events_rebuild")
    )
    if before != now:
        raise EngineError(f"{month} would have {now:,} of {before:,} events; nothing was changed", "run it again")
    swap_in(client, "events", "events_rebuild", month)

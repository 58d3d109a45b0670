"""Local days of a site's events by the zone that it has now: events keep their moments and get other days.

An event whose day lies in another month is copied there first, and taken out of its old month when that is written
again: a kill in between leaves it twice for a while, never nowhere. Its batch and place in it tell the copy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from collector.lifecycle.backfill import WAIT
from collector.lifecycle.partitions import held
from collector.sites.registry import Site
from sql.core import timezones
from sql.core.data_dir import DataDir
from sql.core.errors import EngineError
from sql.core.queries import query
from sql.schema import closing, pending
from sql.schema.swaps import drop, swap_in

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client


@dataclass(frozen=True, slots=True)
class Misdated:
    """Events of a month (YYYYMM) that lie on another local day than their site's zone says, or whose visit does."""

    month: int
    events: int
    moved: int
    """How many of them belong to another month."""


def misdated(client: Client, site: Site) -> list[Misdated]:
    """By month, ascending. Events before the horizon are not there."""
    rows = client.query(query("backfill/misdated"), parameters=_bound(client, site)).result_rows
    return [Misdated(*row) for row in rows]


def apply(client: Client, home: DataDir, site: Site) -> None:
    """Give all events of a site the local days of its zone, and derive what lies on old and new days again.

    Safe to interrupt and to run again. Raises EngineBusy and StorageError as ``partitions.held`` does.
    """
    with held(client, home, "footfall backfill", WAIT):
        bound = _bound(client, site)
        days = [
            (site.site_id, row[0]) for row in client.query(query("backfill/dated_days"), parameters=bound).result_rows
        ]
        if days:
            pending.mark(client, days)
            closing.revise(client, max(1, closing.last_batch(client)), days)
            _copy(client, bound)
            for each in misdated(client, site):
                _rewrite(client, each.month, bound)
        pending.finish(client)


def _copy(client: Client, bound: dict[str, object]) -> None:
    drop(client, "events_rebuild")
    client.command("create table events_rebuild as events")
    client.command(query("backfill/copy_moved"), parameters=bound, settings={"insert_deduplicate": 0})
    months = client.query("select distinct toYYYYMM(local_date) from events_rebuild").result_columns
    for month in sorted(months[0]) if months else []:
        client.command(f"alter table events attach partition id '{int(month)}' from events_rebuild")
    drop(client, "events_rebuild")
    if missing := int(str(client.command(query("backfill/not_copied"), parameters=bound))):
        raise EngineError(f"{missing:,} events were not copied to their month; nothing was removed", "run it again")


def _rewrite(client: Client, month: int, bound: dict[str, object]) -> None:
    drop(client, "events_rebuild")
    client.command("create table events_rebuild as events")
    parameters = {**bound, "month": month}
    client.command(query("backfill/dated_month"), parameters=parameters, settings={"insert_deduplicate": 0})
    swap_in(client, "events", "events_rebuild", month)


def _bound(client: Client, site: Site) -> dict[str, object]:
    """The site, and the moments (seconds since 1970 UTC) from which on an offset to UTC (seconds) holds."""
    [(first, last)] = client.query(query("backfill/moments"), parameters={"site": site.site_id}).result_rows
    starts, offsets = timezones.offsets(site.timezone, first, last)
    return {"site": site.site_id, "starts": starts, "offsets": offsets}

"""Removing what is older than a site keeps it: raw events, visits, rollups, columns of events.

What is removed is said before (`horizons`), so that nothing is derived from days that are not whole. A run that is
interrupted has left data, never a hole, and the next one goes on.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from collector.lifecycle import archive
from collector.lifecycle.partitions import held
from collector.sites.registry import Site
from collector.sites.table import all_sites
from sql import definitions
from sql.core import timezones
from sql.core.data_dir import DataDir
from sql.core.errors import UsageError
from sql.core.queries import query
from sql.retention import RETENTION
from sql.schema import horizons, old_rows
from sql.schema.days import after
from sql.schema.horizons import Kept
from sql.schema.old_rows import TABLES, OldRows, OldTable

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_ALWAYS = dt.date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Keeping:
    """What a site keeps from ``cutoff`` on, its local day. ``archive``: where rows go first; '' nowhere."""

    site: Site
    what: str
    days: int
    cutoff: dt.date
    archive: str = ""


@dataclass(frozen=True, slots=True)
class Removal:
    """What is removed from a month (YYYYMM) of a table, for some sites. ``whole``: nothing else is in the month.

    ``column`` is emptied where it is named; else rows go. ``bytes`` is an estimate, by their share of the month.
    """

    what: str
    table: OldTable
    month: int
    keeping: tuple[Keeping, ...]
    rows: int
    bytes: int
    first: dt.date
    last: dt.date
    whole: bool = False
    column: str = ""


def keeping(client: Client, now: dt.datetime, only: Site | None = None) -> list[Keeping]:
    """What sites keep, and since when. Raises UsageError where what is derived would go before the raw events."""
    found = []
    for site in [only] if only else all_sites(client):
        its = {each.name: each.body for each in definitions.every(client, site.site_id, RETENTION)}
        check(site, {name: body.days for name, body in its.items()})
        today = now.astimezone(timezones.zone(site.timezone)).date()
        found += [
            Keeping(site, name, body.days, today - dt.timedelta(days=body.days), body.archive)
            for name, body in its.items()
        ]
    return found


def check(site: Site, days: dict[str, int]) -> None:
    """Raise UsageError for days by name that do not go together."""
    raw = days.get(Kept.EVENTS)
    least = site.max_age_days + 2  # an event may be as old when it arrives, and its visit began up to a day earlier
    if raw is not None and raw < least:
        raise UsageError(
            f"{site.domain} accepts events of up to {site.max_age_days} days, so events are kept for {least} or more",
            f"lower that first: footfall site set {site.domain} --max-age-days N",
        )
    for name in (Kept.VISITS, Kept.ROLLUPS):
        if name in days and (raw is None or days[name] < raw):
            said = "for good" if raw is None else f"for {raw} days"
            raise UsageError(
                f"{site.domain} keeps raw events {said}, and {name} for {days[name]} days only",
                f"{name} are derived from raw events: keep them at least as long",
            )


def plan(client: Client, kept: Iterable[Keeping]) -> list[Removal]:
    """What is to be removed now, months ascending: columns before rows, raw events before what is derived from them."""
    by_what: dict[str, list[Keeping]] = {}
    for each in kept:
        by_what.setdefault(each.what, []).append(each)
    order = [*sorted(by_what.keys() - set(Kept)), *(name for name in Kept if name in by_what)]
    return [removal for name in order for removal in _removals(client, name, by_what[name])]


def apply(client: Client, home: DataDir, removal: Removal, wait: float = 60.0) -> None:
    """Archive what is to be archived, then remove. Safe to interrupt and to run again.

    Raises EngineBusy (the partitions are not free within ``wait`` seconds), StorageError (a batch has not been
    confirmed; the archive cannot be written).
    """
    with held(client, home, "footfall retention apply", wait):
        known = horizons.every(client)
        for each in removal.keeping:
            since = known.get((each.site.site_id, each.what), _ALWAYS)
            until = min(each.cutoff, after(removal.month))
            if each.archive and removal.what == Kept.EVENTS:
                archive.write(client, each.archive, each.site, removal.month, since, until)
            if until > since:
                horizons.move(client, each.site.site_id, each.what, until)
        cutoffs = {each.site.site_id: each.cutoff for each in removal.keeping}
        if removal.column:
            old_rows.clear(client, removal.table, removal.month, cutoffs, removal.column)
        elif removal.whole:
            old_rows.drop_month(client, removal.table, removal.month)
        else:
            old_rows.delete(client, removal.table, removal.month, cutoffs)


def _removals(client: Client, what: str, kept: list[Keeping]) -> list[Removal]:
    name, _, column = what.partition(".")
    by_site = {each.site.site_id: each for each in kept}
    found = []
    for table in TABLES[Kept(name)]:
        sizes = _sizes(client, table, column)
        by_month: dict[int, list[OldRows]] = {}
        for old in old_rows.count(client, table, {each.site.site_id: each.cutoff for each in kept}, column):
            by_month.setdefault(old.month, []).append(old)
        for month, olds in by_month.items():
            rows, (total, size) = sum(old.rows for old in olds), sizes.get(month, (0, 0))
            its = tuple(by_site[old.site_id] for old in olds)
            days = min(old.first for old in olds), max(old.last for old in olds)
            share = size * rows // max(total, rows)
            found.append(Removal(what, table, month, its, rows, share, *days, whole=rows == total, column=column))
    return found


def _sizes(client: Client, table: OldTable, column: str) -> dict[int, tuple[int, int]]:
    """Rows and bytes on disk by month (YYYYMM), of a table or of one of its columns."""
    if column:
        rows = client.query(query("retention/columns"), parameters={"columns": [column]}).result_rows
    else:
        rows = client.query(query("retention/partitions"), parameters={"tables": [table.name]}).result_rows
    return {int(month): (count, size) for _, month, count, size in rows}

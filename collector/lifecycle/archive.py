"""Raw events as Parquet files outside the database, by site and month: written before they are removed, put back.

A file lies at ``SITE/events/YYYY-MM/FIRST_LAST_CHECKSUM.parquet`` below a directory or object-store URL. Its manifest,
with the same name and ``.json``, is written last: a file without one is not there. No file is ever written over.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from collector.lifecycle.store import CHUNK, Store
from collector.sites.registry import Site
from sql.core.errors import StorageError
from sql.core.queries import query
from sql.schema import horizons, old_rows
from sql.schema.days import first_of
from sql.schema.horizons import Kept
from sql.schema.old_rows import TABLES
from sql.schema.swaps import drop

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

FORMAT = 1
_SETTINGS = {
    "output_format_parquet_compression_method": "zstd",
    "output_format_parquet_row_group_size": 100_000,
    "output_format_parquet_string_as_string": 1,
}


class Manifest(msgspec.Struct, frozen=True):
    """What a file holds: a site's raw events of a month (YYYYMM) from ``first`` to ``last``, its local days.

    ``checksum`` is the sum of the hashes of the event ids, ``sha256`` that of the file. ``since`` and ``until``: all
    that there was of these days is in here, the latter not included.
    """

    format: int
    site_id: int
    domain: str
    month: int
    first: dt.date
    last: dt.date
    since: dt.date
    until: dt.date
    rows: int
    bytes: int
    checksum: int
    sha256: str
    written: dt.datetime


@dataclass(frozen=True, slots=True)
class Archived:
    """A file of an archive, by its name in there, with its manifest."""

    name: str
    manifest: Manifest


def write(client: Client, url: str, site: Site, month: int, since: dt.date, until: dt.date) -> Archived | None:
    """Archive a site's events of a month (YYYYMM) before ``until``; None where there are none.

    From ``since`` on they are whole. The same events are not written twice. Raises StorageError.
    """
    store = Store(url)
    first, last, rows, checksum = _span(client, site, month, until)
    if not rows:
        return None
    folder = f"{site.domain}/{Kept.EVENTS}/{month // 100}-{month % 100:02}"
    name = f"{folder}/{first}_{last}_{checksum:016x}"
    if found := next((each for each in every(url, folder) if each.name == name), None):
        return found
    size, digest = _put(
        client,
        store,
        name,
        query("retention/archived"),
        {
            "site": site.site_id,
            "month": month,
            "until": until,
        },
    )
    now = dt.datetime.now(dt.UTC)
    made = Manifest(
        FORMAT,
        site.site_id,
        site.domain,
        month,
        first,
        last,
        min(since, until),
        until,
        rows,
        size,
        checksum,
        digest,
        now,
    )
    return _put_manifest(url, store, Archived(name, made))


def of_person(url: str, domain: str, visitors: Collection[int], users: Collection[str]) -> list[Archived]:
    """Files of a site that hold events of some visitors, or of visitors with one of these user ids."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    store, found = Store(url), []
    for each in every(url, domain):
        with store.open(f"{each.name}.parquet") as file:
            parts = pq.ParquetFile(file).iter_batches(columns=["visitor_id", "user_id"])
            if any(
                pc.any(pc.is_in(part[name], pa.array(list(ids), part[name].type))).as_py()
                for part in parts
                for name, ids in (("visitor_id", visitors), ("user_id", users))
            ):
                found.append(each)
    return found


def visitors_of(url: str, domain: str, users: Collection[str]) -> set[int]:
    """Visitors of a site who have one of these user ids in an archive."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    store, found = Store(url), set[int]()
    for each in every(url, domain) if users else ():
        with store.open(f"{each.name}.parquet") as file:
            for part in pq.ParquetFile(file).iter_batches(columns=["visitor_id", "user_id"]):
                theirs = pc.is_in(part["user_id"], pa.array(list(users), part["user_id"].type))
                found.update(part["visitor_id"].filter(theirs).unique().to_pylist())
    return found


def write_without(client: Client, url: str, archived: Archived, users: Collection[str]) -> int:
    """Write a file again without the events of the visitors at work (`work_visitors`), and of visitors who have one of
    these user ids in it; returns how many those are. The caller holds the partitions lock.

    The new file and its manifest are there before the old one is removed. Safe to interrupt and to run again. Raises
    StorageError for a damaged file.
    """
    manifest, store = archived.manifest, Store(url)
    if problem := check(url, archived):
        raise StorageError(f"{archived.name} is damaged: {problem}")
    drop(client, "events_rebuild")
    client.command("create table events_rebuild as events")
    with store.open(f"{archived.name}.parquet") as file:
        client.raw_insert("events_rebuild", insert_block=file, fmt="Parquet")
    bound = {"users": list(users)}
    [(first, last, rows, checksum)] = client.query(query("retention/kept_span"), parameters=bound).result_rows
    if not rows:  # what was archived of these days is still said: nothing
        first, last = manifest.first, manifest.last
    name = f"{archived.name.rpartition('/')[0]}/{first}_{last}_{checksum:016x}"
    if name != archived.name:
        size, digest = _put(client, store, name, query("retention/kept"), bound)
        made = msgspec.structs.replace(
            manifest,
            first=first,
            last=last,
            rows=rows,
            checksum=checksum,
            bytes=size,
            sha256=digest,
            written=dt.datetime.now(dt.UTC),
        )
        _put_manifest(url, store, Archived(name, made))
        for ending in ("json", "parquet"):
            store.delete(f"{archived.name}.{ending}")
    drop(client, "events_rebuild")
    return manifest.rows - int(rows)


def _put(client: Client, store: Store, name: str, select: str, bound: dict[str, Any]) -> tuple[int, str]:
    """Write what a query has as a file; returns its size and SHA-256."""
    with client.raw_stream(select, parameters=bound, settings=_SETTINGS, fmt="Parquet") as data:
        return store.put(f"{name}.parquet", iter(lambda: data.read(CHUNK), b""))


def _put_manifest(url: str, store: Store, made: Archived) -> Archived:
    """Say that a file is there, after it was read once."""
    if problem := check(url, made):
        raise StorageError(
            f"the archive {made.name} is not what was written: {problem}", "nothing was removed; try again"
        )
    store.put(f"{made.name}.json", [msgspec.json.format(msgspec.json.encode(made.manifest), indent=1)])
    return made


def every(url: str, domain: str = "") -> list[Archived]:
    """All files of an archive, of a site or of all, by name. A manifest that cannot be read is an error."""
    store, found = Store(url), []
    for name in store.names(domain):
        if name.endswith(".json"):
            try:
                found.append(Archived(name[:-5], msgspec.json.decode(store.get(name), type=Manifest)))
            except msgspec.MsgspecError as exc:
                raise StorageError(f"cannot read the manifest {name}: {exc}") from exc
    return sorted(found, key=lambda each: each.name)


def remove_unlisted(url: str, domain: str) -> None:
    """Remove a site's files without a manifest: what runs that were interrupted have left. The caller holds the
    partitions lock, so that no file is being written.
    """
    store = Store(url)
    names = list(store.names(domain))
    listed = {name.removesuffix(".json") for name in names if name.endswith(".json")}
    for name in names:
        if name.partition(".parquet")[0].removesuffix(".json") not in listed or name.endswith(".part"):
            store.delete(name)


def check(url: str, archived: Archived) -> str:
    """What is wrong with a file: '' where it holds what its manifest says. Raises StorageError (the store is away)."""
    import pyarrow.parquet as pq

    store, manifest, digest = Store(url), archived.manifest, hashlib.sha256()
    try:
        for data in store.chunks(f"{archived.name}.parquet"):
            digest.update(data)
        if digest.hexdigest() != manifest.sha256:
            return "its content has changed"
        with store.open(f"{archived.name}.parquet") as file:
            rows = pq.ParquetFile(file).metadata.num_rows
    except FileNotFoundError:
        return "it is missing"
    except (OSError, ValueError) as exc:
        return str(exc).splitlines()[0]
    return "" if rows == manifest.rows else f"it has {rows:,} rows instead of {manifest.rows:,}"


def restore(client: Client, url: str, archived: Archived) -> int:
    """Put back what is missing of a file's events; returns how many. The caller holds the partitions lock.

    What is derived from them is there already, so no view runs. Safe to interrupt and to run again. Raises
    StorageError for a damaged file.
    """
    manifest = archived.manifest
    if problem := check(url, archived):
        raise StorageError(f"{archived.name} is damaged: {problem}")
    bound = {"site": manifest.site_id, "first": manifest.first, "last": manifest.last}
    drop(client, "events_rebuild")
    client.command("create table events_rebuild as events")
    with Store(url).open(f"{archived.name}.parquet") as file:
        client.raw_insert("events_rebuild", insert_block=file, fmt="Parquet")
    client.command(query("retention/forget_stored"), parameters=bound)
    missing = int(str(client.command("select count() from events_rebuild")))
    if missing:
        client.command(f"alter table events attach partition id '{int(manifest.month)}' from events_rebuild")
    drop(client, "events_rebuild")
    return missing


def lower_horizon(client: Client, archived: Iterable[Archived], site_id: int) -> dt.date:
    """Say from which day on a site's raw events are whole, after some of an archive's files were put back; returns it.

    An archive knows what it holds all of; where its files reach the horizon without a gap, and all of their events are
    stored, the horizon is at the first of them. The caller holds the partitions lock.
    """
    now = before = horizons.of_events(client).get(site_id, dt.date(1970, 1, 1))
    files = [each.manifest for each in archived if each.manifest.site_id == site_id]
    for manifest in sorted(files, key=lambda its: its.until, reverse=True):
        if manifest.since < manifest.until == now and _is_stored(client, manifest):
            now = manifest.since
    if now < before:
        horizons.move(client, site_id, Kept.EVENTS, now)
    return now


def _is_stored(client: Client, manifest: Manifest) -> bool:
    bound = {"site": manifest.site_id, "first": manifest.first, "last": manifest.last}
    [(rows, checksum)] = client.query(query("retention/stored"), parameters=bound).result_rows
    return (rows, checksum) == (manifest.rows, manifest.checksum)


def _span(client: Client, site: Site, month: int, until: dt.date) -> tuple[dt.date, dt.date, int, int]:
    """First and last day, number and checksum of what there is to archive."""
    [table] = TABLES[Kept.EVENTS]
    olds = [old for old in old_rows.count(client, table, {site.site_id: until}) if old.month == month]
    if not olds:
        return first_of(month), first_of(month), 0, 0
    [old] = olds
    bound = {"site": site.site_id, "first": old.first, "last": old.last}
    [(rows, checksum)] = client.query(query("retention/stored"), parameters=bound).result_rows
    return old.first, old.last, rows, checksum

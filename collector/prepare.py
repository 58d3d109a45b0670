"""From sealed segments to a prepared batch: decode and enrich (needs no database), then drop what came before
and assign visits (needs one). The first half of the next batch runs while the second half of this one does."""

from __future__ import annotations

import datetime as dt
import hashlib
import itertools
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from collector import columns, stitch
from collector.batches import Manifest, Move, to_stream
from collector.seen import SeenIds
from collector.segments import read
from collector.sites import Registry
from collector.spool import Spool
from sql.files import write_atomic
from sql.statements import query

if TYPE_CHECKING:
    import pyarrow as pa
    from clickhouse_connect.driver.client import Client

IDEMPOTENCY = dt.timedelta(days=7)
SEEN_FOR = 3 * IDEMPOTENCY
FEW_IDS = 100
_DAY = dt.timedelta(days=1)
# Columns of `events` with few distinct values, sent as dictionaries.
_DICTIONARY = [
    "name",
    "hostname",
    "source",
    "channel",
    "utm_source",
    "utm_medium",
    "utm_campaign",
    "utm_term",
    "utm_content",
    "click_id_kind",
    "country",
    "device",
    "browser",
    "browser_version",
    "os",
    "os_version",
    "user_agent",
    "screen",
    "language",
    "bot_reason",
    "currency",
    "import_id",
]
_PLAIN = [
    "site_id",
    "local_date",
    "visitor_id",
    "visit_id",
    "visit_date",
    "interactive",
    "path",
    "query",
    "title",
    "click_id",
    "bot",
    "session_id",
    "user_id",
    "engagement_ms",
    "scroll_depth",
    "gpc",
]


@dataclass(slots=True)
class Gathered:
    """Decoded and enriched events of some segments, in arrival order."""

    segments: list[str]
    frame: pl.DataFrame
    maps: dict[str, Sequence[dict[str, Any] | None]]
    quarantined: int = 0


@dataclass(slots=True)
class Prepared:
    """A batch ready to be brought in. Until it is stored, ``ids`` and ``visits`` speak for it to the next batch."""

    manifest: Manifest
    data: bytes
    ids: pl.DataFrame
    visits: pl.DataFrame


def gather(spool: Spool, paths: list[Path], registry: Registry) -> Gathered:
    """Read segments. A record that cannot be read goes to quarantine whole, as do damaged bytes; each counts once."""
    rows: list[tuple[Any, ...]] = []
    bad = 0
    for path in paths:
        payloads, damages = read(spool, path)
        bad += len(damages)
        try:
            rows += columns.decode(payloads)
        except columns.UnreadableRecord:
            bad += _one_by_one(spool, path.stem, payloads, rows)
    frame, maps = columns.table(rows)
    return Gathered([path.name for path in paths], columns.enrich(frame, registry), maps, bad)


def _one_by_one(spool: Spool, name: str, payloads: list[bytes], rows: list[tuple[Any, ...]]) -> int:
    """Decode records each by itself, the unreadable ones set aside; returns how many those were."""
    bad = 0
    for number, payload in enumerate(payloads):
        try:
            rows += columns.decode([payload])
        except columns.UnreadableRecord as exc:
            bad += 1
            set_aside(spool, f"{name}.record-{number}", payload, str(exc))
    return bad


def set_aside(spool: Spool, name: str, data: bytes, reason: str) -> None:
    """Keep what cannot be loaded, with the reason beside it."""
    write_atomic(spool.quarantine_dir / f"{name}.bin", data, mode=0o600)
    write_atomic(spool.quarantine_dir / f"{name}.reason", reason.encode(), mode=0o600)


def prepare(
    gathered: Gathered, client: Client, registry: Registry, seen: SeenIds, flight: Prepared | None = None
) -> Prepared:
    """The batch of these events: duplicates dropped, visits assigned.

    ``seen`` knows the ids that came before; ``flight`` is the batch before this one, which may not be stored yet.
    Raises what the client raises when ClickHouse is away.
    """
    events = gathered.frame.with_row_index("at")
    fresh = _drop_known(events, client, seen, flight)
    stitched = stitch.stitch(fresh, _open_visits(fresh, client, flight))
    placed = stitched.events.with_columns(
        columns.local_date(stitched.events, registry, "visit_start").alias("visit_date")
    )
    moves = _moves(stitched.visits, registry)
    batch_id = uuid.uuid4()
    data = to_stream(_table(placed, gathered.maps, batch_id))
    dates = placed["local_date"]
    visit_dates = [
        *placed["visit_date"].unique(),
        *(day for move in moves for day in (move.old_date, move.new_date)),
    ]
    first = min((*dates, *visit_dates), default=dt.date(1970, 1, 1))
    manifest = Manifest(
        batch_id=batch_id,
        segments=gathered.segments,
        rows=placed.height,
        duplicates=events.height - placed.height,
        quarantined=gathered.quarantined,
        sha256=hashlib.sha256(data).hexdigest(),
        first_date=first,
        last_date=max((*dates, *visit_dates), default=first),
        event_months=_months(dates.unique()),
        visit_months=_months(visit_dates),
        moves=moves,
        after=flight.manifest.batch_id if flight else None,
    )
    visits = placed.group_by("site_id", "visitor_id", "visit_id", "visit_date").agg(
        started=pl.col("visit_start").min(), ended=pl.col("timestamp").max()
    )
    return Prepared(manifest, data, placed.select("site_id", "event_id"), visits.select(*stitch.OPEN_VISITS))


def _drop_known(events: pl.DataFrame, client: Client, seen: SeenIds, flight: Prepared | None) -> pl.DataFrame:
    """Events whose id neither the batch, the one before it nor the idempotency window has seen."""
    events = events.unique(["site_id", "event_id"], keep="first", maintain_order=True)
    if flight:
        events = events.join(flight.ids, on=["site_id", "event_id"], how="anti", maintain_order="left")
    asked = events.filter("known")
    # The filter can only speak for an event whose whole window it knows.
    asked = asked.filter(seen.perhaps(asked) | (asked["local_date"] < seen.since + IDEMPOTENCY))
    if asked.is_empty():
        return events
    dates = asked["local_date"]
    _probe(client, "load_probe_events", asked.select("site_id", "event_id"))
    window = {"first": dates.min() - IDEMPOTENCY, "last": dates.max() + _DAY}  # type: ignore[operator]
    # The index on ids finds a few of them at once; for many it only costs.
    known = _frame(client, "load_known_events", window, use_skip_indexes=int(asked.height < FEW_IDS))
    return events.join(known, on=["site_id", "event_id"], how="anti", maintain_order="left") if known.height else events


def _open_visits(events: pl.DataFrame, client: Client, flight: Prepared | None) -> pl.DataFrame:
    if events.is_empty():
        return pl.DataFrame(schema=stitch.OPEN_VISITS)
    hashes = [events.select("site_id", visitor_id=name) for name in ("visitor", "previous")]
    _probe(client, "load_probe_visitors", pl.concat(hashes).filter(pl.col("visitor_id") != 0).unique())
    dates = events["local_date"]
    times = events["timestamp"]
    window = {
        "first": dates.min() - 2 * _DAY,  # type: ignore[operator]
        "last": dates.max() + 2 * _DAY,  # type: ignore[operator]
        "after": times.min() - stitch.GAP_MS,  # type: ignore[operator]
        "before": times.max() + stitch.GAP_MS,  # type: ignore[operator]
    }
    found = _frame(client, "load_open_visits", window, optimize_aggregation_in_order=1)
    found = found.select(pl.col(name).cast(kind) for name, kind in stitch.OPEN_VISITS.items())
    if flight is None:
        return found
    both = pl.concat([found, flight.visits]).group_by("site_id", "visitor_id", "visit_id", "visit_date")
    return both.agg(pl.col("started").min(), pl.col("ended").max()).select(*stitch.OPEN_VISITS)


def _moves(visits: pl.DataFrame, registry: Registry) -> list[Move]:
    if visits.is_empty():
        return []
    dated = visits.with_columns(columns.local_date(visits, registry, "now_start").alias("now_date"))
    changed = dated.filter((pl.col("visit_id") != pl.col("now_id")) | (pl.col("visit_date") != pl.col("now_date")))
    return [
        Move(*row)
        for row in changed.select("site_id", "visit_id", "now_id", "now_start", "visit_date", "now_date").iter_rows()
    ]


def _probe(client: Client, table: str, rows: pl.DataFrame) -> None:
    client.command(f"truncate table {table}")
    arrow = rows.to_arrow()
    if "event_id" in rows.columns:
        import pyarrow as pa

        index = arrow.schema.get_field_index("event_id")
        arrow = arrow.set_column(index, "event_id", arrow["event_id"].cast(pa.binary(16)))
    client.insert_arrow(table, arrow)


def _frame(client: Client, name: str, parameters: dict[str, Any], **settings: Any) -> pl.DataFrame:
    found = pl.from_arrow(client.query_arrow(query(name), parameters=parameters, settings=settings))
    if not isinstance(found, pl.DataFrame):
        raise TypeError(f"{name} answered with {type(found).__name__}")
    return found


def _months(days: Any) -> list[int]:
    return sorted({day.year * 100 + day.month for day in days})


def _table(frame: pl.DataFrame, maps: dict[str, Sequence[dict[str, Any] | None]], batch_id: uuid.UUID) -> pa.Table:
    """The columns of `events` in Arrow types that ClickHouse takes without a detour."""
    import pyarrow as pa

    moment = pa.timestamp("ms", "UTC")
    plain = frame.select(
        *_PLAIN,
        *(pl.col(name).cast(pl.Categorical) for name in _DICTIONARY),
        referrer="referrer_page",
        revenue=pl.when(pl.col("revenue") == "").then(pl.lit("0")).otherwise("revenue").cast(pl.Decimal(18, 4)),
    ).to_arrow(compat_level=pl.CompatLevel.oldest())
    made: dict[str, Any] = {name: plain[name] for name in plain.column_names}
    for name in ("timestamp", "received_at", "visit_start"):
        made[name] = frame[name].to_arrow().cast(moment)
    made["event_id"] = frame["event_id"].to_arrow().cast(pa.binary(16))
    made["batch_id"] = pa.repeat(pa.scalar(batch_id.bytes, pa.binary(16)), frame.height)
    made["batch_seq"] = pa.array(np.arange(frame.height, dtype=np.uint32))
    order = frame["at"].to_list()
    for name, kind in (("props", pa.string()), ("props_number", pa.float64()), ("props_bool", pa.bool_())):
        values = maps[name]
        made[name] = _map_array([values[at] or {} for at in order] if any(values) else [{}] * frame.height, kind)
    return pa.table(made)


def _map_array(values: list[dict[str, Any]], kind: pa.DataType) -> pa.MapArray:
    import pyarrow as pa

    ends = np.zeros(len(values) + 1, np.int32)
    np.cumsum(np.fromiter(map(len, values), np.int32, len(values)), out=ends[1:])
    keys = pa.array(list(itertools.chain.from_iterable(values)), pa.string())
    items = pa.array(list(itertools.chain.from_iterable(map(dict.values, values))), kind)
    return pa.MapArray.from_arrays(pa.array(ends), keys, items)

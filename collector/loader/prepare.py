"""From sealed segments to a prepared batch: decode and enrich (needs no database), then drop what came before
and assign visits (needs one). The first half of the next batch runs while the second half of this one does."""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from collector.enrich.referrer_spam import SpamHosts
from collector.event.model import PAGE_VIEW, SpooledEvent
from collector.loader.arrow_ids import readable
from collector.loader.batches import Manifest, Move, from_stream, to_stream
from collector.loader.conduct import NO_MINUTES
from collector.loader.enrichment import Columns, enrich, local_date
from collector.loader.erased import kept, kept_lines, kept_rows
from collector.loader.insert import SUSPICIOUS
from collector.loader.returning_rows import returning_rows
from collector.loader.seen_filter import SeenIds
from collector.loader.visits import GAP_MS, OPEN_VISITS, assign_visits
from collector.settings import LOADER
from collector.sites.registry import SiteRegistry
from collector.sites.tombstones import Tombstones
from collector.spool.line_reader import UnreadableRecord, decode
from collector.spool.lines import SEPARATOR, encode
from collector.spool.segment_files import read, set_aside
from collector.spool.spool import REPLAY, REQUEUE, ROWS, Spool, events_of, writer_kind
from sql.core import timezones
from sql.core.queries import query

if TYPE_CHECKING:
    import pyarrow as pa
    from clickhouse_connect.driver.client import Client

log = logging.getLogger("footfall.loader")
IDEMPOTENCY = dt.timedelta(days=LOADER.idempotency_days)
# For how many idempotency windows ids are held in memory: a late event's window lies in the past too.
SEEN_WINDOWS = 3
FEW_IDS = 100
_SEPARATOR = SEPARATOR.encode()
_DAY = dt.timedelta(days=1)
# Passes every step while the steps are sound: where it does not, no line is to blame.
_PLAIN_EVENT = SpooledEvent(event_id=bytes(16), name=PAGE_VIEW)
# Columns of `events` that stand in the rows themselves.
_PLAIN = [
    "site_id", "local_date", "visitor_id", "visit_id", "visit_date", "interactive", "title", "session_id", "user_id",
    "engagement_ms", "scroll_depth", "gpc",
]  # fmt: skip
# Those among them with few distinct values, sent as dictionaries.
_FEW = ["name", "consent", "currency", "import_id"]


@dataclass(slots=True)
class Gathered:
    """Events of some segments in arrival order, and how their rows of `events` are made once visits are assigned."""

    segments: list[str]
    events: pl.DataFrame
    table: Callable[[pl.DataFrame, uuid.UUID], pa.Table]
    quarantined: int = 0
    requeued: int = 0
    minutes: pl.DataFrame = field(default_factory=NO_MINUTES.clone)
    erased: int = 0


@dataclass(slots=True)
class Prepared:
    """A batch ready to be brought in. Until it is stored, ``ids`` and ``visits`` speak for it to the next batch."""

    manifest: Manifest
    data: bytes
    ids: pl.DataFrame
    visits: pl.DataFrame


def gather(
    spool: Spool,
    paths: list[Path],
    registry: SiteRegistry,
    spam: SpamHosts,
    past: pl.DataFrame = NO_MINUTES,
    tombstones: Tombstones | None = None,
) -> Gathered:
    """Read segments. Damaged bytes go to quarantine, and so does each line that nothing can be made of.

    ``past`` is that of ``conduct.Past``. Events of visitors with a tombstone are dropped.
    """
    tombstones = tombstones or Tombstones(spool.root / "none", b"")
    tombstones.refresh(at_once=True)
    names = [path.name for path in paths]
    requeued = sum(events_of(path) or 0 for path in paths if writer_kind(path) == REQUEUE)
    if paths[0].suffix == ROWS:
        known = [_rows_of_known_sites(spool, path, registry) for path in paths]
        rows = [kept_rows(rows, tombstones) for rows, _ in known]
        erased = sum(its.num_rows for its, _ in known) - sum(its.num_rows for its in rows)
        events, table = returning_rows(rows)
        return Gathered(names, events, table, sum(unknown for _, unknown in known), requeued, erased=erased)
    tables: list[pl.DataFrame] = []
    lost = erased = 0
    try:
        for path in paths:  # one after the other: a batch's bytes need not be in memory at once
            records, damaged = read(spool, path)
            decoded, unknown = _decoded(path, records), 0
            if not all(_is_known(registry, site_id) for site_id in decoded["site_id"].unique()):
                records, unknown = _of_known_sites(spool, path, records, registry)
                decoded = _decoded(path, records)
            tables.append(kept(decoded, tombstones))
            erased += decoded.height - tables[-1].height
            lost += damaged + unknown
        made = enrich(pl.concat(tables), registry, spam, past)
    except Exception as exc:
        found, lost, erased = [], 0, 0
        for path in paths:
            records, damaged = read(spool, path)
            records, unknown = _of_known_sites(spool, path, records, registry)
            every = list(_lines(records))
            found.append((path, kept_lines(every, tombstones)))
            erased += len(every) - len(found[-1][1])
            lost += damaged + unknown
        lines = [(path, line) for path, its in found for line in its]
        poison = dict(_poisonous([line for _, line in lines], registry, spam, exc))
        for number, reason in poison.items():
            path, line = lines[number]
            set_aside(spool, f"{path.stem}.line-{number}", ".bin", line, reason)
        if poison:
            kind = next(iter(poison.values())).partition(":")[0]
            log.error("%d events are unreadable (%s); kept in quarantine", len(poison), kind)
        lost += len(poison)
        good = [of for number, of in enumerate(lines) if number not in poison]
        tables = [_decoded(path, [line for its, line in good if its == path]) for path in paths]
        made = enrich(pl.concat(tables), registry, spam, past)
    return Gathered(names, made.rows, partial(_table, made), lost, requeued, made.minutes, erased)


def _of_known_sites(spool: Spool, path: Path, records: list[bytes], registry: SiteRegistry) -> tuple[list[bytes], int]:
    """The records of a segment without the lines of unknown sites, and how many those are: they wait in quarantine.

    Which local day an event lies on, its site's zone decides. Without it the event would be dated wrongly for good.
    """
    lines = list(_lines(records))
    heads = {line.partition(_SEPARATOR)[0] for line in lines}
    unknown = {head for head in heads if head.isdigit() and not _is_known(registry, int(head))}
    if not unknown:
        return records, 0
    for head in sorted(unknown):
        its = [line for line in lines if line.partition(_SEPARATOR)[0] == head]
        reason = f"site {int(head)} is unknown, so its local days are too: {len(its)} events"
        set_aside(spool, f"{path.stem}.site-{int(head)}", ".bin", b"".join(its), reason)
        log.error("%s; kept in quarantine", reason, extra={"segment": path.name})
    known = [line for line in lines if line.partition(_SEPARATOR)[0] not in unknown]
    return known, len(lines) - len(known)


def _rows_of_known_sites(spool: Spool, path: Path, registry: SiteRegistry) -> tuple[pa.Table, int]:
    """The rows of a segment without those of unknown sites, and how many those are: each waits in quarantine."""
    import pyarrow as pa

    rows = from_stream(path.read_bytes())
    sites = rows["site_id"].to_pylist()
    unknown = {number: site_id for number, site_id in enumerate(sites) if not _is_known(registry, site_id)}
    for number, site_id in unknown.items():
        reason = f"site {site_id} is unknown, so its local days are too"
        set_aside(spool, f"{path.stem}.row-{number}", ".bin", to_stream(rows.slice(number, 1)), reason)
        log.error("%s: one event kept in quarantine", reason, extra={"segment": path.name})
    return rows.filter(pa.array([number not in unknown for number in range(len(sites))])), len(unknown)


def _is_known(registry: SiteRegistry, site_id: int) -> bool:
    site = registry.by_id(site_id)
    return site is not None and site.timezone in timezones.names()


def _decoded(path: Path, records: list[bytes]) -> pl.DataFrame:
    """The events of a segment. Those that come back may have been here: their ids are looked up, whoever gave them."""
    events = decode(records)
    return events.with_columns(known=pl.lit(True)) if writer_kind(path) in {REQUEUE, REPLAY} else events


def _lines(records: list[bytes]) -> Iterator[bytes]:
    for record in records:
        *whole, rest = record.split(b"\n")
        yield from (line + b"\n" for line in whole)
        if rest:
            yield rest


def _poisonous(
    lines: list[bytes], registry: SiteRegistry, spam: SpamHosts, why: Exception
) -> Iterator[tuple[int, str]]:
    """Number and reason of each line that nothing can be made of, found by halves.

    Raises ``why`` where that is no line's fault: the disk's, or a defect that strikes every line alike, a plain
    event's too.
    """
    if isinstance(why, OSError | MemoryError):
        raise why
    if not isinstance(why, UnreadableRecord):
        heads = (line.partition(_SEPARATOR)[0] for line in lines)
        site_id = next((int(head) for head in heads if head.isdigit() and _is_known(registry, int(head))), None)
        if site_id is not None:
            enrich(decode([encode(site_id, 0, [_PLAIN_EVENT])]), registry, spam)
    waiting = [(0, len(lines), why)]
    found = 0
    while waiting:
        start, end, why = waiting.pop()
        if end - start == 1:
            found += 1
            if found == SUSPICIOUS == end and not isinstance(why, UnreadableRecord):
                raise why
            yield start, str(why) if isinstance(why, UnreadableRecord) else f"{type(why).__name__}: {why}"
            continue
        middle = (start + end) // 2
        for low, high in ((middle, end), (start, middle)):
            try:
                enrich(decode(lines[low:high]), registry, spam)
            except Exception as exc:
                waiting.append((low, high, exc))


def prepare(
    gathered: Gathered,
    client: Client,
    registry: SiteRegistry,
    seen: SeenIds,
    flight: Prepared | None = None,
    window: dt.timedelta = IDEMPOTENCY,
) -> Prepared:
    """The batch of these events: duplicates dropped, visits assigned.

    ``seen`` knows the ids that came before; ``flight`` is the batch before this one, which may not be stored yet.
    An id counts once within ``window``.
    Raises what the client raises when ClickHouse is away.
    """
    events = gathered.events
    fresh = _drop_known(events, client, seen, flight, window)
    stitched = assign_visits(fresh, _open_visits(fresh, client, flight))
    placed = stitched.events.with_columns(local_date(stitched.events, registry, "visit_start").alias("visit_date"))
    moves = _moves(stitched.visits, registry)
    batch_id = uuid.uuid4()
    data = to_stream(gathered.table(placed, batch_id))
    dates = placed["local_date"]
    visit_dates = [
        *placed["visit_date"].unique(),
        *(day for move in moves for day in (move.old_date, move.new_date)),
    ]
    first = min((*dates, *visit_dates), default=dt.date(1970, 1, 1))
    touched = pl.concat(placed.select("site_id", day=name) for name in ("local_date", "visit_date")).unique()
    days = {*touched.iter_rows(), *((m.site_id, day) for m in moves for day in (m.old_date, m.new_date))}
    manifest = Manifest(
        batch_id=batch_id,
        segments=gathered.segments,
        rows=placed.height,
        duplicates=events.height - placed.height,
        quarantined=gathered.quarantined,
        sha256=hashlib.sha256(data).hexdigest(),
        first_date=first,
        last_date=max((*dates, *visit_dates), default=first),
        moves=moves,
        after=flight.manifest.batch_id if flight else None,
        requeued=gathered.requeued,
        days=sorted(days),
        erased=gathered.erased,
    )
    visits = placed.group_by("site_id", "visitor_id", "visit_id", "visit_date").agg(
        started=pl.col("visit_start").min(), ended=pl.col("timestamp").max()
    )
    return Prepared(manifest, data, placed.select("site_id", "event_id"), visits.select(*OPEN_VISITS))


def _drop_known(
    events: pl.DataFrame, client: Client, seen: SeenIds, flight: Prepared | None, window: dt.timedelta
) -> pl.DataFrame:
    """Events whose id neither the batch, the one before it nor the idempotency window has seen."""
    events = events.unique(["site_id", "event_id"], keep="first", maintain_order=True)
    if flight:
        events = events.join(flight.ids, on=["site_id", "event_id"], how="anti", maintain_order="left")
    asked = events.filter("known")
    # The filter can only speak for an event whose whole window it knows.
    asked = asked.filter(seen.might_contain(asked) | (asked["local_date"] < seen.since + window))
    if asked.is_empty():
        return events
    dates = asked["local_date"]
    _probe(client, "load_probe_events", asked.select("site_id", "event_id"))
    between = {"first": dates.min() - window, "last": dates.max() + _DAY}  # type: ignore[operator]
    # The index on ids finds a few of them at once; for many it only costs.
    known = _frame(client, "loader/known_events", between, use_skip_indexes=int(asked.height < FEW_IDS))
    return events.join(known, on=["site_id", "event_id"], how="anti", maintain_order="left") if known.height else events


def _open_visits(events: pl.DataFrame, client: Client, flight: Prepared | None) -> pl.DataFrame:
    if events.is_empty():
        return pl.DataFrame(schema=OPEN_VISITS)
    hashes = [events.select("site_id", visitor_id=name) for name in ("visitor", "previous")]
    _probe(client, "load_probe_visitors", pl.concat(hashes).filter(pl.col("visitor_id") != 0).unique())
    dates = events["local_date"]
    times = events["timestamp"]
    window = {
        "first": dates.min() - 2 * _DAY,  # type: ignore[operator]
        "last": dates.max() + 2 * _DAY,  # type: ignore[operator]
        "after": times.min() - GAP_MS,  # type: ignore[operator]
        "before": times.max() + GAP_MS,  # type: ignore[operator]
    }
    found = _frame(client, "loader/open_visits", window, optimize_aggregation_in_order=1)
    found = found.select(pl.col(name).cast(kind) for name, kind in OPEN_VISITS.items())
    if flight is None:
        return found
    both = pl.concat([found, flight.visits]).group_by("site_id", "visitor_id", "visit_id", "visit_date")
    return both.agg(pl.col("started").min(), pl.col("ended").max()).select(*OPEN_VISITS)


def _moves(visits: pl.DataFrame, registry: SiteRegistry) -> list[Move]:
    if visits.is_empty():
        return []
    dated = visits.with_columns(local_date(visits, registry, "now_start").alias("now_date"))
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
    client.insert_arrow(table, readable(client, arrow))


def _frame(client: Client, name: str, parameters: dict[str, Any], **settings: Any) -> pl.DataFrame:
    found = pl.from_arrow(client.query_arrow(query(name), parameters=parameters, settings=settings))
    if not isinstance(found, pl.DataFrame):
        raise TypeError(f"{name} answered with {type(found).__name__}")
    return found


def _months(days: Any) -> list[int]:
    return sorted({day.year * 100 + day.month for day in days})


def _table(columns: Columns, rows: pl.DataFrame, batch_id: uuid.UUID) -> pa.Table:
    """The columns of `events` in Arrow types that ClickHouse takes without a detour."""
    import pyarrow as pa

    moment = pa.timestamp("ms", "UTC")
    plain = rows.select(
        *_PLAIN,
        *(pl.col(name).cast(pl.Categorical) for name in _FEW),
        revenue=pl.when(pl.col("revenue") == "").then(pl.lit("0")).otherwise("revenue").cast(pl.Decimal(18, 4)),
    ).to_arrow(compat_level=pl.CompatLevel.oldest())
    made: dict[str, Any] = {name: plain[name] for name in plain.column_names}
    for name in ("timestamp", "received_at", "visit_start"):
        made[name] = rows[name].to_arrow().cast(moment)
    made["event_id"] = rows["event_id"].to_arrow().cast(pa.binary(16))
    made["batch_id"] = pa.repeat(pa.scalar(batch_id.bytes, pa.binary(16)), rows.height)
    made["batch_seq"] = pa.array(np.arange(rows.height, dtype=np.uint32))
    for table, shared in columns.shared.items():
        numbers = rows[table].to_numpy()
        made |= {series.name: _spread(series, numbers) for series in shared}
    extra = rows["extra"].to_arrow()
    made |= {name: its.take(extra) for name, its in columns.maps.items()}
    return pa.table(made)


def _spread(values: pl.Series, numbers: Any) -> pa.Array:
    """``values[numbers]``; texts as a dictionary, so that each is sent once."""
    import pyarrow as pa

    if values.dtype != pl.String:
        return values.gather(numbers).to_arrow()
    distinct = values.unique()
    places = values.cast(pl.Enum(distinct)).to_physical().to_numpy()
    return pa.DictionaryArray.from_arrays(places[numbers].astype(np.int32), distinct.to_arrow().cast(pa.string()))

"""Visits by the 30-minute rule, for a batch of events on top of the visits that are already stored.

A visit is a run of one visitor's events with no gap over 30 minutes, at most 24 hours long. Events may
arrive in any order: one that falls before, into or between stored visits extends or joins them. What that
changes for rows already in `events` comes out as moves. Stored visits are never cut in two.

All times are ms since 1970 UTC. Whether the client sends a session id makes no difference.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl

from collector.loader.seen_filter import mix

GAP_MS = 30 * 60 * 1000
LIMIT_MS = 24 * 60 * 60 * 1000

OPEN_VISITS = {
    "site_id": pl.UInt32,
    "visitor_id": pl.UInt64,
    "visit_id": pl.UInt64,
    "visit_date": pl.Date,
    "started": pl.Int64,
    "ended": pl.Int64,
}
_VISITOR = ["site_id", "visitor_id"]


@dataclass(frozen=True, slots=True)
class AssignedVisits:
    """``events``: the batch with visitor_id, visit_id and visit_start, in its order. ``visits``: stored visits that
    are part of a visit of the batch, with the visit they belong to now (``now_id``, ``now_start``)."""

    events: pl.DataFrame
    visits: pl.DataFrame


def assign_visits(events: pl.DataFrame, stored: pl.DataFrame) -> AssignedVisits:
    """Assign visits. ``events`` has site_id, visitor, previous, timestamp; ``stored`` has the columns OPEN_VISITS
    and holds every visit of these visitors (under both hashes) that could touch one of the events.
    """
    events = _survive_midnight(events, stored).with_row_index("row")
    points = pl.concat(
        [
            events.select(
                *_VISITOR,
                start="timestamp",
                end="timestamp",
                row=pl.col("row").cast(pl.Int64),
                visit_id=pl.lit(0, pl.UInt64),
            ),
            stored.select(*_VISITOR, start="started", end="ended", row=pl.lit(-1, pl.Int64), visit_id="visit_id"),
        ]
    ).sort(*_VISITOR, "start", "row")
    points = points.with_columns(_sessions(points, bool(stored.height)))
    points = _cut_long(points)
    visits = points.group_by("session").agg(
        pl.col("site_id").first(),
        pl.col("visitor_id").first(),
        pl.col("start").min().alias("now_start"),
        pl.col("visit_id").filter(pl.col("visit_id") != 0).first().alias("now_id"),
    )
    visits = visits.with_columns(pl.col("now_id").fill_null(_fresh_ids(visits)))
    assigned = points.join(visits.select("session", "now_start", "now_id"), on="session", how="left")
    placed = assigned.filter(pl.col("row") >= 0).sort("row").select(visit_id="now_id", visit_start="now_start")
    touched = assigned.filter(pl.col("row") < 0).select("visit_id", "now_id", "now_start")
    return AssignedVisits(
        pl.concat([events.drop("row"), placed], how="horizontal"),
        stored.join(touched, on="visit_id", how="inner"),
    )


def _sessions(points: pl.DataFrame, spans: bool) -> pl.Expr:
    """Numbers of runs without a gap, for points sorted by visitor and start."""
    last = pl.col("end").cum_max().over(_VISITOR) if spans else pl.col("end")
    other = pl.any_horizontal(pl.col(name) != pl.col(name).shift(1) for name in _VISITOR)
    begins = (other | (pl.col("start") - last.shift(1) > GAP_MS)).fill_null(value=True)
    return begins.cum_sum().cast(pl.Int64).set_sorted().alias("session")


def _cut_long(points: pl.DataFrame) -> pl.DataFrame:
    """Cut runs of more than 24 hours where a visit reaches its limit."""
    spans = points.group_by("session").agg((pl.col("end").max() - pl.col("start").min()).alias("span"))
    long = set(spans.filter(pl.col("span") > LIMIT_MS)["session"])
    if not long:
        return points
    numbers: list[int] = []
    fresh = int(points["session"][-1])  # sessions are numbered upwards
    began: dict[int, int] = {}
    names: dict[int, int] = {}
    for session, start, end in points.select("session", "start", "end").iter_rows():
        if session in long:
            if end - began.setdefault(session, start) > LIMIT_MS and start > began[session]:
                fresh += 1
                names[session], began[session] = fresh, start
            session = names.get(session, session)
        numbers.append(session)
    return points.with_columns(pl.Series("session", numbers, pl.Int64))


def _fresh_ids(visits: pl.DataFrame) -> pl.Series:
    """Ids for visits that have none: a mix of site, visitor and start, so that the same batch gives the same ids."""
    with np.errstate(over="ignore"):
        mixed = visits["visitor_id"].to_numpy() ^ (
            visits["now_start"].to_numpy().astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        )
        mixed += visits["site_id"].to_numpy().astype(np.uint64) * np.uint64(0xD1B54A32D192ED03)
        mixed = mix(mixed)
    return pl.Series("now_id", np.maximum(mixed, np.uint64(1)), pl.UInt64)


def _survive_midnight(events: pl.DataFrame, stored: pl.DataFrame) -> pl.DataFrame:
    """``visitor_id``: the hash of the event's day, or that of the day before while its visit is still open."""
    events = events.with_columns(visitor_id=pl.col("visitor"))
    active = pl.concat([stored.select(_VISITOR), events.select(_VISITOR)]).unique()
    late = events.with_row_index("row").join(
        active.rename({"visitor_id": "previous"}), on=["site_id", "previous"], how="semi"
    )
    if late.is_empty():
        return events
    moved = dict(_continued(late, events, stored))
    rows = pl.Series("row", list(moved), pl.UInt32)
    changed = pl.DataFrame({"row": rows, "yesterday": pl.Series(list(moved.values()), dtype=pl.UInt64)})
    return (
        events.with_row_index("row")
        .join(changed, on="row", how="left", maintain_order="left")
        .with_columns(visitor_id=pl.coalesce("yesterday", "visitor_id"))
        .drop("row", "yesterday")
    )


def _continued(late: pl.DataFrame, events: pl.DataFrame, stored: pl.DataFrame) -> Iterator[tuple[int, int]]:
    """(row, hash of the day before) of events that continue that day's visit."""
    wanted = late.select("site_id", visitor_id="previous").unique()
    known = pl.concat(
        [
            stored.select(*_VISITOR, start="started", end="ended"),
            events.select(*_VISITOR, start="timestamp", end="timestamp"),
        ]
    ).join(wanted, on=_VISITOR, how="semi")
    spans = _merged(known)
    columns = late.sort("timestamp").select("row", "site_id", "previous", "timestamp")
    for row, site, previous, at in columns.iter_rows():
        starts, ends = spans[site, previous]
        nearest = bisect_right(starts, at + GAP_MS) - 1
        if nearest >= 0 and at - GAP_MS <= ends[nearest]:
            yield row, previous
            # It reaches as far as its own moment now. The next one is no earlier, so only the nearest span matters.
            ends[nearest] = max(ends[nearest], at)


def _merged(spans: pl.DataFrame) -> dict[tuple[int, int], tuple[list[int], list[int]]]:
    """Each visitor's spans, those no more than a gap apart as one: starts and ends, ascending."""
    merged: dict[tuple[int, int], tuple[list[int], list[int]]] = {}
    for site, visitor, start, end in spans.sort(*_VISITOR, "start").iter_rows():
        starts, ends = merged.setdefault((site, visitor), ([], []))
        if ends and start - ends[-1] <= GAP_MS:
            ends[-1] = max(ends[-1], end)
        else:
            starts.append(start)
            ends.append(end)
    return merged

"""Rows that ClickHouse refused, on their way back: they were enriched when they were first prepared, and what they
were made of is gone. Their ids are looked up and their visits assigned again, as if they had just come."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

if TYPE_CHECKING:
    import pyarrow as pa

_KEYS = ["site_id", "local_date", "timestamp", "event_id", "visitor_id"]
_PLACED = ["visitor_id", "visit_id", "visit_date"]


def returning_rows(tables: list[pa.Table]) -> tuple[pl.DataFrame, Callable[[pl.DataFrame, uuid.UUID], pa.Table]]:
    """What a batch is prepared of: the events, and how their rows are made once visits are assigned."""
    import pyarrow as pa

    table = pa.concat_tables(tables).unify_dictionaries().combine_chunks()
    keys = pl.DataFrame(pl.from_arrow(table.select(_KEYS)))
    events = keys.select(
        "site_id",
        "local_date",
        pl.col("timestamp").dt.epoch("ms"),
        "event_id",
        visitor="visitor_id",
        previous=pl.lit(0, pl.UInt64),
        known=pl.lit(True),
    )
    return events.with_row_index("at"), partial(_table, table)


def _table(table: pa.Table, rows: pl.DataFrame, batch_id: uuid.UUID) -> pa.Table:
    import pyarrow as pa

    made: dict[str, Any] = {name: table[name].take(rows["at"].to_arrow()) for name in table.column_names}
    made |= {name: rows[name].to_arrow() for name in _PLACED}
    made["visit_start"] = rows["visit_start"].to_arrow().cast(pa.timestamp("ms", "UTC"))
    made["batch_id"] = pa.repeat(pa.scalar(batch_id.bytes, pa.binary(16)), rows.height)
    made["batch_seq"] = pa.array(np.arange(rows.height, dtype=np.uint32))
    return pa.table(made)

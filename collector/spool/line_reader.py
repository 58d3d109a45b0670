"""Spool records as a table: one column a field (spool/lines.py), every value of its type and within its bounds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from collector.event.model import MAX_MOMENT
from collector.spool.lines import FIELDS, SEPARATOR, VERSION

_FLAGS = ("known", "interactive", "gpc")
_NUMBERS: dict[str, Any] = {
    "version": pl.UInt8,
    "site_id": pl.UInt32,
    "received_at": pl.Int64,
    "visitor": pl.UInt64,
    "previous": pl.UInt64,
    "timestamp": pl.Int64,
    "engagement_ms": pl.UInt32,
    "scroll_depth": pl.UInt8,
    **dict.fromkeys(_FLAGS, pl.UInt8),
}
_SCHEMA = {name: _NUMBERS.get(name, pl.String) for name in FIELDS}


class UnreadableRecord(Exception):
    """A record whose frame is whole but whose payload is not lines of ours."""


def decode(payloads: Sequence[bytes]) -> pl.DataFrame:
    """The events of some records in order, one column a field; property maps as JSON text, '' where there are none.

    Raises UnreadableRecord where anything is not as ``encode`` writes it.
    """
    data = b"".join(payloads)
    # A line begins with the site's number. Polars would unpack what begins as a compressed file does.
    if data and not data[:1].isdigit():
        raise UnreadableRecord("not a line written by the collector")
    try:
        frame = pl.read_csv(
            data,
            has_header=False,
            separator=SEPARATOR,
            quote_char=None,
            schema=_SCHEMA,
            empty_string_is_null=False,
            raise_if_empty=False,
        )
        if frame.height != data.count(b"\n") or any(frame.null_count().row(0)):
            raise UnreadableRecord("a line is torn")
        frame = _typed(frame)
    except pl.exceptions.SchemaError as exc:
        raise UnreadableRecord(f"a line does not have the {len(FIELDS)} fields of an event") from exc
    except pl.exceptions.PolarsError as exc:
        raise UnreadableRecord(str(exc).split("\n", 1)[0]) from exc
    if bad := [name for name, good in frame.select(**_CHECKS).row(0, named=True).items() if not good]:
        raise UnreadableRecord(f"out of bounds: {', '.join(bad)}")
    return frame.drop("version").with_columns(pl.col(_FLAGS).cast(pl.Boolean))


_CHECKS = {
    "version": (pl.col("version") == VERSION).all(),
    "event_id": (pl.col("event_id").bin.size() == 16).all(),
    "flag": pl.all_horizontal(pl.col(_FLAGS) <= 1).all(),
    "scroll_depth": (pl.col("scroll_depth") <= 100).all(),
    **{name: pl.col(name).is_between(0, MAX_MOMENT).all() for name in ("timestamp", "received_at")},
}


def _typed(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.col("event_id").str.decode("hex", strict=True))

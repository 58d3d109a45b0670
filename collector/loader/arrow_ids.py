"""UUIDs on their way into ClickHouse: 16 bytes in Arrow, which older servers do not take for a UUID; they get text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from collector.loader.batches import from_stream, to_stream
from sql.client import version_of

if TYPE_CHECKING:
    import pyarrow as pa
    from clickhouse_connect.driver.client import Client

# The embedded engine's version takes bytes, 25.8 does not; a server between them gets text, which all take.
TAKES_BYTES = (26, 9)
_IDS = ("event_id", "batch_id")


def readable(client: Client, table: pa.Table) -> pa.Table:
    """``table`` with its ids as this server reads them."""
    if version_of(client) >= TAKES_BYTES:
        return table
    import pyarrow as pa

    for name in _IDS:
        at = table.schema.get_field_index(name)
        if at >= 0:
            plain = pl.Series(name, pl.from_arrow(table.column(at).cast(pa.binary())), pl.Binary)
            table = table.set_column(at, name, plain.bin.encode("hex").to_arrow(compat_level=pl.CompatLevel.oldest()))
    return table


def readable_stream(client: Client, data: bytes) -> bytes:
    """``readable`` for a batch as it lies on disk."""
    return data if version_of(client) >= TAKES_BYTES else to_stream(readable(client, from_stream(data)))

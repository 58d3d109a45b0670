"""SQL of the operator's own, run as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aggregations.engine_types import restore
from aggregations.frames import frame
from sql.errors import EngineRefused, UsageError
from sql.wire import result_format

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa
    from clickhouse_connect.driver.client import Client


def run(client: Client, sql: str) -> pl.DataFrame | bytes | None:
    """The answer: a frame; bytes where the statement names its own FORMAT; None where it has no rows to give.

    Raises UsageError for no statement or several, EngineRefused with the engine's own line for a wrong one.
    """
    from clickhouse_connect.driver.exceptions import DatabaseError

    from sql.client import first_line

    text = sql.strip().rstrip(";").rstrip()
    if not text:
        raise UsageError("no SQL", 'such as: footfall query "select count() from events"')
    fmt = result_format(text, "Arrow")
    try:
        if fmt is None:
            client.command(text)
            return None
        if fmt != "Arrow":
            return client.raw_query(text)
        return restore(frame(_table(client, text)), lambda: _types(client, text))
    except DatabaseError as exc:
        # The engine lists everything that it would have understood; the place says enough.
        raise EngineRefused(first_line(exc).split(". Expected one of:")[0]) from exc


def _table(client: Client, text: str) -> pa.Table:
    import pyarrow as pa

    try:
        return client.query_arrow(text)
    except (pa.ArrowException, OSError) as exc:  # in process, the answers of several statements follow each other
        raise UsageError("the answer is not one table", "one statement at a time") from exc


def _types(client: Client, text: str) -> list[str]:
    return [row[1] for row in client.query(f"describe ({text}\n)").result_rows]

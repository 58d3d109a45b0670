"""SQL of the operator's own, run as it is."""

from __future__ import annotations

import signal
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from aggregations.query.engine_types import restore
from aggregations.query.fetch import frame
from sql.client import in_process
from sql.core.errors import EngineRefused, UsageError
from sql.core.queries import query
from sql.engine.http_protocol import first_statement, result_format

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa
    from clickhouse_connect.driver.client import Client

_UNKNOWN_TYPE = 50


def run(client: Client, sql: str) -> pl.DataFrame | bytes | None:
    """The answer: a frame; bytes where the statement names its own FORMAT; None where it has no rows to give.

    Raises UsageError for no statement or several, EngineRefused with the engine's own line for a wrong one.
    """
    from clickhouse_connect.driver.exceptions import DatabaseError

    from sql.client import first_line

    text, more = first_statement(sql.strip())
    if more:
        raise UsageError("one statement at a time", "run several with one `footfall query` each")
    if not text.strip():
        raise UsageError("no SQL", 'such as: footfall query "select count() from events"')
    fmt = result_format(text, "Arrow")
    try:
        with _cancelled_by_ctrl_c(client) as how:
            if fmt is None:
                client.command(text, settings=how)
                return None
            if fmt != "Arrow":
                return client.raw_query(text, settings=how)
            table = _table(client, text, how)
        return restore(frame(table), lambda: _types(client, text))
    except DatabaseError as exc:
        # The engine lists everything that it would have understood; the place says enough.
        raise EngineRefused(first_line(exc).split(". Expected one of:")[0]) from exc


@contextmanager
def _cancelled_by_ctrl_c(client: Client) -> Iterator[dict[str, Any]]:
    """Ctrl-c ends the statement too, not only the waiting for it. Yields the settings to run the statement with."""
    if in_process(client):
        # The engine's code has this thread: no handler of Python's comes to run before the statement is through.
        before = signal.signal(signal.SIGINT, signal.SIG_DFL)
        try:
            yield {}
        finally:
            signal.signal(signal.SIGINT, before)
        return
    name = str(uuid.uuid4())
    try:
        yield {"query_id": name}
    except KeyboardInterrupt:
        with suppress(Exception):  # it may be through, or not ours to end
            client.command(query("engine/kill_statement"), parameters={"id": name})
        raise


def _table(client: Client, text: str, how: dict[str, Any]) -> pa.Table:
    import pyarrow as pa
    from clickhouse_connect.driver.exceptions import DatabaseError

    try:
        return client.query_arrow(text, settings=how)
    except DatabaseError as exc:
        if getattr(exc, "code", None) != _UNKNOWN_TYPE or not (told := _without_arrow(client, text)):
            raise
        return client.query_arrow(told, settings=how)
    except (pa.ArrowException, OSError) as exc:  # in process, the answers of several statements follow each other
        raise UsageError("the result is not a single table", "one statement at a time") from exc


def _without_arrow(client: Client, text: str) -> str:
    """``text`` with its UUIDs as text, which ClickHouse 25.8 has no other way to send in Arrow; empty without UUIDs."""
    columns = client.query(f"describe ({text}\n)").result_rows
    told = [
        f"toString({name}) as {name}" for name, kind in ((_quoted(row[0]), row[1]) for row in columns) if "UUID" in kind
    ]
    return f"select * replace ({', '.join(told)}) from ({text}\n)" if told else ""  # noqa: S608 (the operator's own)


def _quoted(name: str) -> str:
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def _types(client: Client, text: str) -> list[str]:
    return [row[1] for row in client.query(f"describe ({text}\n)").result_rows]

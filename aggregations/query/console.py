"""SQL of the operator's own, run as it is."""

from __future__ import annotations

import signal
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from aggregations.query.engine_types import restore
from aggregations.query.fetch import frame
from sql.client import first_line, in_process
from sql.core.errors import EngineRefused, UsageError
from sql.core.queries import query
from sql.engine.http_protocol import first_statement, result_format

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa
    from clickhouse_connect.driver.client import Client
    from clickhouse_connect.driver.exceptions import DatabaseError

_UNKNOWN_TYPE = 50


def run(client: Client, sql: str, settings: Mapping[str, Any] | None = None) -> pl.DataFrame | bytes | None:
    """The answer: a frame; bytes where the statement names its own FORMAT; None where it has no rows to give.

    ``settings`` hold for the statement. Raises UsageError for no statement or several, EngineRefused with the engine's
    own line for a wrong one.
    """
    from clickhouse_connect.driver.exceptions import DatabaseError

    text = one_statement(sql)
    fmt = result_format(text, "Arrow")
    try:
        with _cancelled_by_ctrl_c(client) as named:
            how = {**(settings or {}), **named}
            if fmt is None:
                client.command(text, settings=how)
                return None
            if fmt != "Arrow":
                return client.raw_query(text, settings=how)
            table = _table(client, text, how)
        return restore(frame(table), lambda: _types(client, text, settings))
    except DatabaseError as exc:
        raise refused(exc) from exc


def one_statement(sql: str) -> str:
    """The one statement of a text, without the semicolon that ends it. Raises UsageError for none and for several."""
    text, more = first_statement(sql.strip())
    if more:
        raise UsageError("one statement at a time", "run several with one `footfall query` each")
    if not text.strip():
        raise UsageError("no SQL", 'such as: footfall query "select count() from events"')
    return text


def refused(exc: DatabaseError, hint: str = "") -> EngineRefused:
    """The engine's own line. It lists everything that it would have understood; the place says enough."""
    line = first_line(exc).split(". Expected one of:")[0].split(": In scope SELECT formatQuery")[0]
    return EngineRefused(line, hint, int(getattr(exc, "code", 0) or 0))


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
        if getattr(exc, "code", None) != _UNKNOWN_TYPE or not (told := _without_arrow(client, text, how)):
            raise
        return client.query_arrow(told, settings=how)
    except (pa.ArrowException, OSError) as exc:  # in process, the answers of several statements follow each other
        raise UsageError("the result is not a single table", "one statement at a time") from exc


def _without_arrow(client: Client, text: str, how: Mapping[str, Any]) -> str:
    """``text`` with its UUIDs as text, which ClickHouse 25.8 has no other way to send in Arrow; empty without UUIDs."""
    columns = _described(client, text, how)
    told = [
        f"toString({name}) as {name}"
        for name, kind in ((quoted(name), kind) for name, kind in columns)
        if "UUID" in kind
    ]
    return f"select * replace ({', '.join(told)}) from ({text}\n)" if told else ""  # noqa: S608 (the operator's own)


def quoted(name: str) -> str:
    """``name`` as an identifier, whatever is in it."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def _types(client: Client, text: str, settings: Mapping[str, Any] | None) -> list[str]:
    return [kind for _, kind in _described(client, text, settings or {})]


def _described(client: Client, text: str, how: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Names and types of the answer's columns."""
    settings = {name: value for name, value in how.items() if name != "query_id"}
    return [(row[0], row[1]) for row in client.query(f"describe ({text}\n)", settings=settings).result_rows]

"""From the engine's answer to the bytes of a file, block by block: memory does not grow with the rows."""

from __future__ import annotations

import io
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aggregations.exports.columns import Column, harmless_cell
from aggregations.exports.data import FileFormat
from aggregations.query.statement import Statement
from sql.client import first_line, in_process
from sql.core.errors import EngineError, EngineRefused

if TYPE_CHECKING:
    import pyarrow as pa
    from clickhouse_connect.driver.client import Client
    from typing_extensions import Buffer

# Rows of a group of Parquet: DuckDB's and Polars' own size, some 30 MB of events before they are packed.
ROW_GROUP = 122_880
_READ = 1 << 20


@dataclass(slots=True)
class Counted:
    """How many rows have gone through."""

    rows: int = 0


class Answer:
    """Arrow batches of one answer, with their schema. What breaks it off is raised as EngineError."""

    def __init__(self, reader: pa.RecordBatchReader) -> None:
        self.schema = reader.schema
        self._reader = reader

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa
        from urllib3.exceptions import HTTPError

        try:
            yield from self._reader
        except (pa.ArrowException, HTTPError, OSError) as exc:
            raise EngineError("the engine broke off in the middle of its answer", "run it again") from exc


@contextmanager
def answered(client: Client, told: Statement) -> Iterator[Answer]:
    """The rows of a statement while the engine makes them. Raises EngineError."""
    import pyarrow as pa
    from clickhouse_connect.driver.exceptions import DatabaseError

    try:
        if in_process(client):
            held = client.raw_query(told.text, parameters=told.values, settings=told.settings, fmt="ArrowStream")
            yield Answer(pa.ipc.open_stream(held))
            return
        how = told.settings | {"wait_end_of_query": "0"}
        raw: Any = client.raw_stream(told.text, parameters=told.values, settings=how, fmt="ArrowStream")
        raw.auto_close = False
        try:
            with io.BufferedReader(raw, _READ) as source, pa.ipc.open_stream(source) as reader:
                yield Answer(reader)
        finally:
            raw.close()
    except DatabaseError as exc:
        raise EngineRefused(first_line(exc)) from exc
    except pa.ArrowException as exc:
        raise EngineError("the engine broke off in the middle of its answer", "run it again") from exc


def encoded(answer: Answer, fmt: FileFormat, columns: tuple[Column, ...], counted: Counted) -> Iterator[bytes]:
    """The bytes of a file of a format, in pieces."""
    if fmt is FileFormat.PARQUET:
        return _parquet(answer, counted)
    if fmt is FileFormat.ARROW:
        return _arrow(answer, counted)
    return _lines(answer, fmt, columns, counted)


def _lines(answer: Answer, fmt: FileFormat, columns: tuple[Column, ...], counted: Counted) -> Iterator[bytes]:
    if fmt is FileFormat.CSV:
        yield (",".join(f'"{harmless_cell(each.name)}"' for each in columns) + "\n").encode()
    for batch in answer:
        counted.rows += batch.num_rows
        yield texts_of(batch.column(0))


def texts_of(column: pa.StringArray) -> bytes:
    """All texts of a column, joined, without looking at one of them."""
    import pyarrow as pa

    if not len(column):
        return b""
    _, ends, data = column.buffers()
    width = 8 if pa.types.is_large_string(column.type) else 4
    offsets = memoryview(ends).cast("q" if width == 8 else "i")
    return bytes(memoryview(data)[offsets[column.offset] : offsets[column.offset + len(column)]])


class _Drain(io.RawIOBase):
    """A file that is written to, whose bytes are taken out as they come."""

    def __init__(self) -> None:
        super().__init__()
        self._held: list[bytes] = []
        self._at = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def write(self, data: Buffer, /) -> int:
        piece = bytes(data)
        self._held.append(piece)
        self._at += len(piece)
        return len(piece)

    def taken(self) -> list[bytes]:
        """What was written since the last time."""
        held, self._held = self._held, []
        return held


def _parquet(answer: Answer, counted: Counted) -> Iterator[bytes]:
    import pyarrow.parquet as pq

    drain = _Drain()
    writer = pq.ParquetWriter(drain, answer.schema, compression="zstd", compression_level=1)
    # While one group is packed, the next one is read: the engine goes on meanwhile.
    with ThreadPoolExecutor(1) as packing:
        packed: Future[None] | None = None
        for table in _groups(answer, counted):
            if packed is not None:
                packed.result()
                yield from drain.taken()
            packed = packing.submit(writer.write_table, table, row_group_size=ROW_GROUP)
        if packed is not None:
            packed.result()
    writer.close()
    yield from drain.taken()


def _arrow(answer: Answer, counted: Counted) -> Iterator[bytes]:
    import pyarrow as pa

    drain = _Drain()
    with pa.ipc.new_file(drain, answer.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        for batch in answer:
            counted.rows += batch.num_rows
            writer.write_batch(batch)
            yield from drain.taken()
    yield from drain.taken()


def _groups(answer: Answer, counted: Counted) -> Iterator[pa.Table]:
    """Tables of ROW_GROUP rows, but for the last."""
    import pyarrow as pa

    held: list[pa.RecordBatch] = []
    rows = 0
    for batch in answer:
        counted.rows += batch.num_rows
        while rows + batch.num_rows >= ROW_GROUP:
            cut = ROW_GROUP - rows
            yield pa.Table.from_batches([*held, batch.slice(0, cut)], answer.schema)
            held, rows, batch = [], 0, batch.slice(cut)
        if batch.num_rows:
            held.append(batch)
            rows += batch.num_rows
    if held:
        yield pa.Table.from_batches(held, answer.schema)

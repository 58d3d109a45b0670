"""Rows of files: JSON lines, CSV and Parquet, as dictionaries, streamed."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from collector.imports.log_files import STDIN, LogFile
from sql.core.errors import StorageError, UsageError

MAX_ROW = 256 * 1024
_BATCH = 5_000
_BOM = b"\xef\xbb\xbf"
_decode = msgspec.json.Decoder(dict[str, Any]).decode
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_TOO_LONG = f"longer than {MAX_ROW // 1024} KiB"


class Row(NamedTuple):
    """One row: its number in the file (of CSV the last line that it takes), its values, its content for its hash; or
    what is wrong with it."""

    number: int
    values: dict[str, Any]
    content: bytes = b""
    wrong: str = ""


OnRead = Callable[[int], None]


def json_rows(name: str, on_read: OnRead) -> Iterator[Row]:
    """One JSON object a line; blank lines are passed over. Raises as LogFile does."""
    with LogFile(name) as file:
        for number, line in enumerate(file.lines(MAX_ROW, lambda: on_read(file.position)), 1):
            text = line.removeprefix(_BOM).strip() if number == 1 else line.strip()
            if len(line) > MAX_ROW:
                yield Row(number, {}, wrong=_TOO_LONG)
            elif text:
                try:
                    yield Row(number, _decode(text), text)
                except _UNREADABLE as exc:
                    yield Row(number, {}, wrong=f"not a JSON object: {exc}")


def csv_rows(name: str, on_read: OnRead) -> Iterator[Row]:
    """CSV with a header; the delimiter is what the header has most of: comma, semicolon or tab.

    Raises UsageError for a file without a header, otherwise as LogFile does.
    """
    with LogFile(name) as file:
        lines = _texts(file, on_read)
        first = next(lines, "")
        delimiter = max(",;\t", key=first.count)
        header = next(csv.reader([first], delimiter=delimiter), [])
        if not any(header):
            raise UsageError(f"{file.name} is empty", "the first line of CSV names the columns")
        reader = csv.reader(lines, delimiter=delimiter)
        while True:
            try:
                values = next(reader)
            except StopIteration:
                return
            except csv.Error as exc:  # a quote without its end, which would take the rest of the file
                yield Row(reader.line_num + 1, {}, wrong=str(exc))
                continue
            number = reader.line_num + 1
            if not values:
                continue
            if len(values) != len(header):
                yield Row(number, {}, wrong=f"{len(values)} fields instead of {len(header)}")
                continue
            content = "\x1f".join(values).encode("utf-8", "surrogateescape")
            try:
                content.decode()
            except UnicodeDecodeError:
                yield Row(number, {}, wrong="not UTF-8")
                continue
            yield Row(number, dict(zip(header, values, strict=True)), content)


def parquet_rows(name: str, on_read: OnRead) -> Iterator[Row]:
    """Rows of a Parquet file. Raises UsageError (standard input, not Parquet), StorageError (damaged)."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if name == STDIN:
        raise UsageError("Parquet cannot be read from standard input", "name a file")
    size = Path(name).stat().st_size if Path(name).exists() else 0
    try:
        file = pq.ParquetFile(name, memory_map=True)
    except (OSError, pa.ArrowException) as exc:
        raise UsageError(f"cannot read {name}: {str(exc).splitlines()[0]}", "name a Parquet file") from exc
    number, total = 0, max(file.metadata.num_rows, 1)
    with file:
        try:
            for batch in file.iter_batches(_BATCH):
                for values in _plain(batch).to_pylist():
                    number += 1
                    yield Row(number, values, repr(list(values.values())).encode("utf-8", "backslashreplace"))
                on_read(size * number // total)
        except (OSError, pa.ArrowException) as exc:
            message = f"{name} is damaged after row {number}: {str(exc).splitlines()[0]}"
            raise StorageError(message, "everything before that was read") from exc


def _texts(file: LogFile, on_read: OnRead) -> Iterator[str]:
    for number, line in enumerate(file.lines(MAX_ROW, lambda: on_read(file.position))):
        text = line if number else line.removeprefix(_BOM)
        yield text.removesuffix(b"\r").decode("utf-8", "surrogateescape") + "\n"


def _plain(batch: Any) -> Any:
    """A batch without nanoseconds, which Python does not have."""
    import pyarrow as pa

    for at, field in enumerate(batch.schema):
        if pa.types.is_timestamp(field.type) and field.type.unit == "ns":
            kind = pa.timestamp("us", field.type.tz)
            batch = batch.set_column(at, pa.field(field.name, kind), batch.column(at).cast(kind, safe=False))
    return batch


READERS: dict[str, Callable[[str, OnRead], Iterator[Row]]] = {
    "ndjson": json_rows,
    "csv": csv_rows,
    "parquet": parquet_rows,
}

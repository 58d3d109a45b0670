"""The one renderer: a table on a terminal, JSON when piped, CSV and Parquet by flag.

Data go to stdout, and nothing else does.
"""

from __future__ import annotations

import io
import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from cli.render.output import write
from cli.render.view import View
from sql.core.errors import UsageError

if TYPE_CHECKING:
    import polars as pl


class Format(StrEnum):
    """How data are written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    PARQUET = "parquet"


_ENDINGS = {".csv": Format.CSV, ".parquet": Format.PARQUET, ".txt": Format.TABLE}


def render(frame: pl.DataFrame, view: View, fmt: Format | None = None, output: Path | None = None) -> None:
    """Write ``frame`` to ``output`` (atomically) or stdout.

    Without ``fmt`` the file's ending decides, else whether stdout is a terminal. A footnote is part of a table; with
    other formats whoever sits at the terminal reads it on stderr.
    Raises UsageError (Parquet onto a terminal), StorageError (the file cannot be written).
    """
    chosen = fmt or _format_of(output)
    if output is None and chosen is Format.PARQUET and sys.stdout.isatty():
        raise UsageError("refusing to write Parquet to a terminal", "add --output FILE, or pipe it")
    if output is None and chosen is Format.TABLE:
        from cli.render.tables import show

        show(frame, view)
        return
    emit(encode(frame, view, chosen), output)
    if view.footnote and chosen is not Format.TABLE and sys.stderr.isatty():
        typer.echo(view.footnote, err=True)


def emit(data: bytes, output: Path | None) -> None:
    """Write bytes to ``output`` (atomically) or stdout. Raises StorageError."""
    if output is None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    write(data, output)


def encode(frame: pl.DataFrame, view: View, fmt: Format) -> bytes:
    """``frame`` in a format, as bytes; text formats are UTF-8 and end with a newline."""
    if fmt is Format.JSON:
        return _json(frame)
    if fmt is Format.CSV:
        return _harmless(_flat(frame)).write_csv().encode()
    if fmt is Format.PARQUET:
        out = io.BytesIO()
        frame.write_parquet(out)
        return out.getvalue()
    from cli.render.tables import text_of

    return text_of(frame, view).encode()


def _format_of(output: Path | None) -> Format:
    if output is not None:
        return _ENDINGS.get(output.suffix.lower(), Format.JSON)
    return Format.TABLE if sys.stdout.isatty() else Format.JSON


def _json(frame: pl.DataFrame) -> bytes:
    """A list of objects, one a line: readable, and one row changed is one line changed."""
    lines = _textual(frame).write_ndjson().splitlines()
    return ("[\n" + ",\n".join(lines) + "\n]\n" if lines else "[]\n").encode()


def _textual(frame: pl.DataFrame) -> pl.DataFrame:
    """Bytes as hex, which is the only text that they always have."""
    import polars as pl

    return frame.with_columns(pl.col(pl.Binary).bin.encode("hex"))


def _harmless(frame: pl.DataFrame) -> pl.DataFrame:
    """Text that a spreadsheet would take for a formula, with an apostrophe before it. Figures stay figures."""
    import polars as pl

    formula = r"^[=+\-@\t\r\n]"
    guarded = frame.with_columns(
        pl.when(text.str.contains(formula)).then(pl.lit("'") + text).otherwise(text).name.keep()
        for text in (pl.col(name).cast(pl.String) for name, kind in frame.schema.items() if _is_text(kind))
    )
    return guarded.rename({name: f"'{name}" for name in frame.columns if name[:1] in set("=+-@\t\r\n")})


def _is_text(kind: pl.DataType) -> bool:
    import polars as pl

    return isinstance(kind, pl.String | pl.Categorical | pl.Enum)


def _flat(frame: pl.DataFrame) -> pl.DataFrame:
    """Nested columns as JSON text, for formats that have none."""
    import polars as pl

    nested = [name for name, kind in frame.schema.items() if kind.is_nested()]
    texts = [pl.Series(name, [json.dumps(row, default=str) for row in frame[name].to_list()]) for name in nested]
    return _textual(frame.with_columns(texts))

"""Where exports go: a file, a directory, an object store or standard output."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

import typer

from cli.context import settings
from sql.core.errors import StorageError, UsageError

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from aggregations.exports.files import Target

STDOUT = "-"
Told = Callable[[str], object]


def say(line: str) -> None:
    """Tell whoever runs the command, on stderr."""
    typer.echo(line, err=True)


@contextmanager
def engine(what: str) -> Iterator[Client]:
    """An open client, of an engine in a process of its own where it is the embedded one: memory for the answer is its
    own affair, and what it answers comes block by block."""
    from sql.client import embedded_home, opened
    from sql.engine.server import alongside

    url = settings().database_url
    home = embedded_home(url)
    running: AbstractContextManager[object] = alongside(home) if home else contextlib.nullcontext()
    with running, opened(url, what=f"footfall {what}", timeout=86_400) as client:
        yield client


def to_stream(output: str) -> bool:
    """Whether it is written as it comes: standard output, or what is no regular file, such as a pipe."""
    if output == STDOUT:
        return True
    try:
        return "://" not in output and not stat.S_ISREG(mode := os.stat(output).st_mode) and not stat.S_ISDIR(mode)  # noqa: PTH116
    except OSError:
        return False


def target(output: str) -> tuple[Target, str]:
    """The place of a file, and its name there. Raises UsageError, StorageError."""
    from collector.lifecycle.store import Store

    if "://" in output:
        parts = urlsplit(output)
        folder, _, name = parts.path.rpartition("/")
        if not name:
            raise UsageError(f"{output} names no file", "such as s3://bucket/exports/events.parquet")
        return Store(urlunsplit(parts._replace(path=folder))), name
    path = Path(output).expanduser()
    if path.is_dir():
        raise UsageError(f"{output} is a directory", "name a file in it, or add --partition-by")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"there is no directory {path.parent}", "create it first")
    return Store(str(path.parent)), path.name


def folder(output: str) -> Target:
    """A directory that files are put into. Raises UsageError, StorageError."""
    from collector.lifecycle.store import Store

    if "://" not in output and Path(output).expanduser().is_file():
        raise UsageError(f"{output} is a file", "name a directory for --partition-by")
    return Store(output)


def write_stream(output: str, chunks: Iterable[bytes]) -> None:
    """Write to standard output or a pipe. Raises StorageError, UsageError where binary data would go to a terminal."""
    if output == STDOUT:
        for chunk in chunks:
            sys.stdout.buffer.write(chunk)
        sys.stdout.buffer.flush()
        return
    try:
        with open(os.open(output, os.O_WRONLY), "wb") as out:  # noqa: PTH123
            for chunk in chunks:
                out.write(chunk)
    except OSError as exc:
        raise StorageError(f"cannot write {output}: {exc.strerror}") from exc


def format_of(output: str) -> str:
    """The format that a file's name says; empty where it says none."""
    name = urlsplit(output).path if "://" in output else output
    return {".csv": "csv", ".parquet": "parquet", ".ndjson": "ndjson", ".jsonl": "ndjson", ".arrow": "arrow"}.get(
        Path(name).suffix.lower(), ""
    )


def on_terminal(output: str) -> bool:
    """Whether a person would see it come by."""
    return output == STDOUT and sys.stdout.isatty()

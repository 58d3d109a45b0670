"""Writing rows of events, visits, rollups and reports as files, and what the log and the manifest say of it."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from aggregations.exports import log
from aggregations.exports.data import FileFormat, Rows
from aggregations.exports.encode import Counted, answered, encoded
from aggregations.exports.files import FileEntry, Manifest, Target, write_manifest
from aggregations.query.periods import Period

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client


def chunks(client: Client, rows: Rows, fmt: FileFormat, counted: Counted) -> Iterator[bytes]:
    """The bytes of one file. Raises EngineError."""
    with answered(client, rows.told(fmt)) as answer:
        yield from encoded(answer, fmt, rows.columns, counted)


def one_file(client: Client, rows: Rows, fmt: FileFormat, target: Target, name: str) -> FileEntry:
    """Write one file: all of it or nothing. Raises EngineError, StorageError."""
    counted = Counted()
    size, digest = target.put(name, chunks(client, rows, fmt, counted))
    return FileEntry(name, counted.rows, size, digest)


def folder(
    client: Client,
    parts: list[tuple[str, Period]],
    rows: Callable[[Period], Rows],
    fmt: FileFormat,
    target: Target,
    told: Callable[[FileEntry], object],
) -> Iterator[FileEntry]:
    """Write a file for each part that has rows; ``told`` hears of each as it is in its place."""
    for name, period in parts:
        some = rows(period)
        counted = some.count
        if client.command(counted.text, parameters=counted.values, settings=counted.settings):
            entry = one_file(client, some, fmt, target, f"{name}.{fmt}")
            told(entry)
            yield entry


def finished(
    client: Client,
    rows: Rows,
    what: str,
    fmt: FileFormat,
    files: tuple[FileEntry, ...],
    definition: dict[str, object],
    where: tuple[Target, str] | None,
    name: str = "",
) -> Manifest:
    """Write the manifest, where the files have a place, and the log. Raises StorageError."""
    export = name or f"{what}.{fmt}"
    manifest = Manifest(
        export,
        rows.site.domain,
        fmt,
        dt.datetime.now(dt.UTC),
        files,
        definition,
        rows.period.first,
        rows.period.last,
        str(definition.get("consent", "")),
    )
    if where is not None:
        write_manifest(where[0], where[1], manifest)
    run = log.Run(
        export,
        log.next_run(client, rows.site),
        what,
        fmt,
        rows=manifest.rows,
        files=tuple(each.name for each in files),
        sha256=tuple(each.sha256 for each in files),
        definition=json.dumps(definition, default=str),
    )
    log.write(client, rows.site, run)
    return manifest

"""Exports with schedules of their own, as a TOML file: which of them are due, by the log."""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aggregations.exports import log
from sql.core.durations import seconds_of
from sql.core.errors import UsageError

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from aggregations.query.sites import SiteRow

KINDS = ("segment", "conversions", "events", "visits", "rollups", "report")
# A timer is never to the second: what is due within this share of its interval, or this long, is due now.
_EARLY, _AT_MOST = 0.1, 600.0


@dataclass(frozen=True, slots=True)
class Scheduled:
    """One table of the file: a kind of export, its name in the log, seconds between runs, and its options."""

    kind: str
    name: str
    every: int
    options: Mapping[str, Any]


def read(path: Path) -> list[Scheduled]:
    """The exports of a file, in its order. Raises UsageError that names the one that is wrong."""
    try:
        given = tomllib.loads(path.read_text())
    except (OSError, UnicodeDecodeError) as exc:
        raise UsageError(f"cannot read {path}: {exc}") from exc
    except tomllib.TOMLDecodeError as exc:
        raise UsageError(f"{path} is not TOML: {exc}") from None
    found: list[Scheduled] = []
    for kind, tables in given.items():
        if kind not in KINDS:
            raise UsageError(f"{path}: unknown kind of export {kind!r}", f"one of {', '.join(KINDS)}")
        if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
            raise UsageError(f"{path}: {kind} must be a list of tables", f"begin each with [[{kind}]]")
        found += [_scheduled(path, kind, dict(table)) for table in tables]
    names = [each.name for each in found]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise UsageError(f"{path} has {twice[0]} twice", "give each export a name of its own")
    return found


def is_due(client: Client, site: SiteRow, export: Scheduled, now: dt.datetime) -> bool:
    """Whether its interval is over since its last run that was done."""
    last = log.last(client, site, export.name)
    if last is None:
        return True
    early = min(export.every * _EARLY, _AT_MOST)
    return now.timestamp() - last.run / 1000 >= export.every - early


def failed(client: Client, site: SiteRow, export: Scheduled, target: str, error: str) -> None:
    """Write down that a run did not come to its end."""
    run = log.next_run(client, site)
    log.write(client, site, log.Run(export.name, run, export.kind, target, status=log.FAILED, error=error))


def _scheduled(path: Path, kind: str, table: dict[str, Any]) -> Scheduled:
    name, every = table.pop("name", ""), table.pop("every", "")
    if not isinstance(name, str) or not name:
        raise UsageError(f"{path}: a [[{kind}]] has no name", 'such as name = "buyers"')
    if not isinstance(every, str) or not every:
        raise UsageError(f"{path}: {name} does not say how often", 'such as every = "1d"')
    try:
        return Scheduled(kind, name, seconds_of(every), table)
    except UsageError as exc:
        raise UsageError(f"{path}: {name}: {exc.message}", exc.hint) from None

"""What the shell completes: sites, goals, funnels, metrics, dimensions and their values.

Names of sites, goals, funnels and values are asked of an engine that runs; without one there are none. Nothing is said
of errors: a shell that waits for a completion has no place for them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_VALUES = 50


def metrics(incomplete: str) -> list[tuple[str, str]]:
    """Metrics, with their definitions."""
    from aggregations.query.metrics import METRICS

    return [(m.name, m.definition) for m in METRICS.values() if m.made_of and m.name.startswith(incomplete)]


def dimensions(incomplete: str) -> list[tuple[str, str]]:
    """Dimensions, with their meaning."""
    from aggregations.query.dimensions import DIMENSIONS

    return [(d.name, d.about) for d in DIMENSIONS.values() if d.name.startswith(incomplete)]


def names(incomplete: str) -> list[tuple[str, str]]:
    """Metrics and dimensions."""
    return [*metrics(incomplete), *dimensions(incomplete)]


def sites(incomplete: str) -> list[str]:
    """Domains of sites."""
    return [name for name in _asked(_sites()) if name.startswith(incomplete)]


def funnels(incomplete: str) -> list[str]:
    """Funnels of the site, where there is one alone."""
    return [name for name in _asked(_defined("funnel")) if name.startswith(incomplete)]


def goals(incomplete: str) -> list[str]:
    """Goals of the site, where there is one alone."""
    return [name for name in _asked(_defined("goal")) if name.startswith(incomplete)]


def kept(incomplete: str) -> list[str]:
    """What can be kept for a time of its own."""
    from sql.retention import names

    return [name for name in names() if name.startswith(incomplete)]


def defined(ctx: typer.Context, incomplete: str) -> list[str]:
    """Names of the kind that the command's group is of: `goal show` completes goals."""
    group = (ctx.parent.info_name or "") if ctx.parent else ""
    return [name for name in _asked(_defined(group.replace("-", "_"))) if name.startswith(incomplete)]


def conditions(incomplete: str) -> list[str]:
    """Dimensions for the start of a condition; after ``=`` the most frequent values of the last 30 days."""
    from aggregations.query.dimensions import DIMENSIONS, ValueKind

    name, sign, start = incomplete.partition("=")
    if not sign:
        return [f"{d.name}=" for d in DIMENSIONS.values() if d.kind is not ValueKind.TIME and d.name.startswith(name)]
    plain = name.rstrip("!*^")
    done, _, last = start.rpartition("|")
    head = f"{name}={done}|" if done else f"{name}="
    return [f"{head}{value}" for value in _asked(_values(plain)) if value.startswith(last)]


def _asked(names: Iterator[str]) -> list[str]:
    with contextlib.suppress(Exception):
        return list(names)
    return []


def _sites() -> Iterator[str]:
    from aggregations.query import sites as known

    with _client() as client:
        yield from (site.domain for site in known.every(client))


def _defined(kind: str) -> Iterator[str]:
    from aggregations.query import sites as every
    from cli.kinds import KINDS
    from sql import definitions

    with _client() as client:
        known = definitions.every(client, every.find(client).site_id, KINDS[kind])
        yield from (each.name for each in known)


def _values(dimension: str) -> Iterator[str]:
    from aggregations.query.answer import answer, prepare
    from aggregations.query.dimensions import find
    from aggregations.query.model import Query
    from aggregations.query.sources import Level

    metric = "visits" if find(dimension).level is Level.VISIT else "events"
    with _client() as client:
        asked = prepare(client, Query(metrics=(metric,), dimensions=(dimension,), limit=_VALUES))
        yield from answer(client, asked)[dimension].to_list()


@contextlib.contextmanager
def _client() -> Iterator[Client]:
    from cli.context import settings
    from sql.client import opened

    with opened(settings().database_url, what="footfall completion", direct=False, wait=1.0, timeout=3.0) as client:
        yield client

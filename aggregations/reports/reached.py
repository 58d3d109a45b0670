"""How far visitors get through a funnel, and when: a question about it, and its answer step by step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from aggregations.query import closed, members
from aggregations.query.answer import Asked, fetched, with_changes
from aggregations.query.model import FUNNEL_FIGURES as FIGURES
from aggregations.query.model import check as check_query
from aggregations.reports.funnel import Funnel, StepOrder, check
from aggregations.reports.funnel_statement import statement

if TYPE_CHECKING:
    import polars as pl
    from clickhouse_connect.driver.client import Client

    from aggregations.query.model import Query
    from aggregations.query.periods import Period
    from aggregations.query.sites import SiteRow

_NOBODY: tuple[Any, ...] = ("", [], [], 0, [], [])


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedFunnel(Asked):
    """A question with the funnel that it is about."""

    funnel: Funnel


@dataclass(frozen=True, slots=True)
class Reached:
    """A funnel's answer. ``rows``: one a step, of each value; ``left_out``: how many values more there are."""

    rows: pl.DataFrame
    left_out: int = 0


def ask(
    client: Client, funnel: Funnel, query: Query, site: SiteRow, period: Period, before: Period | None = None
) -> AskedFunnel:
    """A question about a funnel, of the events that ``query`` chooses, by its dimension where it has one.

    Raises UsageError as ``check``, for a dimension of time, and for what a funnel cannot be sorted by.
    """
    check(funnel)
    check_query(query)
    known = closed.of(client, site, [period, before])
    told = statement(funnel, query, site.site_id, period, before, known)
    found = members.find(client, site, (query.where, query.segment))
    return AskedFunnel(query, site, period, before, (), told, known, segments=found, funnel=funnel)


def answer(client: Client, asked: AskedFunnel) -> Reached:
    """How far the visitors get.

    Columns: the dimension (``column_of``), of the first event of a visitor's attempt; step (from 1), event, path (in
    any order both empty); visitors; from_previous, from_first (0..1, null where nobody was); time_from_previous
    (median, in seconds, null where nobody was). At most ``query.limit`` values, those with the most visitors at the
    first step. A comparison adds ``<figure>_previous`` and ``<figure>_change``, as in every report.
    """
    import polars as pl

    funnel, query = asked.funnel, asked.query
    found = fetched(client, asked.statement).rows()
    rows: list[tuple[object, ...]] = []
    for label, visitors, medians, _, *before in found if found or query.dimensions else [_NOBODY]:
        figures = _figures(asked, visitors, medians)
        earlier: Sequence[tuple[float | None, ...]] = [()] * len(figures)
        if asked.before is not None:
            earlier = _figures(asked, before[0], before[1])
        rows += [(label, *step, *now, *was) for step, now, was in zip(_steps(funnel), figures, earlier, strict=True)]
    columns = {name: pl.UInt64 if name == "visitors" else pl.Float64 for name in FIGURES}
    if asked.before is not None:
        columns |= {f"{name}_previous": kind for name, kind in columns.items()}
    schema = {"label": pl.String, "step": pl.UInt8, "event": pl.String, "path": pl.String, **columns}
    frame = with_changes(pl.DataFrame(rows, schema=schema, orient="row"), FIGURES)
    named = frame.rename({"label": column_of(query.dimensions[0])}) if query.dimensions else frame.drop("label")
    return Reached(named, found[0][3] - len(found) if found else 0)


def report(client: Client, funnel: Funnel, query: Query, site: SiteRow, period: Period) -> Reached:
    """Ask and answer."""
    return answer(client, ask(client, funnel, query, site, period))


def column_of(dimension: str) -> str:
    """The column of a breakdown: as the dimension is called, where no column of a step is called so."""
    return f"first_{dimension}" if dimension in ("event", "path") else dimension


def _steps(funnel: Funnel) -> list[tuple[int, str, str]]:
    if funnel.order is StepOrder.ANY:
        return [(at + 1, "", "") for at in range(len(funnel.steps))]
    return [(at + 1, step.name, step.shown_path) for at, step in enumerate(funnel.steps)]


def _figures(asked: AskedFunnel, visitors: Sequence[float], medians: Sequence[float]) -> list[tuple[float | None, ...]]:
    """FIGURES by step; the engine's arrays end where nobody gets farther."""
    steps, share = len(asked.funnel.steps), asked.query.sample or 1.0
    counts = [*visitors, *[0] * (steps - len(visitors))]
    times = [None, *(median / 1000 for median in medians[1:]), *[None] * steps]
    before = [None, *(now / was if was else None for was, now in pairwise(counts))]
    return [
        (round(count / share), before[at], count / counts[0] if counts[0] else None, times[at])
        for at, count in enumerate(counts)
    ]

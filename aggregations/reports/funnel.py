"""Funnels: how many visitors get how far through some steps, and how long they take. A read over raw events.

An attempt begins with an event of the first step and goes on with the earliest event of each next step. ``ordered``:
other events may lie between. ``strict``: the next page view or interactive event must be the next step. ``any``: an
attempt begins with any step, and the others follow in whatever order; step n is then the n-th of them. An attempt ends
after the window, and at an excluded event, which is no step. One event counts for one step: in order for the next one,
in any order for the one with the longest path, ``*`` aside. Events of one millisecond are in their order of arrival.

A visitor counts once, with the attempt that gets farthest; of several with the one that gets there first, then the one
that began last.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING

from aggregations.reports.funnel_steps import FunnelStep
from sql.core.durations import seconds_of, span_of
from sql.core.errors import UsageError

if TYPE_CHECKING:
    import polars as pl
    from clickhouse_connect.driver.client import Client

    from aggregations.query.model import Query
    from aggregations.query.periods import Period
    from aggregations.query.sites import SiteRow

MIN_STEPS, MAX_STEPS = 2, 8
MAX_EXCLUDED = 8
DAY = 86_400
MAX_WINDOW = 90 * DAY


class StepOrder(StrEnum):
    """In which order steps must happen: with other events between, without, or in any order."""

    ORDERED = "ordered"
    STRICT = "strict"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Funnel:
    """A funnel; ``window`` is in seconds."""

    name: str
    steps: tuple[FunnelStep, ...]
    window: int = DAY
    order: StepOrder = StepOrder.ORDERED
    excluded: tuple[FunnelStep, ...] = ()


@dataclass(frozen=True, slots=True)
class Reached:
    """A funnel's answer. ``rows``: one a step, of each value; ``left_out``: how many values more there are."""

    rows: pl.DataFrame
    left_out: int = 0


def parse_window(text: str) -> int:
    """Seconds of ``90s``, ``30m``, ``24h`` or ``7d``. Raises UsageError."""
    try:
        seconds = seconds_of(text.lower())
    except UsageError:
        seconds = 0
    if not seconds:
        raise UsageError(f"not a window: {text!r}", "such as 30m, 24h or 7d")
    return seconds


def check(funnel: Funnel) -> None:
    """Raises UsageError for a funnel that cannot be answered."""
    if not funnel.name.strip():
        raise UsageError("a funnel needs a name")
    if not MIN_STEPS <= len(funnel.steps) <= MAX_STEPS:
        raise UsageError(f"a funnel has {MIN_STEPS} to {MAX_STEPS} steps, not {len(funnel.steps)}")
    if not 1 <= funnel.window <= MAX_WINDOW:
        raise UsageError(f"a window of {span_of(funnel.window)} is too long", f"at most {span_of(MAX_WINDOW)}")
    if len(funnel.excluded) > MAX_EXCLUDED:
        raise UsageError(f"a funnel excludes at most {MAX_EXCLUDED} events, not {len(funnel.excluded)}")
    for step in funnel.excluded:
        if step in funnel.steps:
            raise UsageError(f"{step.shown} is a step of the funnel and cannot be excluded")
    if funnel.order is StepOrder.ANY and len(set(funnel.steps)) < len(funnel.steps):
        raise UsageError("in any order, the steps of a funnel must differ", "or use --order ordered")


def report(client: Client, funnel: Funnel, query: Query, site: SiteRow, period: Period) -> Reached:
    """How far the visitors get with the events that ``query`` chooses, by its dimension where it has one.

    Columns: the dimension (``column_of``), of the first event of a visitor's attempt; step (from 1), event, path (in
    any order both empty); visitors; from_previous, from_first (0..1, null where nobody was); time_from_previous
    (median, in seconds, null where nobody was). At most ``query.limit`` values, those with the most visitors at the
    first step.
    Raises UsageError as ``check``, and for a dimension of time.
    """
    import polars as pl

    from aggregations.query.answer import labelled

    check(funnel)
    found = labelled(client, "funnels/reached", query, site, period, _bound(funnel)).rows()
    share = query.sample or 1.0
    rows = []
    for label, visitors, medians, _ in found if found or query.dimensions else [("", [], [], 0)]:
        rows += [(label, *row) for row in _steps(funnel, visitors, medians, share)]
    frame = pl.DataFrame(rows, schema={"label": pl.String, **_columns()}, orient="row")
    named = frame.rename({"label": column_of(query.dimensions[0])}) if query.dimensions else frame.drop("label")
    return Reached(named, found[0][3] - len(found) if found else 0)


def column_of(dimension: str) -> str:
    """The column of a breakdown: as the dimension is called, where no column of a step is called so."""
    return f"first_{dimension}" if dimension in ("event", "path") else dimension


def _bound(funnel: Funnel) -> dict[str, object]:
    steps = funnel.steps
    if funnel.order is StepOrder.ANY:  # an event counts for the first step that it matches
        steps = tuple(sorted(steps, key=lambda step: len(step.shown_path.replace("*", "")), reverse=True))
    return {
        "names": [step.name for step in steps],
        "paths": [step.path for step in steps],
        "excluded_names": [step.name for step in funnel.excluded],
        "excluded_paths": [step.path for step in funnel.excluded],
        "window": funnel.window * 1000,
        "order": funnel.order.value,
    }


def _steps(funnel: Funnel, visitors: list[int], medians: list[float], share: float) -> list[tuple[object, ...]]:
    """One row a step; the engine's arrays end where nobody gets farther."""
    counts = [*visitors, *[0] * (len(funnel.steps) - len(visitors))]
    times = [None, *(median / 1000 for median in medians[1:]), *[None] * len(funnel.steps)]
    before = [None, *(now / was if was else None for was, now in pairwise(counts))]
    shown = [("", "")] * len(counts)
    if funnel.order is not StepOrder.ANY:
        shown = [(step.name, step.shown_path) for step in funnel.steps]
    return [
        (at + 1, *shown[at], round(count / share), before[at], count / counts[0] if counts[0] else None, times[at])
        for at, count in enumerate(counts)
    ]


def _columns() -> dict[str, type[pl.DataType]]:
    import polars as pl

    return {
        "step": pl.UInt8,
        "event": pl.String,
        "path": pl.String,
        "visitors": pl.UInt64,
        "from_previous": pl.Float64,
        "from_first": pl.Float64,
        "time_from_previous": pl.Float64,
    }

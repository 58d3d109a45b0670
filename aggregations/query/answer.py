"""Asking a question, and the answer as a frame."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from aggregations.query import (
    buckets,
    closed,
    dimensions,
    goals,
    imported,
    kept,
    members,
    metrics,
    periods,
    planner,
    sites,
)
from aggregations.query.closed import NOTHING, Closed
from aggregations.query.conditions import Condition
from aggregations.query.dimensions import ValueKind
from aggregations.query.members import Membership
from aggregations.query.model import Query, check
from aggregations.query.periods import Period
from aggregations.query.planner import Part
from aggregations.query.statement import Statement, scoped_statement, statement
from sql.core import queries
from sql.core.errors import EngineError

if TYPE_CHECKING:
    import polars as pl
    from clickhouse_connect.driver.client import Client

    from aggregations.query.sites import SiteRow
    from aggregations.query.sources import Source

_POINT = ["point", "partial"]
_ARROW = {"output_format_arrow_compression_method": "none", "output_format_arrow_string_as_string": 1}


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with everything that its words stand for: site, periods, goal, parts, statement."""

    query: Query
    site: SiteRow
    period: Period
    before: Period | None
    parts: tuple[Part, ...]
    statement: Statement
    closed: Closed = NOTHING
    goal: Condition | None = None
    segments: tuple[Membership, ...] = ()

    @property
    def segments_note(self) -> str:
        """What is to be said of segments: as of when their members are; empty where the question names none."""
        return " ".join(each.note for each in self.segments)

    @property
    def sampled_note(self) -> str:
        """What is to be said of events that the tracker sampled; empty where none of the answer's are."""
        return self.closed.sampled.around(self.period, self.before).note(self.period, self.before)

    @property
    def kept_note(self) -> str:
        """What is to be said of data that retention has removed; empty where the answer needs none of it."""
        sources = [part.source for part in self.parts]
        return kept.note(self.closed, sources, self.statement.text, (self.period, self.before))

    @property
    def imported(self) -> tuple[imported.Days | None, imported.Days | None] | None:
        """Days of both periods of which daily totals are added; None where there are none to add."""
        spans = tuple(imported.within(self.closed.imported, span) for span in (self.period, self.before))
        return None if spans == (None, None) or imported.why_not(self.query, self.before) else (spans[0], spans[1])

    @property
    def imported_note(self) -> str:
        """What is to be said of daily totals in the periods; empty where there are none."""
        spans = [imported.within(self.closed.imported, span) for span in (self.period, self.before)]
        days = [day for span in spans if span for day in span]
        if not days:
            return ""
        told = f"{min(days)} to {max(days)}"
        if why := imported.why_not(self.query, self.before):
            return f"Imported daily totals of {told} are left out: {why}."
        return f"With imported daily totals of {told}: their visitors are added up by day."


def prepare(client: Client, query: Query, now: dt.datetime | None = None) -> Asked:
    """Find the site, its goal and the periods, and choose sources. Raises UsageError."""
    check(query)
    planner.plan(query)  # what cannot be asked is said before anything else
    site, period, before = located(client, query, now)
    goal = goals.condition(goals.find(client, site, query.goal)) if query.goal is not None else None
    return ask(client, query, site, period, before, goal)


def located(client: Client, query: Query, now: dt.datetime | None = None) -> tuple[SiteRow, Period, Period | None]:
    """The site that a question is about, its period, and that which it is compared with. Raises UsageError."""
    site = sites.find(client, query.site)
    now = now or dt.datetime.now(dt.UTC)
    period = periods.parse(query.period, zone=site.timezone, now=now, earliest=lambda: imported.earliest(client, site))
    return site, period, compared(query.compare, period, now)


def ask(
    client: Client,
    query: Query,
    site: SiteRow,
    period: Period,
    before: Period | None = None,
    goal: Condition | None = None,
) -> Asked:
    """A question about a site, periods and a goal that are known already, with what is closed of them."""
    found = members.find(client, site, (query.where, query.segment))
    asked = about(query, site, period, before, closed.of(client, site, [period, before]), goal)
    return replace(asked, segments=found)


def about(
    query: Query,
    site: SiteRow,
    period: Period,
    before: Period | None = None,
    has_closed: Closed = NOTHING,
    goal: Condition | None = None,
) -> Asked:
    """A question about a site, periods and a goal, where ``has_closed`` is closed."""
    check(query)
    parts = planner.plan(query, sampled=bool(has_closed.sampled.around(period, before)))
    told = statement(query, site.site_id, parts, period, before, has_closed, goal)
    return Asked(query, site, period, before, parts, told, has_closed, goal)


def compared(text: str, period: Period, now: dt.datetime) -> Period | None:
    """What a period is compared with: ``none``, ``previous``, ``year`` (the same days a year before) or a period."""
    if text == "none":
        return None
    if text == "previous":
        return period.previous()
    if text == "year":
        return period.year_before()
    return periods.parse(text, zone=period.zone, now=now)


def answer(client: Client, asked: Asked) -> pl.DataFrame:
    """One row for each value of the dimensions: columns of their names, then metrics.

    A series has every point of its time, with 0 where nothing happened. Of weeks and months, ``partial`` says which lie
    in the period only in part. A comparison adds ``<metric>_previous`` and ``<metric>_change`` (relative, null where
    there was nothing). Raises EngineError.
    """
    if (days := asked.imported) is None:
        return _of_events(client, asked)
    all_rows = about(imported.wide(asked.query), asked.site, asked.period, asked.before, asked.closed)
    found = imported.added(client, asked.query, asked.site, days, _of_events(client, all_rows))
    return with_changes(found, asked.query.metrics)


def _of_events(client: Client, asked: Asked) -> pl.DataFrame:
    """The answer without what imports have totals of alone."""
    found = fetched(client, asked.statement)
    query = asked.query
    for at, name in enumerate(query.dimensions):
        if dimensions.find(name).kind is ValueKind.TIME:
            found = _timed(found, asked, at, name.removeprefix("time:"))
    names = {f"d{at}": name.removeprefix("time:") for at, name in enumerate(query.dimensions)}
    names |= {f"m{at}": name for at, name in enumerate(query.metrics)}
    if asked.before is not None:
        names |= {f"b{at}": f"{name}_previous" for at, name in enumerate(query.metrics)}
    return with_changes(found.rename(names), query.metrics)


def with_changes(frame: pl.DataFrame, figures: Iterable[str]) -> pl.DataFrame:
    """An answer with ``<name>_change`` of each figure that has a ``<name>_previous``."""
    import polars as pl

    return frame.with_columns(
        pl.when(pl.col(f"{name}_previous") != 0)
        .then(pl.col(name).cast(pl.Float64) / pl.col(f"{name}_previous").cast(pl.Float64) - 1)
        .alias(f"{name}_change")
        for name in figures
        if f"{name}_previous" in frame.columns
    )


def scoped(
    client: Client,
    name: str,
    query: Query,
    source: Source,
    site: SiteRow,
    period: Period,
    **more: object,
) -> pl.DataFrame:
    """The answer of a query file that reads `scoped`: the rows of ``source`` that a question chooses.

    ``more`` is bound too.
    """
    has_closed = closed.of(client, site, [period])
    told = scoped_statement(queries.query(name), query, source, site.site_id, period, has_closed, **more)
    return fetched(client, told)


def fetched(client: Client, told: Statement) -> pl.DataFrame:
    """The rows of a statement. Raises what the client raises."""
    import polars as pl

    data = client.raw_query(told.text, parameters=told.values, settings=told.settings | _ARROW, fmt="ArrowStream")
    return pl.read_ipc_stream(io.BytesIO(data))


def _timed(found: pl.DataFrame, asked: Asked, at: int, unit: str) -> pl.DataFrame:
    """Points in the place of their positions; where time is the only dimension, all of them."""
    import polars as pl

    column = f"d{at}"
    points = buckets.labels(asked.period, unit)
    if not found.filter(pl.col(column) < 0).is_empty():
        raise EngineError(
            f"some events of {asked.site.domain} have a local date that does not match their time in "
            f"{asked.site.timezone}",
            "they were stored with different time zone data; group by day, and see `footfall doctor`",
        )
    grid = pl.DataFrame({column: range(len(points)), "point": points}, schema_overrides={column: pl.Int32})
    if unit in ("week", "month"):
        first, last = buckets.partial(asked.period, unit)
        ends = {0: first, len(points) - 1: last} | ({0: first or last} if len(points) == 1 else {})
        grid = grid.with_columns(pl.Series("partial", [ends.get(place, False) for place in range(len(points))]))
    whole = len(asked.query.dimensions) == 1 and not asked.query.having and not asked.query.sort
    joined = grid.join(found, on=column, how="left" if whole else "inner", maintain_order="left" if whole else "right")
    sums = [f"{side}{at}" for at, name in enumerate(asked.query.metrics) if metrics.find(name).adds_up for side in "mb"]
    sums = [name for name in sums if name in joined.columns]
    order = [name for old in found.columns for name in (_POINT if old == column else [old]) if name in joined.columns]
    return joined.with_columns(pl.col(sums).fill_null(0)).select(order).rename({"point": column})

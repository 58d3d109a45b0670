"""From the parts of a question to one statement."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aggregations.query import buckets, dimensions, metrics
from aggregations.query.atoms import ATOMS
from aggregations.query.closed import NOTHING, Closed
from aggregations.query.conditions import Condition, Did, both
from aggregations.query.dimensions import Dimension, ValueKind
from aggregations.query.metrics import Unit
from aggregations.query.model import Query
from aggregations.query.periods import Period
from aggregations.query.planner import Part
from aggregations.query.restrict import VISIT_DAYS, Restriction, of_level
from aggregations.query.sources import EVENTS, VISITS, Level, Source
from sql.compose import Binder, derived, scoped, shown, with_first
from sql.core.errors import UsageError
from sql.schema.replaced import instead

# Half of a sample's visitors have an id below half of 2^64: ids are hashes.
_IDS = 2**64
NO_LIMIT = 2**32 - 1
# What a rollup by month cannot tell.
_FINER = {"time:hour", "time:day", "time:week"}


@dataclass(frozen=True, slots=True)
class Statement:
    """A text with the values that are bound, and settings. Columns: d0…, m0…, and with a comparison b0…"""

    text: str
    values: dict[str, object]
    settings: dict[str, object]


def statement(
    query: Query,
    site_id: int,
    parts: tuple[Part, ...],
    period: Period,
    before: Period | None,
    closed: Closed = NOTHING,
    goal: Condition | None = None,
) -> Statement:
    """The whole question about ``period``, next to ``before`` where it is compared. ``goal`` is what its goal asks."""
    binder = Binder()
    spans = [span for span in (period, before) if span is not None]
    ctes, scopes = [], []
    for number, span in enumerate(spans):
        reader = _Reader(query, site_id, binder, span, closed, goal)
        ctes += [f"p{at}_{number} as (\n{reader.part(part)}\n)" for at, part in enumerate(parts)]
        scopes.append(_figures(query, parts, number, binder if number == 0 else None))
    keys = [f"d{at}" for at in range(len(query.dimensions))]
    figures = [f"m{at}" for at in range(len(query.metrics))]
    chosen = [*(f"n.{name} as {name}" for name in (*keys, *figures))]
    source = f"(\n{scopes[0]}\n) as n"
    if before is not None:
        chosen += [f"b.m{at} as b{at}" for at in range(len(figures))]
        timed = any(dimensions.find(name).kind is ValueKind.TIME for name in query.dimensions)
        if timed:  # a quiet hour of this period is next to a busy one of the period before
            chosen[: len(keys)] = keys
        how = f"{'full' if timed else 'left'} join" if keys else "cross join"
        on = f" using ({', '.join(keys)})" if keys else ""
        source += f"\n{how} (\n{scopes[1]}\n) as b{on}"
    limit = binder.bind(query.limit or NO_LIMIT, "UInt32")
    head = ",\n".join(ctes)
    text = f"with\n{head}\nselect {', '.join(chosen)}\nfrom {source}\norder by {_order(query)}\nlimit {limit}"
    return Statement(text, binder.values, _settings(query))


def scoped_statement(
    file: str,
    query: Query,
    source: Source,
    site_id: int,
    period: Period,
    closed: Closed = NOTHING,
    view: str = "",
    **more: object,
) -> Statement:
    """A query file that reads `scoped`: the rows of ``source`` that the question chooses, as ``view`` shows them.

    It may bind site, first, last and limit, and ``more``.
    """
    known = {"site": site_id, "first": period.first, "last": period.last, "limit": query.limit or NO_LIMIT}
    binder = Binder({**known, **more})
    rows = _Reader(query, site_id, binder, period, closed).chosen(source, query.where)
    text = with_first("scoped", shown(view, f"{source.name} as e", rows) if view else rows, file)
    return Statement(text, binder.values, _settings(query))


def labelled_statement(
    file: str,
    query: Query,
    site_id: int,
    period: Period,
    bound: Mapping[str, object],
    closed: Closed = NOTHING,
) -> Statement:
    """A query file that reads `scoped`: the events that the question chooses, each with a `label`.

    It is the value of the question's dimension. That of a visit is looked up for the rows of `attempts` alone, which
    the file reads as `t`: until then the visit's id is in its place. Raises UsageError for a dimension of time.
    """
    binder = Binder(dict(bound) | {"limit": query.limit or NO_LIMIT})
    reader = _Reader(query, site_id, binder, period, closed)
    label = "toUInt8(0)"
    for dimension in map(dimensions.find, query.dimensions):
        if dimension.level is None:
            raise UsageError(f"cannot break down by {dimension.name}", "by a dimension of visits or events")
        if dimension.level is Level.VISIT:
            label = "s.visit_id"
            file = instead(file, "attempts", reader.of_visits("attempts", dimension))
        else:
            label = reader.value(dimension, EVENTS)
    rows = f"select *, {label} as label from (\n{reader.chosen(EVENTS, query.where)}\n) as s"
    return Statement(with_first("scoped", rows, file), binder.values, _settings(query))


def _settings(query: Query) -> dict[str, object]:
    return {"count_distinct_implementation": "uniqExact" if query.exact else "uniq"}


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the parts of a question over one span."""

    query: Query
    site_id: int
    binder: Binder
    span: Period
    closed: Closed
    goal: Condition | None = None

    def part(self, part: Part) -> str:
        """Atoms by dimensions, from one source."""
        restriction = Restriction(self.binder, self.span.first, self.span.last, self.rows)
        only = [dimension.only[part.source] for dimension in part.dimensions if part.source in dimension.only]
        rows = f"({self.chosen(part.source, part.where, only)}) as s"
        if part.goal:
            rows += f"\ninner join (\n{self.completed()}\n) as g on s.visit_id = g.visit_id"
        columns, foreign = [], []
        for at, dimension in enumerate(part.dimensions):
            if dimension.kind is ValueKind.TIME:
                unit = dimension.name.removeprefix("time:")
                columns.append(f"{buckets.position(self.binder, part.source, unit, self.span)} as d{at}")
            elif dimension.level is Level.VISIT and part.source is EVENTS:
                foreign.append(f"{restriction.column(dimension, VISITS)} as w{at}")
                columns.append(f"w.w{at} as d{at}")
            else:
                columns.append(f"toString({restriction.column(dimension, part.source)}) as d{at}")
        if foreign:
            only = _only_visits(part.dimensions)
            visits = self.rows(VISITS, self.span.first - VISIT_DAYS, self.span.last, only, bots=True)
            rows += f"\ninner join (select s.visit_id as visit_id, {', '.join(foreign)} from ({visits}) as s) as w"
            rows += " on s.visit_id = w.visit_id"
        share = f" / {self.query.sample!r}" if self.query.sample else ""
        chosen = [*columns, *(f"{atom.on[part.source]}{share} as a_{atom.name}" for atom in part.atoms)]
        keys = ", ".join(f"d{at}" for at in range(len(columns)))
        return f"select {', '.join(chosen)}\nfrom {rows}" + (f"\ngroup by {keys}" if keys else "")

    def value(self, dimension: Dimension, source: Source) -> str:
        """The text of a dimension's value over rows of ``source``; '' where a row has none."""
        restriction = Restriction(self.binder, self.span.first, self.span.last, self.rows)
        column = f"toString({restriction.column(dimension, source)})"
        only = dimension.only.get(source)
        return f"if({only}, {column}, '')" if only else column

    def of_visits(self, table: str, dimension: Dimension) -> str:
        """Rows of ``table``, whose labels are ids of visits, with the values that these visits have."""
        visits = self.rows(VISITS, self.span.first - VISIT_DAYS, self.span.last, [], bots=True)
        return (
            f"select a.* except (label), v.label as label from {table} as a\n"
            f"inner join (select s.visit_id as visit_id, {self.value(dimension, VISITS)} as label from ({visits}) as s)"
            " as v on a.label = v.visit_id"
        )

    def chosen(self, source: Source, where: Condition | None = None, only: Sequence[str] = ()) -> str:
        """Rows of a source that ``where`` and the question's segment choose."""
        restriction = Restriction(self.binder, self.span.first, self.span.last, self.rows)
        where = both(where, Did(self.query.segment)) if self.query.segment is not None else where
        texts = [restriction.text(where, source)] if where is not None else []
        return self.rows(source, self.span.first, self.span.last, [*texts, *only])

    def completed(self) -> str:
        """Visits that completed the goal: how often, and with which revenue."""
        goal = self.goal
        if goal is None:
            raise ValueError(f"what does the goal {self.query.goal} ask?")
        first, last = self.span.first - VISIT_DAYS, self.span.last + VISIT_DAYS
        restriction = Restriction(self.binder, first, last, self.rows)
        if of_level(goal, Level.VISIT):
            visits = self.rows(VISITS, first, last, [restriction.text(goal, VISITS)], bots=True)
            return (
                f"select s.visit_id as visit_id, 1 as completions, toFloat64(s.revenue) as revenue from ({visits}) as s"
            )
        revenue = f"{ATOMS['revenue'].on[EVENTS]} as revenue"
        events = self.rows(EVENTS, first, last, [restriction.text(goal, EVENTS)])
        return (
            f"select s.visit_id as visit_id, count() as completions, {revenue} from ({events}) as s group by visit_id"
        )

    def rows(self, source: Source, first: dt.date, last: dt.date, texts: list[str], bots: bool = False) -> str:
        """Rows of a source of the site, within these days, that fulfil every text; those of bots where asked for."""
        site = f"s.site_id = {self.binder.bind(self.site_id, 'UInt32')}"
        days = f"{self.binder.bind(first, 'Date')} and {self.binder.bind(last, 'Date')}"
        wanted = [f"s.{source.date} between {days}", *texts]
        if not self.query.include_bots and not bots:
            wanted.insert(1, "not s.bot")
        if source.rows and self.query.sample is not None:
            wanted.append(f"s.visitor_id < {self.binder.bind(int(_IDS * self.query.sample) - 1, 'UInt64')}")
        if source is VISITS and self.query.exact:
            until = self.binder.bind(last + VISIT_DAYS, "Date")
            over = [
                site,
                f"s.visit_date between {days}",
                f"s.local_date between {self.binder.bind(first, 'Date')} and {until}",
            ]
            return scoped(f"(\n{derived('visits_merged', 'visits', over)}\n)", wanted)
        if source is VISITS:
            return self._visits(first, last, [site, *wanted])
        if source.monthly and not _FINER & set(self.query.dimensions):
            return self._rollup(source, first, last, [site, *wanted])
        return scoped(source.name, [site, *wanted])

    def _visits(self, first: dt.date, last: dt.date, wanted: list[str]) -> str:
        """Visits of closed days as typed rows, those of open days as they are merged now."""
        since = self.closed.open_from(first, last)
        if first > self.closed.until:
            return scoped("visits_merged", wanted)
        if since is None:
            return scoped("closed_visits", wanted)
        until = self.binder.bind(self.closed.until, "Date")
        opened = self.binder.bind([day for day in self.closed.open if first <= day <= last], "Array(Date)")
        still = f"(s.visit_date > {until} or s.visit_date in {opened})"
        closed = scoped("closed_visits", [*wanted, f"not {still}"])
        merged = scoped("visits_merged", [*wanted, f"s.visit_date >= {self.binder.bind(since, 'Date')}", still])
        return f"{closed}\nunion all\n{merged}"

    def _rollup(self, source: Source, first: dt.date, last: dt.date, wanted: list[str]) -> str:
        """A rollup by month where months are closed, by day elsewhere."""
        months = self.closed.months_of(source.monthly, first, last)
        if not months:
            return scoped(source.name, wanted)
        its = self.binder.bind(months, "Array(Date)")
        closed = scoped(source.monthly, [*wanted, f"s.local_date in {its}"])
        rest = scoped(source.name, [*wanted, f"toStartOfMonth(s.local_date) not in {its}"])
        return f"{closed}\nunion all\n{rest}"


def _only_visits(named: tuple[Dimension, ...]) -> list[str]:
    return [
        dimension.only[VISITS] for dimension in named if dimension.level is Level.VISIT and VISITS in dimension.only
    ]


def _figures(query: Query, parts: tuple[Part, ...], number: int, binder: Binder | None) -> str:
    """Metrics by dimensions, from the parts of one span; ``binder`` where ``having`` chooses among them."""
    keys = [f"d{at}" for at in range(len(query.dimensions))]
    joined = ""
    for at, part in enumerate(parts):
        if not part.whole:
            how = f"\nfull join p{at}_{number} using ({', '.join(keys)})" if keys else f"\ncross join p{at}_{number}"
            joined += how if joined else f"p{at}_{number}"
    totals = [
        f"(select a_{atom.name} from p{at}_{number}) as a_{atom.name}"
        for at, part in enumerate(parts)
        for atom in part.atoms
        if part.whole
    ]
    texts = [f"{_rounded(query, name)} as m{at}" for at, name in enumerate(query.metrics)]
    chosen = ", ".join([*keys, *totals, *texts])
    having = ""
    if binder is not None and query.having:
        tests = [
            f"m{query.metrics.index(name)} {sign} {binder.bind(float(value), 'Float64')}"
            for name, sign, value in query.having
        ]
        having = f"\nwhere {' and '.join(tests)}"
    return f"select {chosen}\nfrom {joined}{having}"


def _rounded(query: Query, name: str) -> str:
    metric = metrics.find(name)
    return f"toUInt64(round({metric.text}))" if query.sample and metric.unit is Unit.COUNT else metric.text


def _order(query: Query) -> str:
    """As asked, else by time, else by the first metric; then by counts and dimensions, so that there is one order."""
    given = dict(query.sort)
    times = [name for name in query.dimensions if dimensions.find(name).kind is ValueKind.TIME]
    if not given:
        given = dict.fromkeys(times, "asc") or {query.metrics[0]: "desc"}
    columns = {name: f"d{at}" for at, name in enumerate(query.dimensions)}
    columns |= {name: f"m{at}" for at, name in enumerate(query.metrics)}
    counts = [name for name in query.metrics if metrics.find(name).unit is Unit.COUNT and name not in given]
    ordered = [f"{columns[name]} {how}" for name, how in given.items()]
    ordered += [f"{columns[name]} desc" for name in counts]
    return ", ".join([*ordered, *(columns[name] for name in query.dimensions if name not in given)])

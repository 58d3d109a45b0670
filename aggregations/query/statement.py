"""From the parts of a question to one statement."""

from __future__ import annotations

from dataclasses import dataclass

from aggregations.query import dimensions, metrics, weights
from aggregations.query.closed import NOTHING, Closed
from aggregations.query.conditions import Condition
from aggregations.query.dimensions import ValueKind
from aggregations.query.metrics import Unit
from aggregations.query.model import Query
from aggregations.query.periods import Period
from aggregations.query.planner import Part
from aggregations.query.reader import Reader
from aggregations.query.sources import Source
from sql.compose import Binder, with_first

NO_LIMIT = 2**32 - 1


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
    estimated = query.sample is not None or bool(closed.sampled.around(*spans))
    ctes, scopes = [], []
    for number, span in enumerate(spans):
        reader = Reader(query, site_id, binder, span, closed, goal)
        ctes += [f"p{at}_{number} as (\n{reader.part(part)}\n)" for at, part in enumerate(parts)]
        scopes.append(_figures(query, parts, number, binder if number == 0 else None, estimated))
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
    return Statement(text, binder.values, settings(query))


def scoped_statement(
    file: str, query: Query, source: Source, site_id: int, period: Period, closed: Closed = NOTHING, **more: object
) -> Statement:
    """A query file that reads `scoped`: the rows of ``source`` that the question chooses.

    It may bind limit, and ``more``. What it counts is what ``weights.counted`` finds.
    """
    binder = Binder({"limit": query.limit or NO_LIMIT, **more})
    reader = Reader(query, site_id, binder, period, closed)
    rows = reader.weighed(source, reader.chosen(source, query.where))
    text = with_first("scoped", rows, weights.counted(file) if reader.sampled else file)
    return Statement(text, binder.values, settings(query))


def settings(query: Query) -> dict[str, object]:
    """Settings of the statements of a question."""
    return {"count_distinct_implementation": "uniqExact" if query.exact else "uniq"}


def _figures(query: Query, parts: tuple[Part, ...], number: int, binder: Binder | None, estimated: bool) -> str:
    """Metrics by dimensions, from the parts of one span; ``binder`` where ``having`` chooses among them."""
    keys = [f"d{at}" for at in range(len(query.dimensions))]
    joined = ""
    for at, part in enumerate(parts):
        if not part.whole:
            side = "left" if part.viewed else "full"  # pages that were seen, and never were the last one
            how = f"\n{side} join p{at}_{number} using ({', '.join(keys)})" if keys else f"\ncross join p{at}_{number}"
            joined += how if joined else f"p{at}_{number}"
    totals = [
        f"(select a_{atom.name} from p{at}_{number}) as a_{atom.name}"
        for at, part in enumerate(parts)
        for atom in part.atoms
        if part.whole
    ]
    texts = [f"{_rounded(name, estimated)} as m{at}" for at, name in enumerate(query.metrics)]
    chosen = ", ".join([*keys, *totals, *texts])
    having = ""
    if binder is not None and query.having:
        tests = [
            f"m{query.metrics.index(name)} {sign} {binder.bind(float(value), 'Float64')}"
            for name, sign, value in query.having
        ]
        having = f"\nwhere {' and '.join(tests)}"
    return f"select {chosen}\nfrom {joined}{having}"


def _rounded(name: str, estimated: bool) -> str:
    metric = metrics.find(name)
    return f"toUInt64(round({metric.text}))" if estimated and metric.unit is Unit.COUNT else metric.text


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

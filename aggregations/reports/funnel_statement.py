"""From a funnel and a question to one statement: the query file over what the question chooses, once a period."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aggregations.query import dimensions
from aggregations.query.reader import Reader
from aggregations.query.sampled import ONE
from aggregations.query.sources import EVENTS, Level
from aggregations.query.statement import NO_LIMIT, Statement, settings
from aggregations.reports.funnel import Funnel, StepOrder
from sql.compose import Binder, with_first
from sql.core import queries
from sql.core.errors import UsageError
from sql.schema.replaced import replaced

if TYPE_CHECKING:
    from aggregations.query.closed import Closed
    from aggregations.query.model import Query
    from aggregations.query.periods import Period

_ORDER = "order by visitors[1] desc, label"
_LIMIT = "limit {limit:UInt32}"
_COUNTED = "sumForEach(arrayMap(moment -> 1, t.reached))"
# An attempt is seen where all of its events are: at each step it weighs what the heaviest of them does until then.
_WEIGHED = "sumForEach(arrayMap(n -> arrayMax(arraySlice(t.weights, 1, n)), arrayEnumerate(t.weights)))"
_UNPAIRED = (
    "select p.* except (label, along), tupleElement(p.label, 1) as label, "
    "arrayMap(its -> tupleElement(its, 2), p.along) as weights from attempts as p"
)


def statement(
    funnel: Funnel, query: Query, site_id: int, period: Period, before: Period | None, closed: Closed
) -> Statement:
    """One row a value of the question's dimension: label, visitors and medians (arrays by step), labels (how many there
    are without the limit); next to them visitors_before and medians_before.

    Raises UsageError for a dimension of time.
    """
    binder = Binder(_bound(funnel) | {"limit": query.limit or NO_LIMIT})
    order = _order(query)
    text = replaced(_over(query, site_id, binder, period, closed), _ORDER, order)
    if before is not None:
        earlier = _over(query, site_id, binder, before, closed)
        for clause in (_ORDER, _LIMIT):
            earlier = replaced(earlier, clause, "")
        how = "left" if query.dimensions else "full"  # without one there is one row, if anybody began
        text = (
            "select label, n.visitors as visitors, n.medians as medians, n.labels as labels, "
            f"b.visitors as visitors_before, b.medians as medians_before\nfrom (\n{text}\n) as n\n"
            f"{how} join (\n{earlier.rstrip()}\n) as b using label\n{order}"
        )
    return Statement(text, binder.values, settings(query))


def _over(query: Query, site_id: int, binder: Binder, period: Period, closed: Closed) -> str:
    """The query file over one period, whose events have a label: the value of the question's dimension.

    That of a visit is looked up for the rows of `attempts` alone, which the file reads as `t`: until then the visit's
    id is in its place. Where events have weights, labels are pairs with them.
    """
    reader = Reader(query, site_id, binder, period, closed)
    file, attempts, label = queries.query("funnels/reached"), "attempts", "toUInt8(0)"
    if reader.sampled:
        file = replaced(file, _COUNTED, f"arrayMap(weight -> weight / {ONE}, {_WEIGHED})")
        attempts = f"(\n{_UNPAIRED}\n)"
    for dimension in map(dimensions.find, query.dimensions):
        if dimension.level is None:
            raise UsageError(f"cannot break down by {dimension.name}", "by a dimension of visits or events")
        if dimension.level is Level.VISIT:
            label, attempts = "s.visit_id", f"(\n{reader.of_visits(attempts, dimension)}\n)"
        else:
            label = reader.value(dimension, EVENTS)
    if reader.sampled:
        label = f"tuple({label}, s.weight)"
    events = reader.weighed(EVENTS, reader.chosen(EVENTS, query.where))
    if attempts != "attempts":
        file = replaced(file, "from attempts as t", f"from {attempts} as t")
    return with_first("scoped", f"select *, {label} as label from (\n{events}\n) as s", file)


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


def _order(query: Query) -> str:
    """Of the values of the dimension: by name, by visitors at the first step, or by their share at the last step."""
    columns = dict.fromkeys(query.dimensions, "label") | {
        "visitors": "visitors[1]",
        "from_first": "visitors[length({names:Array(String)})] / visitors[1]",
    }
    wanted = [f"{columns[name]} {how}" for name, how in query.sort]
    return f"order by {', '.join([*wanted, *_ORDER.removeprefix('order by ').split(', ')])}"

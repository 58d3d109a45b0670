"""A question about stored data, as one typed value, whoever asks it: a report, a file, an export."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from aggregations.query import conditions, dimensions, members, metrics
from aggregations.query.atoms import ATOMS
from aggregations.query.conditions import Condition, Operator
from aggregations.query.dimensions import ValueKind
from aggregations.query.sources import Level
from sql.core.errors import UsageError

MAX_METRICS = 10
MAX_DIMENSIONS = 4
Order = Literal["asc", "desc"]


# By what a breakdown of a funnel can be sorted: the first step, and the share of it that gets to the last one.
FUNNEL_SORTS = ("visitors", "from_first")
FUNNEL_FIGURES = ("visitors", "from_previous", "from_first", "time_from_previous")


class FunnelQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The name of a funnel that is defined for the site, and what is asked in place of what the definition says.

    ``window`` is in seconds, ``exclude`` are events as people write them.
    """

    name: str
    window: int | None = None
    order: Literal["ordered", "strict", "any"] | None = None
    exclude: tuple[str, ...] | None = None


class Query(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One question.

    ``period`` is as ``periods.parse`` reads it, ``compare`` ``none``, ``previous``, ``year`` or a period. ``where`` and
    ``segment`` are conditions; a segment is of visitors: those who had such an event or visit in the period. In
    JSON both may be texts: a condition as people write it, or the name of a segment. ``goal``
    is the name of one that is defined for the site. ``having`` holds of metrics, as (name, sign, number). ``exact``
    counts from raw events. ``sample`` is a share of all visitors. ``limit`` 0 means all rows. With a ``funnel``, the
    question is how far visitors get through its steps, by at most one dimension; it has figures of its own.
    """

    site: str | None = None
    period: str = "30d"
    compare: str = "none"
    metrics: tuple[str, ...] = ("visitors",)
    dimensions: tuple[str, ...] = ()
    where: Condition | None = None
    having: tuple[tuple[str, Literal[">", ">=", "<", "<="], float], ...] = ()
    segment: Condition | None = None
    goal: str | None = None
    funnel: FunnelQuery | None = None
    include_bots: bool = False
    exact: bool = False
    sample: float | None = None
    sort: tuple[tuple[str, Order], ...] = ()
    limit: int = 100


def decode(text: str | bytes) -> Query:
    """The question that a JSON text says. Raises UsageError."""
    try:
        query = _DECODER.decode(text)
    except msgspec.MsgspecError as exc:
        raise UsageError(f"not a valid query: {exc}", 'see docs/reports.md, "Queries of your own"') from None
    check(query)
    return query


def encode(query: Query) -> str:
    """The JSON text of a question."""
    return msgspec.json.format(msgspec.json.encode(_plain(query)), indent=1).decode()


def check(query: Query) -> None:
    """Raise UsageError for a question that names what is not there, or more than it may."""
    if not 1 <= len(query.metrics) <= MAX_METRICS or len(set(query.metrics)) < len(query.metrics):
        raise UsageError(f"{len(query.metrics)} metrics", f"1 to {MAX_METRICS} different ones")
    if len(query.dimensions) > MAX_DIMENSIONS or len(set(query.dimensions)) < len(query.dimensions):
        raise UsageError(f"{len(query.dimensions)} dimensions", f"at most {MAX_DIMENSIONS} different ones")
    for name in query.metrics:
        metrics.find(name)
    times = [name for name in query.dimensions if dimensions.find(name).kind is ValueKind.TIME]
    if len(times) > 1:
        raise UsageError(f"{' and '.join(times)} at once", "name one of them")
    for condition in filter(None, (query.where, query.segment)):
        conditions.check(condition)
        _check_dimensions(condition)
    _check_visitors(query)
    _check_goal(query)
    if query.funnel is not None:
        _check_funnel(query)
    _check_rows(query)


def _check_dimensions(condition: Condition) -> None:
    for comparison in conditions.comparisons(condition):
        dimension = dimensions.find(comparison.dimension)
        if dimension.level is Level.VISITOR and comparison.operator is not Operator.IS:
            raise UsageError(f"{dimension.name} is compared by = or != only", f"such as {dimension.name}=buyers")


def _check_visitors(query: Query) -> None:
    for name in query.dimensions:
        if dimensions.find(name).level is Level.VISITOR:
            raise UsageError(f"cannot break down by {name}", f"choose visitors with it: --where {name}=buyers")


def _check_goal(query: Query) -> None:
    asked = [name for name in query.metrics if any(ATOMS[atom].goal for atom in metrics.find(name).made_of)]
    if asked and query.goal is None:
        raise UsageError(f"{asked[0]} needs a goal", "name one: --goal NAME (see: footfall goal list)")


def _check_funnel(query: Query) -> None:
    if query.metrics != Query().metrics or query.goal is not None or query.having or query.exact:
        raise UsageError("a funnel takes no metrics, goal, having or exact", "it has figures of its own")
    if len(query.dimensions) > 1:
        raise UsageError(f"{len(query.dimensions)} dimensions", "a funnel is broken down by one")
    if query.sort and not query.dimensions:
        raise UsageError("the steps of a funnel have an order", "to sort the values of a dimension, name one")


def _check_rows(query: Query) -> None:
    known = (*(FUNNEL_SORTS if query.funnel else query.metrics), *query.dimensions)
    for name in [name for name, *_ in query.having if name not in query.metrics]:
        raise UsageError(f"having uses {name}, which is not a metric of the query", "add it to the metrics")
    for name in [name for name, _ in query.sort if name not in known]:
        raise UsageError(f"cannot sort by {name}", f"by one of: {', '.join(known)}")
    if query.sample is not None and not 0 < query.sample <= 1:
        raise UsageError(f"a sample of {query.sample} of all visitors", "a share such as 0.1")
    if query.limit < 0:
        raise UsageError(f"a limit of {query.limit}", "a number of rows; 0 means all")


def _plain(query: Query) -> dict[str, Any]:
    given: dict[str, Any] = msgspec.to_builtins(msgspec.structs.replace(query, where=None, segment=None))
    for name in ("where", "segment"):
        if (condition := getattr(query, name)) is not None:
            given[name] = members.name_of(condition) or conditions.to_json(condition)
    return given


def _from_json(kind: type, value: object) -> object:
    if kind is Condition and isinstance(value, str):
        return members.asked(value)
    if kind is Condition:
        return conditions.from_json(value)
    raise TypeError(kind)


_DECODER = msgspec.json.Decoder(Query, dec_hook=_from_json)

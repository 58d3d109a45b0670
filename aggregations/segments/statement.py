"""From segments to one statement: which visitors belong to which of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from aggregations.query.closed import Closed
from aggregations.query.conditions import Condition
from aggregations.query.model import Query
from aggregations.query.periods import Period
from aggregations.query.reader import Reader
from aggregations.query.sites import SiteRow
from aggregations.query.sources import EVENTS, VISITS
from aggregations.query.statement import Statement
from aggregations.segments.leaves import Leaves
from sql.compose import Binder

# Hundreds of segments make a long text.
_SETTINGS: dict[str, object] = {
    "max_query_size": 16 << 20,
    "max_ast_elements": 500_000,
    "max_expanded_ast_elements": 2_000_000,
}


def statement(
    site: SiteRow,
    segments: Sequence[Condition],
    others: Mapping[str, Condition],
    span: Period,
    now: dt.datetime,
    closed: Closed,
    sample: float | None = None,
) -> Statement:
    """A statement with one row a visitor who belongs to any of ``segments``: ``visitor_id``, and ``places``, their
    places in the list, from 1 on.

    ``span`` is all days that have events; nothing after ``now`` counts. ``sample`` is a share of all visitors. Raises
    UsageError.
    """
    binder = Binder()
    reader = Reader(Query(sample=sample), site.site_id, binder, span, closed)
    moment = int(now.timestamp() * 1000)
    leaves = Leaves(binder, reader.restriction(span.first, span.last), moment, others)
    tests = [leaves.test(condition) for condition in segments]
    until = f"fromUnixTimestamp64Milli({binder.bind(moment, 'Int64')}, 'UTC')"
    sides = []
    for source, at in ((EVENTS, "timestamp"), (VISITS, "started")):
        columns = [f"{text} as {alias}" for alias, text in leaves.of(source).items()]
        if columns or source is EVENTS:
            rows = reader.rows(source, span.first, span.last, [f"s.{at} <= {until}"])
            chosen = ", ".join(["s.visitor_id as visitor_id", *columns])
            sides.append(f"(select {chosen} from ({rows}) as s group by visitor_id)")  # noqa: S608 (texts of ours)
    gathered = sides[0] if len(sides) == 1 else f"{sides[0]} as e full join {sides[1]} as v using (visitor_id)"
    places = ", ".join(f"if({test}, {place}, 0)" for place, test in enumerate(tests, 1))
    text = (
        f"select visitor_id, arrayFilter(place -> place > 0, [{places}]::Array(UInt16)) as places\n"
        f"from {gathered}\nwhere notEmpty(places)"
    )
    return Statement(text, binder.values, _SETTINGS)

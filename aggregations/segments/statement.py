"""From segments to one statement: which visitors belong to which of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from aggregations.query.closed import Closed
from aggregations.query.conditions import Condition
from aggregations.query.model import Query
from aggregations.query.periods import Period
from aggregations.query.reader import IDS, Reader
from aggregations.query.sites import SiteRow
from aggregations.query.sources import EVENTS, VISITS
from aggregations.query.statement import Statement
from aggregations.segments.leaves import Leaves
from sql.compose import Binder, scoped, with_first
from sql.core.queries import query

# Whose visitor it is, over rows joined with those of the view `persons`.
PERSON = "if(p.person_id = 0, s.visitor_id, p.person_id)"
# Hundreds of segments make a long text; visitors of a large site are gathered on disk where they do not fit.
_SETTINGS: dict[str, object] = {
    "max_query_size": 16 << 20,
    "max_ast_elements": 500_000,
    "max_expanded_ast_elements": 2_000_000,
    "max_bytes_before_external_group_by": 2 << 30,
}


def statement(
    site: SiteRow,
    segments: Sequence[Condition],
    others: Mapping[str, Condition],
    span: Period,
    now: dt.datetime,
    closed: Closed,
    sample: float | None = None,
    *,
    identified: bool = False,
) -> Statement:
    """A statement with one row a visitor who belongs to any of ``segments``: ``visitor_id``, ``person_id``, and
    ``places``, their places in the list, from 1 on.

    ``span`` is all days that have events; nothing after ``now`` counts. ``sample`` is a share of all persons.
    ``identified``: visitors of one person are taken together. Raises UsageError.
    """
    binder = Binder()
    # A share of persons, where visitors are theirs, cannot be told by the visitor's id.
    reader = Reader(Query(sample=None if identified else sample), site.site_id, binder, span, closed)
    moment = int(now.timestamp() * 1000)
    leaves = Leaves(binder, reader.restriction(span.first, span.last), moment, others)
    tests = [leaves.test(condition) for condition in segments]
    until = f"fromUnixTimestamp64Milli({binder.bind(moment, 'Int64')}, 'UTC')"
    sides = []
    for source, at in ((EVENTS, "timestamp"), (VISITS, "started")):
        columns = [f"{text} as {alias}" for alias, text in leaves.of(source).items()]
        if columns or source is EVENTS:
            rows = f"({reader.rows(source, span.first, span.last, [f's.{at} <= {until}'])}) as s"
            rows = _of_persons(binder, site, rows, sample) if identified else rows
            key = PERSON if identified else "s.visitor_id"
            chosen = ", ".join([f"{key} as person_id", "groupUniqArray(s.visitor_id) as visitors", *columns])
            sides.append(f"(select {chosen} from {rows} group by person_id)")  # noqa: S608 (texts of ours)
    # Whoever has no raw events any more is in no segment, whichever others are found together with it.
    gathered = f"{sides[0]} as e" + "".join(f" left join {side} as v using (person_id)" for side in sides[1:])
    places = ", ".join(f"if({test}, {place}, 0)" for place, test in enumerate(tests, 1))
    tested = f"arrayFilter(place -> place > 0, [{places}]::Array(UInt16)) as places"
    found = f"select person_id, e.visitors as visitors, {tested} from {gathered}"  # noqa: S608 (texts of ours)
    return Statement(with_first("found", found, query("segments/members")), binder.values, _SETTINGS)


def _of_persons(binder: Binder, site: SiteRow, rows: str, sample: float | None) -> str:
    """The same rows with whose visitor it is, of a share of all persons."""
    mine = scoped("persons", [f"s.site_id = {binder.bind(site.site_id, 'UInt32')}"])
    joined = f"{rows} left any join ({mine}) as p on s.visitor_id = p.visitor_id"
    return f"{joined} where {PERSON} < {binder.bind(int(IDS * sample) - 1, 'UInt64')}" if sample else joined

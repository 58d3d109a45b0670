"""What a report leaves out, so that it can be said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aggregations.query import closed
from aggregations.query.answer import about, answer
from aggregations.query.conditions import Comparison, Operator, both
from aggregations.query.filters import EXCLUDE_BOTS, Filter
from aggregations.query.model import Query

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from aggregations.query.closed import Closed
    from aggregations.query.conditions import Condition
    from aggregations.query.periods import Period
    from aggregations.query.sites import SiteRow

_BOTS = Comparison("bot", Operator.IS, ("yes",))


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Events of flagged bots within a report's site and period, and how many of them are page views."""

    events: int = 0
    pageviews: int = 0


def bots(
    client: Client,
    site: SiteRow,
    period: Period,
    only: Filter = EXCLUDE_BOTS,
    *,
    raw: bool = False,
    where: Condition | None = None,
    has_closed: Closed | None = None,
) -> LeftOut:
    """What is left out for being a bot's; nothing where bots are counted. ``raw`` counts it from raw events.

    ``has_closed`` saves asking what is closed, where that is known already.
    """
    if only.include_bots:
        return LeftOut()
    query = Query(metrics=("events", "pageviews"), where=both(_BOTS, where), include_bots=True, exact=raw)
    has_closed = has_closed or closed.of(client, site, [period])
    [row] = answer(client, about(query, site, period, has_closed=has_closed)).rows()
    return LeftOut(*map(int, row))

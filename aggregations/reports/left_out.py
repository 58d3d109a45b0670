"""What a report leaves out, so that it can be said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aggregations.query.answer import about, answer
from aggregations.query.conditions import Comparison, Operator
from aggregations.query.model import Query

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from aggregations.query.answer import Asked

_BOTS = Comparison("bot", Operator.IS, ("yes",))


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Events of flagged bots within a report's site and period, and how many of them are page views."""

    events: int = 0
    pageviews: int = 0


def bots(client: Client, asked: Asked) -> LeftOut:
    """What is left out of an answer for being a bot's; nothing where bots are counted."""
    if asked.query.include_bots:
        return LeftOut()
    query = Query(metrics=("events", "pageviews"), where=_BOTS, include_bots=True, exact=asked.query.exact)
    [row] = answer(client, about(query, asked.site, asked.period, has_closed=asked.closed)).rows()
    return LeftOut(*map(int, row))

"""What a report leaves out, so that it can be said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aggregations.query.filters import EXCLUDE_BOTS, Filter
from sql.core import queries

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from aggregations.query.periods import Period
    from aggregations.query.sites import SiteRow


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Events of flagged bots within a report's site and period, and how many of them are page views."""

    events: int = 0
    pageviews: int = 0


def bots(client: Client, site: SiteRow, period: Period, only: Filter = EXCLUDE_BOTS, *, raw: bool = False) -> LeftOut:
    """What is left out for being a bot's; nothing where bots are counted. ``raw`` counts it from raw events."""
    if only.include_bots:
        return LeftOut()
    where = {"site": site.site_id, "first": period.first, "last": period.last}
    name = "events/left_out_bots_raw" if raw else "events/left_out_bots"
    [(events, pageviews)] = client.query(queries.query(name), parameters=where).result_rows
    return LeftOut(int(events), int(pageviews))

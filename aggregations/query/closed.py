"""What is closed of a site: days whose visits stand as typed rows, months whose rollups stand as one row a month."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aggregations.query.periods import Period
from aggregations.query.restrict import VISIT_DAYS
from aggregations.query.sites import SiteRow
from sql.core import queries

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_NO_DAY = dt.date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Closed:
    """Visits are closed up to ``until`` but for ``open`` days; ``months`` are closed, as (table, first day).

    It is read before the statement that goes by it: what is closed stays readable when a day is opened again.
    """

    until: dt.date = _NO_DAY
    open: tuple[dt.date, ...] = ()
    months: tuple[tuple[str, dt.date], ...] = ()

    def open_from(self, first: dt.date, last: dt.date) -> dt.date | None:
        """The first day from ``first`` to ``last`` that is not closed; None where all of them are."""
        days = [day for day in self.open if first <= day <= last]
        return min(
            [*days, *([max(first, self.until + dt.timedelta(days=1))] if last > self.until else [])], default=None
        )

    def months_of(self, table: str, first: dt.date, last: dt.date) -> list[dt.date]:
        """Closed months of a table that lie between these days as a whole, by their first day."""
        return sorted(
            month
            for name, month in self.months
            if name == table and first <= month and (month + dt.timedelta(days=31)).replace(day=1) - DAY <= last
        )


DAY = dt.timedelta(days=1)
NOTHING = Closed()


def of(client: Client, site: SiteRow, spans: Iterable[Period | None]) -> Closed:
    """What is closed of a site in these periods, and around them as far as visits reach."""
    given = [span for span in spans if span is not None]
    bound = {
        "site": site.site_id,
        "first": min(span.first for span in given) - VISIT_DAYS,
        "last": max(span.last for span in given) + VISIT_DAYS,
    }
    [(until, opened, months)] = client.query(queries.query("closing/of_site"), parameters=bound).result_rows
    return Closed(until, tuple(opened), tuple(map(tuple, months)))

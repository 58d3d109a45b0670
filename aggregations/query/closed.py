"""What is known of a site's days before a question about them is asked, in one round trip: days whose visits are typed
rows, months whose rollups are one row a month, days that are sampled, and from which day on anything is kept."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aggregations.query.periods import Period
from aggregations.query.restrict import VISIT_DAYS
from aggregations.query.sampled import NOT_SAMPLED, ONE, Sampled, SampledDay
from aggregations.query.sites import SiteRow, first_day
from sql.core import queries

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_NO_DAY = dt.date(1970, 1, 1)
_VISITS = "closed_visits"
_HORIZON = "horizon "
ShardDay = tuple[int, dt.date]


@dataclass(frozen=True, slots=True)
class Closed:
    """Visits are closed up to ``until`` but for ``open`` days; ``months`` are closed, as (table, first day).

    It is read before the statement that goes by it: what is closed stays readable when a day is opened again.
    """

    until: dt.date = _NO_DAY
    open: tuple[dt.date, ...] = ()
    months: tuple[tuple[str, dt.date], ...] = ()
    sampled: Sampled = NOT_SAMPLED
    horizons: tuple[tuple[str, dt.date], ...] = ()
    """What retention has removed (events, visits, rollups or a column), and the first day that is whole."""
    imported: tuple[dt.date, dt.date] | None = None
    """First and last day of daily totals from imports that are before the site's first event, where there are any."""

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
    """What is known of a site in these periods, and around them as far as visits reach."""
    given = [span for span in spans if span is not None]
    bound = {
        "site": site.site_id,
        "first": min(span.first for span in given) - VISIT_DAYS,
        "last": max(span.last for span in given) + VISIT_DAYS,
    }
    facts: dict[str, dict[ShardDay, int]] = defaultdict(dict)
    sampled: dict[dt.date, tuple[int, int]] = {}
    for what, shard, day, number, most in client.query(queries.query("closing/of_site"), parameters=bound).result_rows:
        if what == "sampled":
            known = sampled.get(day, (number, most))
            sampled[day] = (min(known[0], number), max(known[1], most))
        else:
            facts[what][shard, day] = number
    days = tuple(SampledDay(day, least / ONE, most / ONE) for day, (least, most) in sorted(sampled.items()))
    imported = _before_events(client, site, {day for _, day in facts.pop("imported", {})})
    kept = [(what, min(facts.pop(what))[1]) for what in list(facts) if what.startswith(_HORIZON)]
    return _closed(
        facts.pop("revised", {}),
        facts,
        Sampled(days),
        tuple((what.removeprefix(_HORIZON), day) for what, day in kept),
        imported,
    )


def _before_events(client: Client, site: SiteRow, days: set[dt.date]) -> tuple[dt.date, dt.date] | None:
    if not days:
        return None
    last = max(days)
    if (began := first_day(client, site)) is not None:
        last = min(last, began - DAY)
    return (min(days), last) if min(days) <= last else None


def _closed(
    revised: Mapping[ShardDay, int],
    held: Mapping[str, Mapping[ShardDay, int]],
    sampled: Sampled,
    horizons: tuple[tuple[str, dt.date], ...],
    imported: tuple[dt.date, dt.date] | None,
) -> Closed:
    """From the last batch that touched each day, and those up to which closed tables hold their days and months.

    What is open on one shard is open.
    """
    visits = held.get(_VISITS, {})
    until = max((day for _, day in visits), default=_NO_DAY)
    months: dict[ShardDay, int] = {}
    for (shard, day), batch in revised.items():
        month = shard, day.replace(day=1)
        months[month] = max(batch, months.get(month, 0))
    days_of: dict[dt.date, list[ShardDay]] = defaultdict(list)
    for at in months:
        days_of[at[1]].append(at)
    return Closed(
        until,
        tuple(sorted({at[1] for at, batch in revised.items() if at[1] <= until and batch > visits.get(at, 0)})),
        tuple(
            (table, month)
            for table, its in held.items()
            if table != _VISITS
            for month in dict.fromkeys(day for _, day in its)
            if month in days_of and all(its.get(at, 0) >= months[at] for at in days_of[month])
        ),
        sampled,
        horizons,
        imported,
    )

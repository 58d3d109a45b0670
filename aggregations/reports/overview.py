"""The headline: visitors, visits, pageviews and what follows from them, beside the period before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aggregations.query.fetch import fetch, scope
from aggregations.query.filters import EXCLUDE_BOTS, Filter

if TYPE_CHECKING:
    import polars as pl
    from clickhouse_connect.driver.client import Client

    from aggregations.query.periods import Period
    from aggregations.query.sites import SiteRow

FIGURES = ("visitors", "visits", "pageviews", "views_per_visit", "bounce_rate", "visit_duration")


def overview(
    client: Client, site: SiteRow, period: Period, only: Filter = EXCLUDE_BOTS, *, raw: bool = False
) -> pl.DataFrame:
    """One row ``current`` and, where there is a period before, one row ``previous``.

    Columns: period, first_day, last_day, and FIGURES (counts; ratios 0..1; seconds; null where no visit).
    ``raw`` counts from raw events instead of rollups and visits.
    """
    import polars as pl

    before = period.previous()
    start = before.first if before else period.first
    found = fetch(
        client, "overview/overview_raw" if raw else "overview/overview", scope(site, period, only, previous_first=start)
    )
    spans = [("current", period)] + ([("previous", before)] if before else [])
    head = pl.DataFrame(
        {
            "period": [name for name, _ in spans],
            "first_day": [span.first for _, span in spans],
            "last_day": [span.last for _, span in spans],
        }
    )
    return pl.concat([head, found.drop("own").head(len(spans))], how="horizontal")

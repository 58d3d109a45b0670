"""Where visitors are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aggregations.query.filters import EXCLUDE_BOTS, Filter
from aggregations.reports.breakdowns import by_dimension

if TYPE_CHECKING:
    import polars as pl
    from clickhouse_connect.driver.client import Client

    from aggregations.query.periods import Period
    from aggregations.query.sites import SiteRow


def countries(
    client: Client,
    site: SiteRow,
    period: Period,
    only: Filter = EXCLUDE_BOTS,
    *,
    limit: int = 10,
    raw: bool = False,
) -> pl.DataFrame:
    """Columns country (ISO 3166-1 alpha-2, empty: unknown), visitors, visits, bounce_rate, visit_duration."""
    return by_dimension(client, "country", site, period, only, limit=limit, raw=raw)

"""Events by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aggregations.query.fetch import fetch, limit_of, scope
from aggregations.query.filters import EXCLUDE_BOTS, Filter

if TYPE_CHECKING:
    import polars as pl
    from clickhouse_connect.driver.client import Client

    from aggregations.query.periods import Period
    from aggregations.query.sites import SiteRow


def events(
    client: Client,
    site: SiteRow,
    period: Period,
    only: Filter = EXCLUDE_BOTS,
    *,
    limit: int = 10,
    raw: bool = False,
) -> pl.DataFrame:
    """Columns event (name), visitors, events, conversion_rate (0..1, of all visitors).

    By visitors, descending; ``limit`` 0 means all.
    """
    return fetch(
        client, "events/names_raw" if raw else "events/names", scope(site, period, only, limit=limit_of(limit))
    )

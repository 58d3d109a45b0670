"""What visitors use: device, browser, operating system."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aggregations.query.filters import EXCLUDE_BOTS, Filter
from aggregations.reports.breakdowns import by_dimension

if TYPE_CHECKING:
    import polars as pl
    from clickhouse_connect.driver.client import Client

    from aggregations.query.periods import Period
    from aggregations.query.sites import SiteRow


def devices(
    client: Client,
    site: SiteRow,
    period: Period,
    only: Filter = EXCLUDE_BOTS,
    *,
    limit: int = 10,
    raw: bool = False,
) -> pl.DataFrame:
    """Columns device, visitors, visits, bounce_rate, visit_duration; see ``by_dimension``."""
    return by_dimension(client, "device", site, period, only, limit=limit, raw=raw)


def browsers(
    client: Client,
    site: SiteRow,
    period: Period,
    only: Filter = EXCLUDE_BOTS,
    *,
    limit: int = 10,
    raw: bool = False,
) -> pl.DataFrame:
    """Columns browser, visitors, visits, bounce_rate, visit_duration; see ``by_dimension``."""
    return by_dimension(client, "browser", site, period, only, limit=limit, raw=raw)


def systems(
    client: Client,
    site: SiteRow,
    period: Period,
    only: Filter = EXCLUDE_BOTS,
    *,
    limit: int = 10,
    raw: bool = False,
) -> pl.DataFrame:
    """Columns os, visitors, visits, bounce_rate, visit_duration; see ``by_dimension``."""
    return by_dimension(client, "os", site, period, only, limit=limit, raw=raw)

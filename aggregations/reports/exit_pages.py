"""Pages on which visits ended, and the share of each page's views that were the last of a visit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aggregations.query.answer import scoped
from aggregations.query.filters import EXCLUDE_BOTS, Filter
from aggregations.query.model import Query
from aggregations.query.sources import VISITS

if TYPE_CHECKING:
    import polars as pl
    from clickhouse_connect.driver.client import Client

    from aggregations.query.periods import Period
    from aggregations.query.sites import SiteRow


def exit_pages(
    client: Client,
    site: SiteRow,
    period: Period,
    only: Filter = EXCLUDE_BOTS,
    *,
    limit: int = 10,
    raw: bool = False,
) -> pl.DataFrame:
    """Columns page, visitors, exits, pageviews, exit_rate (0..1); by exits, descending. ``limit`` 0 means all.

    All of them are of visits that started in the period.
    """
    return of(client, Query(include_bots=only.include_bots, exact=raw, limit=limit), site, period)


def of(client: Client, query: Query, site: SiteRow, period: Period) -> pl.DataFrame:
    """The same of the visits that a question chooses; counts of a sample are those of all."""
    import polars as pl

    found = scoped(client, "pages/exit", query, VISITS, site, period)
    counts = ("visitors", "exits", "pageviews")
    share = query.sample or 1.0
    return found.with_columns((pl.col(name) / share).round().cast(pl.UInt64) for name in counts)

"""Pages: the most visited, those on which visits begin, those on which they end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aggregations.query.fetch import fetch, limit_of, scope
from aggregations.query.filters import EXCLUDE_BOTS, Filter

if TYPE_CHECKING:
    import polars as pl
    from clickhouse_connect.driver.client import Client

    from aggregations.query.periods import Period
    from aggregations.query.sites import SiteRow


def top_pages(
    client: Client,
    site: SiteRow,
    period: Period,
    only: Filter = EXCLUDE_BOTS,
    *,
    limit: int = 10,
    raw: bool = False,
) -> pl.DataFrame:
    """Columns page (path), visitors, pageviews; by visitors, descending. ``limit`` 0 means all."""
    return _pages(client, "pages/top", site, period, only, limit, raw)


def entry_pages(
    client: Client,
    site: SiteRow,
    period: Period,
    only: Filter = EXCLUDE_BOTS,
    *,
    limit: int = 10,
    raw: bool = False,
) -> pl.DataFrame:
    """Columns page, visitors, visits, bounce_rate (0..1), visit_duration (seconds); by visits, descending.

    Visits that started in the period and have a page view. ``limit`` 0 means all.
    """
    return _pages(client, "pages/entry", site, period, only, limit, raw)


def exit_pages(
    client: Client,
    site: SiteRow,
    period: Period,
    only: Filter = EXCLUDE_BOTS,
    *,
    limit: int = 10,
    raw: bool = False,
) -> pl.DataFrame:
    """Columns page, visitors, exits, pageviews, exit_rate (0..1, null without page views).

    By exits, descending; ``limit`` 0 means all.
    """
    return _pages(client, "pages/exit", site, period, only, limit, raw)


def _pages(
    client: Client, query: str, site: SiteRow, period: Period, only: Filter, limit: int, raw: bool
) -> pl.DataFrame:
    return fetch(client, f"{query}_raw" if raw else query, scope(site, period, only, limit=limit_of(limit)))

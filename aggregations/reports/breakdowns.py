"""Visits by what their first event said. A later event of a visit never changes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aggregations.query.fetch import fetch, limit_of, scope
from aggregations.query.filters import EXCLUDE_BOTS, Filter

if TYPE_CHECKING:
    import polars as pl
    from clickhouse_connect.driver.client import Client

    from aggregations.query.periods import Period
    from aggregations.query.sites import SiteRow


def by_dimension(
    client: Client,
    dimension: str,
    site: SiteRow,
    period: Period,
    only: Filter = EXCLUDE_BOTS,
    *,
    limit: int = 10,
    raw: bool = False,
    empty: bool = True,
) -> pl.DataFrame:
    """Columns: the ``dimension`` (a member of `visits.first`), visitors, visits, bounce_rate, visit_duration.

    One row a value, by visitors, descending; ``empty`` keeps visits that have none, ``limit`` 0 means all.
    """
    bound = scope(site, period, only, dimension=dimension, empty=empty, limit=limit_of(limit))
    return fetch(client, "visits/breakdown_raw" if raw else "visits/breakdown", bound).rename({"value": dimension})

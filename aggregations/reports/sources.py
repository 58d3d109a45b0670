"""Where visits come from: source, channel, campaign tags."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from aggregations.query.filters import EXCLUDE_BOTS, Filter
from aggregations.reports.breakdowns import by_dimension

if TYPE_CHECKING:
    import polars as pl
    from clickhouse_connect.driver.client import Client

    from aggregations.query.periods import Period
    from aggregations.query.sites import SiteRow


class Tag(StrEnum):
    """A campaign tag of the landing address."""

    CAMPAIGN = "utm_campaign"
    SOURCE = "utm_source"
    MEDIUM = "utm_medium"
    TERM = "utm_term"
    CONTENT = "utm_content"


def sources(
    client: Client,
    site: SiteRow,
    period: Period,
    only: Filter = EXCLUDE_BOTS,
    *,
    limit: int = 10,
    raw: bool = False,
) -> pl.DataFrame:
    """Columns source, visitors, visits, bounce_rate, visit_duration; see ``by_dimension``."""
    return by_dimension(client, "source", site, period, only, limit=limit, raw=raw)


def channels(
    client: Client,
    site: SiteRow,
    period: Period,
    only: Filter = EXCLUDE_BOTS,
    *,
    limit: int = 10,
    raw: bool = False,
) -> pl.DataFrame:
    """Columns channel, visitors, visits, bounce_rate, visit_duration; see ``by_dimension``."""
    return by_dimension(client, "channel", site, period, only, limit=limit, raw=raw)


def campaigns(
    client: Client,
    site: SiteRow,
    period: Period,
    only: Filter = EXCLUDE_BOTS,
    *,
    tag: Tag = Tag.CAMPAIGN,
    limit: int = 10,
    raw: bool = False,
) -> pl.DataFrame:
    """Columns named as ``tag``, visitors, visits, bounce_rate, visit_duration.

    Visits without the tag are left out.
    """
    return by_dimension(client, tag.value, site, period, only, limit=limit, raw=raw, empty=False)

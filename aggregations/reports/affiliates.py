"""What affiliates brought: clicks, and conversions as postbacks told them."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from aggregations.query.fetch import fetch

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl
    from clickhouse_connect.driver.client import Client

    from aggregations.query.periods import Period
    from aggregations.query.sites import SiteRow


def report(
    client: Client,
    site: SiteRow,
    period: Period,
    patterns: Mapping[str, list[str] | list[int]],
    *,
    first_click: bool = False,
) -> pl.DataFrame:
    """One row a partner and currency, by revenue: partner ('': no click was found), clicks (of the partner),
    conversions, approved, pending, reversed, approval_rate (0..1 of those decided, null: none), currency, payout and
    revenue (without what was reversed), time_to_convert (median, seconds, null: no click).

    ``patterns`` are those of the site's affiliate URLs, as lists. A conversion is of the last click within the
    window, or with ``first_click`` of the first.
    """
    longest = dt.timedelta(seconds=max((int(each) for each in patterns["windows"]), default=0))
    bound = {
        "site": site.site_id,
        "zone": site.timezone,
        "first": period.first,
        "last": period.last,
        "since": period.first - longest - dt.timedelta(days=1),
        "first_click": first_click,
        **patterns,
    }
    return fetch(client, "affiliates/report", bound)

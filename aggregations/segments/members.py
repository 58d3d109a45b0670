"""Who belongs to a segment as of its last refresh, and how that came about."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from aggregations.query import members
from aggregations.query.answer import fetched
from aggregations.query.fetch import fetch
from aggregations.query.statement import NO_LIMIT, Statement
from aggregations.segments.evaluate import Population
from sql.compose import with_first
from sql.core.errors import UsageError
from sql.core.queries import query

if TYPE_CHECKING:
    import polars as pl
    from clickhouse_connect.driver.client import Client

    from aggregations.query.conditions import Condition
    from aggregations.query.sites import SiteRow

MAX_PARTS = 10


def parse_split(text: str) -> list[int]:
    """The ends of the parts of a split such as 50/50, in percent; empty: one part. Raises UsageError."""
    shares = [int(share) if share.isdigit() else 0 for share in text.split("/")] if text else []
    if text and (not 2 <= len(shares) <= MAX_PARTS or not all(shares) or sum(shares) != 100):
        raise UsageError(f"not a split: {text!r}", f"2 to {MAX_PARTS} shares that make 100, such as 50/50 or 80/10/10")
    return [sum(shares[: place + 1]) for place in range(len(shares))]


def current(client: Client, site: SiteRow, segment: str, limit: int, ends: list[int]) -> pl.DataFrame:
    """Members of a segment, those who entered last first: visitor_id, entered_at (UTC), part (from 1; 0: no split).

    ``ends`` are those of the parts. Raises UsageError where the segment was never refreshed.
    """
    members.find(client, site, [members.named(segment)])
    bound = {"site": site.site_id, "segment": segment, "limit": limit or NO_LIMIT, "ends": ends}
    return fetch(client, "segments/shown", bound)


def preview(client: Client, of: Population, asked: Condition, limit: int) -> pl.DataFrame:
    """Visitors who belong to a segment now, those who were seen last first: visitor_id, first_seen, last_seen, visits,
    events and revenue. Raises UsageError."""
    import polars as pl

    told = of.statement([asked])
    if told is None:
        return pl.DataFrame(schema={"visitor_id": pl.UInt64})
    bound = {"site": of.site.site_id, "limit": limit or NO_LIMIT, "moment": of.moment}
    text = with_first("members", told.text, query("segments/preview"))
    return fetched(client, Statement(text, told.values | bound, told.settings))


def refreshes(client: Client, site: SiteRow, segment: str = "", limit: int = 100) -> pl.DataFrame:
    """Refreshes, the newest first: segment, at (UTC), version of the definition, members, entered, left."""
    return fetch(client, "segments/refreshes", {"site": site.site_id, "segment": segment, "limit": limit or NO_LIMIT})


def difference(
    client: Client, site: SiteRow, segment: str, since: dt.datetime, until: dt.datetime, limit: int
) -> pl.DataFrame:
    """Visitors who belong at only one of two moments: visitor_id, change (entered or left), at (of the last change).

    Raises UsageError where the segment was never refreshed.
    """
    members.find(client, site, [members.named(segment)])
    moments = {name: int(at.timestamp() * 1000) for name, at in (("since", since), ("until", until))}
    bound = {"site": site.site_id, "segment": segment, "limit": limit or NO_LIMIT, **moments}
    return fetch(client, "segments/difference", bound)

"""Figures over time, by local day or local hour, quiet ones included."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from aggregations.query.fetch import fetch, scope
from aggregations.query.filters import EXCLUDE_BOTS, Filter
from sql.core.errors import EngineError, UsageError

if TYPE_CHECKING:
    import polars as pl
    from clickhouse_connect.driver.client import Client

    from aggregations.query.periods import Period
    from aggregations.query.sites import SiteRow

MAX_HOURLY_DAYS = 62
COUNTS = ("visitors", "visits", "pageviews")


class Step(StrEnum):
    """How long one point of a series is."""

    HOUR = "hour"
    DAY = "day"


def series(
    client: Client,
    site: SiteRow,
    period: Period,
    step: Step = Step.DAY,
    only: Filter = EXCLUDE_BOTS,
    *,
    raw: bool = False,
) -> pl.DataFrame:
    """One row a day (column ``day``, a date) or an hour (column ``hour``), ascending, none left out.

    ``hour`` is ISO 8601 text with its offset, since an hour can come twice. Further columns: visitors,
    visits, pageviews, bounce_rate (0..1), visit_duration (seconds); rates are null where no visit started.
    Raises UsageError for hours over more than 62 days.
    """
    return _by_day(client, site, period, only, raw) if step is Step.DAY else _by_hour(client, site, period, only, raw)


def _by_day(client: Client, site: SiteRow, period: Period, only: Filter, raw: bool) -> pl.DataFrame:
    import polars as pl

    found = fetch(client, "overview/by_day_raw" if raw else "overview/by_day", scope(site, period, only))
    days = pl.DataFrame({"day": period.dates()}, schema={"day": pl.Date})
    return _filled(days, found, ["day"])


def _by_hour(client: Client, site: SiteRow, period: Period, only: Filter, raw: bool) -> pl.DataFrame:
    import polars as pl

    if period.days > MAX_HOURLY_DAYS:
        raise UsageError(f"{period.days} days by hour are too many", f"at most {MAX_HOURLY_DAYS}, or use --by day")
    starts = period.hours()
    moments = [int(start.timestamp()) for start in starts]
    bound = scope(site, period, only, starts=moments, until=int(period.end.timestamp()))
    found = fetch(client, "overview/by_hour_raw" if raw else "overview/by_hour", bound).cast({"start": pl.Int64})
    if not found.filter(pl.col("start") == 0).is_empty():
        raise EngineError(
            f"some events of {site.domain} have a local date that their time does not have in {period.zone}",
            "they were stored under other time zone data; use --by day, and see `footfall doctor`",
        )
    hours = pl.DataFrame(
        {"hour": [start.replace(minute=0).isoformat(timespec="minutes") for start in starts], "start": moments},
        schema={"hour": pl.String, "start": pl.Int64},
    )
    return _filled(hours, found, ["start"]).drop("start")


def _filled(steps: pl.DataFrame, found: pl.DataFrame, on: list[str]) -> pl.DataFrame:
    import polars as pl

    joined = steps.join(found, on=on, how="left", maintain_order="left")
    return joined.with_columns(pl.col(COUNTS).fill_null(0))

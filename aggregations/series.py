"""Figures over time, by local day or local hour, quiet ones included."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from aggregations.filters import PEOPLE, Filter
from aggregations.frames import fetch, scope
from sql.errors import UsageError

if TYPE_CHECKING:
    import polars as pl
    from clickhouse_connect.driver.client import Client

    from aggregations.periods import Period
    from aggregations.sites import SiteRow

MOST_HOURLY_DAYS = 62
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
    only: Filter = PEOPLE,
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

    found = fetch(client, "series_day_raw" if raw else "series_day", scope(site, period, only))
    days = pl.DataFrame({"day": period.dates()}, schema={"day": pl.Date})
    return _filled(days, found, ["day"])


def _by_hour(client: Client, site: SiteRow, period: Period, only: Filter, raw: bool) -> pl.DataFrame:
    import polars as pl

    if period.days > MOST_HOURLY_DAYS:
        raise UsageError(f"{period.days} days by hour are too many", f"at most {MOST_HOURLY_DAYS}, or use --by day")
    found = fetch(client, "series_hour_raw" if raw else "series_hour", scope(site, period, only, zone=period.zone))
    keys = ["day", "hour", "shift"]
    found = found.cast({"day": pl.Date, "hour": pl.Int64, "shift": pl.Int64})
    starts = period.hours()
    hours = pl.DataFrame(
        {
            "at": [start.isoformat(timespec="minutes") for start in starts],
            "day": [start.date() for start in starts],
            "hour": [start.hour for start in starts],
            "shift": [int(offset.total_seconds()) for start in starts if (offset := start.utcoffset()) is not None],
        },
        schema={"at": pl.String, "day": pl.Date, "hour": pl.Int64, "shift": pl.Int64},
    )
    return _filled(hours, found, keys).drop(keys).rename({"at": "hour"})


def _filled(steps: pl.DataFrame, found: pl.DataFrame, on: list[str]) -> pl.DataFrame:
    import polars as pl

    joined = steps.join(found, on=on, how="left", maintain_order="left")
    return joined.with_columns(pl.col(COUNTS).fill_null(0))

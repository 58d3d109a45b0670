"""Figures over time, quiet hours and days included."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from aggregations.query.filters import EXCLUDE_BOTS, Filter

if TYPE_CHECKING:
    import polars as pl
    from clickhouse_connect.driver.client import Client

    from aggregations.query.model import Query
    from aggregations.query.periods import Period
    from aggregations.query.sites import SiteRow

FIGURES = ("visitors", "visits", "pageviews", "bounce_rate", "visit_duration")


class Interval(StrEnum):
    """How long one point of a series is, in the site's local time. Weeks begin on Monday."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


def series(
    client: Client,
    site: SiteRow,
    period: Period,
    step: Interval = Interval.DAY,
    only: Filter = EXCLUDE_BOTS,
    *,
    raw: bool = False,
) -> pl.DataFrame:
    """One row a point, ascending, none left out: ``day``, ``week`` and ``month`` are dates, of weeks their Monday.

    ``hour`` is ISO 8601 text with its offset, since an hour can come twice. Further columns: visitors, visits,
    pageviews, bounce_rate (0..1), visit_duration (seconds); rates are null where no visit started.
    Raises UsageError for hours over more than 62 days.
    """
    from aggregations.query.answer import answer, ask

    return answer(client, ask(client, query(step, include_bots=only.include_bots, exact=raw), site, period))


def query(step: Interval = Interval.DAY, **given: object) -> Query:
    """The question that it stands for."""
    from aggregations.query.model import Query

    return Query(**({"metrics": FIGURES, "dimensions": (f"time:{step}",), "limit": 0} | given))  # type: ignore[arg-type]

"""The headline: visitors, visits, pageviews and what follows from them, next to another period."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aggregations.query.answer import Asked, answer, ask
from aggregations.query.filters import EXCLUDE_BOTS, Filter
from aggregations.query.model import Query

if TYPE_CHECKING:
    import polars as pl
    from clickhouse_connect.driver.client import Client

    from aggregations.query.periods import Period
    from aggregations.query.sites import SiteRow

FIGURES = ("visitors", "visits", "pageviews", "views_per_visit", "bounce_rate", "visit_duration")
QUERY = Query(metrics=FIGURES, compare="previous")


def overview(
    client: Client, site: SiteRow, period: Period, only: Filter = EXCLUDE_BOTS, *, raw: bool = False
) -> pl.DataFrame:
    """Two rows, the period's own and the one before it; one where nothing can lie before. See ``of``."""
    query = Query(metrics=FIGURES, include_bots=only.include_bots, exact=raw)
    return of(client, ask(client, query, site, period, period.previous()))


def of(client: Client, asked: Asked) -> pl.DataFrame:
    """One row a period: period (``current``, ``previous``), first_day, last_day, and the metrics asked for.

    Counts; ratios 0..1; seconds; null where there was no visit.
    """
    import polars as pl

    found = answer(client, asked)
    names = asked.query.metrics
    rows = [found.select(names)]
    spans = [("current", asked.period)]
    if asked.before is not None:
        rows.append(found.select(pl.col(f"{name}_previous").alias(name) for name in names))
        spans.append(("previous", asked.before))
    head = pl.DataFrame(
        {
            "period": [name for name, _ in spans],
            "first_day": [span.first for _, span in spans],
            "last_day": [span.last for _, span in spans],
        }
    )
    return head.hstack(pl.concat(rows))

"""What the goals of a site were worth: how many visitors converted, how often, and for how much."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from aggregations.query import goals
from aggregations.query.answer import Asked, about, answer
from aggregations.query.metrics import METRICS, Unit

if TYPE_CHECKING:
    import polars as pl
    from clickhouse_connect.driver.client import Client

FIGURES = ("conversions", "completions", "conversion_rate", "goal_revenue")


def of(client: Client, asked: Asked) -> pl.DataFrame:
    """One row a goal of the site, by name: goal, conversions, completions, conversion_rate (0..1, null where there are
    no visitors), goal_revenue."""
    import polars as pl

    rows = [_row(client, asked, name, goal) for name, goal in goals.every(client, asked.site).items()]
    kinds = {name: pl.UInt64 if METRICS[name].unit is Unit.COUNT else pl.Float64 for name in FIGURES}
    return pl.concat(rows) if rows else pl.DataFrame(schema={"goal": pl.String, **kinds})


def _row(client: Client, asked: Asked, name: str, goal: goals.Goal) -> pl.DataFrame:
    import polars as pl

    query = msgspec.structs.replace(asked.query, metrics=FIGURES, goal=name)
    found = answer(client, about(query, asked.site, asked.period, None, asked.closed, goals.condition(goal)))
    return found.select(pl.lit(name).alias("goal"), *FIGURES)

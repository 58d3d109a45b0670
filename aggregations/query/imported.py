"""Daily totals of imports in answers: added to days before the site's first event, and said in a line.

Nobody can be told apart in totals, so they are added where a question can be answered by sums alone: of a whole site,
by one dimension or by time, without conditions. Visitors of several days are added up, too.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from msgspec.structs import replace

from aggregations.query import buckets, metrics
from aggregations.query.conditions import Comparison, Operator
from aggregations.query.metrics import Unit
from aggregations.query.model import Query
from aggregations.query.periods import Period
from aggregations.query.sites import SiteRow, first_day
from sql.core import queries

if TYPE_CHECKING:
    import polars as pl
    from clickhouse_connect.driver.client import Client

Days = tuple[dt.date, dt.date]
_COUNTS = ("visitors", "visits", "pageviews")
# Ratios, and what of a day divided by its visits they are.
_PER_VISIT = {"views_per_visit": "pageviews", "bounce_rate": "bounces", "visit_duration": "seconds"}
_SUMS = (*_COUNTS, "bounces", "seconds")
_TIMES = ("time:day", "time:week", "time:month")
# Dimensions that there are totals of, and the metrics that they have.
_ALL = (*_COUNTS, *_PER_VISIT)
_DIMENSIONS = {
    **dict.fromkeys(
        (
            "source", "channel", "utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "entry_page",
            "country", "device", "browser", "os",
        ),
        _ALL,
    ),
    "page": _COUNTS,
}  # fmt: skip


def earliest(client: Client, site: SiteRow) -> dt.date | None:
    """The first local day with an event or with daily totals, or None where there is none."""
    day, found = client.query(queries.query("imported_days/first_day"), parameters={"site": site.site_id}).result_rows[
        0
    ]
    return min(filter(None, (first_day(client, site), day if found else None)), default=None)


def why_not(query: Query, before: Period | None) -> str:
    """Why daily totals cannot be part of an answer; '' where they can."""
    if query.exact:
        return "raw events are asked for"
    if query.funnel or query.goal or query.segment or query.having or query.sample or not _is_plain(query):
        return "they cannot be filtered"
    times = [name for name in query.dimensions if name in _TIMES]
    known = _ALL if not query.dimensions or times else _DIMENSIONS.get(query.dimensions[0])
    if len(query.dimensions) > 1 or known is None:
        return f"they are not counted by {' and '.join(query.dimensions)}"
    if missing := [name for name in query.metrics if name not in known]:
        return f"they have no {', '.join(missing)}"
    return "points of time cannot be compared" if times and before else ""


def within(days: Days | None, period: Period | None) -> Days | None:
    """What of the days lies in a period."""
    if days is None or period is None:
        return None
    first, last = max(days[0], period.first), min(days[1], period.last)
    return (first, last) if first <= last else None


def wide(query: Query) -> Query:
    """The question with all that its answer is made of, and every row."""
    more = [name for ratio in query.metrics if ratio in _PER_VISIT for name in ("visits", "pageviews")]
    wanted = [name for name in more if name != "pageviews" or "views_per_visit" in query.metrics]
    return replace(query, metrics=tuple(dict.fromkeys((*query.metrics, *wanted))), sort=(), limit=0)


def added(
    client: Client, query: Query, site: SiteRow, spans: tuple[Days | None, Days | None], live: pl.DataFrame
) -> pl.DataFrame:
    """An answer to ``wide(query)`` with the totals of both periods' days, as ``query`` wants it."""
    import polars as pl

    key = query.dimensions[0].removeprefix("time:") if query.dimensions else "all"
    timed = bool(query.dimensions) and query.dimensions[0] in _TIMES
    frame = live if query.dimensions else live.with_columns(pl.lit("").alias(key))
    kinds = frame.schema
    for side, days in zip(("", "_previous"), spans, strict=True):
        names = [name for name in wide(query).metrics if f"{name}{side}" in live.columns]
        if not names:
            continue
        frame = frame.with_columns(_sums(names, side))
        if days is not None:
            brought = _brought(client, query, site, days, key, timed)
            brought = brought.rename({name: f"i_{name}" for name in _SUMS})
            how = "left" if timed else "full"
            frame = frame.join(brought, on=key, how=how, coalesce=True, maintain_order="left")  # type: ignore[arg-type]
            frame = frame.with_columns(
                (pl.col(f"s_{name}{side}").fill_null(0) + pl.col(f"i_{name}").fill_null(0)).alias(f"s_{name}{side}")
                for name in _SUMS
            ).drop(f"i_{name}" for name in _SUMS)
        frame = frame.with_columns(_figure(name, side).cast(kinds[f"{name}{side}"]) for name in names)
    columns = [name for name in live.columns if _is_of(name, query)]
    return _ordered(frame, query, timed).select(columns)


def _sums(names: list[str], side: str) -> list[pl.Expr]:
    """What the figures of a side are made of, as sums."""
    import polars as pl

    made = []
    for name in _SUMS:
        ratio = next((each for each, of in _PER_VISIT.items() if of == name and each in names), None)
        if name in names:
            sums = pl.col(f"{name}{side}").cast(pl.Float64)
        elif ratio is not None:
            sums = pl.col(f"{ratio}{side}") * pl.col(f"visits{side}").cast(pl.Float64)
        else:
            sums = pl.lit(0.0)
        made.append((sums if name == "seconds" else sums.round()).fill_null(0).alias(f"s_{name}{side}"))
    return made


def _figure(name: str, side: str) -> pl.Expr:
    import polars as pl

    if name not in _PER_VISIT:
        return pl.col(f"s_{name}{side}").fill_null(0).alias(f"{name}{side}")
    visits = pl.col(f"s_visits{side}")
    return pl.when(visits > 0).then(pl.col(f"s_{_PER_VISIT[name]}{side}") / visits).alias(f"{name}{side}")


def _brought(client: Client, query: Query, site: SiteRow, days: Days, key: str, timed: bool) -> pl.DataFrame:
    """Sums of imported days by the question's dimension: column ``key``, then ``_SUMS``."""
    import polars as pl

    bound = {"site": site.site_id, "first": days[0], "last": days[1]}
    if timed:
        rows = client.query(queries.query("imported_days/by_day"), parameters=bound).result_rows
        rows = [(_point(row[0], key), *row[1:]) for row in rows]
    else:
        dimension = query.dimensions[0] if query.dimensions else ""
        bound["dimension"] = dimension
        rows = client.query(queries.query("imported_days/totals"), parameters=bound).result_rows
        if query.where is not None or dimension in ("page", "entry_page"):
            rows = [row for row in rows if row[0]]
    kinds = {key: pl.Date if timed else pl.String, **dict.fromkeys(_SUMS, pl.Float64)}
    return pl.DataFrame(rows, kinds, orient="row").group_by(key).sum()


def _point(day: dt.date, unit: str) -> dt.date:
    return buckets.monday(day) if unit == "week" else day.replace(day=1) if unit == "month" else day


def _ordered(frame: pl.DataFrame, query: Query, timed: bool) -> pl.DataFrame:
    """In the order that the statement has, and no more rows than wanted."""
    if not query.dimensions or (timed and not query.sort):
        return frame
    given = {name.removeprefix("time:"): how for name, how in query.sort} or {query.metrics[0]: "desc"}
    counts = [name for name in query.metrics if metrics.find(name).unit is Unit.COUNT and name not in given]
    keys = [name.removeprefix("time:") for name in query.dimensions if name.removeprefix("time:") not in given]
    downwards = [how == "desc" for how in given.values()] + [True] * len(counts) + [False] * len(keys)
    ordered = frame.sort([*given, *counts, *keys], descending=downwards, nulls_last=True)
    return ordered.head(query.limit) if query.limit else ordered


def _is_of(column: str, query: Query) -> bool:
    """Whether a column of the wide answer is one of the question's; what changed follows from them."""
    name = column.removesuffix("_previous")
    return not column.endswith("_change") and (name not in wide(query).metrics or name in query.metrics)


def _is_plain(query: Query) -> bool:
    """Whether a question has no condition but that its dimension has a value."""
    return query.where is None or (
        len(query.dimensions) == 1 and query.where == Comparison(query.dimensions[0], Operator.EXISTS)
    )

"""Every report, and what the oracle says to the same question."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import polars as pl

from aggregations.definitions import funnels
from aggregations.query.answer import ask
from aggregations.query.filters import Filter
from aggregations.query.model import Query
from aggregations.query.periods import Period
from aggregations.query.sites import SiteRow
from aggregations.reports import detected, goals, left_out, overview, reached, timeseries
from aggregations.reports.ranked import RANKED, Tag, campaigns
from tests.aggregations.answers import Rows, differences, rows_of
from tests.aggregations.goals import GOALS
from tests.oracle.clock import previous
from tests.oracle.condition import Condition
from tests.oracle.funnel import Funnel, Step
from tests.oracle.oracle import Oracle

# By name the steps as a person writes them. Of the second, one event matches several.
FUNNELS = {
    "checkout": ("/product/*", "add_to_cart", "purchase"),
    "narrower": ("page_view", "/product/*", "/product/1"),
}
OF_FUNNELS = ("visitors", "from_previous", "from_first", "time_from_previous")
OF_VISITS = ("visitors", "visits", "bounce_rate", "visit_duration")
OVER_TIME = ("visitors", "visits", "pageviews", "bounce_rate", "visit_duration")
REVIEWED = ("event", "kind", "detected", "confidence", "rule", "selector", "text", "override")
LOOKED_AT = ("events", "visitors", "last_seen")


@dataclass(frozen=True, slots=True)
class Question:
    """``said(client, site, period, only)`` is what the report says, ``true(oracle, period, only)`` what is so. Where it
    can be asked of raw events too, ``said`` takes ``raw``."""

    said: Callable[..., Rows]
    true: Callable[[Oracle, Period, Filter], Rows]
    raw: bool = True


def disagreements(
    client: Any, site: SiteRow, oracle: Oracle, period: Period, only: Filter, names: Iterable[str]
) -> list[str]:
    """What these reports say otherwise than the oracle, from rollups and from raw events."""
    found = []
    for name in names:
        asked = QUESTIONS[name]
        true = asked.true(oracle, period, only)
        for more in ({"raw": False}, {"raw": True}) if asked.raw else ({},):
            said = asked.said(client, site, period, only, **more)
            found += [f"{name} {more}: {wrong}" for wrong in differences(said, true)]
    return found


def _table(
    ask: Callable[..., pl.DataFrame],
    keys: dict[str, str],
    figures: dict[str, str],
    by: str = "",
    where: Sequence[Condition] = (),
    raw: bool = True,
) -> Question:
    """A report whose columns are ``keys`` and ``figures``, each with the name that the oracle has for it."""

    def said(*args: Any, **more: Any) -> Rows:
        return rows_of(ask(*args, **more), list(keys), list(figures), by)

    def true(oracle: Oracle, period: Period, only: Filter) -> Rows:
        rows = oracle.query(
            metrics=[*figures.values()],
            dimensions=[*keys.values()],
            where=where,
            period=(period.first, period.last),
            include_bots=only.include_bots,
        )
        return {
            tuple(row[name] for name in keys.values()): {name: row[its] for name, its in figures.items()}
            for row in rows
        }

    return Question(said, true, raw)


def _named(*names: str, **others: str) -> dict[str, str]:
    return {name: name for name in names} | others


def _whole(ask: Callable[..., pl.DataFrame], **more: Any) -> Callable[..., pl.DataFrame]:
    return lambda *args, **rest: ask(*args, limit=0, **more, **rest)


def _by_first_event(ask: Callable[..., pl.DataFrame], dimension: str) -> Question:
    return _table(_whole(ask), _named(dimension), _named(*OF_VISITS), "visitors")


def _by_tag(tag: Tag) -> Question:
    ask, where = _whole(campaigns(tag).rows), [Condition(tag.value, bool)]
    return _table(ask, _named(tag.value), _named(*OF_VISITS), "visitors", where)


def _over_time(step: timeseries.Interval) -> Question:
    def ask(client: Any, site: SiteRow, period: Period, only: Filter, **more: Any) -> pl.DataFrame:
        return timeseries.series(client, site, period, step, only, **more)

    return _table(ask, {step.value: f"time:{step.value}"}, _named(*OVER_TIME))


def _headline(*args: Any, **more: Any) -> Rows:
    return rows_of(overview.overview(*args, **more), ["period", "first_day", "last_day"], overview.FIGURES)


def _true_headline(oracle: Oracle, period: Period, only: Filter) -> Rows:
    own = (period.first, period.last)
    found: Rows = {}
    for name, days in (("current", own), ("previous", previous(own))):
        [found[name, *days]] = oracle.query(
            metrics=overview.FIGURES, period=days, include_bots=only.include_bots
        )  # fmt: skip
    return found


def _funnel(name: str) -> Question:
    steps = [Step(text) for text in FUNNELS[name]]

    def said(client: Any, site: SiteRow, period: Period, only: Filter) -> Rows:
        asked = Query(include_bots=only.include_bots)
        found = reached.report(client, funnels.find(client, site, name), asked, site, period)
        return rows_of(found.rows, ["step", "event", "path"], list(OF_FUNNELS))

    def true(oracle: Oracle, period: Period, only: Filter) -> Rows:
        found = oracle.funnel(Funnel(steps), (period.first, period.last), include_bots=only.include_bots)
        rows = figures_of_funnel(found.get("", [(Fraction(0), None)] * len(steps)))
        return {(at + 1, steps[at].name, steps[at].path): row for at, row in enumerate(rows)}

    return Question(said, true, raw=False)


def figures_of_funnel(reached: Sequence[tuple[Fraction, float | None]]) -> list[dict[str, Any]]:
    """By step, from its visitors and the median time to it."""
    counts = [count for count, _ in reached]
    return [
        {
            "visitors": round(count),
            "from_previous": float(count / counts[at - 1]) if at and counts[at - 1] else None,
            "from_first": float(count / counts[0]) if counts[0] else None,
            "time_from_previous": median,
        }
        for at, (count, median) in enumerate(reached)
    ]


def _goals(client: Any, site: SiteRow, period: Period, only: Filter, raw: bool = False) -> Rows:
    asked = ask(client, Query(include_bots=only.include_bots, exact=raw), site, period)
    return rows_of(goals.of(client, asked), ["goal"], goals.FIGURES)


def _true_goals(oracle: Oracle, period: Period, only: Filter) -> Rows:
    found: Rows = {}
    for name, (_, goal) in GOALS.items():
        [found[(name,)]] = oracle.query(
            metrics=goals.FIGURES, period=(period.first, period.last), include_bots=only.include_bots, goal=goal
        )
    return found


def _footnote(client: Any, site: SiteRow, period: Period, only: Filter, raw: bool = False) -> Rows:
    left = left_out.bots(client, ask(client, Query(include_bots=only.include_bots, exact=raw), site, period))
    return {(): {"events": left.events, "pageviews": left.pageviews}}


def _true_footnote(oracle: Oracle, period: Period, only: Filter) -> Rows:
    if only.include_bots:
        return {(): {"events": 0, "pageviews": 0}}
    own, flagged = (period.first, period.last), [Condition("bot", bool)]
    [row] = oracle.query(metrics=["events", "pageviews"], where=flagged, period=own, include_bots=True)
    return {(): row}


def _review(client: Any, site: SiteRow, period: Period, only: Filter) -> pl.DataFrame:
    """Without its example page; moments are ms since 1970 UTC, and where there is no override its name is empty."""
    query = Query(include_bots=only.include_bots, limit=0)
    found = detected.review(client, query, site, period).rename({"name": "event"})
    found = found.with_columns(pl.col("last_seen").dt.epoch("ms"), pl.col("override").fill_null(""))
    return found.select(*REVIEWED, *LOOKED_AT)


_FIRST = {
    "sources": _by_first_event(RANKED["sources"].rows, "source"),
    "channels": _by_first_event(RANKED["channels"].rows, "channel"),
    "countries": _by_first_event(RANKED["countries"].rows, "country"),
    "devices": _by_first_event(RANKED["devices"].rows, "device"),
    "browsers": _by_first_event(RANKED["browsers"].rows, "browser"),
    "systems": _by_first_event(RANKED["systems"].rows, "os"),
    **{f"campaigns:{tag.value}": _by_tag(tag) for tag in Tag},
}
BY_FIRST_EVENT = list(_FIRST)
# By the command that shows it, and what more it is told.
QUESTIONS = {
    "overview": Question(_headline, _true_headline),
    "timeseries:day": _over_time(timeseries.Interval.DAY),
    "timeseries:hour": _over_time(timeseries.Interval.HOUR),
    "pages": _table(_whole(RANKED["pages"].rows), _named("page"), _named("visitors", "pageviews"), "visitors"),
    "entry-pages": _table(_whole(RANKED["entry-pages"].rows), _named(page="entry_page"), _named(*OF_VISITS), "visits"),
    "exit-pages": _table(
        _whole(RANKED["exit-pages"].rows),
        _named(page="exit_page"),
        _named("visitors", "exits", pageviews="exit_page_views", exit_rate="exit_rate"),
        "exits",
    ),
    **_FIRST,
    "events": _table(
        _whole(RANKED["events"].rows), _named("event"), _named("visitors", "events", "visitor_share"), "visitors"
    ),
    **{f"funnel:{name}": _funnel(name) for name in FUNNELS},
    "detected": _table(
        _whole(RANKED["detected"].rows),
        _named("kind"),
        _named("visitors", "events", "visits", "reviewed"),
        "visitors",
        [Condition("kind", lambda kind: kind not in {None, detected.NONE})],
    ),
    "detected:review": _table(
        _review, _named(*REVIEWED), _named(*LOOKED_AT), where=[Condition("kind", bool)], raw=False
    ),
    "goals": Question(_goals, _true_goals),
    "footnote": Question(_footnote, _true_footnote),
}  # fmt: skip
REPORTS = {name.partition(":")[0] for name in QUESTIONS} - {"footnote"}

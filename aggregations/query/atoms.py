"""What metrics are made of: sums and distinct counts, with their text on each source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aggregations.query.sources import DAILY_EVENTS, DAILY_PAGES, EVENTS, VISITS, Level, Source


@dataclass(frozen=True, slots=True)
class Atom:
    """``level`` is whose rows it counts where a question names no dimension of either level.

    ``whole``: it is counted without dimensions, and without conditions of events. ``goal``: of rows are counted those
    whose visit completed the question's goal; ``g`` says how often, and with which revenue.
    """

    name: str
    level: Level
    on: Mapping[Source, str]
    whole: bool = False
    goal: bool = False


_DISTINCT = "count(distinct s.visitor_id)"
_MERGED = "uniqMerge(s.visitors)"
_ALL = (
    Atom("visitors", Level.EVENT, {
        DAILY_EVENTS: _MERGED, DAILY_PAGES: _MERGED, VISITS: _DISTINCT, EVENTS: _DISTINCT,
    }),
    Atom("everyone", Level.EVENT, {DAILY_EVENTS: _MERGED, VISITS: _DISTINCT, EVENTS: _DISTINCT}, True),
    Atom("visits", Level.VISIT, {VISITS: "count()", EVENTS: "count(distinct s.visit_id)"}),
    Atom("pageviews", Level.EVENT, {
        DAILY_EVENTS: "sumIf(s.events, s.name = 'page_view')", DAILY_PAGES: "sum(s.pageviews)",
        VISITS: "sum(s.pageviews)", EVENTS: "countIf(s.name = 'page_view')",
    }),
    Atom("events", Level.EVENT, {DAILY_EVENTS: "sum(s.events)", VISITS: "sum(s.events)", EVENTS: "count()"}),
    Atom("revenue", Level.EVENT, {
        DAILY_EVENTS: "toFloat64(sum(s.revenue))", VISITS: "toFloat64(sum(s.revenue))",
        EVENTS: "toFloat64(sum(toDecimal128(s.revenue, 4)))",
    }),
    Atom("engaged", Level.VISIT, {VISITS: "sum(s.engagement_ms) / 1000", EVENTS: "sum(s.engagement_ms) / 1000"}),
    Atom("bounces", Level.VISIT, {VISITS: "countIf(s.bounce)"}),
    # In whole milliseconds: a sum of fractions depends on its order.
    Atom("seconds", Level.VISIT, {VISITS: "sum(toUInt64(round(s.duration * 1000))) / 1000"}),
    Atom("conversions", Level.VISIT, {VISITS: _DISTINCT, EVENTS: _DISTINCT}, goal=True),
    Atom("completions", Level.VISIT, {VISITS: "sum(g.completions)"}, goal=True),
    Atom("goal_revenue", Level.VISIT, {VISITS: "sum(g.revenue)"}, goal=True),
)  # fmt: skip
ATOMS: dict[str, Atom] = {atom.name: atom for atom in _ALL}

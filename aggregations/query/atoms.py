"""What metrics are made of: sums and distinct counts, with their text on each source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from aggregations.query.sampled import ONE
from aggregations.query.sources import DAILY_EVENTS, DAILY_PAGES, DETECTED, EVENTS, VIEWS, VISITS, Level, Source


class Per(StrEnum):
    """What is weighted as one: each row, or all rows of a visit or of a visitor, which weigh what the lightest does."""

    ROW = "row"
    VISIT = "visit_id"
    VISITOR = "visitor_id"


@dataclass(frozen=True, slots=True)
class Weighted:
    """The text of an atom where rows have a ``weight``; it counts ``unit`` of what the atom counts."""

    text: str
    per: Per = Per.ROW
    unit: int = ONE


@dataclass(frozen=True, slots=True)
class Atom:
    """``level`` is whose rows it counts where a question names no dimension of either level.

    ``whole``: it is counted without dimensions, and without conditions of events. ``goal``: of rows are counted those
    whose visit completed the question's goal; ``g`` says how often, and with which revenue. ``viewed``: it counts page
    views of the visits that are chosen. ``weighted`` is its text on sources that have rows, where they have weights.
    """

    name: str
    level: Level
    on: Mapping[Source, str]
    weighted: Mapping[Source, Weighted] = field(default_factory=dict)
    whole: bool = False
    goal: bool = False
    viewed: bool = False


_DISTINCT = "count(distinct s.visitor_id)"
_MERGED = "uniqMerge(s.visitors)"
_VISITOR = Weighted("min(s.weight)", Per.VISITOR)
_VISITORS = {VISITS: _VISITOR, EVENTS: _VISITOR}
_ALL = (
    Atom("visitors", Level.EVENT, {
        DAILY_EVENTS: _MERGED, DAILY_PAGES: _MERGED, VISITS: _DISTINCT, EVENTS: _DISTINCT,
    }, _VISITORS),
    Atom("everyone", Level.EVENT, {DAILY_EVENTS: _MERGED, VISITS: _DISTINCT, EVENTS: _DISTINCT}, _VISITORS, whole=True),
    Atom("visits", Level.VISIT, {VISITS: "count()", EVENTS: "count(distinct s.visit_id)"}, {
        VISITS: Weighted("sum(s.weight)"), EVENTS: Weighted("min(s.weight)", Per.VISIT),
    }),
    Atom("pageviews", Level.EVENT, {
        DAILY_EVENTS: "sumIf(s.events, s.name = 'page_view')", DAILY_PAGES: "sum(s.pageviews)",
        VISITS: "sum(s.pageviews)", EVENTS: "countIf(s.name = 'page_view')",
    }, {VISITS: Weighted("sum(s.weighted_pageviews)"), EVENTS: Weighted("sumIf(s.weight, s.name = 'page_view')")}),
    Atom("events", Level.EVENT, {DAILY_EVENTS: "sum(s.events)", VISITS: "sum(s.events)", EVENTS: "count()"}, {
        VISITS: Weighted("sum(s.weighted_events)"), EVENTS: Weighted("sum(s.weight)"),
    }),
    Atom("revenue", Level.EVENT, {
        DAILY_EVENTS: "toFloat64(sum(s.revenue))", VISITS: "toFloat64(sum(s.revenue))",
        EVENTS: "toFloat64(sum(toDecimal128(s.revenue, 4)))",
    }, {
        VISITS: Weighted("sum(s.weighted_revenue)"), EVENTS: Weighted("sum(toDecimal128(s.revenue, 4) * s.weight)"),
    }),
    Atom("engaged", Level.VISIT, {VISITS: "sum(s.engagement_ms) / 1000", EVENTS: "sum(s.engagement_ms) / 1000"}, {
        VISITS: Weighted("sum(toUInt128(s.weight) * s.engagement_ms)", unit=ONE * 1000),
        EVENTS: Weighted("toUInt128(min(s.weight)) * sum(s.engagement_ms)", Per.VISIT, ONE * 1000),
    }),
    Atom("bounces", Level.VISIT, {VISITS: "countIf(s.bounce)"}, {VISITS: Weighted("sumIf(s.weight, s.bounce)")}),
    # In whole milliseconds: a sum of fractions depends on its order.
    Atom("seconds", Level.VISIT, {VISITS: "sum(toUInt64(round(s.duration * 1000))) / 1000"}, {
        VISITS: Weighted("sum(toUInt128(s.weight) * toUInt64(round(s.duration * 1000)))", unit=ONE * 1000),
    }),
    Atom("exits", Level.VISIT, {VISITS: "countIf(s.pageviews > 0)"}, {
        VISITS: Weighted("sumIf(s.weight, s.pageviews > 0)"),
    }),
    Atom("views", Level.VISIT, {VIEWS: "count()"}, {VIEWS: Weighted("sum(s.weight)")}, viewed=True),
    Atom("overridden", Level.EVENT, {DETECTED: "countIf(s.override != '')"}, {
        DETECTED: Weighted("sumIf(s.weight, s.override != '')"),
    }),
    Atom("conversions", Level.VISIT, {VISITS: _DISTINCT, EVENTS: _DISTINCT}, _VISITORS, goal=True),
    Atom("completions", Level.VISIT, {VISITS: "sum(g.completions)"}, {
        VISITS: Weighted("sum(g.completions)"),
    }, goal=True),
    Atom("goal_revenue", Level.VISIT, {VISITS: "sum(g.revenue)"}, {VISITS: Weighted("sum(g.revenue)")}, goal=True),
)  # fmt: skip
ATOMS: dict[str, Atom] = {atom.name: atom for atom in _ALL}

"""Every figure a report shows: its name, unit and definition, in one place.

Visitors from rollups and visits come from a sketch (ClickHouse's `uniq`). Up to 65,536 distinct visitors it
keeps a 32-bit hash of each, so that only two that collide are counted as one (measured: at most 1 missing in
65,536). Beyond that it keeps a sample of 32,768 to 65,536 of them: a standard error of at most 0.56 %
(1 / sqrt 32,768). Raw reports count exactly.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from enum import StrEnum

from sql.core.errors import UsageError


class Unit(StrEnum):
    """What a figure is measured in; the renderer formats by it."""

    COUNT = "count"
    RATIO = "ratio"  # 0..1, shown as percent
    SECONDS = "seconds"
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure. ``name`` is its column, ``label`` its heading, ``more_is_better`` None where neither is.

    ``made_of`` are its atoms, ``text`` how it follows from them; a metric without atoms belongs to one report alone.
    """

    name: str
    label: str
    unit: Unit
    definition: str
    more_is_better: bool | None = True
    made_of: tuple[str, ...] = ()
    text: str = ""

    @property
    def adds_up(self) -> bool:
        """Whether it is a sum or a count, which is 0 where nothing happened."""
        return self.text == f"a_{''.join(self.made_of)}"


def _count(name: str, label: str, definition: str) -> Metric:
    return Metric(name, label, Unit.COUNT, definition, made_of=(name,), text=f"a_{name}")


def _per_visit(name: str, label: str, unit: Unit, atom: str, definition: str, better: bool | None = True) -> Metric:
    text = f"if(a_visits = 0, null, a_{atom} / a_visits)"
    return Metric(name, label, unit, definition, better, (atom, "visits"), text)


_VISITS = (
    "Runs of events of one visitor with gaps of at most 30 minutes, at most 24 hours long; counted on the day on which "
    "they start."
)
_BOUNCES = "Visits with one pageview and no interactive event, divided by visits."
_DURATION = "From a visit's first event to its last, averaged over all visits; a visit of one event counts 0."
_ENGAGEMENT = "Time in which pages were visible, focused and in use, averaged over all visits."
_ALL = (
    _count("visitors", "Visitors", "Distinct visitors with at least one event."),
    _count("visits", "Visits", _VISITS),
    _count("pageviews", "Pageviews", "Events named page_view."),
    _count("events", "Events", "Events of any name."),
    _per_visit("views_per_visit", "Views/visit", Unit.NUMBER, "pageviews", "Pageviews divided by visits."),
    _per_visit("bounce_rate", "Bounce rate", Unit.RATIO, "bounces", _BOUNCES, better=False),
    _per_visit("visit_duration", "Duration", Unit.SECONDS, "seconds", _DURATION),
    _per_visit("engagement_time", "Engagement", Unit.SECONDS, "engaged", _ENGAGEMENT),
    Metric(
        "revenue", "Revenue", Unit.NUMBER, "Sum of the revenue of events, regardless of currency.",
        made_of=("revenue",), text="a_revenue",
    ),
    Metric(
        "visitor_share", "Share", Unit.RATIO, "Visitors of the row, divided by all visitors.",
        made_of=("visitors", "everyone"), text="if(a_everyone = 0, null, a_visitors / a_everyone)",
    ),
    _count("conversions", "Conversions", "Distinct visitors who completed the goal; they belong to that visit."),
    Metric(
        "conversion_rate", "Conversion", Unit.RATIO, "Visitors who completed the goal, divided by all visitors.",
        made_of=("conversions", "visitors"), text="if(a_visitors = 0, null, a_conversions / a_visitors)",
    ),
    _count("completions", "Completions", "How often the goal was completed."),
    Metric(
        "goal_revenue", "Goal revenue", Unit.NUMBER,
        "Revenue of the events that completed the goal, or of the visits if it is a goal of visits.",
        made_of=("goal_revenue",), text="a_goal_revenue",
    ),
    Metric(
        "exits", "Exits", Unit.COUNT, "Visits whose last pageview was this page.", None, ("exits",), "a_exits",
    ),
    Metric(
        "exit_page_views", "Pageviews", Unit.COUNT, "Pageviews of the exit page, in the visits that are counted.", None,
        ("views",), "a_views",
    ),
    Metric(
        "exit_rate", "Exit rate", Unit.RATIO, "Exits divided by the page's pageviews in these visits.", None,
        ("exits", "views"), "if(a_views = 0, null, a_exits / a_views)",
    ),
    Metric(
        "from_previous", "From previous", Unit.RATIO, "Visitors at a step, divided by visitors at the step before.",
    ),
    Metric("from_first", "From first", Unit.RATIO, "Visitors at a step, divided by visitors at the first step."),
    Metric(
        "time_from_previous", "Median time", Unit.SECONDS,
        "Median time of visitors at a step since the step before.", None,
    ),
    Metric(
        "reviewed", "Reviewed", Unit.RATIO,
        "Detected events whose kind is from an override, divided by all of that kind.", None,
        ("overridden", "events"), "if(a_events = 0, null, a_overridden / a_events)",
    ),
)  # fmt: skip
# What all of them mean where the tracker samples visitors.
SAMPLED = (
    "Where the tracker samples visitors, an event counts by its sample_weight, and a visit or a visitor by the lowest "
    "weight of its events."
)
# What a question with a goal shows in addition to what it asks for.
OF_GOALS = ("conversions", "conversion_rate")
METRICS: dict[str, Metric] = {metric.name: metric for metric in _ALL}


def find(name: str) -> Metric:
    """The metric of a name, for a question of one's own. Raises UsageError, with the nearest name."""
    found = METRICS.get(name)
    if found is not None and found.made_of:
        return found
    known = [metric.name for metric in _ALL if metric.made_of]
    near = difflib.get_close_matches(name, known, 1)
    raise UsageError(f"unknown metric {name!r}", f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}")

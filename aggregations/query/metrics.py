"""Every figure a report shows: its name, unit and definition, in one place.

Visitors from rollups and visits come from a sketch (ClickHouse's `uniq`). Up to 65,536 distinct visitors it
keeps a 32-bit hash of each, so that only two that collide are counted as one (measured: at most 1 missing in
65,536). Beyond that it keeps a sample of 32,768 to 65,536 of them: a standard error of at most 0.56 %
(1 / sqrt 32,768). Raw reports count exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Unit(StrEnum):
    """What a figure is measured in; the renderer formats by it."""

    COUNT = "count"
    RATIO = "ratio"  # 0..1, shown as percent
    SECONDS = "seconds"
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure. ``name`` is its column, ``label`` its heading, ``more_is_better`` None where neither is."""

    name: str
    label: str
    unit: Unit
    definition: str
    more_is_better: bool | None = True


_ALL = (
    Metric("visitors", "Visitors", Unit.COUNT, "Distinct visitors with at least one event."),
    Metric(
        "visits",
        "Visits",
        Unit.COUNT,
        "Runs of events of one visitor with gaps of at most 30 minutes, at most 24 hours long; "
        "counted on the day on which they started.",
    ),
    Metric("pageviews", "Pageviews", Unit.COUNT, "Events named page_view."),
    Metric("events", "Events", Unit.COUNT, "Events of any name."),
    Metric("views_per_visit", "Views/visit", Unit.NUMBER, "Pageviews divided by visits."),
    Metric(
        "bounce_rate",
        "Bounce rate",
        Unit.RATIO,
        "Visits with one pageview and no interactive event, divided by visits.",
        more_is_better=False,
    ),
    Metric(
        "visit_duration",
        "Duration",
        Unit.SECONDS,
        "From a visit's first event to its last, averaged over all visits; a visit of one event counts 0.",
    ),
    Metric("exits", "Exits", Unit.COUNT, "Visits whose last pageview was this page.", more_is_better=None),
    Metric("exit_rate", "Exit rate", Unit.RATIO, "Exits divided by the page's pageviews.", more_is_better=None),
    Metric("conversion_rate", "Conversion", Unit.RATIO, "Visitors who converted, divided by all visitors."),
    Metric(
        "from_previous",
        "From previous",
        Unit.RATIO,
        "Visitors who reached a step, of those at the step before.",
    ),
    Metric(
        "reviewed",
        "Reviewed",
        Unit.RATIO,
        "Detected events whose kind an override decided, of all detected events of that kind.",
        more_is_better=None,
    ),
    Metric("from_first", "From first", Unit.RATIO, "Visitors who reached a step, of those at the first."),
)
METRICS: dict[str, Metric] = {metric.name: metric for metric in _ALL}

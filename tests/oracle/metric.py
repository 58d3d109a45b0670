"""Every figure, from the events and visits that it is of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from tests.oracle.event import PAGE_VIEW, Event
from tests.oracle.visit import Visit

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Group:
    """The events and visits of one row. ``weights`` are how many each of the visits stands for in this row."""

    events: Sequence[Event] = ()
    visits: Sequence[Visit] = ()
    weights: Sequence[Fraction] = ()

    def sum_of_visits(self, value: Callable[[Visit], int] = lambda _: 1) -> Fraction:
        """What the visits have together, each as often as it stands for."""
        pairs = zip(self.visits, self.weights, strict=True)
        return sum((weight * value(visit) for visit, weight in pairs), Fraction(0))


# The row's group, that of all rows together, and the values of the row's dimensions.
Metric = Callable[[Group, Group, Row], float | None]


def share(part: Fraction, whole: Fraction) -> float | None:
    """A ratio; None of nothing."""
    return float(part / whole) if whole else None


def sum_of(events: Iterable[Event]) -> Fraction:
    """How many they stand for."""
    return sum((event.weight for event in events), Fraction(0))


def visitors_of(weights: Iterable[tuple[int, Fraction]]) -> Fraction:
    """How many visitors they stand for, by pairs of a visitor and a weight: each counts by the least of its own."""
    least: dict[int, Fraction] = {}
    for visitor, weight in weights:
        least[visitor] = min(weight, least.get(visitor, weight))
    return sum(least.values(), Fraction(0))


def _visitors(group: Group) -> Fraction:
    return visitors_of((event.visitor, event.weight) for event in group.events)


def _views(events: Sequence[Event]) -> Fraction:
    return sum_of(event for event in events if event.name == PAGE_VIEW)


def _revenue(events: Sequence[Event]) -> float:
    return float(sum((event.weight * Fraction(event.revenue) for event in events), Fraction(0)))


def _views_of_exit_page(whole: Group, row: Row) -> Fraction:
    return _views([event for event in whole.events if event.path == row["exit_page"]])


def _reviewed(group: Group) -> float | None:
    decided = (event for event in group.events if event.detection is not None and event.detection.override != "")
    return share(sum_of(decided), sum_of(group.events))


METRICS: dict[str, Metric] = {
    "visitors": lambda group, _, __: round(_visitors(group)),
    "visits": lambda group, _, __: round(group.sum_of_visits()),
    "pageviews": lambda group, _, __: round(_views(group.events)),
    "events": lambda group, _, __: round(sum_of(group.events)),
    "revenue": lambda group, _, __: _revenue(group.events),
    "views_per_visit": lambda group, _, __: share(_views(group.events), group.sum_of_visits()),
    "bounce_rate": lambda group, _, __: share(group.sum_of_visits(lambda visit: visit.bounce), group.sum_of_visits()),
    "visit_duration": lambda group, _, __: share(
        group.sum_of_visits(lambda visit: visit.ended - visit.started) / 1000, group.sum_of_visits()
    ),
    "engagement_time": lambda group, _, __: share(
        group.sum_of_visits(lambda visit: visit.engagement_ms) / 1000, group.sum_of_visits()
    ),
    "exits": lambda group, _, __: round(group.sum_of_visits(lambda visit: bool(visit.views))),
    "exit_page_views": lambda _, whole, row: round(_views_of_exit_page(whole, row)),
    "exit_rate": lambda group, whole, row: share(group.sum_of_visits(), _views_of_exit_page(whole, row)),
    "visitor_share": lambda group, whole, _: share(_visitors(group), _visitors(whole)),
    "reviewed": lambda group, _, __: _reviewed(group),
    "last_seen": lambda group, _, __: max((event.at for event in group.events), default=None),
}

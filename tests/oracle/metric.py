"""Every figure, from the events and visits that it is of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.oracle.event import PAGE_VIEW, Event
from tests.oracle.visit import Visit

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Group:
    """The events and visits of one row."""

    events: Sequence[Event] = ()
    visits: Sequence[Visit] = ()


# The row's group, that of all rows together, and the values of the row's dimensions.
Metric = Callable[[Group, Group, Row], float | None]


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _visitors(group: Group) -> int:
    return len({event.visitor for event in group.events})


def _views(events: Sequence[Event]) -> int:
    return sum(event.name == PAGE_VIEW for event in events)


def _views_of_exit_page(whole: Group, row: Row) -> int:
    return _views([event for event in whole.events if event.path == row["exit_page"]])


def _reviewed(group: Group) -> float | None:
    decided = sum(event.detection is not None and event.detection.override != "" for event in group.events)
    return _share(decided, len(group.events))


METRICS: dict[str, Metric] = {
    "visitors": lambda group, _, __: _visitors(group),
    "visits": lambda group, _, __: len(group.visits),
    "pageviews": lambda group, _, __: _views(group.events),
    "events": lambda group, _, __: len(group.events),
    "views_per_visit": lambda group, _, __: _share(_views(group.events), len(group.visits)),
    "bounce_rate": lambda group, _, __: _share(sum(visit.bounce for visit in group.visits), len(group.visits)),
    "visit_duration": lambda group, _, __: _share(
        sum(visit.ended - visit.started for visit in group.visits) / 1000, len(group.visits)
    ),
    "engagement_time": lambda group, _, __: _share(
        sum(visit.engagement_ms for visit in group.visits) / 1000, len(group.visits)
    ),
    "exits": lambda group, _, __: len(group.visits),
    "pageviews_of_exit_page": lambda _, whole, row: _views_of_exit_page(whole, row),
    "exit_rate": lambda group, whole, row: _share(len(group.visits), _views_of_exit_page(whole, row)),
    "visitor_share": lambda group, whole, _: _share(_visitors(group), _visitors(whole)),
    "reviewed": lambda group, _, __: _reviewed(group),
    "last_seen": lambda group, _, __: max((event.at for event in group.events), default=None),
}

"""What figures are broken down by and conditions ask for, and at which level each is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from tests.oracle.event import FIELDS, PAGE_VIEW, Event
from tests.oracle.visit import Visit


class Level(Enum):
    """Whose value it is."""

    EVENT = auto()
    VISIT = auto()
    TIME = auto()


@dataclass(frozen=True, slots=True)
class Dimension:
    """``value`` is asked of an event or a visit; None means that it has none and is counted nowhere. Of TIME it is the
    step of the clock."""

    level: Level
    value: Callable[[Any], Any] = lambda _: None
    step: str = ""


def _of_events(**values: Callable[[Event], Any]) -> dict[str, Dimension]:
    return {name: Dimension(Level.EVENT, value) for name, value in values.items()}


def _detection(field: str) -> Callable[[Event], Any]:
    return lambda event: getattr(event.detection, field) if event.detection else None


def _first(field: str) -> Callable[[Visit], str]:
    return lambda visit: visit.first.fields[field]


_DETECTED = ("kind", "detected", "confidence", "rule", "selector", "text", "override")
DIMENSIONS = {
    **_of_events(
        event=lambda event: event.name,
        page=lambda event: event.path if event.name == PAGE_VIEW else None,
        path=lambda event: event.path,
        bot=lambda event: event.bot,
        **{name: _detection(name) for name in _DETECTED},
    ),
    "props.kind": Dimension(Level.EVENT, lambda event: event.props.get("kind", "")),
    **{name: Dimension(Level.VISIT, _first(name)) for name in FIELDS},
    "views": Dimension(Level.VISIT, lambda visit: len(visit.views)),
    "duration": Dimension(Level.VISIT, lambda visit: (visit.ended - visit.started) / 1000),
    "entry_page": Dimension(Level.VISIT, lambda visit: visit.entry_page),
    "exit_page": Dimension(Level.VISIT, lambda visit: visit.exit_page),
    **{f"time:{step}": Dimension(Level.TIME, step=step) for step in ("hour", "day", "week", "month")},
}

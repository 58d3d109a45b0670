"""How far visitors get through the steps of a funnel."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tests.oracle.event import PAGE_VIEW, Event

WINDOW_MS = 24 * 60 * 60 * 1000


@dataclass(frozen=True, slots=True)
class Step:
    """A step as a person writes it: ``purchase``, ``/product/*`` (a page view there), ``add_to_cart:/product/*``."""

    text: str

    @property
    def name(self) -> str:
        """Of which events it is."""
        return PAGE_VIEW if self.text.startswith("/") else self.text.partition(":")[0]

    @property
    def path(self) -> str:
        """Where they happen; empty: anywhere."""
        return self.text if self.text.startswith("/") else self.text.partition(":")[2]

    def matches(self, event: Event) -> bool:
        """Whether an event is this step."""
        return event.name == self.name and (not self.path or _like(self.path, event.path))


def _like(pattern: str, path: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), path, re.DOTALL) is not None


def farthest(events: Iterable[Event], steps: Sequence[Step]) -> int:
    """The farthest step that one visitor reaches, from 1; 0 for none.

    Each step comes later than the one before and within 24 hours of the first. Later is a later time and, within one
    millisecond, a later place among the events that were loaded together.
    """
    ordered = sorted(events, key=_moment)
    reached = 0
    for first in ordered:
        if steps[0].matches(first):
            reached = max(reached, _from(first, ordered, steps))
    return reached


def _from(first: Event, ordered: Sequence[Event], steps: Sequence[Step]) -> int:
    """How far it gets from a first step: with each step as early as can be, the others have most room."""
    last, level = first, 1
    for event in ordered:
        after = (event.at - first.at, event.place - first.place) <= (WINDOW_MS, 0)
        if level < len(steps) and _moment(event) > _moment(last) and after and steps[level].matches(event):
            last, level = event, level + 1
    return level


def _moment(event: Event) -> tuple[int, int]:
    return event.at, event.place

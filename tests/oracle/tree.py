"""Questions with conditions joined by and, or and not, about events, visits and visitors, in plain Python.

What is said of one level within one ``and`` or ``or`` is asked of one row together. Of another level it is asked of the
event's visit, or of any event of the visit. A negation is of the whole: no such event, not such a visit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from tests.oracle.clock import Period
from tests.oracle.dimension import DIMENSIONS, Level
from tests.oracle.event import Event
from tests.oracle.oracle import Oracle
from tests.oracle.visit import Visit

Tree = list[Any]
_TESTS: dict[str, Callable[[Any, list[Any]], bool]] = {
    "is": lambda value, asked: value in asked,
    "contains": lambda value, asked: any(text in value for text in asked),
    "starts_with": lambda value, asked: any(value.startswith(text) for text in asked),
    "matches": lambda value, asked: any(re.search(text, value) for text in asked),
    "exists": lambda value, asked: value not in ("", 0),
    ">": lambda value, asked: value > asked[0],
    ">=": lambda value, asked: value >= asked[0],
    "<": lambda value, asked: value < asked[0],
    "<=": lambda value, asked: value <= asked[0],
}


class Questions(Oracle):
    """An oracle whose ``where`` is a tree, and a segment: both are lists as JSON has them."""

    def ask(self, where: Tree | None, segment: Tree | None, **more: Any) -> list[dict[str, Any]]:
        """``query`` with a tree and a segment."""
        return self.query(where=(where, segment), **more)  # type: ignore[arg-type]

    def _scope(
        self, period: Period, where: Sequence[Any], include_bots: bool, level: Level
    ) -> tuple[list[tuple[Event, Visit]], list[Visit]]:
        tree, segment = where or (None, None)
        hits, started = super()._scope(period, (), include_bots, Level.TIME)
        row = _Row(hits, started)
        trees = [one for one in (tree, ["did", segment] if segment else None) if one]
        kept = [hit for hit in hits if all(row.event(one, *hit) for one in trees)]
        chosen = [visit for visit in started if all(row.visit(one, visit) for one in trees)]
        if level is Level.VISIT:
            kept = [(event, visit) for visit in chosen for event in visit.events]
        return kept, chosen


class _Row:
    """Whether a tree holds of an event or a visit; ``hits`` and ``started`` are what visitors did in the period."""

    def __init__(self, hits: list[tuple[Event, Visit]], started: list[Visit]) -> None:
        self.hits, self.started = hits, started

    def event(self, tree: Tree, event: Event, visit: Visit) -> bool:
        return self._holds(tree, Level.EVENT, event, visit, lambda one: self._plain(one, visit))

    def visit(self, tree: Tree, visit: Visit) -> bool:
        return self._holds(
            tree, Level.VISIT, visit, visit, lambda one: any(self._plain(one, event) for event in visit.events)
        )

    def _holds(self, tree: Tree, level: Level, row: Any, visit: Visit, lifted: Callable[[Tree], bool]) -> bool:
        word, *parts = tree
        if word == "not":
            return not self._holds(parts[0], level, row, visit, lifted)
        if word == "did":
            return visit.visitor in self._did(parts[0])
        if word in ("and", "or"):
            other = [part for part in parts if self._of(part) is not None and self._of(part) is not level]
            own = [self._holds(part, level, row, visit, lifted) for part in parts if part not in other]
            if other:
                own.append(lifted([word, *other] if len(other) > 1 else other[0]))
            return all(own) if word == "and" else any(own)
        return self._plain(tree, row) if DIMENSIONS[word].level is level else lifted(tree)

    def _did(self, tree: Tree) -> set[int]:
        if self._of(tree) is Level.VISIT:
            return {visit.visitor for visit in self.started if self.visit(tree, visit)}
        return {event.visitor for event, visit in self.hits if self.event(tree, event, visit)}

    def _of(self, tree: Tree) -> Level | None:
        """The level that a tree without negations is about alone; None where there is none."""
        word, *parts = tree
        if word in ("not", "did"):
            return None
        if word in ("and", "or"):
            levels = {self._of(part) for part in parts}
            return levels.pop() if len(levels) == 1 else None
        return DIMENSIONS[word].level

    def _plain(self, tree: Tree, row: Any) -> bool:
        """A tree of one level, of a row of that level."""
        word, *parts = tree
        if word in ("and", "or"):
            return (all if word == "and" else any)(self._plain(part, row) for part in parts)
        value = DIMENSIONS[word].value(row)
        return value is not None and _TESTS[parts[0]](value, parts[1])

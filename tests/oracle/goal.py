"""Which visits complete a goal: how often, and with which revenue."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from tests.oracle.event import PAGE_VIEW, Event
from tests.oracle.funnel import like
from tests.oracle.visit import Visit


@dataclass(frozen=True, slots=True)
class Goal:
    """All that is stated holds of one event; ``seconds`` of a visit, instead. In ``page``, ``*`` is anything."""

    page: str = ""
    event: str = ""
    kind: str = ""
    scroll: int = 0
    value: float = 0
    seconds: int = 0

    def completions(self, visit: Visit, include_bots: bool) -> list[Decimal]:
        """The revenue of each completion."""
        if self.seconds:
            return [visit.revenue] if visit.ended - visit.started >= self.seconds * 1000 else []
        return [event.revenue for event in visit.events if (include_bots or not event.bot) and self._by(event)]

    def _by(self, event: Event) -> bool:
        view = bool(self.page) and not (self.event or self.scroll or self.value)
        return (
            (not self.page or like(self.page, event.path))
            and (not view or event.name == PAGE_VIEW)
            and (not self.event or event.name == self.event)
            and (not self.kind or event.props.get("kind") == self.kind)
            and event.scroll_depth >= self.scroll
            and event.revenue >= Decimal(str(self.value))
        )


Found = Sequence[tuple[Visit, list[Decimal]]]
# The visits of a row that completed the goal, with their completions; and the visitors of the row.
METRICS: dict[str, Callable[[Found, int], float | None]] = {
    "conversions": lambda found, _: _visitors(found),
    "conversion_rate": lambda found, visitors: _visitors(found) / visitors if visitors else None,
    "completions": lambda found, _: sum(len(revenue) for _, revenue in found),
    "goal_revenue": lambda found, _: float(sum((sum(revenue, Decimal(0)) for _, revenue in found), Decimal(0))),
}


def completed(goal: Goal, visits: Iterable[Visit], include_bots: bool) -> Found:
    """Those of the visits that completed the goal."""
    found = [(visit, goal.completions(visit, include_bots)) for visit in visits]
    return [(visit, revenue) for visit, revenue in found if revenue]


def _visitors(found: Found) -> int:
    return len({visit.visitor for visit, _ in found})

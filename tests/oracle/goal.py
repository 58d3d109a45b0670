"""Which visits complete a goal: how often, and with which revenue."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from tests.oracle.event import PAGE_VIEW, Event
from tests.oracle.funnel import like
from tests.oracle.metric import Group, share, visitors_of
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

    def completions(self, visit: Visit, include_bots: bool) -> list[tuple[Fraction, Fraction]]:
        """For each completion how many it stands for, and the revenue of all of these."""
        if self.seconds:
            long = visit.ended - visit.started >= self.seconds * 1000
            return [(visit.weight, sum(map(_revenue, visit.events), Fraction(0)))] if long else []
        its = (event for event in visit.events if (include_bots or not event.bot) and self._by(event))
        return [(event.weight, _revenue(event)) for event in its]

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


def _revenue(event: Event) -> Fraction:
    return event.weight * Fraction(event.revenue)


# Of the visits of a row that completed the goal: whose, how many each stands for, its completions.
Found = Sequence[tuple[int, Fraction, list[tuple[Fraction, Fraction]]]]
# By what was found, and how many visitors the row has.
METRICS: dict[str, Callable[[Found, Fraction], float | None]] = {
    "conversions": lambda found, _: round(_visitors(found)),
    "conversion_rate": lambda found, visitors: share(_visitors(found), visitors),
    "completions": lambda found, _: round(sum((count for _, _, its in found for count, _ in its), Fraction(0))),
    "goal_revenue": lambda found, _: float(sum((revenue for _, _, its in found for _, revenue in its), Fraction(0))),
}


def completed(goal: Goal, group: Group, include_bots: bool) -> Found:
    """Those of a row's visits that completed the goal."""
    found = [
        (visit.visitor, weight, goal.completions(visit, include_bots))
        for visit, weight in zip(group.visits, group.weights, strict=True)
    ]
    return [one for one in found if one[2]]


def _visitors(found: Found) -> Fraction:
    return visitors_of((visitor, weight) for visitor, weight, _ in found)

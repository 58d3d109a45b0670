"""Visits: runs of one visitor's events with gaps of at most 30 minutes, at most 24 hours long."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cached_property

from tests.oracle.event import PAGE_VIEW, Event

GAP_MS = 30 * 60 * 1000
LONGEST_MS = 24 * 60 * 60 * 1000


@dataclass(frozen=True)
class Visit:
    """``events`` by time and arrival; one at least."""

    events: tuple[Event, ...]

    @property
    def visitor(self) -> int:
        """Whose visit it is."""
        return self.events[0].visitor

    @property
    def started(self) -> int:
        """The moment of its first event, ms since 1970 UTC."""
        return self.events[0].at

    @property
    def ended(self) -> int:
        """The moment of its last event."""
        return self.events[-1].at

    @property
    def first(self) -> Event:
        """The event that says where the visit came from and on what it was made."""
        return self.events[0]

    @cached_property
    def bot(self) -> bool:
        """One flagged event is enough."""
        return any(event.bot for event in self.events)

    @cached_property
    def views(self) -> tuple[Event, ...]:
        """Its page views."""
        return tuple(event for event in self.events if event.name == PAGE_VIEW)

    @cached_property
    def interactions(self) -> int:
        """How many events say that somebody did something."""
        return sum(event.interactive for event in self.events)

    @property
    def bounce(self) -> bool:
        """One page view, and nothing that somebody did."""
        return len(self.views) == 1 and not self.interactions

    @property
    def entry_page(self) -> str | None:
        """The path of its first page view; None where it has no page view."""
        return self.views[0].path if self.views else None

    @property
    def exit_page(self) -> str | None:
        """The path of its last page view; None where it has no page view."""
        return self.views[-1].path if self.views else None

    @property
    def engagement_ms(self) -> int:
        """For how long pages were looked at."""
        return sum(event.engagement_ms for event in self.events)

    @property
    def revenue(self) -> Decimal:
        """What its events earned, whatever the currency."""
        return sum((event.revenue for event in self.events), Decimal(0))

    @cached_property
    def weight(self) -> Fraction:
        """How many visits it stands for: as many as the event that is in the largest share."""
        return min(event.weight for event in self.events)


def visits(events: Iterable[Event]) -> list[Visit]:
    """The visits of these events, by visitor and start. Neither midnight nor a new campaign ends one."""
    runs: list[list[Event]] = []
    for event in sorted(events, key=lambda event: (event.visitor, *event.arrival)):
        run = runs[-1] if runs else None
        if run and run[0].visitor == event.visitor and _goes_on(run, event):
            run.append(event)
        else:
            runs.append([event])
    return [Visit(tuple(run)) for run in runs]


def _goes_on(run: list[Event], event: Event) -> bool:
    return event.at - run[-1].at <= GAP_MS and event.at - run[0].at <= LONGEST_MS

"""Days on which a site's tracker sampled its visitors: their events stand for more than themselves."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aggregations.query.restrict import VISIT_DAYS

if TYPE_CHECKING:
    from aggregations.query.periods import Period

# What an event that is not sampled weighs: weights are in millionths, so that they add up to the same in any order.
ONE = 1_000_000


@dataclass(frozen=True, slots=True)
class SampledDay:
    """A day, and the least and the most that one of its sampled events stands for."""

    day: dt.date
    lightest: float
    heaviest: float


@dataclass(frozen=True, slots=True)
class Sampled:
    """Sampled days, ascending."""

    days: tuple[SampledDay, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.days)

    def around(self, *periods: Period | None) -> Sampled:
        """Those that figures of these periods depend on: their own, and as far as visits of them reach."""
        spans = [(period.first, period.last + VISIT_DAYS) for period in periods if period is not None]
        return Sampled(tuple(its for its in self.days if any(first <= its.day <= last for first, last in spans)))

    def visits(self, first: dt.date, last: dt.date) -> tuple[dt.date, dt.date]:
        """Between which of these days visits begin that can have sampled events."""
        return max(first, self.days[0].day - VISIT_DAYS), min(last, self.days[-1].day)

    def note(self, *periods: Period | None) -> str:
        """What an answer about these periods says of it, in a line; empty where nothing is sampled."""
        if not self.days:
            return ""
        spans = [period for period in periods if period is not None]
        inside = sum(any(span.first <= its.day <= span.last for span in spans) for its in self.days)
        total = sum(span.days for span in spans)
        when = f" on {inside} of {total} days" if 0 < inside < total else "" if inside else " on the days after"
        least, most = _number(min(its.lightest for its in self.days)), _number(max(its.heaviest for its in self.days))
        share = f"1 in {least}" if least == most else f"1 in {least} to 1 in {most}"
        return f"Sampled by the tracker{when} ({share} visitors): figures are estimates."


NOT_SAMPLED = Sampled()


def _number(weight: float) -> str:
    return f"{float(f'{weight:.3g}'):,g}"

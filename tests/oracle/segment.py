"""Who belongs to a segment: plain Python over the events of one visitor, trying every combination."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType

from tests.oracle.clock import Clock
from tests.oracle.event import Event
from tests.oracle.visit import Visit

SIGNS: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt, "=": operator.eq,
}  # fmt: skip
Holds = Callable[["Moment"], bool]
Test = Callable[["History"], bool]


@dataclass(frozen=True, slots=True)
class Moment:
    """An event with its visit, or a visit as a whole (``event`` None). ``at`` is ms since 1970 UTC."""

    at: int
    visit: Visit
    event: Event | None = None


@dataclass(frozen=True)
class History:
    """What one person did up to ``now``: events that are not flagged, and visits without a flagged event."""

    now: int
    clock: Clock
    events: tuple[Moment, ...]
    visits: tuple[Moment, ...]

    def of(self, of_visits: bool) -> tuple[Moment, ...]:
        """Its visits, or its events."""
        return self.visits if of_visits else self.events


@dataclass(frozen=True, slots=True)
class Step:
    """As a sequence has it."""

    holds: Holds
    of_visits: bool = False
    done: bool = True
    times: int = 1
    within: int = 0


def histories(
    visits: Sequence[Visit], now: int, clock: Clock, users: Mapping[int, str] = MappingProxyType({})
) -> dict[frozenset[int], History]:
    """By the visitors of a person of whom anything counts up to ``now``; ``users`` says who visitors are."""
    found = {}
    seen = [visit for visit in visits if any(not event.bot and event.at <= now for event in visit.events)]
    for person in {users.get(visit.visitor) or visit.visitor for visit in seen}:
        theirs = frozenset(v.visitor for v in seen if (users.get(v.visitor) or v.visitor) == person)
        its = [visit for visit in visits if visit.visitor in theirs]
        events = [Moment(event.at, visit, event) for visit in its for event in visit.events if not event.bot]
        events = [moment for moment in events if moment.at <= now]
        whole = [Moment(visit.started, visit) for visit in its if not visit.bot and visit.started <= now]
        if events or whole:
            found[theirs] = History(now, clock, tuple(events), tuple(whole))
    return found


def total(measure: str, holds: Holds, sign: str, number: float, last: int = 0, of_visits: bool = False) -> Test:
    """A measure over what holds, of the last ``last`` ms (0: ever), compared with a number."""

    def test(history: History) -> bool:
        counted = [one for one in history.of(of_visits) if holds(one) and (not last or one.at > history.now - last)]
        found: float | Fraction
        match measure:
            case "events":
                found = len(counted)
            case "visits":
                found = len({id(one.visit) for one in counted})
            case "days":
                found = len({history.clock.day(one.at) for one in counted})
            case _:
                found = sum((Fraction(one.event.revenue) for one in counted if one.event), Fraction(0))
        return SIGNS[sign](float(found), number)

    return test


def sequence(steps: Sequence[Step]) -> Test:
    """Steps one after the other, later by a millisecond at least."""

    def test(history: History) -> bool:
        at = [one.at for one in history.of(steps[0].of_visits) if steps[0].holds(one)]
        first = steps[0]
        reached = {
            t
            for t in at
            if sum(t >= other and (not first.within or other > t - first.within) for other in at) >= first.times
        }
        for step in steps[1:]:
            its = [one.at for one in history.of(step.of_visits) if step.holds(one)]
            if step.done:
                reached = {t for t in its if any(b < t and (not step.within or t - b <= step.within) for b in reached)}
            else:
                reached = {
                    b
                    for b in reached
                    if not any(t > b and (not step.within or t - b <= step.within) for t in its)
                    and (not step.within or b + step.within <= history.now)
                }
        return bool(reached)

    return test


def touch(last: bool, value: Callable[[Visit], str], holds: Callable[[str], bool]) -> Test:
    """Of the first or last visit; '' without one."""

    def test(history: History) -> bool:
        ordered = sorted((one.visit for one in history.visits), key=lambda visit: visit.started)
        return holds(value(ordered[-1 if last else 0]) if ordered else "")

    return test


def trait(name: str, holds: Callable[[str], bool]) -> Test:
    """The last value of a property of the events `identify`."""

    def test(history: History) -> bool:
        told = [one.event for one in history.events if one.event and one.event.name == "identify"]
        values = [event.props[name] for event in sorted(told, key=lambda event: event.arrival) if event.props.get(name)]
        return holds(values[-1] if values else "")

    return test


def seen(last: bool, sign: str, first_day: str, last_day: str) -> Test:
    """The day of the first or last event against a span of days, as ISO text."""

    def test(history: History) -> bool:
        days = [history.clock.day(one.at) for one in history.events]
        found = str(max(days) if last else min(days))
        if sign == "=":
            return first_day <= found <= last_day
        return {">=": found >= first_day, ">": found > last_day, "<=": found <= last_day, "<": found < first_day}[sign]

    return test

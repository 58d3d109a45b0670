"""Every figure from the events alone: plain Python, written from the documents and without SQL.

The levels, in one place. A question with a dimension of events is about events, and its visits are those of its events.
One with dimensions of visits alone is about the visits that started in the period, whole. One without either counts
each figure where it lies: events and visitors at the event, visits at their start. Flagged events are left out one by
one, visits where one of their events is flagged.

Weights likewise. An event counts for as many as it stands for. Where a question is about events, a visit and a visitor
count for as many as the lightest of their events in the row; else as the lightest of the visit, or of their visits.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import Any

from tests.oracle.clock import Clock, Period
from tests.oracle.condition import Condition
from tests.oracle.detected import Override, corrected
from tests.oracle.dimension import DIMENSIONS, Dimension, Level
from tests.oracle.event import Event
from tests.oracle.funnel import Funnel
from tests.oracle.goal import METRICS as OF_GOALS
from tests.oracle.goal import Goal, completed
from tests.oracle.metric import METRICS, Group, visitors_of
from tests.oracle.visit import Visit, visits

Key = tuple[Any, ...]


class Oracle:
    """What is true of the events of one site, whose local time is that of ``zone``."""

    def __init__(self, events: Iterable[Event], zone: str, overrides: Sequence[Override] = ()) -> None:
        self.clock = Clock(zone)
        self.visits = visits(corrected(event, overrides) for event in events)
        self._hits = [(event, visit) for visit in self.visits for event in visit.events]

    def query(
        self,
        *,
        metrics: Sequence[str],
        period: Period,
        dimensions: Sequence[str] = (),
        where: Sequence[Condition] = (),
        include_bots: bool = False,
        goal: Goal | None = None,
    ) -> list[dict[str, Any]]:
        """One row for each combination of values, by them ascending; of time alone, empty buckets too.

        All of ``where`` must hold, conditions on events of one and the same event. Metrics of ``goal`` are of the
        row's visits.
        """
        asked = [DIMENSIONS[name] for name in dimensions]
        groups, whole = self._grouped(asked, *self._scope(period, where, include_bots, _level(asked)))
        keys: Iterable[Key] = sorted(groups)
        if [one.level for one in asked] == [Level.TIME]:
            keys = [(bucket,) for bucket in self.clock.buckets(asked[0].step, period)]
        elif not asked:
            keys = [()]
        rows = []
        for key in keys:
            values = dict(zip(dimensions, key, strict=True))
            group = groups.get(key, Group())
            rows.append(values | {name: METRICS[name](group, whole, values) for name in metrics if name in METRICS})
            if goal is not None:
                found = completed(goal, group, include_bots)
                visitors = visitors_of((event.visitor, event.weight) for event in group.events)
                rows[-1] |= {name: OF_GOALS[name](found, visitors) for name in metrics if name in OF_GOALS}
        return rows

    def funnel(
        self,
        funnel: Funnel,
        period: Period,
        *,
        by: str = "",
        where: Sequence[Condition] = (),
        include_bots: bool = False,
    ) -> dict[str, list[tuple[Fraction, float | None]]]:
        """How many visitors reach each step with their events of the period, and their median seconds since the step
        before; by the value of ``by`` that the attempt's first event or its visit has, '' where it has none."""
        hits, _ = self._scope(period, where, include_bots, Level.TIME)
        of: dict[int, list[Event]] = defaultdict(list)
        its = {}
        for event, visit in hits:
            of[event.visitor].append(event)
            its[id(event)] = visit
        found: dict[str, list[list[Event]]] = defaultdict(list)
        for attempt in filter(None, map(funnel.attempt, of.values())):
            value = self._label(by, attempt[0], its[id(attempt[0])]) if by else ""
            found[value].append(attempt)
        return {
            value: [_reached(attempts, step) for step in range(len(funnel.steps))] for value, attempts in found.items()
        }

    def _label(self, by: str, event: Event, visit: Visit) -> str:
        value = DIMENSIONS[by].value(event if DIMENSIONS[by].level is Level.EVENT else visit)
        return "" if value is None else str(value)

    def _scope(
        self, period: Period, where: Sequence[Condition], include_bots: bool, level: Level
    ) -> tuple[list[tuple[Event, Visit]], list[Visit]]:
        """The events, each with its visit, and the visits that a question of this level is about."""
        hits = [
            (event, visit)
            for event, visit in self._hits
            if self.clock.inside(event.at, period) and (include_bots or not event.bot)
        ]
        started = [
            visit
            for visit in self.visits
            if self.clock.inside(visit.started, period) and (include_bots or not visit.bot)
        ]
        of_event = [one for one in where if one.about.level is Level.EVENT and not one.of_visitor]
        of_visit = [one for one in where if one.about.level is Level.VISIT and not one.of_visitor]
        for one in where:
            if one.of_visitor:
                of_events = one.about.level is Level.EVENT
                people = {event.visitor for event, visit in hits if one.of(event if of_events else visit)}
                hits = [hit for hit in hits if hit[0].visitor in people]
                started = [visit for visit in started if visit.visitor in people]
        hits = [(event, visit) for event, visit in hits if _all(of_event, event) and _all(of_visit, visit)]
        started = [
            visit
            for visit in started
            if _all(of_visit, visit) and (not of_event or any(_all(of_event, event) for event in visit.events))
        ]
        if level is Level.VISIT:
            hits = [(event, visit) for visit in started for event in visit.events]
        return hits, started

    def _grouped(
        self, asked: Sequence[Dimension], hits: list[tuple[Event, Visit]], started: list[Visit]
    ) -> tuple[dict[Key, Group], Group]:
        """The groups by the values of the dimensions, and all of them as one. What lacks a value is in no group."""
        level = _level(asked)
        events: dict[Key, list[Event]] = defaultdict(list)
        found: dict[Key, dict[int, tuple[Visit, Fraction]]] = defaultdict(dict)
        for event, visit in hits:
            at = visit.started if level is Level.VISIT else event.at
            key = self._key(asked, at, event, visit)
            events[key].append(event)
            if level is Level.EVENT:
                _, before = found[key].get(id(visit), (visit, event.weight))
                found[key][id(visit)] = visit, min(before, event.weight)
        if level is not Level.EVENT:
            for visit in started:
                found[self._key(asked, visit.started, visit.first, visit)][id(visit)] = visit, visit.weight
        groups = {
            key: Group(events[key], *zip(*found[key].values(), strict=True)) if found[key] else Group(events[key])
            for key in events.keys() | found.keys()
            if None not in key
        }
        return groups, Group([event for event, _ in hits], started, [visit.weight for visit in started])

    def _key(self, asked: Sequence[Dimension], at: int, event: Event, visit: Visit) -> Key:
        value_of: dict[Level, Callable[[Dimension], Any]] = {
            Level.EVENT: lambda one: one.value(event),
            Level.VISIT: lambda one: one.value(visit),
            Level.TIME: lambda one: self.clock.bucket(one.step, at),
        }
        return tuple(value_of[one.level](one) for one in asked)


def _reached(attempts: list[list[Event]], step: int) -> tuple[Fraction, float | None]:
    """An attempt is seen where all of its events are: it stands for as many as the one in the smallest share."""
    there = [attempt for attempt in attempts if len(attempt) > step]
    times = [(attempt[step].at - attempt[step - 1].at) / 1000 for attempt in there] if step else []
    count = sum((max(event.weight for event in attempt[: step + 1]) for attempt in there), Fraction(0))
    return count, statistics.median(times) if times else None


def _level(asked: Sequence[Dimension]) -> Level:
    """What a question is about: events, visits, or neither (TIME)."""
    levels = {one.level for one in asked}
    return next((level for level in (Level.EVENT, Level.VISIT) if level in levels), Level.TIME)


def _all(conditions: Sequence[Condition], subject: object) -> bool:
    return all(condition.of(subject) for condition in conditions)

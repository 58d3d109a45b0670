"""From the terms of segments to what is gathered of each visitor, and to tests of that.

Every different text is gathered once, however many segments use it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from aggregations.query import dimensions
from aggregations.query.conditions import And, Comparison, Condition, Not, Or
from aggregations.query.dimensions import PROPERTY, Dimension
from aggregations.query.restrict import Restriction, compared, of_level
from aggregations.query.sources import EVENTS, VISITS, Level, Source
from aggregations.segments.definition import day_range
from aggregations.segments.terms import End, Measure, Member, Seen, Sequence, Sign, Step, Total, Touch, Trait
from sql.compose import Binder
from sql.core.errors import UsageError

MILLISECONDS = 1000
# Segments that name segments that name segments: each is written out where it is named.
MAX_TEXT = 100_000
_MOMENT = {EVENTS: "s.timestamp", VISITS: "s.started"}
_IDENTIFIED = "s.name = 'identify'"


@dataclass(slots=True)
class Leaves:
    """Collects what is gathered of visitors: ``found`` has an alias for each text of a source.

    ``now`` is in milliseconds; ``others`` are the conditions of segments that terms may name.
    """

    binder: Binder
    restriction: Restriction
    now: int
    others: Mapping[str, Condition]
    found: dict[tuple[Source, str], str] = field(default_factory=dict)
    tests: dict[str, str] = field(default_factory=dict)

    def test(self, condition: Condition, within: tuple[str, ...] = ()) -> str:
        """The condition over what is gathered. Raises UsageError for segments that name each other in a circle."""
        match condition:
            case Not(part):
                return f"not ({self.test(part, within)})"
            case And(parts) | Or(parts):
                word = " and " if isinstance(condition, And) else " or "
                return f"({word.join(self.test(part, within) for part in parts)})"
            case Member(segment):
                return self._member(segment, within)
            case Total():
                return self._total(condition)
            case Sequence(steps):
                return f"notEmpty({self._reached(steps)})"
            case Touch(end, what):
                return self._touch(end, what)
            case Trait(what):
                return self._trait(what)
            case Seen():
                return self._seen(condition)
        raise TypeError(f"not a condition of a segment: {condition!r}")

    def of(self, source: Source) -> dict[str, str]:
        """What is gathered from a source: text by alias."""
        return {alias: text for (its, text), alias in self.found.items() if its is source}

    def _gathered(self, source: Source, text: str) -> str:
        return self.found.setdefault((source, text), f"c{len(self.found)}")

    def _member(self, segment: str, within: tuple[str, ...]) -> str:
        if segment in within:
            raise UsageError(f"segments name each other: {' → '.join([*within, segment])}", "take one of them out")
        if segment not in self.others:
            known = ", ".join(self.others) or "none"
            raise UsageError(f"there is no segment {segment!r}", f"known: {known}")
        if segment not in self.tests:
            text = f"({self.test(self.others[segment], (*within, segment))})"
            if len(text) > MAX_TEXT:
                raise UsageError(f"segment {segment!r} is too large to be named by others", "name fewer segments in it")
            self.tests[segment] = text
        return self.tests[segment]

    def _total(self, term: Total) -> str:
        source = _source(term.what)
        tests = [self.restriction.text(term.what, source)] if term.what is not None else []
        if term.last:
            since = self.binder.bind(self.now - term.last * MILLISECONDS, "Int64")
            tests.append(f"{_MOMENT[source]} > fromUnixTimestamp64Milli({since}, 'UTC')")
        gathered = self._gathered(source, _MEASURES[term.measure](" and ".join(tests) or "true", source))
        return f"{gathered} {term.sign} {self.binder.bind(term.number, 'Float64')}"

    def _reached(self, steps: tuple[Step, ...]) -> str:
        """Moments at which the last step is reached; of one that says what did not happen, those it follows."""
        text = ""
        for at, step in enumerate(steps):
            moments = self._moments(step.what)
            window = self.binder.bind(step.within * MILLISECONDS, "Int64")
            if not step.done:
                text = f"moments_without({text}, {moments}, {window}, {self.binder.bind(self.now, 'Int64')})"
            elif at:
                text = f"moments_after({text}, {moments}, {window})"
            elif step.times > 1:
                text = f"moments_repeated({moments}, {self.binder.bind(step.times, 'Int64')}, {window})"
            else:
                text = moments
        return text

    def _moments(self, what: Condition) -> str:
        source = _source(what)
        moment = f"toUnixTimestamp64Milli({_MOMENT[source]})"
        test = self.restriction.text(what, source)
        return self._gathered(source, f"arraySort(groupArrayIf({moment}, {test}))")

    def _touch(self, end: End, what: Comparison) -> str:
        dimension = dimensions.find(what.dimension)
        column = self.restriction.column(dimension, VISITS)
        function = "argMin" if end is End.FIRST else "argMax"
        gathered = self._gathered(VISITS, f"{function}(toString({column}), (s.started, s.visit_id))")
        return compared(self.binder, dimension, gathered, what)

    def _trait(self, what: Comparison) -> str:
        dimension = Dimension(what.dimension, what.dimension, Level.EVENT, "A trait of the visitor.")
        value = self.restriction.column(dimensions.find(PROPERTY + what.dimension), EVENTS)
        order = "arrival_order(s.timestamp, s.received_at, s.batch_seq, s.event_id)"
        gathered = self._gathered(EVENTS, f"argMaxIf({value}, {order}, {_IDENTIFIED} and {value} != '')")
        return compared(self.binder, dimension, gathered, what)

    def _seen(self, term: Seen) -> str:
        function = "min" if term.end is End.FIRST else "max"
        gathered = self._gathered(EVENTS, f"{function}(s.local_date)")
        first, last = (self.binder.bind(day, "Date") for day in day_range(term.day))
        return {
            Sign.AT_LEAST: f"{gathered} >= {first}",
            Sign.MORE: f"{gathered} > {last}",
            Sign.AT_MOST: f"{gathered} <= {last}",
            Sign.LESS: f"{gathered} < {first}",
            Sign.EQUAL: f"{gathered} between {first} and {last}",
        }[term.sign]


def _source(what: Condition | None) -> Source:
    return VISITS if what is not None and of_level(what, Level.VISIT) else EVENTS


def _days(test: str, source: Source) -> str:
    return f"uniqExactIf(s.{source.date}, {test})"


_MEASURES: dict[Measure, Callable[[str, Source], str]] = {
    Measure.EVENTS: lambda test, source: f"countIf({test})",
    Measure.VISITS: lambda test, source: f"uniqExactIf(s.visit_id, {test})",
    Measure.DAYS: _days,
    Measure.REVENUE: lambda test, source: f"toFloat64(sumIf(toDecimal128(s.revenue, 4), {test}))",
}

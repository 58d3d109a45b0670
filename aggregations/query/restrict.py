"""From a condition to SQL, over the rows of one source.

Conditions about the level of the rows compare columns. Conditions about the other level become a set of visits, and
those about visitors a set of visitors. What is said of one row stays together: ``page=/a and event=click`` asks a visit
for one event with both. A negation of another level says that there is no such event, or visit.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from aggregations.query import dimensions
from aggregations.query.conditions import And, Comparison, Condition, Did, Not, Operator, Or
from aggregations.query.dimensions import PROPERTY, Dimension, ValueKind
from aggregations.query.sources import EVENTS, VISITS, Level, Source, on
from sql.compose import Binder, chosen_by
from sql.core.errors import UsageError

# A visit lasts at most 24 hours: it ends at most two local days after it began, where clocks change.
VISIT_DAYS = dt.timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Restriction:
    """Turns conditions into SQL. ``rows(source, first, last, texts, bots)`` selects rows of a source with all texts,
    ``members(names)`` the visitors of segments.

    An event counts or not by its own flag: what its visit is like is asked of bots' visits too.
    """

    binder: Binder
    first: dt.date
    last: dt.date
    rows: Callable[[Source, dt.date, dt.date, list[str], bool], str]
    members: Callable[[list[str]], str]

    def text(self, condition: Condition, source: Source) -> str:
        """The condition over rows of ``source``."""
        match condition:
            case Comparison():
                level = level_of(condition)
                if level is Level.VISITOR:
                    return chosen_by("visitor_id", self.members(_texts(condition)))
                return self._compared(condition, source) if level is source.level else self._lifted(condition, source)
            case Not(part):
                return f"not ({self.text(part, source)})"
            case Did(part):
                return self._did(part)
            case And(parts) | Or(parts):
                word = " and " if isinstance(condition, And) else " or "
                own: list[Condition] = []
                other: list[Condition] = []
                for part in parts:
                    (other if of_level(part, _other(source.level)) else own).append(part)
                texts = [self.text(part, source) for part in own]
                if other:
                    texts.append(self._lifted(type(condition)(tuple(other)) if len(other) > 1 else other[0], source))
                return f"({word.join(texts)})"
        raise TypeError(f"not a condition: {condition!r}")

    def _lifted(self, condition: Condition, source: Source) -> str:
        """Rows whose visit is in the set of visits of which ``condition``, of the other level, holds."""
        if source.level is Level.EVENT:
            found = self.rows(VISITS, self.first - VISIT_DAYS, self.last, [self.text(condition, VISITS)], True)
        else:
            found = self.rows(EVENTS, self.first, self.last + VISIT_DAYS, [self.text(condition, EVENTS)], False)
        return chosen_by("visit_id", found)

    def _did(self, condition: Condition) -> str:
        if of_level(condition, Level.VISITOR):
            return self.text(condition, EVENTS)
        source = VISITS if of_level(condition, Level.VISIT) else EVENTS
        found = self.rows(source, self.first, self.last, [self.text(condition, source)], False)
        return chosen_by("visitor_id", found)

    def _compared(self, comparison: Comparison, source: Source) -> str:
        dimension = dimensions.find(comparison.dimension)
        text = compared(self.binder, dimension, self.column(dimension, source), comparison)
        only = on(dimension.only, source)
        return f"({only} and {text})" if only else text

    def column(self, dimension: Dimension, source: Source) -> str:
        """The text of a dimension's values over rows of a source that has it."""
        if dimension.name.startswith(PROPERTY):
            return _property(self.binder.bind(dimension.name.removeprefix(PROPERTY), "String"))
        column = on(dimension.columns, source)
        if column is None:
            raise ValueError(f"{source.name} has no {dimension.name}")
        return column


def compared(binder: Binder, dimension: Dimension, column: str, asked: Comparison) -> str:
    """The comparison of a text that has the dimension's values."""
    return _TESTS[asked.operator](binder, dimension, column, asked)


def level_of(condition: Comparison) -> Level:
    """Whose rows a comparison is about. Raises UsageError for a time, which the period says, and for what not every
    event has."""
    dimension = dimensions.find(condition.dimension)
    if dimension.level is None:
        raise UsageError(f"{condition.dimension} cannot be a condition", "say when with the period")
    if dimension.columns and dimension.columns.keys().isdisjoint((EVENTS, VISITS)):
        raise UsageError(f"{condition.dimension} cannot be a condition", f"what the event says: props.{dimension.name}")
    return dimension.level


def has_column(dimension: Dimension, source: Source) -> bool:
    """Whether the source has the dimension's values in its rows."""
    of_events = source is EVENTS or source.extends is EVENTS
    return on(dimension.columns, source) is not None or (dimension.name.startswith(PROPERTY) and of_events)


def of_level(condition: Condition, level: Level) -> bool:
    """Whether it is about rows of a level alone, and can be asked of one row."""
    match condition:
        case Comparison():
            return level_of(condition) is level
        case And(parts) | Or(parts):
            return all(of_level(part, level) for part in parts)
    return False


def _other(level: Level) -> Level:
    return Level.VISIT if level is Level.EVENT else Level.EVENT


def _property(name: str) -> str:
    """A property as text, whichever of the three types it has; '' where there is none."""
    number = f"if(mapContains(s.props_number, {name}), toString(s.props_number[{name}]), '')"
    flag = f"if(mapContains(s.props_bool, {name}), toString(s.props_bool[{name}]), '')"
    return f"concat(s.props[{name}], {number}, {flag})"


def _is(binder: Binder, dimension: Dimension, column: str, asked: Comparison) -> str:
    if dimension.kind is ValueKind.NUMBER:
        return f"{column} in {binder.bind([_number(dimension, v) for v in asked.values], 'Array(Float64)')}"
    return f"{column} in {binder.bind(_texts(asked), 'Array(String)')}"


def _contains(binder: Binder, dimension: Dimension, column: str, asked: Comparison) -> str:
    values = binder.bind(_texts(asked), "Array(String)")
    return f"arrayExists(v -> position({column}, v) > 0, {values})"


def _starts(binder: Binder, dimension: Dimension, column: str, asked: Comparison) -> str:
    return f"arrayExists(v -> startsWith({column}, v), {binder.bind(_texts(asked), 'Array(String)')})"


def _matches(binder: Binder, dimension: Dimension, column: str, asked: Comparison) -> str:
    texts = [f"match({column}, {binder.bind(pattern, 'String')})" for pattern in _texts(asked)]
    return texts[0] if len(texts) == 1 else f"({' or '.join(texts)})"


def _exists(binder: Binder, dimension: Dimension, column: str, asked: Comparison) -> str:
    return f"{column} != 0" if dimension.kind is ValueKind.NUMBER else f"{column} != ''"


def _ordered(binder: Binder, dimension: Dimension, column: str, asked: Comparison) -> str:
    number = binder.bind(_number(dimension, asked.values[0]), "Float64")
    if dimension.kind is ValueKind.TEXT:  # a property; what is no number is in no order
        return f"ifNull(toFloat64OrNull({column}) {asked.operator} {number}, false)"
    return f"{column} {asked.operator} {number}"


def _texts(asked: Comparison) -> list[str]:
    return [f"{value:g}" if isinstance(value, float) else str(value) for value in asked.values]


def _number(dimension: Dimension, value: str | float) -> float:
    try:
        return float(value)
    except ValueError:
        raise UsageError(f"{dimension.name} is a number, not {value!r}") from None


_TESTS: dict[Operator, Callable[[Binder, Dimension, str, Comparison], str]] = {
    Operator.IS: _is,
    Operator.CONTAINS: _contains,
    Operator.STARTS_WITH: _starts,
    Operator.MATCHES: _matches,
    Operator.EXISTS: _exists,
    Operator.GREATER: _ordered,
    Operator.AT_LEAST: _ordered,
    Operator.LESS: _ordered,
    Operator.AT_MOST: _ordered,
}

"""Conditions of a question: comparisons of dimensions, joined by and, or and not.

As JSON a condition is a list: ``["country", "is", ["FR", "DE"]]``, ``["and", …]``, ``["or", …]``, ``["not", …]``,
``["did", …]`` (of visitors who had such an event or visit in the period) and ``["did_not", …]``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sql.core.errors import UsageError

MAX_CONDITIONS = 20
MAX_DEPTH = 4
MAX_VALUES = 1_000


class Operator(StrEnum):
    """How a value is compared. Each but the orders has a negation, which is a ``Not`` around it."""

    IS = "is"
    CONTAINS = "contains"
    STARTS_WITH = "starts_with"
    MATCHES = "matches"
    EXISTS = "exists"
    GREATER = ">"
    AT_LEAST = ">="
    LESS = "<"
    AT_MOST = "<="


NEGATED = {
    Operator.IS: "is_not",
    Operator.CONTAINS: "contains_not",
    Operator.STARTS_WITH: "starts_not_with",
    Operator.MATCHES: "matches_not",
    Operator.EXISTS: "exists_not",
}
ORDERS = frozenset({Operator.GREATER, Operator.AT_LEAST, Operator.LESS, Operator.AT_MOST})
_BY_NEGATION = {name: operator for operator, name in NEGATED.items()}


class Condition:
    """One of the classes below."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Comparison(Condition):
    """One dimension against values, any of which will do. ``EXISTS`` has none, an order has one number."""

    dimension: str
    operator: Operator
    values: tuple[str | float, ...] = ()


@dataclass(frozen=True, slots=True)
class And(Condition):
    """All of them hold."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Or(Condition):
    """One of them holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not(Condition):
    """It does not hold. About another level than the question's: there is no such event, or visit."""

    part: Condition


@dataclass(frozen=True, slots=True)
class Did(Condition):
    """The visitor had, within the period, an event or a visit of which it holds."""

    part: Condition


def from_json(given: Any) -> Condition:
    """The condition that a list says. Raises UsageError."""
    made = _made(given)
    check(made)
    return made


def to_json(condition: Condition) -> list[Any]:
    """The list that says a condition, in one way only."""
    match condition:
        case Comparison(dimension, operator, values):
            return [dimension, str(operator), list(values)]
        case And(parts):
            return ["and", *map(to_json, parts)]
        case Or(parts):
            return ["or", *map(to_json, parts)]
        case Not(Comparison(dimension, operator, values)) if operator in NEGATED:
            return [dimension, NEGATED[operator], list(values)]
        case Not(Did(part)):
            return ["did_not", to_json(part)]
        case Not(part):
            return ["not", to_json(part)]
        case Did(part):
            return ["did", to_json(part)]
    raise TypeError(f"not a condition: {condition!r}")


def comparisons(condition: Condition | None) -> Iterator[Comparison]:
    """All comparisons within."""
    match condition:
        case Comparison():
            yield condition
        case And(parts) | Or(parts):
            for part in parts:
                yield from comparisons(part)
        case Not(part) | Did(part):
            yield from comparisons(part)


def both(*conditions: Condition | None) -> Condition | None:
    """All of those that are given."""
    given = tuple(condition for condition in conditions if condition is not None)
    return And(given) if len(given) > 1 else next(iter(given), None)


def check(condition: Condition) -> None:
    """Raise UsageError for a condition over the bounds."""
    found = list(comparisons(condition))
    if len(found) > MAX_CONDITIONS:
        raise UsageError(f"{len(found)} conditions are too many", f"at most {MAX_CONDITIONS}")
    for comparison in found:
        if comparison.operator is Operator.MATCHES:
            _check_patterns(comparison)
        if len(comparison.values) > MAX_VALUES:
            raise UsageError(
                f"{len(comparison.values):,} values of {comparison.dimension} are too many", f"at most {MAX_VALUES:,}"
            )
    if (depth := _depth(condition)) > MAX_DEPTH:
        raise UsageError(f"conditions are nested {depth} deep", f"at most {MAX_DEPTH}")


def _check_patterns(comparison: Comparison) -> None:
    import re2

    options = re2.Options()
    options.log_errors = False
    for pattern in map(str, comparison.values[:MAX_VALUES]):
        try:
            re2.compile(pattern, options)
        except re2.error as exc:
            why = exc.args[0].decode() if exc.args and isinstance(exc.args[0], bytes) else exc
            raise UsageError(f"not a pattern: {pattern!r} ({why})", "patterns are RE2's, such as ^/blog/") from None


def _depth(condition: Condition) -> int:
    match condition:
        case And(parts) | Or(parts):
            return 1 + max(map(_depth, parts))
        case Not(Comparison()):
            return 0
        case Not(part) | Did(part):
            return 1 + _depth(part)
        case _:
            return 0


def _made(given: Any, depth: int = 0) -> Condition:
    if depth > 3 * MAX_DEPTH:
        raise UsageError("conditions are nested too deep", f"at most {MAX_DEPTH}")
    match given:
        case [("and" | "or") as word, *parts] if parts:
            made = tuple(_made(part, depth + 1) for part in parts)
            return And(made) if word == "and" else Or(made)
        case [("not" | "did" | "did_not") as word, part]:
            inner = _made(part, depth + 1)
            if word == "did":
                return Did(inner)
            return Not(Did(inner)) if word == "did_not" else Not(inner)
        case [str(dimension), str(word), list(values)]:
            return _comparison(dimension, word, values)
        case [str(dimension), ("exists" | "exists_not") as word]:
            return _comparison(dimension, word, [])
        case [str(dimension), str(word), str() | int() | float() as value]:
            return _comparison(dimension, word, [value])
    raise UsageError(f"not a condition: {given!r}", 'such as ["country", "is", ["FR", "DE"]]')


def _comparison(dimension: str, word: str, values: list[Any]) -> Condition:
    negated = word in _BY_NEGATION
    try:
        operator = _BY_NEGATION[word] if negated else Operator(word)
    except ValueError:
        raise UsageError(f"unknown operator {word!r}", f"known: {', '.join([*Operator, *_BY_NEGATION])}") from None
    if not all(isinstance(value, str | int | float) and not isinstance(value, bool) for value in values):
        raise UsageError(f"values of {dimension} must be strings or numbers")
    if (operator is Operator.EXISTS) != (not values) or (operator in ORDERS and len(values) != 1):
        count = "no value" if operator is Operator.EXISTS else "one value" if operator in ORDERS else "a value"
        raise UsageError(f"{dimension} {word} takes {count}")
    made = Comparison(dimension, operator, tuple(_number(dimension, v) if operator in ORDERS else v for v in values))
    return Not(made) if negated else made


def _number(dimension: str, value: str | float) -> float:
    try:
        return float(value)
    except ValueError:
        raise UsageError(f"{dimension} is compared with a number, not {value!r}") from None

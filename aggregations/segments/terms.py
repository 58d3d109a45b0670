"""What a segment asks of a visitor: counts, sequences, first and last visits, traits, other segments."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from aggregations.query.conditions import And, Comparison, Condition, Not, Or


class Sign(StrEnum):
    """How a number or a day is compared."""

    AT_LEAST = ">="
    AT_MOST = "<="
    MORE = ">"
    LESS = "<"
    EQUAL = "="


class Measure(StrEnum):
    """What is counted of a visitor: events or visits of which a condition holds, days with them, their revenue."""

    EVENTS = "events"
    VISITS = "visits"
    DAYS = "days"
    REVENUE = "revenue"


class End(StrEnum):
    """Which end of a visitor's history."""

    FIRST = "first"
    LAST = "last"


@dataclass(frozen=True, slots=True)
class Total(Condition):
    """A measure over events of which ``what`` holds (None: all), compared with a number.

    ``EVENTS`` of a condition of visits are visits. ``last``: of that many seconds before now; 0: ever.
    """

    measure: Measure
    what: Condition | None
    sign: Sign = Sign.AT_LEAST
    number: float = 1
    last: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a sequence: ``times`` events of which ``what`` holds, or none where it is not ``done``.

    ``within`` is in seconds. Of the first step all of its events lie within it; of a later one, its event comes within
    it after an event of the step before, or none does; 0: at any time after it.
    """

    what: Condition
    done: bool = True
    times: int = 1
    within: int = 0


@dataclass(frozen=True, slots=True)
class Sequence(Condition):
    """Steps one after the other, each later than the one before it by at least a millisecond.

    Only the last step may say that something did not happen. It counts once its time is over.
    """

    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Touch(Condition):
    """A dimension of the visitor's first or last visit."""

    end: End
    what: Comparison


@dataclass(frozen=True, slots=True)
class Trait(Condition):
    """The last value of a trait: a property of the visitor's events `identify`. The dimension is the trait's name."""

    what: Comparison


@dataclass(frozen=True, slots=True)
class Seen(Condition):
    """The local day of the visitor's first or last event, compared with a day, month or year: ISO text."""

    end: End
    sign: Sign
    day: str


@dataclass(frozen=True, slots=True)
class Member(Condition):
    """The visitor belongs to another segment of the site, as it is defined."""

    segment: str


Term = Total | Sequence | Touch | Trait | Seen | Member


def terms(condition: Condition) -> Iterator[Term]:
    """All terms within a segment's condition."""
    match condition:
        case And(parts) | Or(parts):
            for part in parts:
                yield from terms(part)
        case Not(part):
            yield from terms(part)
        case Total() | Sequence() | Touch() | Trait() | Seen() | Member():
            yield condition
        case _:
            raise TypeError(f"not a term: {condition!r}")

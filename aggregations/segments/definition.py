"""A segment as it is defined and kept."""

from __future__ import annotations

import datetime as dt

import msgspec

from aggregations.query import conditions, dimensions
from aggregations.query.conditions import And, Condition, Not, Or
from aggregations.query.dimensions import ValueKind
from aggregations.query.restrict import level_of
from aggregations.query.sources import Level
from aggregations.segments.language import parse, written
from aggregations.segments.terms import Seen, Sequence, Term, Total, Touch, Trait, terms
from sql.core.errors import UsageError
from sql.definitions import Kind

MAX_TERMS = 20
MAX_STEPS = 5
MAX_DEPTH = 6


class Segment(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a segment asks of a visitor: ``where`` as language.parse reads it."""

    where: str = ""


def check(segment: Segment) -> None:
    """Raise UsageError for what cannot be asked."""
    if not segment.where:
        raise UsageError("a segment needs a condition", "such as --where 'did(event=purchase) last 30d'")
    condition = parse(segment.where)
    found = list(terms(condition))
    if len(found) > MAX_TERMS:
        raise UsageError(f"a segment of {len(found)} terms", f"at most {MAX_TERMS}")
    if _depth(condition) > MAX_DEPTH:
        raise UsageError("conditions are nested too deep", f"at most {MAX_DEPTH}")
    for term in found:
        _check_term(term)


def _check_term(term: Term) -> None:
    match term:
        case Total(_, what) if what is not None:
            _check_inner(what)
        case Sequence(steps):
            if len(steps) > MAX_STEPS:
                raise UsageError(f"a sequence of {len(steps)} steps", f"at most {MAX_STEPS}")
            for step in steps:
                _check_inner(step.what)
        case Touch(_, what):
            conditions.check(what)
            dimension = dimensions.find(what.dimension)
            if dimension.level is not Level.VISIT or dimension.kind is not ValueKind.TEXT:
                raise UsageError(f"{what.dimension} is not a dimension of visits", "see `footfall dimensions`")
        case Trait(what):
            conditions.check(what)
        case Seen(_, _, day):
            day_range(day)


def day_range(text: str) -> tuple[dt.date, dt.date]:
    """The first and the last day of a day, month or year. Raises UsageError."""
    numbers = [int(part) for part in text.split("-")]
    try:
        first = dt.date(*[*numbers, 1, 1][:3])
    except ValueError:
        raise UsageError(f"not a day: {text!r}", "such as 2026, 2026-01 or 2026-01-15") from None
    if len(numbers) == 3:
        return first, first
    after = dt.date(first.year + 1, 1, 1) if len(numbers) == 1 else (first + dt.timedelta(days=31)).replace(day=1)
    return first, after - dt.timedelta(days=1)


def _check_inner(what: Condition) -> None:
    conditions.check(what)
    for comparison in conditions.comparisons(what):
        if level_of(comparison) is Level.VISITOR:
            raise UsageError("a segment cannot be within did(…)", f"join them: {comparison.dimension}=… and did(…)")
    if _has_did(what):
        raise UsageError("did(…) cannot be within did(…)", "join them with and, or not")


def _has_did(what: Condition) -> bool:
    match what:
        case conditions.Did():
            return True
        case Not(part):
            return _has_did(part)
        case And(parts) | Or(parts):
            return any(map(_has_did, parts))
    return False


def _depth(condition: Condition) -> int:
    match condition:
        case And(parts) | Or(parts):
            return 1 + max(map(_depth, parts))
        case Not(part):
            return 1 + _depth(part)
    return 0


SEGMENT = Kind("segment", Segment, check, lambda segment: written(parse(segment.where)))

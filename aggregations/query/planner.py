"""Which source answers which part of a question: the cheapest that has everything, and why not a cheaper one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from aggregations.query import dimensions, metrics
from aggregations.query.atoms import ATOMS, Atom
from aggregations.query.conditions import And, Comparison, Condition, Did, Not, Or
from aggregations.query.dimensions import Dimension, ValueKind
from aggregations.query.model import Query
from aggregations.query.restrict import has_column, level_of
from aggregations.query.sources import DAILY_PAGES, SOURCES, VIEWS, VISITS, Level, Source, on
from sql.core.errors import UsageError

HOUR = "time:hour"


@dataclass(frozen=True, slots=True)
class Part:
    """Atoms that are read from one source. ``refused``: cheaper sources, each with its reason.

    ``whole``: without dimensions and conditions of events. ``goal``: only of visits that completed the question's goal.
    ``viewed``: page views of the visits that are chosen.
    """

    source: Source
    atoms: tuple[Atom, ...]
    dimensions: tuple[Dimension, ...]
    where: Condition | None
    refused: tuple[tuple[Source, str], ...]
    whole: bool = False
    goal: bool = False
    viewed: bool = False


def plan(query: Query, sampled: bool = False) -> tuple[Part, ...]:
    """The parts of a question: at most one a level, one of its goal, one of page views of visits, one over the whole.

    ``sampled``: some of its events are, so that rows must be weighed. Raises UsageError.

    Where a dimension of events is asked for, all rows are events; else, where one of visits is, all are visits. Else
    each figure counts its own: page views by the day of the event, visits by the day on which they started.
    """
    named = tuple(dimensions.find(name) for name in query.dimensions)
    levels = {dimension.level for dimension in named}
    level = Level.EVENT if Level.EVENT in levels else Level.VISIT if Level.VISIT in levels else None
    atoms = _atoms(query)
    groups: dict[tuple[Level, bool, bool], list[Atom]] = {}
    for atom in sorted((atom for atom in atoms if not atom.whole), key=lambda atom: atom.viewed):
        groups.setdefault((level or atom.level, atom.goal, atom.viewed), []).append(atom)
    for (of, *_), group in groups.items():
        _check_level(query, of, group, named)
    parts = [_part(query, sampled, of, tuple(group), named) for (of, *_), group in groups.items()]
    whole = tuple(atom for atom in atoms if atom.whole)
    if whole:
        parts.append(_part(query, sampled, Level.EVENT, whole, ()))
    return tuple(parts)


def _atoms(query: Query) -> list[Atom]:
    names = dict.fromkeys(name for metric in query.metrics for name in metrics.find(metric).made_of)
    return [ATOMS[name] for name in names]


def _check_level(query: Query, level: Level, group: list[Atom], named: tuple[Dimension, ...]) -> None:
    for atom in group:
        if any(source.level is level for source in atom.on):
            continue
        [metric, *_] = [name for name in query.metrics if atom.name in metrics.find(name).made_of]
        [by, *_] = [dimension.name for dimension in named if dimension.level is level]
        if level is Level.VISIT:
            raise UsageError(f"{metric} belongs to events and cannot be broken down by {by}, which belongs to visits")
        raise UsageError(
            f"{metric} belongs to visits and cannot be broken down by {by}, which belongs to events",
            "use entry_page or exit_page instead of page" if by == "page" else "use a dimension of visits",
        )


def _part(query: Query, sampled: bool, level: Level, atoms: tuple[Atom, ...], named: tuple[Dimension, ...]) -> Part:
    """The part of atoms of one kind."""
    whole, goal, viewed = atoms[0].whole, atoms[0].goal, atoms[0].viewed
    where = _of_visits(query.where) if whole else query.where
    refused: list[tuple[Source, str]] = []
    for source in (source for source in SOURCES if source.level is level):
        reason = next(_reasons(query, source, atoms, named, where, sampled), None)
        if reason is None:
            return Part(source, atoms, named, where, tuple(refused), whole, goal, viewed)
        refused.append((source, reason))
    raise UsageError(f"no source has all of it: {'; '.join(f'{source.name}: {why}' for source, why in refused)}")


def _reasons(
    query: Query,
    source: Source,
    atoms: tuple[Atom, ...],
    named: tuple[Dimension, ...],
    where: Condition | None,
    sampled: bool,
) -> Iterator[str]:
    """Why a source cannot answer; nothing where it can."""
    if not source.rows:
        yield from _of_rollups(query, source, where, sampled)
    for dimension in named:
        if (
            dimension.kind is not ValueKind.TIME
            and not has_column(dimension, source)
            and not _joined(dimension, source)
        ):
            yield f"it has no {dimension.name}"
    if source is not VIEWS:  # its visits are chosen
        for comparison in _own(where, source):
            if not has_column(dimensions.find(comparison.dimension), source):
                yield f"it has no {comparison.dimension}"
    for atom in atoms:
        if on(atom.on, source) is None:
            yield f"it cannot count {atom.name}"
    if source is DAILY_PAGES and "page" not in query.dimensions:
        yield "it has page views by page only"


def _of_rollups(query: Query, source: Source, where: Condition | None, sampled: bool) -> Iterator[str]:
    if query.exact:
        yield "exact figures come from raw events"
    if sampled:
        yield "some events of this period are sampled"
    if query.segment is not None or query.sample is not None:
        yield "it has no visitors to choose from"
    if HOUR in query.dimensions:
        yield "it has days, not hours"
    if where is not None and any(_foreign(where, source)):
        yield "it has no rows of visits"


def _joined(dimension: Dimension, source: Source) -> bool:
    """Whether a dimension of visits reaches events by their visit."""
    return source.rows and source is not VISITS and dimension.level is Level.VISIT


def _own(condition: Condition | None, source: Source) -> Iterator[Comparison]:
    """Comparisons about rows of the source's level."""
    match condition:
        case Comparison() if level_of(condition) is source.level:
            yield condition
        case And(parts) | Or(parts):
            for part in parts:
                yield from _own(part, source)
        case Not(part):
            yield from _own(part, source)


def _foreign(condition: Condition, source: Source) -> Iterator[bool]:
    match condition:
        case Comparison():
            yield level_of(condition) is not source.level
        case And(parts) | Or(parts):
            for part in parts:
                yield from _foreign(part, source)
        case Not(part):
            yield from _foreign(part, source)
        case Did():
            yield True


def _of_visits(condition: Condition | None) -> Condition | None:
    """What is left of a condition without comparisons of events: of an ``and`` the rest, of all else nothing."""
    match condition:
        case Comparison():
            return None if level_of(condition) is Level.EVENT else condition
        case And(parts):
            kept = tuple(part for part in map(_of_visits, parts) if part is not None)
            return And(kept) if len(kept) > 1 else next(iter(kept), None)
        case Or(parts):
            return condition if all(_of_visits(part) == part for part in parts) else None
        case Not(part):
            return condition if _of_visits(part) == part else None
        case Did():
            return condition
    return None

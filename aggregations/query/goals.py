"""Goals: what a site wants its visitors to do. A goal is a condition of events, or of visits, with a name.

Nothing is stored but the definition, so that a goal applies to past events at once.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from aggregations.query import conditions, where
from aggregations.query.conditions import And, Comparison, Condition, Did, Not, Operator, Or
from aggregations.query.restrict import level_of
from aggregations.query.sources import Level
from sql import definitions
from sql.core.durations import span_of
from sql.core.errors import UsageError
from sql.definitions import Kind

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from aggregations.query.sites import SiteRow


class Goal(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is asked of one event, all of it, or of a visit.

    ``page`` is a path in which ``*`` stands for anything, of a page view where nothing else is asked; ``event`` a name;
    ``where`` a condition of events; ``scroll`` at least that percentage of the page; ``value`` at least that revenue.
    ``duration`` stands alone: a visit that lasts at least that number of seconds.
    """

    page: str = ""
    event: str = ""
    where: str = ""
    scroll: int = 0
    value: float = 0
    duration: int = 0


def find(client: Client, site: SiteRow, name: str) -> Goal:
    """The goal of this name. Raises UsageError where there is none."""
    return definitions.find(client, site.site_id, GOAL, name).body


def every(client: Client, site: SiteRow) -> dict[str, Goal]:
    """All goals of a site, by name."""
    return {each.name: each.body for each in definitions.every(client, site.site_id, GOAL)}


def check(goal: Goal) -> None:
    """Raise UsageError for a goal that asks nothing, or what cannot be asked."""
    if goal.duration < 0 or goal.value < 0 or not 0 <= goal.scroll <= 100:
        raise UsageError("a goal's duration and value are positive, its scroll depth is 1 to 100 percent")
    of_event = (goal.page, goal.event, goal.scroll, goal.value)
    if goal.duration and any((*of_event, goal.where)):
        raise UsageError("a goal of a visit's duration cannot ask for an event too", "make two goals")
    if not goal.duration and not any(of_event):
        raise UsageError("a goal needs a page, event, scroll depth, value or duration", "such as --page '/thanks*'")
    if goal.page and not goal.page.startswith(("/", "*")):
        raise UsageError(f"the path {goal.page!r} must start with /", "such as '/thanks*'")
    conditions.check(condition(goal))


def condition(goal: Goal) -> Condition:
    """What a goal asks, of events or of visits alone. Raises UsageError."""
    if goal.duration:
        return Comparison("duration", Operator.AT_LEAST, (float(goal.duration),))
    asked: list[Condition] = []
    if goal.event:
        asked.append(Comparison("event", Operator.IS, (goal.event,)))
    if goal.page:
        of_view = not (goal.event or goal.scroll or goal.value)
        asked.append(_path("page" if of_view else "path", goal.page))
    if goal.scroll:
        asked.append(Comparison("scroll_depth", Operator.AT_LEAST, (float(goal.scroll),)))
    if goal.value:
        asked.append(Comparison("revenue", Operator.AT_LEAST, (float(goal.value),)))
    if goal.where:
        more = where.parse(goal.where)
        if not _of_events(more):
            raise UsageError(f"a goal's condition must be about its event: {goal.where!r}", "such as props.plan=pro")
        asked.append(more)
    return asked[0] if len(asked) == 1 else And(tuple(asked))


def shown(goal: Goal) -> str:
    """A goal in a line."""
    parts = [
        goal.event and f"event {goal.event}",
        goal.page and f"page {goal.page}",
        goal.scroll and f"scroll {goal.scroll} %",
        goal.value and f"value {goal.value:g}",
        goal.where and f"where {goal.where}",
        goal.duration and f"visit of {span_of(goal.duration)}",
    ]
    return ", ".join(str(part) for part in parts if part)


def _path(dimension: str, pattern: str) -> Comparison:
    if "*" not in pattern:
        return Comparison(dimension, Operator.IS, (pattern,))
    if pattern.index("*") == len(pattern) - 1:
        return Comparison(dimension, Operator.STARTS_WITH, (pattern[:-1],))
    return Comparison(dimension, Operator.MATCHES, (f"(?s)^{'.*'.join(map(re.escape, pattern.split('*')))}$",))


def _of_events(asked: Condition) -> bool:
    match asked:
        case Comparison():
            return level_of(asked) is Level.EVENT
        case And(parts) | Or(parts):
            return all(map(_of_events, parts))
        case Not(part):
            return _of_events(part)
        case Did():
            return False
    return False


GOAL = Kind("goal", Goal, check, shown)

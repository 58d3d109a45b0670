"""Funnels: how many visitors get how far through some steps, and how long they take. A read over raw events.

An attempt begins with an event of the first step and goes on with the earliest event of each next step. ``ordered``:
other events may lie between. ``strict``: the next page view or interactive event must be the next step. ``any``: an
attempt begins with any step, and the others follow in whatever order; step n is then the n-th of them. An attempt ends
after the window, and at an excluded event, which is no step. One event counts for one step: in order for the next one,
in any order for the one with the longest path, ``*`` aside. Events of one millisecond are in their order of arrival.

A visitor counts once, with the attempt that gets farthest; of several with the one that gets there first, then the one
that began last.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from aggregations.reports.funnel_steps import FunnelStep
from sql.core.durations import seconds_of, span_of
from sql.core.errors import UsageError

MIN_STEPS, MAX_STEPS = 2, 8
MAX_EXCLUDED = 8
DAY = 86_400
MAX_WINDOW = 90 * DAY


class StepOrder(StrEnum):
    """In which order steps must happen: with other events between, without, or in any order."""

    ORDERED = "ordered"
    STRICT = "strict"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Funnel:
    """A funnel; ``window`` is in seconds."""

    name: str
    steps: tuple[FunnelStep, ...]
    window: int = DAY
    order: StepOrder = StepOrder.ORDERED
    excluded: tuple[FunnelStep, ...] = ()


def parse_window(text: str) -> int:
    """Seconds of ``90s``, ``30m``, ``24h`` or ``7d``. Raises UsageError."""
    try:
        seconds = seconds_of(text.lower())
    except UsageError:
        seconds = 0
    if not seconds:
        raise UsageError(f"not a window: {text!r}", "such as 30m, 24h or 7d")
    return seconds


def check(funnel: Funnel) -> None:
    """Raises UsageError for a funnel that cannot be answered."""
    if not funnel.name.strip():
        raise UsageError("a funnel needs a name")
    if not MIN_STEPS <= len(funnel.steps) <= MAX_STEPS:
        raise UsageError(f"a funnel has {MIN_STEPS} to {MAX_STEPS} steps, not {len(funnel.steps)}")
    if not 1 <= funnel.window <= MAX_WINDOW:
        raise UsageError(f"a window of {span_of(funnel.window)} is too long", f"at most {span_of(MAX_WINDOW)}")
    if len(funnel.excluded) > MAX_EXCLUDED:
        raise UsageError(f"a funnel excludes at most {MAX_EXCLUDED} events, not {len(funnel.excluded)}")
    for step in funnel.excluded:
        if step in funnel.steps:
            raise UsageError(f"{step.shown} is a step of the funnel and cannot be excluded")
    if funnel.order is StepOrder.ANY and len(set(funnel.steps)) < len(funnel.steps):
        raise UsageError("in any order, the steps of a funnel must differ", "or use --order ordered")

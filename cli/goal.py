"""``footfall goal``: what visitors should do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from cli.defining import Defined, group

if TYPE_CHECKING:
    from aggregations.query.goals import Goal
    from sql.definitions import Kind


@dataclass(frozen=True, slots=True)
class GoalOptions:
    """What a goal asks, as options; None: not stated."""

    page: Annotated[
        str | None, typer.Option("--page", help="Path of the page view, such as '/thanks*'; * matches anything.")
    ] = None
    event: Annotated[str | None, typer.Option("--event", help="Name of the event.")] = None
    where: Annotated[
        str | None, typer.Option("--where", "-w", help="Condition on the event, such as 'props.plan=pro'.")
    ] = None
    scroll: Annotated[
        int | None, typer.Option("--scroll", help="Minimum share of the page that was seen, in percent.")
    ] = None
    value: Annotated[float | None, typer.Option("--value", help="Minimum revenue of the event.")] = None
    duration: Annotated[
        str | None, typer.Option("--duration", help="Minimum duration of the visit, such as 90s or 2m.")
    ] = None

    def body(self, before: Goal | None) -> Goal:
        """The goal that they say; what is not stated is as ``before``."""
        import msgspec

        from aggregations.query.goals import Goal
        from sql.core.durations import seconds_of

        stated = {name: getattr(self, name) for name in ("page", "event", "where", "scroll", "value")}
        if self.duration is not None:
            stated["duration"] = seconds_of(self.duration or "0s")
        stated = {name: value for name, value in stated.items() if value is not None}
        return msgspec.structs.replace(before or Goal(), **stated)


def _kind() -> Kind[Goal]:
    from aggregations.query.goals import GOAL

    return GOAL


app = group(
    Defined(
        "goal",
        "goal",
        "Goals: a page, event, property, duration, scroll depth or value. They apply to past events too.",
        "signup --event signup --where props.plan=pro",
        GoalOptions,
        _kind,
    )
)

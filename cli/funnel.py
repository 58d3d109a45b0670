"""``footfall funnel``: define funnels. ``footfall report funnel`` answers them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from aggregations.reports.funnel import StepOrder
from cli.defining import Defined, group

if TYPE_CHECKING:
    from aggregations.definitions.funnels import FunnelBody
    from sql.definitions import Kind

ExcludeOption = Annotated[
    list[str] | None,
    typer.Option("--exclude", help="Event that ends an attempt, written as a step; repeatable."),
]


@dataclass(frozen=True, slots=True)
class FunnelOptions:
    """What a funnel is, as options; None: not stated."""

    steps: Annotated[
        list[str] | None,
        typer.Argument(help="2 to 8 steps: an event name, name:/path/*, or /path/* for a page view there."),
    ] = None
    window: Annotated[
        str | None, typer.Option("--window", help="Time for all steps, such as 30m, 24h (the default) or 7d.")
    ] = None
    order: Annotated[
        StepOrder | None,
        typer.Option("--order", help="Steps in this order (default), with no other event between, or in any order."),
    ] = None
    exclude: ExcludeOption = None

    def body(self, before: FunnelBody | None) -> FunnelBody:
        """The funnel that they say; what is not stated is as ``before``."""
        import msgspec

        from aggregations.definitions.funnels import FunnelBody
        from aggregations.reports.funnel import parse_window

        stated = {
            "steps": tuple(self.steps) if self.steps else None,
            "window": parse_window(self.window) if self.window is not None else None,
            "order": self.order,
            "exclude": tuple(filter(None, self.exclude)) if self.exclude else None,
        }
        stated = {name: value for name, value in stated.items() if value is not None}
        return msgspec.structs.replace(before or FunnelBody(), **stated)


def _kind() -> Kind[FunnelBody]:
    from aggregations.definitions.funnels import FUNNEL

    return FUNNEL


app = group(
    Defined(
        "funnel",
        "funnel",
        "Define funnels: steps that visitors take within a time window. They cover past events too.",
        "checkout '/product/*' add_to_cart purchase --window 7d",
        FunnelOptions,
        _kind,
    )
)

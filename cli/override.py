"""``footfall detected override``: correct what the tracker detected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from aggregations.reports.detected import Detected
from cli.defining import Defined, group
from cli.options import FormatOption, OutputOption

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from aggregations.definitions.changes import Change
    from aggregations.definitions.overrides import OverrideBody
    from sql.definitions import Kind

# The days whose events a preview looks at.
_RECENT = "30d"
_LABELS = {"was": "Was", "becomes": "Becomes"}


class Criterion(StrEnum):
    """What an override may ask of an event."""

    EVENT = "event"
    RULE = "rule"
    SELECTOR = "selector"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class PreviewOptions:
    """How to show what a change does."""

    fmt: FormatOption = None
    output: OutputOption = None


@dataclass(frozen=True, slots=True)
class OverrideOptions:
    """What an override says, as options; None: not stated."""

    kind: Annotated[
        str | None, typer.Option("--kind", "-k", help="The correct kind; none if nothing should have been detected.")
    ] = None
    selector: Annotated[str | None, typer.Option("--selector", help="Match this selector, as detected.")] = None
    text: Annotated[str | None, typer.Option("--text", help="Match this text; '' matches events without text.")] = None
    rule: Annotated[str | None, typer.Option("--rule", help="Match events classified by this rule.")] = None
    event: Annotated[Detected | None, typer.Option("--event", help="Match only events with this name.")] = None
    whichever: Annotated[
        list[Criterion] | None,
        typer.Option("--any", help="Drop a criterion: match any event, rule, selector or text; repeatable."),
    ] = None
    fmt: FormatOption = None
    output: OutputOption = None

    def body(self, before: OverrideBody | None) -> OverrideBody:
        """The override that they say; what is not stated is as ``before``."""
        import msgspec

        from aggregations.definitions.overrides import OverrideBody

        stated = {name: getattr(self, name) for name in ("kind", *Criterion)}
        stated = {name: value for name, value in stated.items() if value is not None}
        cleared: dict[str, None] = dict.fromkeys(map(str, self.whichever or ()))
        return msgspec.structs.replace(before or OverrideBody(), **cleared | stated)


def _kind() -> Kind[OverrideBody]:
    from aggregations.definitions.overrides import OVERRIDE

    return OVERRIDE


def _name_of(body: OverrideBody, known: Mapping[str, OverrideBody]) -> str:
    from aggregations.definitions.overrides import name_of

    return name_of(body, known)


def _preview(client: Client, change: Change, options: OverrideOptions | PreviewOptions) -> None:
    """What a change makes of the events of the last 30 days."""
    import datetime as dt

    from aggregations.definitions.overrides import effect
    from aggregations.query import periods
    from cli.render.render import render
    from cli.render.view import View

    period = periods.parse(_RECENT, zone=change.site.timezone, now=dt.datetime.now(dt.UTC))
    title = f"Changes · {change.site.domain} · {period.label}"
    frame = effect(client, change.site, change.name, change.after, period)
    view = View(title, labels=_LABELS, nothing="nothing changes in the last 30 days")
    render(frame, view, options.fmt, options.output)


app = group(
    Defined(
        "detected override",
        "override",
        "Correct the kind of detected events, past and future. Raw events do not change. If several overrides match an "
        "event, the one with the most criteria applies; among equals, the one written last.",
        "call-us --kind contact --selector 'a.call-us'",
        OverrideOptions,
        _kind,
        clears="--any clears a criterion.",
        named=_name_of,
        preview=_preview,
        removal=PreviewOptions,
    )
)

"""The options that every report takes, and the question that they make of a report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import completion
from cli.context import database
from cli.options import BotsOption, FormatOption, LimitOption, OutputOption, PeriodOption, RawOption, SiteOption
from cli.render.render import Format, render
from cli.render.view import Layout, View
from cli.taking import takes

if TYPE_CHECKING:
    import polars as pl
    from clickhouse_connect.driver.client import Client

    from aggregations.query.answer import Asked
    from aggregations.query.model import Query

    Shape = Callable[[Client, Asked], pl.DataFrame]

WhereOption = Annotated[
    list[str] | None,
    typer.Option(
        "--where",
        "-w",
        help="Only rows that match this condition, such as 'country=FR|DE'; repeatable.",
        autocompletion=completion.conditions,
    ),
]
SegmentOption = Annotated[
    str,
    typer.Option(
        "--segment",
        help="Only members of this segment, or visitors with a matching event or visit ('page=/buy').",
        autocompletion=completion.conditions,
    ),
]
GoalOption = Annotated[
    str | None,
    typer.Option(
        "--goal",
        help="Add conversions and conversion rate of this goal (see: footfall goal list).",
        autocompletion=completion.goals,
    ),
]
CompareOption = Annotated[
    str, typer.Option("--compare", help="Period to compare with: previous, year, none or any period.")
]
SortOption = Annotated[
    list[str] | None, typer.Option("--sort", help="Metric or dimension to sort by; NAME:asc or NAME:desc.")
]
SampleOption = Annotated[
    float | None, typer.Option("--sample", help="Share of visitors to count, such as 0.1; counts are scaled up.")
]
ExplainOption = Annotated[
    bool, typer.Option("--explain", help="Show what is counted, the tables read and the SQL (on stderr).")
]
JsonOption = Annotated[bool, typer.Option("--as-json", help="Print the query as JSON, for use with `report query`.")]


@dataclass(frozen=True, slots=True)
class Asking:
    """What the options of one report said."""

    site: SiteOption = None
    period: PeriodOption = "30d"
    where: WhereOption = None
    segment: SegmentOption = ""
    goal: GoalOption = None
    compare: CompareOption = "none"
    sort: SortOption = None
    limit: LimitOption = 10
    sample: SampleOption = None
    bots: BotsOption = False
    raw: RawOption = False
    explain: ExplainOption = False
    as_json: JsonOption = False
    fmt: FormatOption = None
    output: OutputOption = None

    def query(self, base: Query) -> Query:
        """``base`` with what the options said. Raises UsageError."""
        import msgspec

        from aggregations.query import members
        from aggregations.query.conditions import both
        from aggregations.query.metrics import OF_GOALS
        from aggregations.query.model import check
        from aggregations.query.where import parse

        made = msgspec.structs.replace(
            base,
            site=self.site,
            period=self.period,
            compare=self.compare,
            metrics=tuple(dict.fromkeys((*base.metrics, *(OF_GOALS if self.goal else ())))),
            goal=self.goal,
            where=both(base.where, *map(parse, self.where or ())),
            segment=members.asked(self.segment) if self.segment else base.segment,
            include_bots=self.bots,
            exact=self.raw,
            sample=self.sample,
            sort=tuple(map(_order, self.sort)) if self.sort else base.sort,
            limit=self.limit if base.limit else 0,
        )
        check(made)
        return made


def asks(without: tuple[str, ...] = (), **defaults: object) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command, whose first parameter is an ``Asking``, the options of one: all but those of ``without``."""
    return takes(Asking, without, **defaults)


def report(name: str, asking: Asking, base: Query, view: View, shape: Shape | None = None) -> None:
    """Ask what a report and its options stand for, and show the answer."""
    query = asking.query(base)
    if asking.as_json:
        from aggregations.query.model import encode

        typer.echo(encode(query))
    else:
        show(f"report {name}", query, view, shape, explain=asking.explain, fmt=asking.fmt, output=asking.output)


def show(
    what: str,
    query: Query,
    view: View,
    shape: Shape | None = None,
    *,
    explain: bool = False,
    fmt: Format | None = None,
    output: Path | None = None,
) -> None:
    """Ask a question and show its answer. ``shape`` asks it in a way of its own; ``view.title`` is what it is about.

    ``what`` names the command to others who find the engine busy.
    """
    from aggregations.query.answer import answer, prepare
    from aggregations.query.explain import explained

    Thread(target=import_module, args=("polars",)).start()  # while the engine works: a sixth of the command's time
    more = 0
    with database(what) as client:
        if query.funnel is not None:
            asked, frame, more = _reached(client, query)
        else:
            asked = prepare(client, query)
            frame = (shape or answer)(client, asked)
        if explain:
            typer.echo(explained(client, asked), err=True)
        notes = _notes(client, asked, more)
    title = f"{view.title} · {asked.site.domain} · {asked.period.label}"
    if view.layout is not Layout.OVERVIEW:
        if view.narrow or asked.before is not None or query.goal is not None:
            view = replace(view, narrow=_narrow(frame, query, view.narrow))
        if asked.before is not None:
            title += f", before: {asked.before.label}"
    render(frame, replace(view, title=title, footnote=notes), fmt, output)


def _reached(client: Client, query: Query) -> tuple[Asked, pl.DataFrame, int]:
    """A question about a funnel, its rows, and how many values more there are."""
    from aggregations.definitions.funnels import prepare
    from aggregations.reports.reached import answer

    asked = prepare(client, query)
    found = answer(client, asked)
    return asked, found.rows, found.left_out


def _narrow(frame: pl.DataFrame, query: Query, wanted: tuple[str, ...]) -> tuple[str, ...]:
    """Where not all columns have room: what a report wants; else figures of this period and how the first of them
    changed, with a goal its."""
    from aggregations.query.metrics import METRICS, OF_GOALS

    if wanted:
        return tuple(name for name in wanted if name in frame.columns)
    first, *others = (name for name in frame.columns if name in METRICS)
    if query.goal is not None:
        others = [name for name in OF_GOALS if name in others]
    changed = [f"{first}_change"] if f"{first}_change" in frame.columns else []
    keys = len(query.dimensions) + (2 if query.funnel is not None else 0)  # its steps, by number and event
    return (*frame.columns[:keys], first, *changed, *others)


def _notes(client: Client, asked: Asked, more: int) -> str:
    """What an answer leaves out, and of whom it is, in a line; empty where that is nothing."""
    from aggregations.reports.left_out import bots

    query, out = asked.query, bots(client, asked)
    notes = []
    if more:
        notes.append(f"{'1 more value' if more == 1 else f'{more:,} more values'}; add --limit 0 to show all.")
    notes += filter(None, (asked.segments_note, asked.sampled_note, asked.kept_note, asked.imported_note))
    if query.sample:
        notes.append(f"Sample: {query.sample:.3g} of all visitors, counts scaled up.")
    if out.events:
        views = f" ({out.pageviews:,} page views)" if out.pageviews else ""
        count = "1 event" if out.events == 1 else f"{out.events:,} events"
        notes.append(f"Bots excluded: {count}{views}. Add --include-bots to count them.")
    return " ".join(notes)


def _order(text: str) -> tuple[str, Any]:
    from aggregations.query.metrics import METRICS
    from sql.core.errors import UsageError

    name, how = text, "desc" if text in METRICS else "asc"
    if text.endswith((":asc", ":desc")):
        name, _, how = text.rpartition(":")
    if not name:
        raise UsageError(f"cannot sort by {text!r}", "a metric or dimension, such as visits or page:asc")
    return name, how

"""``footfall report``: questions and their answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from aggregations.reports.funnel import StepOrder
from aggregations.reports.ranked import RANKED, Ranked, Tag, campaigns
from aggregations.reports.timeseries import Interval
from cli import completion
from cli.asking import Asking, asks, report
from cli.funnel import ExcludeOption
from cli.options import FormatOption, OutputOption, PeriodOption, SiteOption
from cli.render.view import Layout, View

if TYPE_CHECKING:
    import polars as pl
    from clickhouse_connect.driver.client import Client

    from aggregations.query.answer import Asked

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Reports: metrics, pages, sources, devices, events, goals, funnels.",
    epilog="Example: footfall report overview --site shop.example --period 30d",
)


@app.command(epilog="Example: footfall report overview --site shop.example --period 2026-10 --format csv")
@asks(without=("limit", "sort"), compare="previous")
def overview(asking: Asking) -> None:
    """Visitors, visits, pageviews, bounce rate and visit duration, compared with the previous period."""
    from aggregations.reports.overview import QUERY, of

    report("overview", asking, QUERY, View("Overview", Layout.OVERVIEW), of)


@app.command(epilog="Example: footfall report timeseries --site shop.example --period today --by hour")
@asks(without=("limit",))
def timeseries(
    asking: Asking,
    by: Annotated[Interval, typer.Option("--by", help="Interval, in the site's local time.")] = Interval.DAY,
) -> None:
    """Metrics over time, including empty intervals."""
    from aggregations.reports.timeseries import query

    labels = {step.value: step.value.capitalize() for step in Interval} | {"partial": "Partial"}
    view = View("Over time", bar="visitors", sparks=("visitors", "pageviews"), labels=labels)
    report("timeseries", asking, query(by), view)


@app.command(
    "campaigns",
    help="Visits by campaign tag.",
    epilog="Example: footfall report campaigns --site shop.example --tag utm_medium",
)
@asks()
def campaigns_(
    asking: Asking, tag: Annotated[Tag, typer.Option("--tag", help="Campaign tag to group by.")] = Tag.CAMPAIGN
) -> None:
    """Visits by campaign tag."""
    _ranked("campaigns", asking, campaigns(tag))


@app.command(epilog="Example: footfall report breakdown language --site shop.example --where 'country=FR|DE'")
@asks()
def breakdown(
    asking: Asking,
    dimension: Annotated[
        list[str],
        typer.Argument(
            help="Up to four dimensions, such as language or props.plan (see: footfall dimensions).",
            autocompletion=completion.dimensions,
        ),
    ],
    metric: Annotated[
        list[str] | None,
        typer.Option(
            "--metric",
            "-m",
            help="Metric to show (see: footfall metrics); repeatable.",
            autocompletion=completion.metrics,
        ),
    ] = None,
) -> None:
    """Any metrics by any dimensions or properties."""
    from aggregations.query import dimensions
    from aggregations.query.model import Query
    from aggregations.query.sources import Level

    found = [dimensions.find(name) for name in dimension]
    events = any(each.level is Level.EVENT for each in found)
    usual = ("visitors", "visits", "events") if events else ("visitors", "visits", "bounce_rate", "visit_duration")
    base = Query(metrics=tuple(metric or usual), dimensions=tuple(dimension))
    labels = {each.name.removeprefix("time:"): each.label for each in found}
    view = View(
        " and ".join(each.label for each in found), bar=base.metrics[0], blank=found[0].blank or "(none)", labels=labels
    )
    report("breakdown", asking, base, view)


@app.command(epilog="Example: footfall report goals --site shop.example --where 'channel=Email'")
@asks(without=("goal", "compare", "sort", "limit", "explain", "as_json"))
def goals(asking: Asking) -> None:
    """All goals: conversions, completions, conversion rate and revenue."""
    from aggregations.query.model import Query
    from aggregations.reports.goals import of

    nothing = "no goals yet; define one: footfall goal add NAME --event NAME"
    report(
        "goals",
        asking,
        Query(metrics=("events",)),
        View("Goals", bar="conversions", labels={"goal": "Goal"}, nothing=nothing),
        of,
    )


@app.command(epilog="Example: footfall report funnel checkout --site shop.example --period 30d --by device")
@asks(without=("goal", "raw"))
def funnel(
    asking: Asking,
    name: Annotated[
        str, typer.Argument(help="The funnel's name (see: footfall funnel list).", autocompletion=completion.funnels)
    ],
    by: Annotated[
        str,
        typer.Option(
            "--by",
            help="Dimension of the first step's event or of its visit (see: footfall dimensions).",
            autocompletion=completion.dimensions,
        ),
    ] = "",
    window: Annotated[str, typer.Option("--window", help="Time for all steps, such as 30m or 7d.")] = "",
    order: Annotated[StepOrder | None, typer.Option("--order", help="Order of the steps.")] = None,
    exclude: ExcludeOption = None,
) -> None:
    """Visitors who reach each step of a funnel, and the median time since the step before."""
    from aggregations.query.dimensions import find
    from aggregations.query.model import FunnelQuery, Query
    from aggregations.reports.funnel import parse_window
    from aggregations.reports.reached import column_of

    asked = FunnelQuery(
        name,
        window=parse_window(window) if window else None,
        order=order.value if order else None,
        exclude=tuple(exclude) if exclude else None,
    )
    labels = {"step": "", "event": "Event", "path": "Path"} | ({column_of(by): find(by).label} if by else {})
    keys = (column_of(by), "step", "event") if by else ("step", "event", "path")
    figures = ("visitors", "visitors_change", "from_first", "from_first_previous")
    more = () if by or asking.compare != "none" else ("time_from_previous",)
    view = View(f"Funnel {name}", bar="visitors", blank="any", labels=labels, narrow=(*keys, *figures, *more))
    report("funnel", asking, Query(dimensions=(by,) if by else (), funnel=asked), view)


@app.command(epilog="Example: footfall report affiliates --site shop.example --period 2026-10 --first-click")
def affiliates(
    site: SiteOption = None,
    period: PeriodOption = "30d",
    first_click: Annotated[
        bool, typer.Option("--first-click", help="Credit the first click within the window, not the last.")
    ] = False,
    fmt: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """Clicks, conversions, payout and revenue by affiliate partner, with approval rate and time to convert."""
    from aggregations.definitions.affiliate_urls import patterns
    from aggregations.query.answer import located
    from aggregations.query.model import Query
    from aggregations.reports.affiliates import report
    from cli.context import database
    from cli.render.render import render

    with database("report affiliates") as client:
        row, its, _ = located(client, Query(site=site, period=period), None)
        frame = report(client, row, its, patterns(client, row.site_id)._asdict(), first_click=first_click)
    labels = {name: name.replace("_", " ").capitalize() for name in frame.columns}
    labels |= {"approval_rate": "Approval", "time_to_convert": "To convert", "currency": ""}
    columns = ("partner", "clicks", "conversions", "approval_rate", "currency", "payout", "revenue", "time_to_convert")
    view = View(
        f"Affiliates · {row.domain} · {its.label}", blank="(no click)", labels=labels, narrow=columns,
        nothing="no clicks and conversions; see `footfall affiliate --help`",
    )  # fmt: skip
    render(frame, view, fmt, output)


@app.command("query", epilog="Example: footfall report pages --as-json | footfall report query -")
def query_(
    file: Annotated[str, typer.Argument(help="A file with a query as JSON; - reads stdin.")],
    explain: Annotated[
        bool, typer.Option("--explain", help="Show what is counted, the tables read and the SQL (on stderr).")
    ] = False,
    fmt: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """Run a query of your own, written as JSON."""
    from aggregations.query.model import decode
    from cli.asking import show

    show("report query", decode(_question(file)), View("Query"), explain=explain, fmt=fmt, output=output)


def _question(file: str) -> bytes:
    from pathlib import Path

    from cli import standard_input
    from sql.core.errors import UsageError

    try:
        return standard_input.read() if file == "-" else Path(file).read_bytes()
    except OSError as exc:
        raise UsageError(f"cannot read {file}: {exc.strerror}") from exc


def _ranked(name: str, asking: Asking, ranked: Ranked) -> None:
    from aggregations.query import dimensions

    dimension = dimensions.find(ranked.dimension)
    column = ranked.names.get(ranked.dimension, ranked.dimension)
    labels = {column: "Page" if column == "page" else dimension.label}
    view = View(ranked.title, bar=ranked.bar, blank=dimension.blank, labels=labels, nothing=ranked.nothing)

    def ask(client: Client, asked: Asked) -> pl.DataFrame:
        from aggregations.query.answer import answer

        return ranked.named(answer(client, asked))

    report(name, asking, ranked.query(), view, ask)


def _command(name: str, ranked: Ranked) -> Callable[..., None]:
    """The command of a ranked report; all of them take the same options."""

    @asks()
    def command(asking: Asking) -> None:
        _ranked(name, asking, ranked)

    return command


for _name, _row in RANKED.items():
    app.command(_name, help=_row.help, epilog=f"Example: footfall report {_name} --site shop.example {_row.example}")(
        _command(_name, _row)
    )

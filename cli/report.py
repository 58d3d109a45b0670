"""``footfall report``: questions and their answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from aggregations.reports.sources import Tag
from aggregations.reports.timeseries import Step
from cli.options import (
    BotsOption,
    FormatOption,
    LimitOption,
    OutputOption,
    PeriodOption,
    RawOption,
    SiteOption,
    scoped,
)
from cli.ranked import RANKED, Ranked
from cli.render.render import render
from cli.render.view import Layout, View

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Reports: metrics, pages, sources, devices, events, funnels.",
    epilog="Example: footfall report overview --site shop.example --period 30d",
)


@app.command(epilog="Example: footfall report overview --site shop.example --period 2026-10 --format csv")
def overview(
    site: SiteOption = None,
    period: PeriodOption = "30d",
    bots: BotsOption = False,
    raw: RawOption = False,
    fmt: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """Visitors, visits, pageviews, bounce rate and visit duration, compared with the previous period."""
    from aggregations.reports.overview import overview as ask

    with scoped("report overview", site, period, bots) as s:
        frame, title = ask(s.client, s.site, s.period, s.only, raw=raw), s.title("Overview")
        note = s.footnote(raw)
    render(frame, View(title, Layout.OVERVIEW, footnote=note), fmt, output)


@app.command(epilog="Example: footfall report timeseries --site shop.example --period today --by hour")
def timeseries(
    site: SiteOption = None,
    period: PeriodOption = "30d",
    by: Annotated[Step, typer.Option("--by", help="Interval, in the site's local time.")] = Step.DAY,
    bots: BotsOption = False,
    raw: RawOption = False,
    fmt: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """Metrics over time, including empty intervals."""
    from aggregations.reports.timeseries import series as ask

    with scoped("report timeseries", site, period, bots) as s:
        frame = ask(s.client, s.site, s.period, by, s.only, raw=raw)
        title = s.title("Over time")
        note = s.footnote(raw)
    labels = {"day": "Day", "hour": "Hour"}
    view = View(title, bar="visitors", sparks=("visitors", "pageviews"), labels=labels, footnote=note)
    render(frame, view, fmt, output)


@app.command(epilog="Example: footfall report campaigns --site shop.example --tag utm_medium")
def campaigns(
    site: SiteOption = None,
    period: PeriodOption = "30d",
    tag: Annotated[Tag, typer.Option("--tag", help="Which tag.")] = Tag.CAMPAIGN,
    limit: LimitOption = 10,
    bots: BotsOption = False,
    raw: RawOption = False,
    fmt: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """Visits by campaign tag."""
    from aggregations.reports.sources import campaigns as ask

    with scoped("report campaigns", site, period, bots) as s:
        frame = ask(s.client, s.site, s.period, s.only, tag=tag, limit=limit, raw=raw)
        title = s.title("Campaigns")
        note = s.footnote(raw)
    render(frame, View(title, bar="visitors", footnote=note), fmt, output)


@app.command(epilog="Example: footfall report funnel checkout --site shop.example --period 30d")
def funnel(
    name: Annotated[str, typer.Argument(help="Which funnel (see: footfall funnel list).")],
    site: SiteOption = None,
    period: PeriodOption = "30d",
    bots: BotsOption = False,
    raw: RawOption = False,
    fmt: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """Visitors who reach each step of a funnel."""
    from aggregations.definitions import funnels

    with scoped("report funnel", site, period, bots) as s:
        found = funnels.find(s.client, s.site, name)
        frame = funnels.report(s.client, s.site, found, s.period, s.only, raw=raw)
        title = s.title(f"Funnel {name}")
        note = s.footnote(raw)
    labels = {"step": "", "event": "Event", "path": "Path"}
    render(frame, View(title, bar="visitors", blank="any", labels=labels, footnote=note), fmt, output)


@app.command(epilog="Example: footfall report detected --site shop.example --period 7d")
def detected(
    site: SiteOption = None,
    period: PeriodOption = "30d",
    limit: LimitOption = 10,
    bots: BotsOption = False,
    fmt: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """Clicks and forms by detected kind, with corrections from `footfall detected override`."""
    from aggregations.reports.detected import kinds as ask

    with scoped("report detected", site, period, bots) as s:
        frame, title = ask(s.client, s.site, s.period, s.only, limit=limit), s.title("Detected events")
        note = s.footnote(raw=True)
    view = View(title, bar="visitors", labels={"kind": "Kind"}, nothing="nothing was detected", footnote=note)
    render(frame, view, fmt, output)


def _command(ranked: Ranked) -> Callable[..., None]:
    """The command of a ranked report; all of them take the same options."""

    def command(
        site: SiteOption = None,
        period: PeriodOption = "30d",
        limit: LimitOption = 10,
        bots: BotsOption = False,
        raw: RawOption = False,
        fmt: FormatOption = None,
        output: OutputOption = None,
    ) -> None:
        ask = ranked.question()
        with scoped(f"report {ranked.command}", site, period, bots) as s:
            frame = ask(s.client, s.site, s.period, s.only, limit=limit, raw=raw)
            title, note = s.title(ranked.title), s.footnote(raw)
        labels = {ranked.column: ranked.heading}
        render(frame, View(title, bar=ranked.bar, blank=ranked.blank, labels=labels, footnote=note), fmt, output)

    return command


for _ranked in RANKED:
    app.command(
        _ranked.command,
        help=_ranked.help,
        epilog=f"Example: footfall report {_ranked.command} --site shop.example {_ranked.example}",
    )(_command(_ranked))

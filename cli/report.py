"""``footfall report``: questions and their answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from typing import Annotated

import typer

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
from cli.render.render import render
from cli.render.view import Layout, View

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="What happened on a site: figures, pages, sources, devices, events, funnels.",
    epilog="Example: footfall report overview --site shop.example --period 30d",
)


class By(StrEnum):
    """How long one point of a series is."""

    HOUR = "hour"
    DAY = "day"


class TagName(StrEnum):
    """A campaign tag."""

    CAMPAIGN = "utm_campaign"
    SOURCE = "utm_source"
    MEDIUM = "utm_medium"
    TERM = "utm_term"
    CONTENT = "utm_content"


@dataclass(frozen=True, slots=True)
class Ranked:
    """A report that is a ranked list: its command, the function that answers it, and how it is shown."""

    command: str
    module: str
    function: str
    column: str
    heading: str
    title: str
    help: str
    bar: str = "visitors"
    blank: str = ""
    example: str = "--period 7d"


_NONE, _UNKNOWN = "(none)", "(unknown)"
RANKED = (
    Ranked(
        "pages",
        "pages",
        "top_pages",
        "page",
        "Page",
        "Top pages",
        "The most visited pages.",
        example="--period 7d --limit 20",
    ),
    Ranked(
        "entry-pages",
        "pages",
        "entry_pages",
        "page",
        "Page",
        "Entry pages",
        "Pages on which visits begin.",
        bar="visits",
    ),
    Ranked(
        "exit-pages",
        "pages",
        "exit_pages",
        "page",
        "Page",
        "Exit pages",
        "Pages on which visits end, and the share of their views that were the last.",
        bar="exits",
        example="--period yesterday",
    ),
    Ranked("sources", "sources", "sources", "source", "Source", "Sources", "What sent visits here.", blank=_NONE),
    Ranked(
        "channels",
        "sources",
        "channels",
        "channel",
        "Channel",
        "Channels",
        "Where visits come from, by channel group.",
        blank=_NONE,
        example="--period 2026-10",
    ),
    Ranked(
        "countries",
        "places",
        "countries",
        "country",
        "Country",
        "Countries",
        "Where visitors are (ISO country codes).",
        blank=_UNKNOWN,
        example="--limit 0 --format csv",
    ),
    Ranked(
        "devices",
        "technology",
        "devices",
        "device",
        "Device",
        "Devices",
        "Desktop, mobile, tablet.",
        blank=_UNKNOWN,
    ),
    Ranked("browsers", "technology", "browsers", "browser", "Browser", "Browsers", "Browsers.", blank=_UNKNOWN),
    Ranked(
        "os",
        "technology",
        "systems",
        "os",
        "System",
        "Operating systems",
        "Operating systems.",
        blank=_UNKNOWN,
    ),
    Ranked(
        "events",
        "events",
        "events",
        "event",
        "Event",
        "Events",
        "Events by name, and the share of visitors who sent one.",
        example="--period today",
    ),
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
    """Visitors, visits, pageviews, bounce rate and visit duration, beside the period before."""
    from aggregations.reports.overview import overview as ask

    with scoped("report overview", site, period, bots) as s:
        frame, title = ask(s.client, s.site, s.period, s.only, raw=raw), s.title("Overview")
        note = s.footnote(raw)
    render(frame, View(title, Layout.OVERVIEW, footnote=note), fmt, output)


@app.command(epilog="Example: footfall report series --site shop.example --period today --by hour")
def series(
    site: SiteOption = None,
    period: PeriodOption = "30d",
    by: Annotated[By, typer.Option("--by", help="One point a local hour or day.")] = By.DAY,
    bots: BotsOption = False,
    raw: RawOption = False,
    fmt: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """Figures over time, quiet days and hours included."""
    from aggregations.reports.timeseries import Step
    from aggregations.reports.timeseries import series as ask

    with scoped("report series", site, period, bots) as s:
        frame = ask(s.client, s.site, s.period, Step(by), s.only, raw=raw)
        title = s.title("Over time")
        note = s.footnote(raw)
    labels = {"day": "Day", "hour": "Hour"}
    view = View(title, bar="visitors", sparks=("visitors", "pageviews"), labels=labels, footnote=note)
    render(frame, view, fmt, output)


@app.command(epilog="Example: footfall report campaigns --site shop.example --tag utm_medium")
def campaigns(
    site: SiteOption = None,
    period: PeriodOption = "30d",
    tag: Annotated[TagName, typer.Option("--tag", help="Which tag.")] = TagName.CAMPAIGN,
    limit: LimitOption = 10,
    bots: BotsOption = False,
    raw: RawOption = False,
    fmt: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """Visits that carry a campaign tag."""
    from aggregations.reports.sources import Tag
    from aggregations.reports.sources import campaigns as ask

    with scoped("report campaigns", site, period, bots) as s:
        frame = ask(s.client, s.site, s.period, s.only, tag=Tag(tag), limit=limit, raw=raw)
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
    """How many visitors reach each step of a funnel."""
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
    """Clicks and forms that the tracker classified, by kind, as corrected by `footfall events override`."""
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
        ask = getattr(import_module(f"aggregations.{ranked.module}"), ranked.function)
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

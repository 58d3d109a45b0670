"""``footfall segment``: groups of visitors, who belongs to them, and since when."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from cli import completion
from cli.context import database, settings
from cli.defining import Defined, Name, group
from cli.exit_codes import Exit
from cli.options import DryRunOption, FormatOption, LimitOption, OutputOption, SiteOption
from cli.plan import Action, Plan, carry_out
from cli.render.render import render
from cli.render.view import View

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from aggregations.query.conditions import Condition
    from aggregations.query.sites import SiteRow
    from aggregations.segments.definition import Segment
    from aggregations.segments.evaluate import Population
    from sql.definitions import Kind

Asked = Annotated[str, typer.Argument(help="Name of a segment, or a condition.", autocompletion=completion.defined)]
MomentOption = Annotated[dt.datetime | None, typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"])]
_LABELS = {
    "segment": "Segment", "visitor_id": "Visitor", "members": "Members", "entered": "Entered", "left": "Left",
    "at": "At", "version": "Version", "entered_at": "Entered at", "part": "Part", "change": "Change",
    "first_seen": "First seen", "last_seen": "Last seen", "visits": "Visits", "events": "Events", "revenue": "Revenue",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class SegmentOptions:
    """What a segment asks, as options; None: not stated."""

    where: Annotated[
        str | None,
        typer.Option("--where", "-w", help="Condition on visitors, such as 'did(page=/pricing) >= 2 last 14d'."),
    ] = None

    def body(self, before: Segment | None) -> Segment:
        """The segment that they say; what is not stated is as ``before``."""
        from aggregations.segments.definition import Segment

        return Segment(self.where) if self.where is not None else before or Segment()


def _kind() -> Kind[Segment]:
    from aggregations.segments.definition import SEGMENT

    return SEGMENT


app = group(
    Defined(
        "segment",
        "segment",
        "Segments: groups of visitors, by what they did. `refresh` writes down who belongs to them.",
        "buyers --where 'did(event=purchase) last 30d'",
        SegmentOptions,
        _kind,
    )
)


@app.command(epilog="Example: footfall segment size 'did(page=/pricing) >= 2 last 14d' --exact")
def size(
    asked: Asked,
    site: SiteOption = None,
    exact: Annotated[bool, typer.Option("--exact", help="Count every visitor; else a sixteenth of them.")] = False,
    fmt: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """Count the visitors who belong to a segment now: an estimate from a sixteenth of all visitors, or exactly."""
    import polars as pl

    from aggregations.segments import evaluate

    with database("segment size") as client:
        of = evaluate.population(client, _site(client, site))
        found = evaluate.size(client, of, _condition(of, asked), None if exact else evaluate.ESTIMATED_OF)
    frame = pl.DataFrame({"segment": [asked], "members": [found], "exact": [exact]})
    note = "" if exact else "Estimated from a sixteenth of all visitors. Add --exact to count all."
    render(frame, View("Size", labels=_LABELS | {"exact": "Exact"}, footnote=note), fmt, output)


@app.command(epilog="Example: footfall segment preview buyers --limit 20")
def preview(
    asked: Asked,
    site: SiteOption = None,
    limit: LimitOption = 10,
    fmt: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """List visitors who belong to a segment now, those who were seen last first."""
    from aggregations.segments import evaluate, members

    with database("segment preview") as client:
        of = evaluate.population(client, _site(client, site))
        frame = members.preview(client, of, _condition(of, asked), limit)
    render(frame, View(f"Visitors of {asked}", labels=_LABELS, nothing="nobody belongs to it"), fmt, output)


@app.command(epilog="Example: footfall segment refresh --site shop.example")
def refresh(
    names: Annotated[
        list[str] | None, typer.Argument(help="Segments (default: all of the site).", autocompletion=completion.defined)
    ] = None,
    site: SiteOption = None,
    dry_run: DryRunOption = False,
    fmt: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """Write down who belongs to segments now, with those who entered and left. For cron.

    Reports with --segment, exports and `diff` go by it. A segment that cannot be found, such as one that names a
    segment which was removed, does not stop the others; the exit code is 1 then.
    """
    import polars as pl

    from aggregations.segments import evaluate
    from aggregations.segments import refresh as refreshing

    home = settings().home
    with database("segment refresh") as client:
        of = evaluate.population(client, _site(client, site))
        found: list[refreshing.Refreshed] = []
        wrong = {} if names else evaluate.unusable(of)
        wanted = names or [name for name in of.segments if name not in wrong]

        def do() -> None:
            found.extend(refreshing.refresh(client, home, of, wanted))

        steps = (Action("refresh", f"segments of {of.site.domain}: {', '.join(wanted)}", do),) if wanted else ()
        carry_out(Plan("footfall segment refresh", steps), home, dry_run=dry_run)
    rows = [(each.segment, each.members, each.entered, each.left) for each in found]
    frame = pl.DataFrame(rows, ["segment", "members", "entered", "left"], orient="row")
    nothing = "nothing was refreshed" if dry_run else "no segments are defined; see `footfall segment add --help`"
    render(frame, View(f"Segments of {of.site.domain}", labels=_LABELS, nothing=nothing), fmt, output)
    for name, exc in wrong.items():
        typer.echo(f"not refreshed: {name}: {exc}", err=True)
    if wrong:
        raise typer.Exit(Exit.FAILED)


@app.command(epilog="Example: footfall segment members buyers --split 50/50 --format csv -o buyers.csv")
def members(
    name: Name,
    site: SiteOption = None,
    split: Annotated[
        str, typer.Option("--split", help="Divide visitors for a test, such as 50/50: always alike.")
    ] = "",
    limit: LimitOption = 10,
    fmt: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """List who belongs to a segment as of its last refresh, those who entered last first."""
    from aggregations.segments import members

    ends = members.parse_split(split)
    with database("segment members") as client:
        frame = members.current(client, _site(client, site), name, limit, ends)
    frame = frame if ends else frame.drop("part")
    render(frame, View(f"Members of {name}", labels=_LABELS, nothing="nobody belongs to it"), fmt, output)


@app.command(epilog="Example: footfall segment refreshes buyers")
def refreshes(
    name: Annotated[str, typer.Argument(help="Segment (default: all).", autocompletion=completion.defined)] = "",
    site: SiteOption = None,
    limit: LimitOption = 20,
    fmt: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """List refreshes, the newest first: size, and how many entered and left."""
    from aggregations.segments import members

    with database("segment refreshes") as client:
        frame = members.refreshes(client, _site(client, site), name, limit)
    nothing = "never refreshed; run `footfall segment refresh`"
    render(frame, View("Refreshes", labels=_LABELS, nothing=nothing), fmt, output)


@app.command(epilog="Example: footfall segment diff buyers --since 2026-11-01")
def diff(
    name: Name,
    since: Annotated[dt.datetime, typer.Option("--since", formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"], help="In UTC.")],
    until: Annotated[
        dt.datetime | None,
        typer.Option("--until", formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"], help="In UTC (default: now)."),
    ] = None,
    site: SiteOption = None,
    limit: LimitOption = 100,
    fmt: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """List who entered and who left a segment between two moments, by its refreshes."""
    from aggregations.segments import members

    moments = [each.replace(tzinfo=dt.UTC) for each in (since, until or dt.datetime.now(dt.UTC).replace(tzinfo=None))]
    with database("segment diff") as client:
        frame = members.difference(client, _site(client, site), name, moments[0], moments[1], limit)
    render(frame, View(f"Changes of {name}", labels=_LABELS, nothing="nobody entered or left"), fmt, output)


def _site(client: Client, domain: str | None) -> SiteRow:
    from aggregations.query import sites

    return sites.find(client, domain)


def _condition(of: Population, asked: str) -> Condition:
    """The segment of a name, or what a condition says. Raises UsageError."""
    from aggregations.segments.definition import SEGMENT, Segment
    from aggregations.segments.language import parse

    if asked in of.segments:
        return of.segments[asked]
    SEGMENT.check(Segment(asked))
    return parse(asked)

"""``footfall export conversions``: events of a goal with the clicks that they came from, for ad platforms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from aggregations.exports.consent import Consent
from aggregations.exports.conversion_files import Adjust, ConversionPlatform
from cli import exporting
from cli.context import database, settings
from cli.export_segment import NameOption, reasons
from cli.exporting import Told
from cli.options import DryRunOption, PeriodOption, SiteOption
from sql.core.durations import seconds_of
from sql.core.errors import UsageError


@dataclass(frozen=True, slots=True)
class ConversionsExport:
    """One export of conversions, as options or a file of exports say it."""

    goal: str
    to: ConversionPlatform
    output: str
    site: str | None = None
    period: str = "90d"
    conversion_name: str = ""
    window: str = "90d"
    consent: Consent = Consent.NOT_DENIED
    since_last: bool = False
    adjust: Adjust | None = None
    event: str = "refund"
    csv: str = ""
    name: str = ""


def add_to(app: typer.Typer) -> None:
    """Add the command to the group."""
    app.command(
        "conversions",
        epilog="Example: footfall export conversions --goal orders --to google-ads --since-last -o orders.csv",
    )(conversions)


def conversions(
    goal: Annotated[str, typer.Option("--goal", help="Goal whose events are the conversions.")],
    to: Annotated[ConversionPlatform, typer.Option("--to", help="Platform whose form the file has.")],
    output: Annotated[str, typer.Option("--output", "-o", help="File, or a URL such as s3://bucket/orders.csv.")],
    site: SiteOption = None,
    period: PeriodOption = "90d",
    conversion_name: Annotated[
        str, typer.Option("--conversion-name", help="What the platform calls it (default: the goal's name).")
    ] = "",
    window: Annotated[str, typer.Option("--window", help="How long before it a click may be.")] = "90d",
    consent: Annotated[Consent, typer.Option("--consent", help="Whose conversions go out.")] = Consent.NOT_DENIED,
    since_last: Annotated[
        bool, typer.Option("--since-last", help="Only what has arrived since the last export of this name.")
    ] = False,
    adjust: Annotated[
        Adjust | None, typer.Option("--adjust", help="Write what became of orders instead: retracted, or restated.")
    ] = None,
    event: Annotated[str, typer.Option("--event", help="With --adjust: events that have an order_id.")] = "refund",
    csv: Annotated[
        str, typer.Option("--csv", help="With --adjust: a file with order_id, time, value and currency.")
    ] = "",
    export: NameOption = "",
    dry_run: DryRunOption = False,
) -> None:
    """Write conversions with their click ids, one file for each kind of click id where the platform needs that.

    Each has the last click of its person within the window. With --adjust restate, the event's revenue is the order's
    new value.
    """
    asked = ConversionsExport(
        goal, to, output, site, period, conversion_name, window, consent, since_last, adjust, event, csv, export
    )
    run(asked, dry_run)


def run(asked: ConversionsExport, dry_run: bool = False, told: Told = exporting.say) -> None:
    """Carry out an export, or say how many it would write. Raises UsageError, EngineError, StorageError."""
    from aggregations.exports import conversions
    from aggregations.query import sites

    if exporting.to_stream(asked.output):
        raise UsageError("conversions can be several files", "name a file: -o orders.csv")
    if asked.csv and not asked.adjust:
        raise UsageError("--csv is of adjustments", "add --adjust retract or --adjust restate")
    what = conversions.ConversionExport(
        asked.goal,
        asked.to,
        asked.conversion_name,
        asked.period,
        seconds_of(asked.window),
        asked.consent,
        asked.since_last,
        asked.adjust,
        asked.event,
        asked.csv,
        asked.name,
    )
    target, name = exporting.target(asked.output)
    with database("export conversions") as client:
        site = sites.find(client, asked.site)
        with conversions.finding(client, settings().home, site, what) as found:
            kinds = ", ".join(f"{count:,} {kind or 'rows'}" for kind, count in found.kinds.items()) or "0 rows"
            if found.left_out:
                told(f"left out: {reasons(found.left_out)}")
            if dry_run:
                told(f"would export {kinds} to {asked.output}")
                return
            made = conversions.write(client, site, what, found, target, name)
    told(f"exported {kinds}: {', '.join(each.name for each in made.files)}")

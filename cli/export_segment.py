"""``footfall export segment``: an audience for an ad platform."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from aggregations.exports.consent import Consent
from aggregations.exports.platforms import Platform
from cli import completion, exporting
from cli.context import database, settings
from cli.exporting import Told
from cli.options import DryRunOption, SiteOption
from sql.core.errors import UsageError

if TYPE_CHECKING:
    from aggregations.exports.audience import AudienceExport, Prepared

NameOption = Annotated[
    str, typer.Option("--as", help="Name in the log, by which --since-last finds it (default: segment.platform).")
]
SinceOption = Annotated[
    bool, typer.Option("--since-last", help="Only what changed since the last export: additions, and removals.")
]


@dataclass(frozen=True, slots=True)
class SegmentExport:
    """One export of a segment, as options or a file of exports say it."""

    segment: str
    to: Platform
    output: str
    site: str | None = None
    consent: Consent | None = None
    since_last: bool = False
    allow_small: bool = False
    split: str = ""
    part: int = 0
    name: str = ""


def add_to(app: typer.Typer) -> None:
    """Add the command to the group."""
    app.command("segment", epilog="Example: footfall export segment buyers --to meta --since-last -o buyers.csv")(
        segment
    )


def segment(
    name: Annotated[str, typer.Argument(help="Name of the segment.", autocompletion=completion.defined)],
    to: Annotated[Platform, typer.Option("--to", help="Platform whose form the file has.")],
    output: Annotated[str, typer.Option("--output", "-o", help="File, or a URL such as s3://bucket/buyers.csv.")],
    site: SiteOption = None,
    consent: Annotated[
        Consent | None,
        typer.Option("--consent", help="Whose rows go out (default: required for google-ads, else not-denied)."),
    ] = None,
    since_last: SinceOption = False,
    allow_small: Annotated[
        bool, typer.Option("--allow-small", help="Write it although the platform needs more people.")
    ] = False,
    split: Annotated[str, typer.Option("--split", help="Divide people for a test, such as 50/50: always alike.")] = "",
    part: Annotated[int, typer.Option("--part", min=0, help="The part of --split that is meant, from 1.")] = 0,
    export: NameOption = "",
    dry_run: DryRunOption = False,
) -> None:
    """Write the members of a segment, as of its last refresh, in the form that an ad platform takes.

    Contact data is hashed as the platform needs it. People whose browser sends Sec-GPC are left out, and those without
    the consent that is needed.
    """
    run(SegmentExport(name, to, output, site, consent, since_last, allow_small, split, part, export), dry_run)


def run(asked: SegmentExport, dry_run: bool = False, told: Told = exporting.say) -> None:
    """Carry out an export, or say how many it would write. Raises UsageError, EngineError, StorageError."""
    from aggregations.exports import audience
    from aggregations.query import sites
    from aggregations.segments.members import parse_split

    if exporting.to_stream(asked.output):
        raise UsageError("an audience can be several files", "name a file: -o buyers.csv")
    what = audience.AudienceExport(
        asked.segment,
        asked.to,
        asked.name,
        asked.consent,
        asked.since_last,
        asked.allow_small or dry_run,
        tuple(parse_split(asked.split)),
        asked.part,
    )
    target, name = exporting.target(asked.output)
    with database("export segment") as client:
        site = sites.find(client, asked.site)
        with audience.preparing(client, settings().home, site, what) as prepared:
            _tell(told, what, prepared)
            if small := audience.check_size(what, prepared):
                told(f"warning: {small}")
            if dry_run:
                told(f"would export {_amount(what, prepared)} to {asked.output}")
                return
            made = audience.write(client, site, what, prepared, target, name)
    files = ", ".join(each.name for each in made.files)
    told(f"exported {_amount(what, prepared)}: {files}")


def _tell(told: Told, what: AudienceExport, prepared: Prepared) -> None:
    told(f"{what.export}: {prepared.people:,} people, {prepared.rows:,} rows; consent {what.rule}")
    if prepared.left_out:
        told(f"left out: {reasons(prepared.left_out)}")


def reasons(left_out: Mapping[str, int]) -> str:
    """How many are left out, by reason, in words."""
    return ", ".join(f"{count:,} {reason}" for reason, count in left_out.items())


def _amount(what: AudienceExport, prepared: Prepared) -> str:
    if what.since_last:
        return f"{prepared.added:,} additions and {prepared.removed:,} removals"
    return f"{prepared.rows:,} rows"

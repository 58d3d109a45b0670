"""``footfall detected``: review what the tracker detected, and correct it."""

from __future__ import annotations

import datetime as dt
import getpass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from aggregations.reports.detected import Confidence
from cli.asking import Asking, asks, show
from cli.context import database, settings
from cli.options import (
    DryRunOption,
    FormatOption,
    OutputOption,
    SiteOption,
    scoped,
)
from cli.render.render import render
from cli.render.view import View

if TYPE_CHECKING:
    import polars as pl
    from clickhouse_connect.driver.client import Client

    from aggregations.query.answer import Asked

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Review and correct the clicks and forms that the tracker classified.",
    epilog="Example: footfall detected review --site shop.example --confidence low",
)
overrides = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Manage corrections.",
    epilog="Example: footfall detected overrides list --site shop.example",
)
app.add_typer(overrides, name="overrides")
_LABELS = {
    "id": "Id",
    "site": "Site",
    "kind": "Kind",
    "detected": "Detected",
    "confidence": "Confidence",
    "name": "Event",
    "rule": "Rule",
    "selector": "Selector",
    "text": "Text",
    "last_seen": "Last seen",
    "page": "Page",
    "override": "Override",
    "was": "Was",
    "becomes": "Becomes",
    "created": "Created",
    "by": "By",
    "removed": "Removed",
    "removed_by": "Removed by",
}
# The days that a dry run looks at.
_RECENT = "30d"


class Detected(StrEnum):
    """An event that the tracker detects."""

    CLICK = "click"
    FORM_SUBMIT = "form_submit"


@app.command(epilog="Example: footfall detected review --site shop.example --period 7d --confidence low")
@asks(without=("goal", "compare", "sort", "raw", "explain", "as_json"))
def review(
    asking: Asking,
    confidence: Annotated[
        Confidence | None, typer.Option("--confidence", "-c", help="Only events with this confidence.")
    ] = None,
    kind: Annotated[str, typer.Option("--kind", "-k", help="Only this kind, after corrections.")] = "",
) -> None:
    """List detected events, those that most need a review first: lowest confidence, then most events."""
    from aggregations.query.model import Query
    from aggregations.reports.detected import review as answer

    def ask(client: Client, asked: Asked) -> pl.DataFrame:
        return answer(client, asked.query, asked.site, asked.period, confidence=confidence, kind=kind)

    narrow = ("kind", "confidence", "selector", "text", "events", "visitors", "override")
    view = View("Detected events", labels=_LABELS, narrow=narrow, nothing="nothing was detected")
    show("detected review", asking.query(Query()), view, ask, fmt=asking.fmt, output=asking.output)


@app.command(epilog="Example: footfall detected override --site shop.example --kind contact --selector 'a.call-us'")
def override(
    kind: Annotated[
        str, typer.Option("--kind", "-k", help="The correct kind; none if nothing should have been detected.")
    ],
    site: SiteOption = None,
    selector: Annotated[str | None, typer.Option("--selector", help="Match this selector, as detected.")] = None,
    text: Annotated[str | None, typer.Option("--text", help="Match this text; '' matches events without text.")] = None,
    rule: Annotated[str | None, typer.Option("--rule", help="Match events classified by this rule.")] = None,
    name: Annotated[Detected | None, typer.Option("--name", help="Match only events with this name.")] = None,
    dry_run: DryRunOption = False,
    fmt: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """Correct the kind of detected events, past and future. Raw events do not change.

    Prints what this changes in the last 30 days. If several overrides match an event, the one with the most criteria
    applies; among equals, the latest.
    """
    from aggregations.definitions import overrides as corrections
    from sql.core.files import OwnedLock

    wanted = corrections.Override(kind, name.value if name else None, rule, selector, text)
    corrections.check(wanted)
    with scoped("detected override", site, _RECENT, bots=False) as s:
        frame = corrections.changes(s.client, s.site, wanted, s.period)
        said = "would add an override"
        if not dry_run:
            lock = OwnedLock(settings().home.make().overrides_lock, "footfall detected override")
            said = f"added override {corrections.add(s.client, s.site, wanted, _user(), lock)}"
        title = s.title("Changes")
    typer.echo(f"{said} on {s.site.domain}: {wanted.shown} is {kind}", err=True)
    render(frame, View(title, labels=_LABELS, nothing="no matching events in the last 30 days"), fmt, output)


@overrides.command("list", epilog="Example: footfall detected overrides list --site shop.example --format csv")
def list_(site: SiteOption = None, fmt: FormatOption = None, output: OutputOption = None) -> None:
    """List the overrides of a site or of all sites, including removed ones."""
    from aggregations.definitions.overrides import listed
    from aggregations.query import sites

    with database("detected overrides list") as client:
        frame = listed(client, sites.find(client, site) if site else None)
    narrow = ("id", "site", "kind", "name", "rule", "selector", "text", "removed")
    render(frame, View("Overrides", labels=_LABELS, narrow=narrow, nothing="no overrides yet"), fmt, output)


@overrides.command(epilog="Example: footfall detected overrides remove 3")
def remove(
    number: Annotated[int, typer.Argument(metavar="ID", help="Override id from `footfall detected overrides list`.")],
    dry_run: DryRunOption = False,
) -> None:
    """Remove an override. Its events go back to the kind from the tracker or another override. It stays in the list."""
    from aggregations.definitions import overrides as corrections

    with database("detected overrides remove") as client:
        row = corrections.find(client, number)
        events = corrections.decided(client, number, dt.datetime.now(dt.UTC).date() - dt.timedelta(days=30))
        if not dry_run:
            corrections.remove(client, number, _user())
    said = "would remove" if dry_run else "removed"
    told = f"{said} override {number} of {row['site']} ({row['kind']})"
    typer.echo(f"{told}; it applies to {events:,} events of the last 30 days", err=True)


def _user() -> str:
    """Who runs this, as the system knows them; '' where it does not."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return ""

"""``footfall retention``: how long what is stored is kept, and removing what is older."""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import completion
from cli.context import database, settings
from cli.defining import action
from cli.options import DryRunOption, FormatOption, OutputOption, SiteOption
from cli.plan import Action, Plan, Yes, carry_out
from cli.render.render import render
from cli.render.view import View

if TYPE_CHECKING:
    import polars as pl
    from clickhouse_connect.driver.client import Client

    from collector.lifecycle.retention import Keeping, Removal
    from collector.sites.registry import Site

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="How long data is kept. Nothing is removed before `retention apply` runs, such as daily from cron.",
    epilog="Example: footfall retention set events --days 400 --site shop.example",
)
What = Annotated[
    str,
    typer.Argument(
        help="events, visits, rollups, or a column such as events.user_agent.", autocompletion=completion.kept
    ),
]
_LABELS = {
    "site": "Site", "what": "What", "days": "Days", "since": "Kept since", "archive": "Archive",
    "table": "Table", "month": "Month", "act": "Action", "sites": "Sites", "from": "From", "to": "To", "rows": "Rows",
    "bytes": "Bytes",
}  # fmt: skip


@app.command("set", epilog="Example: footfall retention set events.user_agent --days 30 --site shop.example")
def set_(
    what: What,
    days: Annotated[int, typer.Option("--days", "-d", min=1, help="Number of local days, today not included.")],
    archive: Annotated[
        str, typer.Option("--archive", help="Write events to this directory or s3:// URL before removing them.")
    ] = "",
    site: SiteOption = None,
    dry_run: DryRunOption = False,
) -> None:
    """Keep raw events, visits, rollups or a column of events for a number of days.

    Visits and rollups are kept at least as long as raw events. Without a setting, data is kept for good.
    """
    from sql.retention import Retention

    _change("set", what, Retention(days, archive), site, dry_run)


@app.command(epilog="Example: footfall retention remove events --site shop.example")
def remove(what: What, site: SiteOption = None, dry_run: DryRunOption = False) -> None:
    """Keep it for good from now on."""
    _change("remove", what, None, site, dry_run)


@app.command(epilog="Example: footfall retention show")
def show(site: SiteOption = None, fmt: FormatOption = None, output: OutputOption = None) -> None:
    """Show how long data is kept, and since when it is complete."""
    import polars as pl

    from collector.lifecycle.retention import keeping
    from sql.schema import horizons

    with database("retention show") as client:
        kept = keeping(client, dt.datetime.now(dt.UTC), _site(client, site))
        known = horizons.every(client)
    rows = [
        (
            each.site.domain,
            each.what,
            each.days,
            _since(known, each),
            each.archive or None,
        )
        for each in kept
    ]
    kinds = {"site": pl.String, "what": pl.String, "days": pl.Int64, "since": pl.Date, "archive": pl.String}
    frame = pl.DataFrame(rows, kinds, orient="row")
    render(frame, View("Retention", labels=_LABELS, nothing="everything is kept for good"), fmt, output)


@app.command(epilog="Example: footfall retention plan --site shop.example")
def plan(site: SiteOption = None, fmt: FormatOption = None, output: OutputOption = None) -> None:
    """Show what `retention apply` would remove now, by table and month, and how long the disk lasts."""
    with database("retention plan") as client:
        found = _removals(client, site)
        forecast = _forecast(client)
    narrow = ("table", "month", "act", "to", "rows", "bytes")
    nothing = "nothing is older than it is kept"
    view = View("To be removed", labels=_LABELS, nothing=nothing, footnote=forecast, narrow=narrow)
    render(_frame(found), view, fmt, output)


@app.command(epilog="Example: footfall retention apply --yes")
def apply(
    site: SiteOption = None,
    yes: Yes = False,
    dry_run: DryRunOption = False,
) -> None:
    """Remove what is older than it is kept; events are archived first where the setting says so.

    If it is interrupted, run it again. What is removed shows in reports as a note.
    """
    from collector.lifecycle.retention import apply as remove_rows

    home = settings().home
    with database("retention apply") as client:
        found = _removals(client, site)
        actions = tuple(_action(each, partial(remove_rows, client, home, each)) for each in found)
        if not actions:
            typer.echo("nothing is older than it is kept", err=True)
        carry_out(Plan("footfall retention apply", actions, loses=True), home, dry_run=dry_run, yes=yes)


def _change(command: str, what: str, body: Any, site: str | None, dry_run: bool) -> None:
    from aggregations.definitions.changes import Act, change_of
    from aggregations.query import sites
    from collector.lifecycle.retention import check
    from sql import definitions
    from sql.retention import RETENTION

    definitions.check_name(RETENTION, what)
    with database(f"retention {command}") as client:
        row = sites.find(client, site)
        change = change_of(client, row, RETENTION, what, lambda before: body)
        if change.act is Act.KEEP:
            typer.echo(f"nothing changes: {change.told if body else f'{what} is kept for good'}", err=True)
            return
        known = {each.name: each.body.days for each in definitions.every(client, row.site_id, RETENTION)}
        wanted = known | ({what: body.days} if body else {})
        if body is None:
            wanted.pop(what)
        found = _site(client, row.domain)
        if found is not None:
            check(found, wanted)
        carry_out(Plan(f"footfall retention {command}", (action(client, change),)), settings().home, dry_run=dry_run)


def _since(known: dict[tuple[int, str], dt.date], kept: Keeping) -> dt.date | None:
    """From which day on it is whole; None where nothing was removed, or all of it was put back."""
    day = known.get((kept.site.site_id, kept.what))
    return day if day is not None and day.year > 1970 else None


def _site(client: Client, domain: str | None) -> Site | None:
    from aggregations.query import sites
    from collector.sites.table import all_sites

    if domain is None:
        return None
    row = sites.find(client, domain)
    return next(each for each in all_sites(client) if each.site_id == row.site_id)


def _removals(client: Client, site: str | None) -> list[Removal]:
    from collector.lifecycle.retention import keeping, plan

    return plan(client, keeping(client, dt.datetime.now(dt.UTC), _site(client, site)))


def _action(removal: Removal, do: Any) -> Action:
    what = f"{removal.table.name}.{removal.column}" if removal.column else removal.table.name
    sites = ", ".join(each.site.domain for each in removal.keeping[:3])
    more = f" and {len(removal.keeping) - 3} more" if len(removal.keeping) > 3 else ""
    told = f"{what} of {sites}{more} to {removal.last}"
    return Action(_act(removal), told, do, rows=removal.rows, bytes=removal.bytes, months=(removal.month,))


def _act(removal: Removal) -> str:
    return "clear" if removal.column else "drop" if removal.whole else "delete"


def _frame(found: list[Removal]) -> pl.DataFrame:
    import polars as pl

    rows = [
        (
            f"{each.table.name}.{each.column}" if each.column else each.table.name,
            f"{each.month // 100}-{each.month % 100:02}",
            _act(each),
            len(each.keeping),
            each.first,
            each.last,
            each.rows,
            each.bytes,
        )
        for each in found
    ]
    kinds = {"table": pl.String, "month": pl.String, "act": pl.String, "sites": pl.Int64}
    more = {"from": pl.Date, "to": pl.Date, "rows": pl.Int64, "bytes": pl.Int64}
    return pl.DataFrame(rows, {**kinds, **more}, orient="row")


def _forecast(client: Client) -> str:
    from collector.lifecycle.forecast import forecast, shown

    return shown(forecast(client, settings().home.root))

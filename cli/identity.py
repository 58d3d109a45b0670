"""``footfall identity``: which visitors and users are one person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from cli.context import database, settings
from cli.options import DryRunOption, FormatOption, LimitOption, OutputOption, PeriodOption, SiteOption
from cli.plan import Action, Plan, Yes, carry_out
from cli.render.render import render
from cli.render.view import View
from cli.taking import takes

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from aggregations.query.sites import SiteRow

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Which visitors and users are one person: by `identify`, and by merges that can be taken back.",
    epilog="Example: footfall identity show account-17",
)
User = Annotated[str, typer.Argument(help="User id, as the site sends it.")]
_LABELS = {
    "person_id": "Person", "user_id": "User", "visitor_id": "Visitor", "users": "Users", "first_at": "First",
    "last_at": "Last", "contact": "Contact data", "at": "At", "by": "By", "act": "Act", "other_user_id": "Other user",
    "reason": "Reason",
    "other_visitor_id": "Other visitor", "score": "Score", "reasons": "Reasons",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Two:
    """Two users that are one person, or are not any more."""

    user: User
    other: User
    reason: Annotated[str, typer.Option("--reason", help="Why, for the log.")] = ""
    site: SiteOption = None


@app.command(epilog="Example: footfall identity show account-17 --site shop.example")
def show(
    who: Annotated[str, typer.Argument(help="User id, or visitor id (0x…).", metavar="USER|VISITOR")],
    site: SiteOption = None,
    limit: LimitOption = 100,
    fmt: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """Show all visitors of a person, the users that they were, and which contact data they told."""
    from aggregations.query.fetch import fetch
    from collector.event import redact
    from collector.ingest.identity_keys import identity_keys

    visitors = [int(who, 16)] if who.startswith("0x") else []
    users = [] if visitors else [redact.user(who.strip(), identity_keys(settings().home).user)]
    with database("identity show") as client:
        bound = {"site": _site(client, site).site_id, "users": users, "visitors": visitors, "limit": limit or 2**32 - 1}
        frame = fetch(client, "identities/shown", bound)
    narrow = ("visitor_id", "users", "first_at", "contact")
    nothing = "no event has named this user or visitor"
    render(frame, View(f"Person of {who}", labels=_LABELS, nothing=nothing, narrow=narrow), fmt, output)


@app.command(epilog="Example: footfall identity merge account-17 account-18 --reason 'same customer'")
@takes(Two)
def merge(two: Two, yes: Yes = False, dry_run: DryRunOption = False) -> None:
    """Make two users one person. Segments count them as one from their next refresh on. `unmerge` takes it back."""
    _change("merge", two, yes=yes, dry_run=dry_run)


@app.command(epilog="Example: footfall identity unmerge account-17 account-18")
@takes(Two)
def unmerge(two: Two, yes: Yes = False, dry_run: DryRunOption = False) -> None:
    """Take back a merge of two users."""
    _change("unmerge", two, yes=yes, dry_run=dry_run)


@app.command(epilog="Example: footfall identity log --limit 20")
def log(
    site: SiteOption = None, limit: LimitOption = 100, fmt: FormatOption = None, output: OutputOption = None
) -> None:
    """List every merge and its end, the newest first."""
    from aggregations.query.fetch import fetch

    with database("identity log") as client:
        bound = {"site": _site(client, site).site_id, "limit": limit or 2**32 - 1}
        frame = fetch(client, "identities/log", bound)
    render(frame, View("Merges", labels=_LABELS, nothing="no users were merged"), fmt, output)


@app.command(epilog="Example: footfall identity probable --min-score 0.8")
def probable(
    site: SiteOption = None,
    period: PeriodOption = "30d",
    least: Annotated[float, typer.Option("--min-score", min=0, max=1, help="Least score of a pair, 0 to 1.")] = 0.7,
    limit: LimitOption = 20,
    fmt: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """List pairs of visitors that are probably one person, with score and reasons.

    By device signals that few share, place and rhythm of visits. A guess: nothing is stored of it, and neither segments
    nor exports use it.
    """
    import datetime as dt

    import polars as pl

    from aggregations.query import periods
    from aggregations.query.fetch import fetch

    with database("identity probable") as client:
        row = _site(client, site)
        first = periods.parse(period, zone=row.timezone, now=dt.datetime.now(dt.UTC)).first
        bound = {"site": row.site_id, "since": first, "least": least, "limit": limit or 2**32 - 1}
        frame = fetch(client, "identities/probable", bound)
    frame = frame.with_columns(pl.col("reasons").list.join("; "))
    nothing = "no two visitors are alike enough; try a lower --min-score"
    render(frame, View("Probably one person", labels=_LABELS, nothing=nothing), fmt, output)


def _change(act: str, two: Two, *, yes: bool, dry_run: bool) -> None:
    from collector.lifecycle import identity
    from sql.core.errors import UsageError

    home = settings().home
    with database(f"identity {act}") as client:
        row = _site(client, two.site)
        pair = identity.pair(home, row.site_id, two.user, two.other)
        is_merged = tuple(sorted((pair.user_id, pair.other_user_id))) in identity.merged(client, row.site_id)
        if is_merged == (act == "merge"):
            typer.echo(f"nothing changes: {two.user} and {two.other} are {'' if is_merged else 'not '}merged", err=True)
            return
        if act == "merge" and (strangers := identity.unknown(client, pair)):
            raise UsageError(
                f"no event has named user {' or '.join(strangers)}", "check the id: footfall identity show ID"
            )
        do = Action(
            act,
            f"{two.user} and {two.other} of {row.domain}",
            lambda: identity.change(client, home, pair, act, two.reason),
        )
        carry_out(Plan(f"footfall identity {act}", (do,), loses=True), home, dry_run=dry_run, yes=yes)


def _site(client: Client, domain: str | None) -> SiteRow:
    from aggregations.query import sites

    return sites.find(client, domain)

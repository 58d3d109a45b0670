"""``footfall backfill``: derive stored data again by the rules and lists of today."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.context import database, settings
from cli.options import DryRunOption, FormatOption, OutputOption, SiteOption
from cli.plan import Action, Plan, Yes, carry_out
from cli.render.render import render
from cli.render.view import View
from sql.core.errors import UsageError
from sql.schema.days import month_of

if TYPE_CHECKING:
    import polars as pl
    from clickhouse_connect.driver.client import Client

    from collector.lifecycle.backfill import Range
    from collector.sites.registry import Site
    from sql.core.data_dir import DataDir


class What(StrEnum):
    """What can be derived again."""

    VISITS = "visits"
    ROLLUPS = "rollups"
    CHANNELS = "channels"
    BOTS = "bots"
    USER_AGENTS = "user-agents"
    LOCAL_DATES = "local-dates"
    GEO = "geo"
    FUNNELS = "funnels"


_TABLES = {What.VISITS: ("visits",), What.ROLLUPS: ("daily_events", "daily_pages")}
_NOT_STORED = {
    What.GEO: ("places cannot be derived again: no address is stored", "they are as the country file said on arrival"),
    What.FUNNELS: ("nothing of funnels is stored", "reports read raw events: a funnel applies to the past at once"),
}
_LABELS = {
    "month": "Month", "column": "Column", "before": "Before", "after": "After", "events": "Events", "table": "Table",
    "days": "Days that differ", "moved": "To another month",
}  # fmt: skip


def backfill(
    what: Annotated[What, typer.Argument(help="What to derive again.")],
    site: SiteOption = None,
    first: Annotated[
        dt.datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First local day of the events.")
    ] = None,
    last: Annotated[
        dt.datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last local day of the events.")
    ] = None,
    yes: Yes = False,
    dry_run: DryRunOption = False,
    fmt: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """Derive stored data again from raw events, by the rules and lists of this version. Shows the difference first.

    `channels`, `bots` and `user-agents` change columns of raw events and what follows from them. `local-dates` gives
    events the days of their site's zone. `visits` and `rollups` derive tables again. Months are swapped in
    one after the other while reports read on. If it is interrupted, run it again. Without `--site`, all sites.
    """
    if what in _NOT_STORED:
        raise UsageError(*_NOT_STORED[what])
    if what is What.LOCAL_DATES and (first or last):
        raise UsageError("local days are derived for all of a site's events", "leave out --from and --to")
    from collector.lifecycle.backfill import Range

    home = settings().home
    with database("backfill") as client:
        sites = _sites(client, site)
        days = (first.date() if first else dt.date(1970, 1, 1), last.date() if last else dt.date(2149, 6, 6))
        where = Range(tuple(each.site_id for each in sites), *days)
        if what is What.LOCAL_DATES:
            frame, actions = _local_dates(client, home, sites)
        elif what in _TABLES:
            frame, actions = _tables(client, home, what, where)
        else:
            frame, actions = _columns(client, home, what, where)
        actions = (*_left(client, home), *actions)
        view = View(f"Backfill of {what.value}", labels=_LABELS, nothing="stored data is what would be derived now")
        render(frame, view, fmt, output)
        carry_out(Plan("footfall backfill", actions, loses=True), home, dry_run=dry_run, yes=yes)


def _left(client: Client, home: DataDir) -> tuple[Action, ...]:
    """What a run that was killed has left: events that are written again, of days that are not derived again yet."""
    from collector.lifecycle.backfill import finish
    from sql.schema import pending

    days = pending.every(client)
    if not days:
        return ()
    months = tuple(sorted({month_of(day) for _, day in days}))
    told = f"{len(days)} days of an interrupted run"
    return (Action("derive", told, partial(finish, client, home), months=months),)


def _sites(client: Client, domain: str | None) -> list[Site]:
    from collector.sites.admin import find_site
    from collector.sites.table import all_sites

    return [find_site(client, domain)] if domain else all_sites(client)


def _columns(client: Client, home: DataDir, what: What, where: Range) -> tuple[pl.DataFrame, tuple[Action, ...]]:
    import polars as pl

    from collector.lifecycle.backfill import apply, changes, months, outdated
    from collector.lifecycle.rules import rules

    spam = settings().collector.spam_file
    rule = rules(Path(spam) if spam else None)[what.value]
    found, actions, old = [], [], outdated(client, rule, where)
    for month in months(client, where):
        its = changes(client, rule, where, month)
        found += [(_month(each.month), each.column, each.before, each.after, each.events) for each in its]
        if its:
            rows = sum(each.events for each in its if each.column == its[0].column)
            actions.append(_action(what.value, month, rows, partial(apply, client, home, rule, where, month)))
        elif month in old:  # nothing differs, and from now on that is known
            told = f"that {what.value} of {_month(month)} are those of the lists of {rule.version.partition(' ')[0]}"
            actions.append(Action("record", told, partial(apply, client, home, rule, where, month), months=(month,)))
    kinds = {"month": pl.String, "column": pl.String, "before": pl.String, "after": pl.String, "events": pl.Int64}
    return pl.DataFrame(found, kinds, orient="row"), tuple(actions)


def _tables(client: Client, home: DataDir, what: What, where: Range) -> tuple[pl.DataFrame, tuple[Action, ...]]:
    import polars as pl

    from collector.lifecycle.backfill import derive, differing_days, months

    found, actions = [], []
    for month in months(client, where):
        for table in _TABLES[what]:
            found.append((_month(month), table, len(differing_days(client, home, (table,), where, month))))
        actions.append(_action(what.value, month, 0, partial(derive, client, home, _TABLES[what], where, month)))
    frame = pl.DataFrame(found, {"month": pl.String, "table": pl.String, "days": pl.Int64}, orient="row")
    return frame, tuple(actions)


def _local_dates(client: Client, home: DataDir, sites: list[Site]) -> tuple[pl.DataFrame, tuple[Action, ...]]:
    import polars as pl

    from collector.lifecycle.local_dates import apply, misdated

    found, actions = [], []
    for site in sites:
        its = misdated(client, site)
        found += [(site.domain, _month(each.month), each.events, each.moved) for each in its]
        if its:
            months, rows = tuple(each.month for each in its), sum(each.events for each in its)
            told = f"local days of {site.domain} in {site.timezone}"
            actions.append(Action("derive", told, partial(apply, client, home, site), rows=rows, months=months))
    kinds = {"site": pl.String, "month": pl.String, "events": pl.Int64, "moved": pl.Int64}
    return pl.DataFrame(found, kinds, orient="row"), tuple(actions)


def _action(what: str, month: int, rows: int, do: partial[None]) -> Action:
    return Action("derive", f"{what} of {_month(month)}", do, rows=rows, months=(month,))


def _month(month: int) -> str:
    return f"{month // 100}-{month % 100:02}"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Example: footfall backfill channels --site shop.example --from 2026-01-01 --dry-run")(backfill)

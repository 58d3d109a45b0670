"""``footfall visitor``: what is stored of one person, and erasing it."""

from __future__ import annotations

import contextlib
import csv
import json
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.context import database, settings
from cli.options import DryRunOption, FormatOption, OutputOption, SiteOption
from cli.plan import Action, Plan, Yes, carry_out
from cli.render.render import render
from cli.render.view import View
from sql.core.errors import UsageError

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from collector.lifecycle.persons import Person

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="One person's data: find, show, export, erase. A person is named by visitor id, client id, user id, or by "
    "address and user agent of the last 48 hours.",
    epilog="Example: footfall visitor find --user customer-4711 --site shop.example",
)
Ids = Annotated[list[str] | None, typer.Argument(help="Visitor ids, decimal, or hex after 0x.", metavar="[VISITOR]...")]
Clients = Annotated[list[str] | None, typer.Option("--client-id", help="Client id that the browser keeps; repeatable.")]
Users = Annotated[list[str] | None, typer.Option("--user", help="User id, as sites send it; repeatable.")]
Address = Annotated[str, typer.Option("--address", help="IP address, with --user-agent: the last 48 hours.")]
Agent = Annotated[str, typer.Option("--user-agent", help="User agent, with --address.")]
_LABELS = {
    "visitor": "Visitor", "hex": "Hex", "first": "First seen", "last": "Last seen", "visits": "Visits",
    "events": "Events", "at": "Time (UTC)", "visit": "Visit", "gap": "Gap (s)", "duration": "Visit took (s)",
    "event": "Event",
}  # fmt: skip


@app.command(epilog="Example: footfall visitor find --client-id 8c1f2a --site shop.example")
def find(
    visitor: Ids = None,
    client_id: Clients = None,
    user: Users = None,
    address: Address = "",
    user_agent: Agent = "",
    site: SiteOption = None,
    fmt: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """Show which visitors of a site match, and how much is stored of them.

    A cookieless visitor is another one every day, and cannot be found by person once its salt is gone, after 48 hours.
    """
    import polars as pl

    from collector.lifecycle import persons

    with database("visitor find") as client:
        found = persons.find(client, _person(client, site, visitor, client_id, user, address, user_agent))
    moment = pl.Datetime("ms", "UTC")
    kinds: dict[str, Any] = {"visitor": pl.UInt64, "hex": pl.String, "first": moment, "last": moment}
    rows = [(each.visitor, f"0x{each.visitor:016x}", *each[1:]) for each in found]
    frame = pl.DataFrame(rows, {**kinds, "visits": pl.Int64, "events": pl.Int64}, orient="row")
    narrow = ("visitor", "first", "last", "events")
    render(
        frame,
        View(
            "Visitors",
            labels=_LABELS,
            nothing="nothing is stored of them",
            narrow=narrow,
            whole=("hex", "first", "last"),
        ),
        fmt,
        output,
    )


@app.command(epilog="Example: footfall visitor show 0x1f3c9a4be2d07755 --site shop.example")
def show(
    visitor: Ids = None,
    client_id: Clients = None,
    user: Users = None,
    address: Address = "",
    user_agent: Agent = "",
    site: SiteOption = None,
    fmt: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """Show every raw event in order, in words, with gaps and durations."""
    import polars as pl

    from collector.lifecycle.person_events import told

    with database("visitor show") as client:
        rows = told(client, _person(client, site, visitor, client_id, user, address, user_agent))
    kinds: dict[str, Any] = {"at": pl.Datetime("ms", "UTC"), "visitor": pl.UInt64, "visit": pl.Int64, "gap": pl.Float64}
    frame = pl.DataFrame(rows, {**kinds, "duration": pl.Float64, "event": pl.String}, orient="row")
    narrow = ("at", "visit", "gap", "event")
    render(frame, View("Events", labels=_LABELS, nothing="no raw events", narrow=narrow, whole=("at",)), fmt, output)


@app.command(epilog="Example: footfall visitor export ./copy --user customer-4711 --site shop.example")
def export(
    directory: Annotated[str, typer.Argument(help="Directory to create, or - for JSON on stdout.", metavar="DIR|-")],
    visitor: Annotated[list[str] | None, typer.Option("--visitor", help="Visitor id; repeatable.")] = None,
    client_id: Clients = None,
    user: Users = None,
    address: Address = "",
    user_agent: Agent = "",
    archive: Annotated[list[str] | None, typer.Option("--archive", help="Search this archive too; repeatable.")] = None,
    site: SiteOption = None,
) -> None:
    """Write all that is stored of them as JSON and CSV: events, visits, segments, and where else something is."""
    from collector.lifecycle import archive as archives
    from collector.lifecycle import erase, erase_waiting, person_events

    with database("visitor export") as client:
        who = erase.whole(client, _person(client, site, visitor, client_id, user, address, user_agent), archive or ())
        held: dict[str, list[Any]] = {
            "events": list(person_events.events(client, who)),
            "visits": list(person_events.visits(client, who)),
            "segments": list(person_events.memberships(client, who)),
            "elsewhere": [
                *erase_waiting.held(settings().home, who),
                *(
                    f"{url}/{each.name}.parquet"
                    for url in archive or ()
                    for each in archives.of_person(url, who.site.domain, who.visitors, who.users)
                ),
            ],
        }
    if directory == "-":
        typer.echo(json.dumps(held, default=str, indent=1))
        return
    folder = Path(directory)
    try:
        folder.mkdir(mode=0o700, parents=True)
    except FileExistsError as exc:
        raise UsageError(f"{folder} is there already", "name a new directory") from exc
    for name, rows in held.items():
        (folder / f"{name}.json").write_text(json.dumps(rows, default=str, indent=1) + "\n")
    for name in ("events", "visits", "segments"):
        _write_csv(folder / f"{name}.csv", held[name])
    told = f"{len(held['events']):,} events, {len(held['visits']):,} visits, {len(held['elsewhere']):,} other places"
    typer.echo(f"wrote {folder}: {told}", err=True)


@app.command(epilog="Example: footfall visitor erase --user customer-4711 --site shop.example --dry-run")
def erase(
    visitor: Ids = None,
    client_id: Clients = None,
    user: Users = None,
    address: Address = "",
    user_agent: Agent = "",
    archive: Annotated[
        list[str] | None, typer.Option("--archive", help="Erase from this archive too; repeatable.")
    ] = None,
    site: SiteOption = None,
    yes: Yes = False,
    dry_run: DryRunOption = False,
) -> None:
    """Erase everything of them, and refuse what of them arrives later.

    Events, visits, spool, quarantine and the archives that are named are written again without them. Rollups are
    derived again, except for days of which raw events are gone. If it is interrupted, run it again.
    """
    from cli.loading import loader_options
    from collector.lifecycle import erase as erasing

    config = settings()
    with _engine(config.database_url), database("visitor erase") as client:
        who = erasing.whole(client, _person(client, site, visitor, client_id, user, address, user_agent), archive or ())
        archives = [*(archive or ())]
        parts = erasing.plan(client, config.home, config.database_url, who, archives, loader_options(config))
        actions = tuple(Action(p.act, p.what, p.do, rows=p.rows, months=p.months, files=p.files) for p in parts)
        _tell_other_archives(client, who, archives)
        rows = sum(part.rows for part in parts)
        typer.echo(f"{who.site.domain}: visitors {len(who.visitors)}, rows {rows:,}", err=True)
        carry_out(Plan("footfall visitor erase", actions, loses=True), config.home, dry_run=dry_run, yes=yes)


@contextlib.contextmanager
def _engine(url: str) -> Iterator[None]:
    """The embedded engine as a process of its own: the loader needs it too."""
    from sql.client import embedded_home
    from sql.engine.server import alongside

    home = embedded_home(url)
    engine: AbstractContextManager[object] = alongside(home) if home else contextlib.nullcontext()
    with engine:
        yield


def _tell_other_archives(client: Client, who: Person, given: Iterable[str]) -> None:
    from sql import definitions
    from sql.retention import RETENTION

    for each in definitions.every(client, who.site.site_id, RETENTION):
        if each.body.archive and each.body.archive not in given:
            typer.echo(f"not searched: the archive {each.body.archive} (add --archive {each.body.archive})", err=True)


def _person(
    client: Client,
    site: str | None,
    visitors: list[str] | None,
    clients: list[str] | None,
    users: list[str] | None,
    address: str,
    user_agent: str,
) -> Person:
    from aggregations.query import sites
    from collector.lifecycle.persons import Asked, person
    from collector.sites.table import all_sites

    row = sites.find(client, site)
    found = next(each for each in all_sites(client) if each.site_id == row.site_id)
    asked = Asked(visitors or (), clients or (), users or (), address, user_agent)
    return person(settings().home, found, asked)


def _write_csv(path: Path, rows: list[dict[str, Any]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]) if rows else [])
        writer.writeheader()
        writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)


def _cell(value: object) -> object:
    return json.dumps(value, default=str) if isinstance(value, dict | list) else value

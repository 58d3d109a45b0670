"""One group of commands for every kind of definition: add, list, show, edit, remove, history."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import completion
from cli.context import database, settings
from cli.options import DryRunOption, FormatOption, OutputOption, SiteOption
from cli.plan import Action, Plan, Yes, carry_out
from cli.render.render import render
from cli.render.view import View
from cli.taking import takes
from sql.core.errors import UsageError

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from aggregations.definitions.changes import Change
    from sql.definitions import Kind

Name = Annotated[str, typer.Argument(help="Its name.", autocompletion=completion.defined)]
NewName = Annotated[str, typer.Argument(help="Its name.")]
_LABELS = {"definition": "Definition", "version": "Version", "at": "Written", "by": "By"}


@dataclass(frozen=True, slots=True)
class Defined:
    """A kind as commands have it: ``kind`` is imported late.

    ``options`` are those of `add` and `edit`, a dataclass with ``body(before)``: the body that they say, with the rest
    as in ``before`` (None: nothing).
    """

    name: str
    help: str
    example: str
    options: type[Any]
    kind: Callable[[], Kind[Any]]


def group(defined: Defined) -> typer.Typer:
    """The commands of one kind."""
    what = defined.name
    site = "--site shop.example"
    app = typer.Typer(
        no_args_is_help=True,
        rich_markup_mode=None,
        help=defined.help,
        epilog=f"Example: footfall {what} add {defined.example} {site}",
    )

    @app.command(help=f"Define a {what}.", epilog=f"Example: footfall {what} add {defined.example} {site}")
    @takes(defined.options)
    def add(options: Any, name: NewName, site: SiteOption = None, dry_run: DryRunOption = False) -> None:
        _change(defined, "add", name, options, site, dry_run)

    @app.command("list", help=f"List the {what}s of a site.", epilog=f"Example: footfall {what} list {site}")
    def list_(site: SiteOption = None, fmt: FormatOption = None, output: OutputOption = None) -> None:
        _list(defined, site, fmt, output)

    @app.command(help=f"Show a {what}.", epilog=f"Example: footfall {what} show {defined.example.split()[0]} {site}")
    def show(name: Name, site: SiteOption = None, fmt: FormatOption = None, output: OutputOption = None) -> None:
        _show(defined, name, site, fmt, output)

    @app.command(
        help=f"Change a {what}. What you do not state stays; '' or 0 clears it.",
        epilog=f"Example: footfall {what} edit {defined.example} {site} --dry-run",
    )
    @takes(defined.options)
    def edit(options: Any, name: Name, site: SiteOption = None, dry_run: DryRunOption = False) -> None:
        _change(defined, "edit", name, options, site, dry_run)

    @app.command(
        help=f"Remove a {what}. Its history stays.",
        epilog=f"Example: footfall {what} remove {defined.example.split()[0]} {site} --yes",
    )
    def remove(name: Name, site: SiteOption = None, yes: Yes = False, dry_run: DryRunOption = False) -> None:
        _change(defined, "remove", name, None, site, dry_run, yes)

    @app.command(
        help=f"List all versions of a {what}, the newest first.",
        epilog=f"Example: footfall {what} history {defined.example.split()[0]} {site}",
    )
    def history(name: Name, site: SiteOption = None, fmt: FormatOption = None, output: OutputOption = None) -> None:
        _history(defined, name, site, fmt, output)

    return app


def action(client: Client, change: Change) -> Action:
    """A change as a step of a plan."""
    from aggregations.definitions.changes import carry_out as make_it_so

    home = settings().home
    return Action(change.act.value, change.told, lambda: make_it_so(client, home, change))


def _change(
    defined: Defined, command: str, name: str, options: Any, site: str | None, dry_run: bool, yes: bool = False
) -> None:
    from aggregations.definitions.changes import Act, change_of
    from aggregations.query import sites

    kind = defined.kind()
    if command == "add":  # what cannot be is said before a database is opened
        kind.check(options.body(None))
    with database(f"{kind.name} {command}") as client:
        change = change_of(client, sites.find(client, site), kind, name, lambda old: options and options.body(old))
        if command == "add" and change.act is Act.CHANGE:
            raise UsageError(f"there already is a {kind.name} {name!r}", f"change it with: footfall {kind.name} edit")
        if command != "add" and change.before is None:
            raise UsageError(f"there is no {kind.name} {name!r}", f"see `footfall {kind.name} list`")
        if change.act is Act.KEEP:
            typer.echo(f"nothing changes: {change.told}", err=True)
            return
        plan = Plan(f"footfall {kind.name} {command}", (action(client, change),), loses=change.act is Act.REMOVE)
        carry_out(plan, settings().home, dry_run=dry_run, yes=yes)


def _list(defined: Defined, site: str | None, fmt: Any, output: Any) -> None:
    import polars as pl

    from aggregations.query import sites
    from sql import definitions

    kind = defined.kind()
    with database(f"{kind.name} list") as client:
        row = sites.find(client, site)
        rows = [(e.name, kind.shown(e.body), e.version) for e in definitions.every(client, row.site_id, kind)]
    frame = pl.DataFrame(rows, {kind.name: pl.String, "definition": pl.String, "version": pl.Int64}, orient="row")
    labels = _LABELS | {kind.name: kind.name.capitalize()}
    title = f"{kind.name.capitalize()}s · {row.domain}"
    render(frame, View(title, labels=labels, nothing=f"no {kind.name}s yet"), fmt, output)


def _show(defined: Defined, name: str, site: str | None, fmt: Any, output: Any) -> None:
    import msgspec
    import polars as pl

    from aggregations.query import sites
    from sql import definitions

    kind = defined.kind()
    with database(f"{kind.name} show") as client:
        found = definitions.find(client, sites.find(client, site).site_id, kind, name)
    fields = msgspec.to_builtins(found.body)
    frame = pl.DataFrame([{kind.name: found.name, "version": found.version, **fields}])
    labels = _LABELS | {column: column.replace("_", " ").capitalize() for column in (kind.name, *fields)}
    render(frame, View(f"{kind.name.capitalize()} {name}", labels=labels), fmt, output)


def _history(defined: Defined, name: str, site: str | None, fmt: Any, output: Any) -> None:
    import polars as pl

    from aggregations.query import sites
    from sql import definitions

    kind = defined.kind()

    def said(version: definitions.Version) -> str | None:
        try:
            return None if version.removed else kind.shown(kind.decode(version.body))
        except UsageError:  # of a newer version of Footfall
            return version.body

    with database(f"{kind.name} history") as client:
        found = definitions.history(client, sites.find(client, site).site_id, kind, name)
    frame = pl.DataFrame(
        {
            "version": [each.version for each in found],
            "at": pl.Series([each.at for each in found], dtype=pl.Datetime("ms", "UTC")),
            "by": [each.by for each in found],
            "definition": pl.Series([said(each) for each in found], dtype=pl.String),
        }
    )
    render(frame, View(f"History of {kind.name} {name}", labels=_LABELS), fmt, output)

"""One group of commands for every kind of definition: add, list, show, edit, remove, history."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import completion
from cli.context import database, settings
from cli.options import DryRunOption, FormatOption, OutputOption, RemovedOption, SiteOption
from cli.plan import Action, Plan, Yes, carry_out
from cli.render.render import render
from cli.render.view import View
from cli.taking import takes
from sql.core.errors import UsageError
from sql.core.words import one

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from aggregations.definitions.changes import Change
    from sql.definitions import Kind

Name = Annotated[str, typer.Argument(help="Its name.", autocompletion=completion.defined)]
NewName = Annotated[str, typer.Argument(help="Its name.")]
NameOrNone = Annotated[str | None, typer.Argument(help="Its name (default: made of what it says).")]
_LABELS = {"definition": "Definition", "version": "Version", "at": "Written", "by": "By", "removed": "Removed"}


@dataclass(frozen=True, slots=True)
class NoOptions:
    """Options of a command that has none of its own."""


@dataclass(frozen=True, slots=True)
class Defined:
    """A kind as commands have it: ``kind`` is imported late; ``command`` is its group, behind `footfall`.

    ``options`` are those of `add` and `edit`, a dataclass with ``body(before)``: the body that they say, with the rest
    as in ``before`` (None: nothing); ``clears`` says how they clear what was stated. ``named`` makes the name of a new
    one that is given none, of its body and the bodies that are there. ``preview`` shows what a change does before it
    is made, ``removal`` are the options of `remove` that it needs.
    """

    command: str
    noun: str
    help: str
    example: str
    options: type[Any]
    kind: Callable[[], Kind[Any]]
    clears: str = "'' or 0 clears it."
    named: Callable[[Any, Mapping[str, Any]], str] | None = None
    preview: Callable[[Client, Change, Any], None] | None = None
    removal: type[Any] = NoOptions


def group(defined: Defined) -> typer.Typer:
    """The commands of one kind."""
    what = defined.command
    site = "--site shop.example"
    name = defined.example.split()[0]
    app = typer.Typer(
        no_args_is_help=True,
        rich_markup_mode=None,
        help=defined.help,
        epilog=f"Example: footfall {what} add {defined.example} {site}",
    )

    def add(options: Any, name: NewName, site: SiteOption = None, dry_run: DryRunOption = False) -> None:
        _change(defined, "add", name, options, site, dry_run)

    def add_unnamed(
        options: Any, name: NameOrNone = None, site: SiteOption = None, dry_run: DryRunOption = False
    ) -> None:
        _change(defined, "add", name, options, site, dry_run)

    app.command(
        "add", help=f"Define {one(defined.noun)}.", epilog=f"Example: footfall {what} add {defined.example} {site}"
    )(takes(defined.options)(add_unnamed if defined.named else add))

    @app.command("list", help=f"List the {defined.noun}s of a site.", epilog=f"Example: footfall {what} list {site}")
    def list_(
        site: SiteOption = None,
        removed: RemovedOption = False,
        fmt: FormatOption = None,
        output: OutputOption = None,
    ) -> None:
        _list(defined, site, removed, fmt, output)

    @app.command(help=f"Show {one(defined.noun)}.", epilog=f"Example: footfall {what} show {name} {site}")
    def show(name: Name, site: SiteOption = None, fmt: FormatOption = None, output: OutputOption = None) -> None:
        _show(defined, name, site, fmt, output)

    @app.command(
        help=f"Change {one(defined.noun)}. What you do not state stays; {defined.clears}",
        epilog=f"Example: footfall {what} edit {defined.example} {site} --dry-run",
    )
    @takes(defined.options)
    def edit(options: Any, name: Name, site: SiteOption = None, dry_run: DryRunOption = False) -> None:
        _change(defined, "edit", name, options, site, dry_run)

    @app.command(
        help=f"Remove {one(defined.noun)}. Its history stays.",
        epilog=f"Example: footfall {what} remove {name} {site} --yes",
    )
    @takes(defined.removal)
    def remove(
        options: Any, name: Name, site: SiteOption = None, yes: Yes = False, dry_run: DryRunOption = False
    ) -> None:
        _change(defined, "remove", name, options, site, dry_run, yes)

    @app.command(
        help=f"List all versions of {one(defined.noun)}, the newest first.",
        epilog=f"Example: footfall {what} history {name} {site}",
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
    defined: Defined, command: str, name: str | None, options: Any, site: str | None, dry_run: bool, yes: bool = False
) -> None:
    from aggregations.definitions.changes import Act, change_of
    from aggregations.query import sites
    from sql import definitions

    kind = defined.kind()
    new = options.body(None) if command == "add" else None
    if new is not None:  # what cannot be is said before a database is opened
        kind.check(new)
    bodies = {"add": lambda old: new, "edit": lambda old: old and options.body(old), "remove": lambda old: None}
    home = settings().home
    with database(f"{kind.group} {command}") as client:
        row = sites.find(client, site)
        name = name or _name_of(defined, client, row.site_id, new)
        change = change_of(client, row, kind, name, bodies[command])
        if change.act is Act.KEEP and not dry_run:
            definitions.publish(client, home, kind)  # where a run before this one was killed in between
        if command == "add" and change.act is Act.CHANGE:
            hint = f"change it with: footfall {kind.group} edit"
            raise UsageError(f"there already is {one(kind.noun)} {name!r}", hint)
        if command != "add" and change.before is None:
            raise UsageError(f"there is no {kind.noun} {name!r}", f"see `footfall {kind.group} list`")
        if change.act is Act.KEEP:
            typer.echo(f"nothing changes: {change.told}", err=True)
            return
        if defined.preview is not None:
            defined.preview(client, change, options)
        plan = Plan(f"footfall {kind.group} {command}", (action(client, change),), loses=change.act is Act.REMOVE)
        carry_out(plan, home, dry_run=dry_run, yes=yes)


def _name_of(defined: Defined, client: Client, site_id: int, body: Any) -> str:
    """The name of a new one that was given none."""
    from sql import definitions

    if defined.named is None:
        return ""
    return defined.named(body, {each.name: each.body for each in definitions.every(client, site_id, defined.kind())})


def _list(defined: Defined, site: str | None, removed: bool, fmt: Any, output: Any) -> None:
    import polars as pl

    from aggregations.query import sites
    from sql import definitions

    kind = defined.kind()
    with database(f"{kind.group} list") as client:
        row = sites.find(client, site)
        rows: list[Any] = [
            (each.name, kind.shown(each.body), each.version, None, None)
            for each in definitions.every(client, row.site_id, kind)
        ]
        if removed:
            gone = definitions.removed(client, row.site_id, kind)
            rows += [(each.name, None, each.version, each.at, each.by) for each in gone]
    types = (pl.String, pl.String, pl.Int64, pl.Datetime("ms", "UTC"), pl.String)
    columns = (kind.name, "definition", "version", "removed", "by")
    frame = pl.DataFrame(rows, pl.Schema(zip(columns, types, strict=True)), orient="row")
    frame = frame if removed else frame.drop("removed", "by")
    noun = kind.noun.capitalize()
    view = View(f"{noun}s · {row.domain}", labels=_LABELS | {kind.name: noun}, nothing=f"no {kind.noun}s yet")
    render(frame, view, fmt, output)


def _show(defined: Defined, name: str, site: str | None, fmt: Any, output: Any) -> None:
    import msgspec
    import polars as pl

    from aggregations.query import sites
    from sql import definitions

    kind = defined.kind()
    with database(f"{kind.group} show") as client:
        found = definitions.find(client, sites.find(client, site).site_id, kind, name)
    fields = msgspec.to_builtins(found.body)
    fields |= dict.fromkeys(kind.secrets & fields.keys(), "(not shown)")
    frame = pl.DataFrame([{kind.name: found.name, "version": found.version, **fields}])
    labels = _LABELS | {column: column.replace("_", " ").capitalize() for column in (kind.name, *fields)}
    below = tuple(column for column, value in fields.items() if isinstance(value, str) and "\n" in value)
    render(frame, View(f"{kind.noun.capitalize()} {name}", labels=labels, below=below), fmt, output)


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

    with database(f"{kind.group} history") as client:
        found = definitions.history(client, sites.find(client, site).site_id, kind, name)
    frame = pl.DataFrame(
        {
            "version": [each.version for each in found],
            "at": pl.Series([each.at for each in found], dtype=pl.Datetime("ms", "UTC")),
            "by": [each.by for each in found],
            "definition": pl.Series([said(each) for each in found], dtype=pl.String),
        }
    )
    render(frame, View(f"History of {kind.noun} {name}", labels=_LABELS), fmt, output)

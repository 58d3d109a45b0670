"""``footfall apply`` and ``footfall definitions``: what is defined, as a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import completion, standard_input
from cli.context import database, settings
from cli.defining import action
from cli.options import DryRunOption, FormatOption, OutputOption, SiteOption
from cli.plan import Plan, Yes, carry_out
from cli.render.render import emit, render
from cli.render.view import View
from sql.core.errors import UsageError

if TYPE_CHECKING:
    import polars as pl

    from aggregations.definitions.changes import Change

definitions = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Definitions as a file, for version control.",
    epilog="Example: footfall definitions export --output definitions.toml",
)
_LABELS = {"change": "Change", "site": "Site", "kind": "Kind", "name": "Name", "before": "Before", "after": "After"}


def apply(
    file: Annotated[str, typer.Argument(help="A TOML file with definitions; - reads stdin.")],
    site: Annotated[
        str | None,
        typer.Option(
            "--site", "-s", help="The site of definitions that do not name one.", autocompletion=completion.sites
        ),
    ] = None,
    prune: Annotated[
        bool, typer.Option("--prune", help="Remove definitions that the file does not have, on the sites it names.")
    ] = False,
    yes: Yes = False,
    dry_run: DryRunOption = False,
    fmt: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """Make the stored definitions those of a file. Prints the difference first."""
    from aggregations.definitions.changes import Act
    from aggregations.definitions.toml_file import difference, read
    from cli.kinds import KINDS
    from sql.definitions import publish

    entries = read(_text(file), KINDS)
    with database("apply") as client:
        found = difference(client, entries, KINDS, site, prune=prune)
        render(_frame(found), View("Definitions", labels=_LABELS, nothing="no definitions"), fmt, output)
        todo = tuple(action(client, change) for change in found if change.act is not Act.KEEP)
        if not todo:
            typer.echo("nothing changes", err=True)
        elif not dry_run:
            carry_out(Plan("footfall apply", todo, loses=True), settings().home, yes=yes)
        for kind in KINDS.values() if not dry_run else ():
            publish(client, settings().home, kind)  # where a run before this one was killed in between


@definitions.command(epilog="Example: footfall definitions export --site shop.example --output definitions.toml")
def export(site: SiteOption = None, output: OutputOption = None) -> None:
    """Write all definitions as TOML, of one site or of all. `footfall apply` reads it."""
    from aggregations.definitions.toml_file import stored, written
    from aggregations.query import sites
    from cli.kinds import KINDS

    with database("definitions export") as client:
        found = stored(client, [sites.find(client, site)] if site else sites.every(client), KINDS)
    emit(written(found).encode(), output)


def _frame(found: list[Change]) -> pl.DataFrame:
    import polars as pl

    def said(change: Change, body: object) -> str | None:
        return None if body is None else change.kind.shown(body)

    rows = [
        (c.act.value, c.site.domain, c.kind.name, c.name, said(c, c.before), said(c, c.after))
        for c in sorted(found, key=lambda change: change.act)
    ]
    return pl.DataFrame(rows, dict.fromkeys(_LABELS, pl.String), orient="row")


def _text(file: str) -> str:
    try:
        return (standard_input.read() if file == "-" else Path(file).read_bytes()).decode()
    except OSError as exc:
        raise UsageError(f"cannot read {file}: {exc.strerror}") from exc
    except UnicodeDecodeError as exc:
        raise UsageError(f"cannot read {file}: it is not UTF-8") from exc


def register(app: typer.Typer) -> None:
    """Add the command and the group to the root."""
    app.command(epilog="Example: footfall apply definitions.toml --prune --dry-run")(apply)
    app.add_typer(definitions, name="definitions")

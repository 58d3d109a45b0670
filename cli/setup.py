"""Commands that set Footfall up: init, schema."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.context import database, options, settings
from cli.options import DryRunOption
from cli.plan import Action, Plan, Yes, carry_out

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from sql.schema.drift import Drift

schema_app = typer.Typer(no_args_is_help=True, help="The ClickHouse schema.", epilog="Example: footfall schema status")


def init(
    folder: Annotated[Path, typer.Argument(help="Folder for footfall.toml.")] = Path(),
) -> None:
    """Create footfall.toml, the data directory and the schema."""
    from cli.config.explain import template
    from cli.config.load import load
    from cli.config.sources import FILE_NAME
    from sql.client import opened
    from sql.core.errors import StorageError
    from sql.schema.upgrade import bring_up_to_date

    path = folder / FILE_NAME
    if path.exists():
        typer.echo(f"{path} already exists and was not changed", err=True)
    else:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)  # a URL in it may hold a password
            given = {"data_dir": str(options.data_dir.absolute())} if options.data_dir else {}
            path.write_text(template(given | ({"url": options.url} if options.url else {})))
        except OSError as exc:
            raise StorageError(f"cannot write {path}: {exc.strerror}") from exc
        typer.echo(f"wrote {path}", err=True)
    config = load(path, {"data_dir": options.data_dir, "url": options.url})
    config.home.make()
    with opened(config.database_url, what="footfall init") as client:
        done = bring_up_to_date(client, config.home)
    typer.echo(f"data directory {config.data_dir}; schema {'created' if done else 'is current'}", err=True)
    typer.echo("next: footfall site add shop.example --timezone Europe/Paris", err=True)


@schema_app.command("status", epilog="Example: footfall schema status")
def schema_status() -> None:
    """Show every migration, function, view and derivation with its state. Exit code 3 if something is pending."""
    from cli.exit_codes import Exit
    from sql.schema.migrate import State, steps

    with database("schema status", newer=True) as client:
        found = steps(client)
    for step in found:
        typer.echo(f"{step.state:8}  {step.kind:10}  {step.name}")
    if any(step.state is not State.APPLIED for step in found):
        raise typer.Exit(Exit.FOUND)


@schema_app.command("apply", epilog="Example: footfall schema apply --dry-run")
def schema_apply(
    dry_run: DryRunOption = False,
) -> None:
    """Apply pending changes to the schema."""
    from sql.schema.migrate import pending
    from sql.schema.upgrade import bring_up_to_date

    with database("schema apply") as client:
        if dry_run:
            for step in pending(client):
                typer.echo(f"would apply {step.kind} {step.name}")
            return
        done = bring_up_to_date(
            client, settings().home, lambda step: typer.echo(f"applying {step.kind} {step.name}", err=True)
        )
    typer.echo(f"{len(done)} applied" if done else "schema is current", err=True)


@schema_app.command("diff", epilog="Example: footfall schema diff")
def schema_diff() -> None:
    """Compare the database with what this version makes, and print the SQL that would mend it.

    Tables are compared column by column, views and functions by their text. A scratch database is made for this and
    dropped again. Nothing else changes.
    """
    _print(_drift())


@schema_app.command("verify", epilog="Example: footfall schema verify")
def schema_verify() -> None:
    """Like diff; exit code 3 if something differs."""
    from cli.exit_codes import Exit

    found = _drift()
    _print(found)
    if found:
        raise typer.Exit(Exit.FOUND)


@schema_app.command("export", epilog="Example: footfall schema export --cluster footfall")
def schema_export(
    cluster: Annotated[
        str, typer.Option("--cluster", help="Replicated and distributed tables for the cluster of this name.")
    ] = "",
) -> None:
    """Print the statements that make the schema, for a database that is set up by other means."""
    from sql.schema import blueprint
    from sql.schema.cluster import clustered, single

    with _beside_an_engine() as client, blueprint.built(client) as made:
        functions = blueprint.shipped_functions(client)
        for statement in clustered(made, functions, cluster) if cluster else single(made, functions):
            typer.echo(f"{statement};\n")


@schema_app.command("rollback", epilog="Example: footfall schema rollback --to 0020 --dry-run")
def schema_rollback(
    to: Annotated[str, typer.Option("--to", help="Number of the migration that is to be the last one.")],
    yes: Yes = False,
    dry_run: DryRunOption = False,
) -> None:
    """Take back the migrations after one, so that an older version can use the database.

    Not all of them can be taken back: those that changed or dropped what data is in need a backup.
    """
    from collector.lifecycle.partitions import held
    from sql.schema.rollback import plan, take_back

    home = settings().home
    with database("schema rollback") as client:

        def carry(step: Any) -> None:
            with held(client, home, "footfall schema rollback", 30.0):
                take_back(client, step)

        actions = tuple(Action("remove", f"migration {step.name}", partial(carry, step)) for step in plan(client, to))
        if not actions:
            typer.echo("nothing to take back", err=True)
        carry_out(Plan("footfall schema rollback", actions, loses=True), home, dry_run=dry_run, yes=yes)


def _drift() -> list[Drift]:
    from sql.schema.drift import drift

    with _beside_an_engine() as client:
        return drift(client)


def _print(found: list[Drift]) -> None:
    for each in found:
        typer.echo(f"-- {each.name}: {each.why}")
        if each.statement:
            typer.echo(f"{each.statement};")
    if not found:
        typer.echo("the database is what this version makes", err=True)


@contextmanager
def _beside_an_engine() -> Iterator[Client]:
    """A client over HTTP, which can change its database; the embedded engine is started where it does not run."""
    from sql.client import opened
    from sql.engine.server import alongside

    config = settings()
    with ExitStack() as stack:
        if config.database_url.startswith("chdb"):
            stack.enter_context(alongside(config.home))
        yield stack.enter_context(opened(config.database_url, what="footfall schema", newer=True, direct=False))


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog="Example: footfall init")(init)
    app.add_typer(schema_app, name="schema")

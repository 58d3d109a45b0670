"""Commands that set Footfall up: init, schema."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.context import database, options, settings
from cli.options import DryRunOption

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


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog="Example: footfall init")(init)
    app.add_typer(schema_app, name="schema")

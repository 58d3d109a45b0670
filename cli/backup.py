"""``footfall backup``: copies of all that is stored, made while it runs."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.context import database, settings
from cli.exit_codes import Exit
from cli.options import BackupsOption, DryRunOption, FormatOption, OutputOption
from cli.plan import Action, Plan, Yes, carry_out
from cli.render.render import render
from cli.render.view import View
from sql.core.errors import UsageError

if TYPE_CHECKING:
    from collector.lifecycle.backup import Backup

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Copy all that is stored while Footfall runs, and restore it.",
    epilog="Example: footfall backup create --to s3://bucket/footfall",
)
Name = Annotated[str, typer.Argument(help="A backup's name (default: the latest).", metavar="[BACKUP]")]
_LABELS = {
    "backup": "Backup", "taken": "Taken", "version": "Version", "rows": "Rows", "files": "Files", "bytes": "Bytes",
    "problem": "Problem", "table": "Table", "month": "Month", "expected": "Expected", "found": "Found",
}  # fmt: skip


@app.command(epilog="Example: footfall backup create --to /mnt/backup/footfall")
def create(
    to: BackupsOption = "",
    incremental: Annotated[
        bool, typer.Option("--incremental", help="Send only what the latest backup there does not have.")
    ] = False,
) -> None:
    """Copy database, spool, keys, tracker files and footfall.toml, all of one moment, except salts.

    Loading pauses for less than a second. A run that is interrupted leaves no backup; run it again.
    """
    from collector.lifecycle.backup import create as make

    config, place = settings(), _place(to)
    with database("backup create") as client:
        made = make(client, config.database_url, config.home, place, config.source, incremental=incremental)
        name = str(client.command("select currentDatabase()"))
    files = made.manifest.files
    shared = sum(file.bytes for file in files if file.shared)
    told = f", {shared:,} of them shared with the backup before" if incremental else ""
    typer.echo(f"{made.name}: {len(files):,} files, {made.manifest.bytes:,} bytes in {place}{told}", err=True)
    if not made.manifest.embedded:
        typer.echo(
            "The tables are on a ClickHouse server and not in this backup.\n"
            "While no loader runs, back them up under the same name, such as:\n"
            f"  backup database {name if name.isidentifier() else f'`{name}`'} to Disk('backups', '{made.name}')",
            err=True,
        )
    typer.echo(made.name)


@app.command("list", epilog="Example: footfall backup list --format json")
def list_(to: BackupsOption = "", fmt: FormatOption = None, output: OutputOption = None) -> None:
    """List complete backups, the oldest first."""
    import polars as pl

    from collector.lifecycle.backup import every

    found = every(_place(to))
    its = [each.manifest for each in found]
    frame = pl.DataFrame(
        {
            "backup": [each.name for each in found],
            "taken": pl.Series([each.taken for each in its], dtype=pl.Datetime("ms", "UTC")),
            "version": [each.footfall for each in its],
            "rows": [sum(sum(months.values()) for months in each.rows.values()) for each in its],
            "files": [len(each.files) for each in its],
            "bytes": [each.bytes for each in its],
        },
        schema_overrides={"backup": pl.String, "version": pl.String, "rows": pl.Int64, "files": pl.Int64},
    )
    narrow = ("backup", "version", "rows", "files", "bytes")
    render(frame, View("Backups", labels=_LABELS, nothing="no backups yet", narrow=narrow), fmt, output)


@app.command(epilog="Example: footfall backup verify --open")
def verify(
    backup: Name = "",
    to: BackupsOption = "",
    open_: Annotated[
        bool, typer.Option("--open", help="Also restore it into a temporary directory, open it and count its rows.")
    ] = False,
    scratch: Annotated[Path | None, typer.Option("--scratch", help="Where to make that directory.")] = None,
    fmt: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """Compare a backup's files with its manifest. Exit code 3 if something differs."""
    import polars as pl

    from collector.lifecycle.backup import check, find
    from collector.lifecycle.backup_restore import compare

    place = _place(to)
    chosen = find(place, backup)
    problems = list(check(place, chosen))
    nothing = f"{chosen.name}: {len(chosen.manifest.files):,} files are what was written"
    view = View("Damage", labels=_LABELS, nothing=nothing)
    render(pl.DataFrame({"problem": problems}, schema={"problem": pl.String}), view, fmt, output)
    if problems:
        raise typer.Exit(Exit.FOUND)
    if not open_:
        return
    unequal = compare(place, chosen, scratch)
    for each in unequal:
        said = f"{each.found:,} rows instead of {each.expected:,}" if each.found >= 0 else "it cannot be read"
        typer.echo(f"{each.table} {each.partition}: {said}", err=True)
    if unequal:
        raise typer.Exit(Exit.FOUND)
    typer.echo("opened: every table and month has the rows that it had", err=True)


@app.command(epilog="Example: footfall backup restore --as /var/lib/footfall")
def restore(
    backup: Name = "",
    to: BackupsOption = "",
    as_: Annotated[
        Path | None, typer.Option("--as", help="The new data directory (default: the configured one).")
    ] = None,
) -> None:
    """Make a data directory of a backup. Then start `footfall serve` on it.

    The directory must be empty or missing. Events that were in the spool are loaded when Footfall starts.
    """
    from collector.lifecycle.backup import CONFIG, find
    from collector.lifecycle.backup_restore import restore as put_back

    place, target = _place(to), (as_ or settings().home.root).absolute()
    chosen = find(place, backup)
    put_back(place, chosen, target)
    typer.echo(f"{chosen.name}: {chosen.manifest.bytes:,} bytes restored to {target}", err=True)
    if chosen.manifest.config:
        typer.echo(f"The configuration of that time is {target / CONFIG}; copy it to where you keep yours.", err=True)
    if not chosen.manifest.embedded:
        typer.echo("The tables were on a ClickHouse server: restore them there, from the same moment.", err=True)


@app.command(epilog="Example: footfall backup prune --keep 7d,4w,12m --yes")
def prune(
    keep: Annotated[str, typer.Option("--keep", help="For how many days, weeks, months (or y) to keep one.")],
    to: BackupsOption = "",
    yes: Yes = False,
    dry_run: DryRunOption = False,
) -> None:
    """Remove old backups. Of each day, week or month that is kept, the last backup stays; so does the latest."""
    from collector.lifecycle.backup import every, remove
    from collector.lifecycle.backup_prune import rules, unwanted

    wanted, place = rules(keep), _place(to)

    def action(each: Backup) -> Action:
        return Action("remove", f"backup {each.name}", partial(remove, place, each), bytes=each.manifest.bytes)

    actions = tuple(map(action, unwanted(every(place), wanted)))
    if not actions:
        typer.echo("no backup is older than it is kept", err=True)
    carry_out(Plan("footfall backup prune", actions, loses=True), settings().home, dry_run=dry_run, yes=yes)


def _place(to: str) -> str:
    place = to or settings().backup_to
    if not place:
        raise UsageError("no destination for backups", "name one with --to, or set backup_to in footfall.toml")
    return place

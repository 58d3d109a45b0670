"""``footfall import list|show|undo``: what was imported, and taking it back."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from cli.context import database, settings
from cli.options import DryRunOption, FormatOption, LimitOption, OutputOption
from cli.plan import Action, Plan, Yes, carry_out
from cli.render.render import render
from cli.render.view import View
from sql.core.errors import StorageError

if TYPE_CHECKING:
    from cli.config.settings import Config
    from collector.imports.ledger import Run

FLUSH_SECONDS = 300.0
_LABELS = {
    "import": "Import", "what": "What", "site": "Site", "state": "State", "started": "Started", "rows": "Rows",
    "events": "Events", "stored": "Stored", "duplicates": "Duplicates", "first": "First day", "last": "Last day",
    "field": "", "value": "",
}  # fmt: skip
IdArgument = Annotated[
    str, typer.Argument(help="The import's id (see: footfall import list).", metavar="ID", show_default=False)
]


def list_(limit: LimitOption = 10, fmt: FormatOption = None, output: OutputOption = None) -> None:
    """List imports, the newest first."""
    import polars as pl

    from collector.imports import ledger

    found = ledger.every(settings().home)
    found = found[: limit or len(found)]
    frame = pl.DataFrame(
        {
            "import": [run.id for run in found],
            "what": [run.what for run in found],
            "site": [run.site for run in found],
            "state": [run.state.value for run in found],
            "started": pl.Series([run.started for run in found], dtype=pl.Datetime("ms", "UTC")),
            "rows": [_known(run, run.rows) for run in found],
            "events": [_known(run, run.events) for run in found],
            "stored": [_known(run, run.stored) for run in found],
            "duplicates": [_known(run, run.duplicates) for run in found],
            "first": pl.Series([run.first for run in found], dtype=pl.Date),
            "last": pl.Series([run.last for run in found], dtype=pl.Date),
        }
    )
    narrow = ("import", "site", "state", "stored")
    view = View("Imports", labels=_LABELS, narrow=narrow, whole=("import",), nothing="no imports yet")
    render(frame, view, fmt, output)


def show(number: IdArgument, fmt: FormatOption = None, output: OutputOption = None) -> None:
    """Show one import: its files with their SHA-256, and what became of their rows."""
    import polars as pl

    from collector.imports import ledger

    run = ledger.known(settings().home, number)
    rows = {
        "what": run.what,
        "site": run.site,
        "state": run.state.value,
        "by": run.by,
        "started": f"{run.started:%Y-%m-%d %H:%M:%S} UTC",
        "ended": f"{run.ended:%Y-%m-%d %H:%M:%S} UTC" if run.ended else "",
        **{
            name: f"{count:,}" if run.ended else ""
            for name, count in (
                ("rows", run.rows),
                ("events", run.events),
                ("stored", run.stored),
                ("duplicates", run.duplicates),
            )
        },
        **{f"rejected: {reason}": f"{count:,}" for reason, count in sorted(run.rejected.items())},
        "first day": str(run.first or ""),
        "last day": str(run.last or ""),
        "undone": f"{run.undone:%Y-%m-%d %H:%M:%S} UTC" if run.undone else "",
    }
    shown = [(name, value) for name, value in rows.items() if value]
    for file in run.files:
        shown.append(("file", file.name))
        if file.sha256:
            shown += [("bytes", f"{file.size:,}"), ("sha256", file.sha256)]
    frame = pl.DataFrame(shown, {"field": pl.String, "value": pl.String}, orient="row")
    view = View(f"Import {run.id}", labels=_LABELS, whole=("field", "value"), footnote=run.error)
    render(frame, view, fmt, output)


def undo(number: IdArgument, yes: Yes = False, dry_run: DryRunOption = False) -> None:
    """Remove the events of one import, and derive visits and reports again.

    Months are swapped in one after the other while reports read on. If it is interrupted, run it again. Afterwards the
    same files can be imported again.
    """
    from collector.imports import ledger
    from collector.lifecycle import imported_days
    from collector.lifecycle import undo as of_imports

    config = settings()
    home = config.home
    of_imports.check(ledger.find(home, number))
    if not dry_run:
        _load_waiting(config)
    with database("import undo") as client:
        run = of_imports.find(client, home, number)
        months = of_imports.months(client, run)
        actions = [
            Action(
                "remove",
                f"events of {run.id} from {run.site}",
                partial(of_imports.remove, client, home, run, month),
                rows=rows,
                months=(month,),
            )
            for month, rows in months
        ]
        totals = imported_days.months(client, run)
        actions += [
            Action(
                "remove",
                f"daily totals of {run.id} from {run.site}",
                partial(imported_days.remove, client, home, run, month),
                rows=rows,
                months=(month,),
            )
            for month, rows in totals
        ]
        if months or totals or _is_unfinished(run):
            actions.append(Action("derive", f"visits of {run.site}", partial(of_imports.finish, client, home, run)))
        if since := of_imports.left_alone(client, run):
            typer.echo(
                f"footfall: visits and rollups before {since} keep counting this import: retention has removed the raw "
                "events that they could be derived from",
                err=True,
            )
        if not actions:
            typer.echo(f"nothing of {run.id} is stored", err=True)
        carry_out(Plan("footfall import undo", tuple(actions), loses=True), home, dry_run=dry_run, yes=yes)


def _known(run: Run, count: int) -> int | None:
    """A count of a run that has ended, None for one that is running or was killed."""
    return count if run.ended else None


def _is_unfinished(run: Run) -> bool:
    from collector.imports.ledger import State

    return run.state is State.UNDOING


def _load_waiting(config: Config) -> None:
    """Load what waits in the spool: some of it may be of the import."""
    from cli.loading import loader_options
    from collector.lifecycle.flush import flush

    left = flush(config.home.make(), config.database_url, FLUSH_SECONDS, loader_options(config))
    if left:
        raise StorageError(
            f"{left:,} events are still waiting in the spool", "try again, or see: footfall spool status"
        )


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("list", epilog="Example: footfall import list --limit 3")(list_)
    app.command("show", epilog="Example: footfall import show access-log-20261101T120000Z-1f2e")(show)
    app.command("undo", epilog="Example: footfall import undo access-log-20261101T120000Z-1f2e --dry-run")(undo)

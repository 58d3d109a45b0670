"""``footfall spool`` and ``footfall flush``: what waits, what was set aside, and whether the account holds."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.context import settings
from cli.exit_codes import Exit
from cli.options import DryRunOption, FormatOption, OutputOption
from cli.plan import Action, Plan, Yes, carry_out
from cli.render.render import render
from cli.render.view import View
from sql.core.errors import EngineUnavailable, StorageError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from collector.lifecycle.quarantine import Item

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Inspect the spool and its quarantine.",
    epilog="Example: footfall spool status",
)
quarantine_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Events that could not be loaded. Inspect, retry or delete them.",
    epilog="Example: footfall spool quarantine list",
)
app.add_typer(quarantine_app, name="quarantine")
Names = Annotated[list[str] | None, typer.Argument(help="Ids of items, as `list` shows them.", metavar="NAME...")]
All = Annotated[bool, typer.Option("--all", help="All items.")]


@app.command(epilog="Example: footfall spool status --format json")
def status(fmt: FormatOption = None, output: OutputOption = None) -> None:
    """Show what is pending, and the balance: accepted = stored + duplicate + erased + quarantined + pending.

    Exit code 3 if the balance does not add up: accepted events are missing.
    """
    import polars as pl

    from collector.lifecycle.ledger import take
    from collector.lifecycle.quarantine import items
    from collector.spool.spool import Spool

    config = settings()
    now = time.time()
    account = take(config.home.make())
    aside = items(Spool(config.home.spool))
    rows: list[tuple[str, int, int | None, int | None, int | None]] = [
        (name, pile.events, pile.files, pile.bytes, None if pile.oldest is None else max(int(now - pile.oldest), 0))
        for name, pile in (("open", account.open), ("sealed", account.sealed), ("prepared", account.prepared))
    ]
    rows.append(("in quarantine", sum(i.events or 0 for i in aside), len(aside), sum(i.size for i in aside), None))
    totals = {
        "accepted": account.accepted,
        "stored": account.totals.stored,
        "duplicate": account.totals.duplicate,
        "erased": account.totals.erased,
        "quarantined": account.quarantined,
        "pending": account.pending,
        "missing": account.missing,
    }
    rows += [(name, events, None, None, None) for name, events in totals.items()]
    kinds = {"what": pl.String, "events": pl.Int64, "files": pl.Int64, "bytes": pl.Int64, "oldest_seconds": pl.Int64}
    labels = {"what": "", "events": "Events", "files": "Files", "bytes": "Bytes", "oldest_seconds": "Oldest (s)"}
    view = View("Spool", labels=labels)
    render(pl.DataFrame(rows, kinds, orient="row"), view, fmt, output)
    if account.missing:
        typer.echo(f"footfall: the balance does not add up: {account.missing:,} accepted events are missing", err=True)
        raise typer.Exit(Exit.FOUND)


@app.command(epilog="Example: footfall spool seal")
def seal(
    timeout: Annotated[float, typer.Option(help="Maximum time to wait for the writers, in seconds.", min=0.0)] = 10.0,
    dry_run: DryRunOption = False,
) -> None:
    """Seal every open segment now, so that its events are loaded next."""
    from collector.lifecycle.flush import seal as do
    from collector.spool.spool import Spool

    home = settings().home.make()
    count = len(list(Spool(home.spool).make().open_dir.glob("*.seg")))
    if dry_run:
        typer.echo(f"would seal {count} segments", err=True)
        return
    left = do(home, timeout)
    typer.echo(f"sealed {count - len(left)} segments", err=True)
    if left:
        raise StorageError(f"{len(left)} segments are still open: {', '.join(left)}", "their writers do not respond")


def flush(
    timeout: Annotated[float, typer.Option(help="Maximum time to wait, in seconds.", min=0.0)] = 300.0,
    dry_run: DryRunOption = False,
) -> None:
    """Load all events accepted so far, and wait until done.

    Works with and without a running `footfall serve`.
    """
    from cli.loading import loader_options
    from collector.lifecycle.flush import flush as do
    from collector.lifecycle.ledger import take

    config = settings()
    home = config.home.make()
    before = take(home).pending
    if dry_run:
        typer.echo(f"would load {before:,} events", err=True)
        return
    bounds = loader_options(config)
    with _bar("Loading", before) as moved:
        left = do(home, config.database_url, timeout, bounds, lambda waiting: moved(before - waiting))
    if left:
        raise EngineUnavailable(
            f"events are still pending after {timeout:g} s", "footfall spool status; footfall doctor"
        )
    typer.echo(f"loaded {before:,} pending events" if before else "nothing to load", err=True)


@quarantine_app.command("list", epilog="Example: footfall spool quarantine list")
def quarantine_list(fmt: FormatOption = None, output: OutputOption = None) -> None:
    """List everything in quarantine."""
    import polars as pl

    rows = [(item.short, item.kind.value, item.events, item.size, item.reason) for item in _items()]
    kinds = {"id": pl.String, "kind": pl.String, "events": pl.Int64, "bytes": pl.Int64, "reason": pl.String}
    labels = {"id": "Id", "kind": "Kind", "events": "Events", "bytes": "Bytes", "reason": "Reason"}
    view = View("Quarantine", labels=labels, nothing="the quarantine is empty")
    render(pl.DataFrame(rows, kinds, orient="row"), view, fmt, output)


@quarantine_app.command("show", epilog="Example: footfall spool quarantine show 5d41402a")
def quarantine_show(
    name: Annotated[str, typer.Argument(help="An item's id, as `list` shows it, or its file's name.")],
    fmt: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """Show one item: what it is, why it was quarantined, and its readable content."""
    import polars as pl

    from collector.lifecycle.quarantine import content

    [item] = _items([name])
    rows = {"kind": item.kind.value, "bytes": str(item.size), "events": str(item.events), "reason": item.reason}
    frame = pl.DataFrame(
        [*rows.items(), *content(item).items()], {"field": pl.String, "value": pl.String}, orient="row"
    )
    render(frame, View(item.name, labels={"field": "", "value": ""}), fmt, output)


@quarantine_app.command("retry", epilog="Example: footfall spool quarantine retry --all --dry-run")
def quarantine_retry(names: Names = None, every: All = False, dry_run: DryRunOption = False) -> None:
    """Put items back into the spool to be loaded. Their event ids prevent double counting.

    Unreadable items stay in quarantine. Exit code 3 if any stay.
    """
    from collector.lifecycle.quarantine import requeue, why_not
    from collector.sites.registry import SiteRegistry
    from collector.spool.spool import Spool

    home = settings().home
    registry = SiteRegistry(home.sites_file)
    chosen = _chosen(names, every)
    reasons = {item.short: why_not(item, registry) for item in chosen}
    able = [item for item in chosen if not reasons[item.short]]
    for name, reason in reasons.items():
        if reason:
            typer.echo(f"{name} stays in quarantine: {reason}", err=True)
    events = sum(item.events or 0 for item in able) if dry_run else requeue(Spool(home.spool).make(), able)
    typer.echo(f"{'would requeue' if dry_run else 'requeued'} {events:,} events", err=True)
    if len(able) < len(chosen):
        raise typer.Exit(Exit.FOUND)


@quarantine_app.command("purge", epilog="Example: footfall spool quarantine purge --all --yes")
def quarantine_purge(
    names: Names = None,
    every: All = False,
    yes: Yes = False,
    dry_run: DryRunOption = False,
) -> None:
    """Delete items permanently. They still count as quarantined."""
    from collector.lifecycle.quarantine import purge
    from collector.spool.spool import Spool

    chosen = _chosen(names, every)
    if busy := [item.name for item in chosen if item.loading]:
        raise UsageError(f"{busy[0]} belongs to a batch that is still loading", "run `footfall flush` first")
    home = settings().home
    action = Action(
        "delete",
        f"{len(chosen)} items permanently",
        lambda: purge(Spool(home.spool), chosen),
        rows=sum(item.events or 0 for item in chosen),
        bytes=sum(item.size for item in chosen),
        files=tuple(item.name for item in chosen),
    )
    plan = Plan("footfall spool quarantine purge", (action,) if chosen else (), loses=True)
    carry_out(plan, home, dry_run=dry_run, yes=yes)


@app.command(epilog="Example: footfall spool restore /backup/spool/sealed/*.seg --dry-run")
def restore(
    files: Annotated[list[Path], typer.Argument(help="Segment files outside the spool, under their original names.")],
    dry_run: DryRunOption = False,
) -> None:
    """Accept the events of segment files again. Events that are already stored are dropped as duplicates.

    Exit code 3 if a file is damaged; the rest of it is loaded.
    """
    from collector.lifecycle import restore as segments
    from collector.spool.spool import Spool, SpoolOptions

    config = settings()
    collector = config.collector
    spool = Spool(config.home.make().spool).make()
    found = [segments.read(spool, path) for path in files]
    options = SpoolOptions(collector.durability, collector.segment_bytes, total_bytes=collector.spool_max_bytes)
    events = sum(file.events for file in found) if dry_run else segments.restore(spool, found, options)
    for file in found:
        if file.damaged:
            typer.echo(f"{file.path}: {file.damaged:,} damaged events were skipped", err=True)
    typer.echo(f"{'would accept' if dry_run else 'accepted'} {events:,} events", err=True)
    if any(file.damaged for file in found):
        raise typer.Exit(Exit.FOUND)


def _items(names: list[str] | None = None) -> list[Item]:
    from collector.lifecycle.quarantine import find, items
    from collector.spool.spool import Spool

    spool = Spool(settings().home.make().spool).make()
    return items(spool) if names is None else find(spool, names)


def _chosen(names: list[str] | None, every: bool) -> list[Item]:
    if bool(names) == every:
        raise UsageError("no items given", "name items, or use --all")
    return _items(names or None)


@contextmanager
def _bar(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """A progress bar on stderr, moved by what it yields; nothing where that is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task(what, total=total)
        yield lambda done: progress.update(task, completed=done)


def register(root: typer.Typer) -> None:
    """Add the group, and ``flush``."""
    root.add_typer(app, name="spool")
    root.command(epilog="Example: footfall flush --timeout 60")(flush)

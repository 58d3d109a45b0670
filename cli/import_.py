"""``footfall import``: what was measured elsewhere, brought in the way live events go."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec.structs import replace

from cli import import_ledger, import_plausible, import_table, importing
from cli.context import settings
from cli.exit_codes import Exit
from cli.import_progress import Bar
from cli.options import FormatOption, OutputOption
from cli.render.render import render
from cli.render.view import View
from collector.imports.clients import ClientAddress
from sql.core.errors import FootfallError, StorageError

if TYPE_CHECKING:
    import polars as pl

    from collector.event.model import SpooledEvent
    from collector.imports.access_log import AccessLog
    from collector.imports.counts import ImportCounts
    from collector.imports.ledger import Run
    from collector.imports.sink import Sink

INTERRUPTED = 130
app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Import data from other sources.",
    epilog="Example: footfall import access-log /var/log/nginx/access.log.* --site shop.example",
)


@app.callback()
def group() -> None:
    """Import data from other sources."""


def _formats(incomplete: str) -> list[tuple[str, str]]:
    from collector.imports.layouts.table import AUTO, LAYOUTS

    known = [(AUTO, "detect the format of each line"), *((each.name, each.description) for each in LAYOUTS.values())]
    return [each for each in known if each[0].startswith(incomplete)]


@app.command("formats", epilog="Example: footfall import formats --format json")
def formats(fmt: FormatOption = None, output: OutputOption = None) -> None:
    """List the formats of access logs that are read, with an example line of each (in JSON and CSV).

    Any other format of nginx or Apache is read by its format string: see `--log-format`.
    """
    import polars as pl

    from collector.imports.layouts.table import LAYOUTS

    rows = [{"name": each.name, "format": each.description, "example": each.example} for each in LAYOUTS.values()]
    view = View(title="Formats of access logs", narrow=("name", "format"), whole=("name", "format"))
    render(pl.DataFrame(rows), view, fmt, output)


@app.command(
    "access-log",
    epilog="Example: zcat old/*.gz | footfall import access-log - --site shop.example --dry-run",
)
def access_log(
    files: Annotated[
        list[str],
        typer.Argument(help="Log files: plain, gzip, zstd, bzip2 or xz; - is stdin.", metavar="FILE..."),
    ],
    site: Annotated[str, typer.Option("--site", "-s", help="Domain of the site that the pages belong to.")],
    log_format: Annotated[
        str,
        typer.Option(
            "--log-format",
            help="A name that `import formats` lists, or a format string of nginx (log_format) or Apache (LogFormat); "
            "`auto` detects the format of each line.",
            autocompletion=_formats,
        ),
    ] = "auto",
    client_address: Annotated[
        ClientAddress,
        typer.Option(
            help="Whose address is the visitor's: that of the connection, or the first in X-Forwarded-For, if any."
        ),
    ] = ClientAddress.CONNECTION,
    log_timezone: Annotated[
        str, typer.Option(help="IANA time zone of times that have no UTC offset, such as HAProxy's.")
    ] = "UTC",
    keep_static: Annotated[
        bool, typer.Option("--keep-static", help="Count static files, downloads and feeds as page views too.")
    ] = False,
    any_host: Annotated[
        bool,
        typer.Option("--any-host", help="Import lines of every virtual host, not only those of the site's domain."),
    ] = False,
    follow: Annotated[
        bool,
        typer.Option(
            "--follow", "-F", help="Keep reading as the files grow and are rotated, like `tail -F`; ctrl-c ends it."
        ),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and count without storing anything.")] = False,
    fmt: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """Import page views from web server access logs. A line that is imported again is not counted twice.

    Bots are flagged. Lines that are not page views are counted by reason; unreadable lines are shown.
    """
    from collector.imports.access_log import AccessLog
    from collector.imports.ledger import ImportedFile
    from collector.imports.log_files import check
    from collector.imports.page_views import PageViews
    from collector.ingest.visitors import Visitors
    from sql.core.process import forbid_core_dumps

    forbid_core_dumps()
    config = settings()
    found = importing.site_of(config, site)
    zone = importing.zone_of(log_timezone)
    for name in () if follow else files:
        check(name)  # a slip in the last name is told before the first file is read
    errors: list[FootfallError] = []
    followed = tuple(ImportedFile(name) for name in files)
    described = followed if follow else importing.described(config, found, files)
    with importing.secrets(config, dry_run) as (salts, secret), Bar(files) as bar:
        page_views = PageViews(
            found,
            Visitors(salts),
            keep_static=keep_static,
            any_host=any_host,
            address=client_address,
            country_of=importing.country_of(config),
        )
        log = AccessLog(page_views, secret, log_format, zone)

        def filled(run: Run) -> Run:
            counts, wrong = log.counts, [*errors, *log.counts.strangers]
            rejected = {reason.value: count for reason, count in counts.skipped.items()}
            error = str(wrong[0]).splitlines()[0] if wrong else ""
            return replace(run, rows=counts.lines, events=counts.events, rejected=rejected, error=error)

        with importing.sink(config, found, "access-log", dry_run, bar, described, filled) as sink:
            if follow:
                _follow(log, files, sink, bar, lambda: importing.site_of(config, site))
            else:
                sink.add(_read(log, files, bar, errors))
            stored = sink.finish(bar.loading)
    _say_bad(log.counts)
    if not log.counts.nothing_understood:
        render(_summary(log.counts, stored), _view(dry_run), fmt, output)
    if stored:
        by_bots = f", {sink.bots:,} of them by bots (excluded from reports; see --include-bots)" if sink.bots else ""
        typer.echo(f"{stored:,} page views stored{by_bots}", err=True)
    for error in (*errors, *log.counts.strangers):
        typer.echo(f"footfall: {error}", err=True)
    if errors or log.counts.strangers:
        raise typer.Exit(Exit.FAILED)


def _read(log: AccessLog, files: list[str], bar: Bar, errors: list[FootfallError]) -> Iterator[SpooledEvent]:
    """The page views of all files. One that cannot be read on is noted, and the next begun."""
    from collector.imports.file_reader import MAX_LINE
    from collector.imports.log_files import LogFile

    for name in files:
        try:
            with LogFile(name) as file:
                yield from log.events(bar.lines(file, MAX_LINE), file.name)
        except StorageError as exc:
            errors.append(exc)


def _follow(log: AccessLog, files: list[str], sink: Sink, bar: Bar, check: Callable[[], object]) -> None:
    """Read until ctrl-c or SIGTERM; a second one ends at once. ``check`` raises where the site takes no more events."""
    from collector.imports.follow import Follower, follow
    from sql.core.signals import on_request_to_end

    stop = threading.Event()
    told: set[str] = set()

    def on_pass() -> None:
        bar.following(log.counts.events)
        for trouble in set(follower.troubles) - told:
            typer.echo(f"footfall: {trouble}; trying again", err=True)
        told.update(follower.troubles)
        check()

    with Follower(log, files) as follower:
        on_request_to_end(lambda: os._exit(INTERRUPTED) if stop.is_set() else stop.set())
        follow(follower, sink, stop, on_pass)


def _say_bad(counts: ImportCounts) -> None:
    for bad in counts.bad:
        typer.echo(f"{bad.source}:{bad.number}: {bad.cause}", err=True)
    if counts.names:
        typer.echo(
            f"footfall: this log names hosts ({', '.join(counts.names)}) instead of client addresses; "
            "each name counts as one address",
            err=True,
        )
    if counts.unshown > 0:
        typer.echo(f"… and {counts.unshown:,} more unreadable lines", err=True)


def _summary(counts: ImportCounts, stored: int | None) -> pl.DataFrame:
    """Columns what, count: lines, page views, what was left out by reason, what became of the page views."""
    import polars as pl

    rows = {"lines": counts.lines, "page_views": counts.events}
    rows |= {reason.value: count for reason, count in counts.skipped.most_common()}
    if stored is not None:
        rows |= {"stored": stored, "duplicates": counts.events - stored}
    return pl.DataFrame({"what": list(rows), "count": list(rows.values())})


def _view(dry_run: bool) -> View:
    title = "Would be imported" if dry_run else "Imported"
    return View(title=title, labels={"what": "", "count": "Lines"})


import_table.register(app)
import_plausible.register(app)
import_ledger.register(app)

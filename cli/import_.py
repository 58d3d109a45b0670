"""``footfall import``: what was measured elsewhere, brought in the way live events go."""

from __future__ import annotations

import contextlib
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.context import settings
from cli.exit_codes import Exit
from cli.options import FormatOption, OutputOption
from cli.render.render import render
from cli.render.view import View
from collector.imports.layouts import LineLayout
from sql.core.errors import FootfallError, StorageError, UsageError
from sql.core.hosts import ascii_host

if TYPE_CHECKING:
    import polars as pl

    from cli.config.settings import Config
    from collector.event.model import SpooledEvent
    from collector.imports.access_log import AccessLog, ImportCounts
    from collector.imports.log_files import LogFile
    from collector.ingest.visitors import Salts
    from collector.sites.registry import Site

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Import data from other sources.",
    epilog="Example: footfall import access-log /var/log/nginx/access.log.* --site shop.example",
)


@app.callback()
def group() -> None:
    """Import data from other sources."""


@app.command(
    "access-log",
    epilog="Example: zcat old/*.gz | footfall import access-log - --site shop.example --dry-run",
)
def access_log(
    files: Annotated[list[str], typer.Argument(help="Log files, plain, gzip or zstd; - is stdin.", metavar="FILE...")],
    site: Annotated[str, typer.Option("--site", "-s", help="Domain of the site that the pages belong to.")],
    log_format: Annotated[
        LineLayout, typer.Option("--log-format", help="Log format; `auto` detects it for each line.")
    ] = LineLayout.AUTO,
    keep_static: Annotated[
        bool, typer.Option("--keep-static", help="Count static files, downloads and feeds as page views too.")
    ] = False,
    any_host: Annotated[
        bool,
        typer.Option("--any-host", help="Import lines of every virtual host, not only those of the site's domain."),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and count without storing anything.")] = False,
    fmt: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """Import page views from web server access logs. A line that is imported again is not counted twice.

    Bots are flagged. Lines that are not page views are counted by reason; unreadable lines are shown.
    """
    from collector.enrich.geo import Places
    from collector.imports.access_log import AccessLog
    from collector.imports.log_files import check
    from collector.ingest.visitors import Visitors
    from sql.core.process import forbid_core_dumps

    forbid_core_dumps()
    config = settings()
    found = _site(config, site)
    for name in files:
        check(name)  # a slip in the last name is told before the first file is read
    places = Places(Path(config.collector.geoip_file) if config.collector.geoip_file else None)
    with _secrets(config, dry_run) as (salts, secret):
        log = AccessLog(
            found,
            Visitors(salts),
            secret,
            layout=log_format,
            keep_static=keep_static,
            any_host=any_host,
            country_of=(lambda address: places.of(address).country) if places.path else None,
        )
        errors: list[FootfallError] = []
        with _bar(files) as bar:
            page_views = _page_views(log, files, bar, errors)
            stored, bots = None, 0
            if dry_run:
                deque(page_views, maxlen=0)
            else:
                stored, bots = _bring_in(config, found, page_views, bar)
    _say_bad(log.counts)
    if not _nothing_understood(log.counts):
        render(_summary(log.counts, stored), _view(dry_run), fmt, output)
    if stored:
        by_bots = f", {bots:,} of them by bots (excluded from reports; see --include-bots)" if bots else ""
        typer.echo(f"{stored:,} page views stored{by_bots}", err=True)
    for error in (*errors, *log.counts.strangers):
        typer.echo(f"footfall: {error}", err=True)
    if errors or log.counts.strangers:
        raise typer.Exit(Exit.FAILED)


def _site(config: Config, domain: str) -> Site:
    from collector.sites.registry import SiteRegistry

    found = SiteRegistry(config.home.sites_file).by_domain(ascii_host(domain.strip()))
    if found is None:
        raise UsageError(f"no site {domain}", f"add it with: footfall site add {domain}")
    return found


@contextlib.contextmanager
def _secrets(config: Config, dry_run: bool) -> Iterator[tuple[Salts, bytes]]:
    """The salts that all collectors share, and the key of event ids; for a dry run some that leave nothing behind."""
    from collector.imports.run import import_secret
    from collector.ingest.identity_keys import identity_keys
    from collector.ingest.visitors import Salts

    if not dry_run:
        home = config.home.make()
        identity_keys(home)  # before there are salts: a directory with salts and no keys is one from before
        yield Salts(home.salts), import_secret(home)
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Salts(Path(folder)), b""


class _Bar:
    """A progress bar on stderr, by bytes read, then by segments loaded; nothing where that is no terminal."""

    def __init__(self, files: list[str]) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

        known = "-" not in files
        self.total = sum(Path(name).stat().st_size for name in files) if known else None
        self.before = 0
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
            disable=not sys.stderr.isatty(),
        )
        self.task = self.progress.add_task("Reading", total=self.total)

    def lines(self, file: LogFile, limit: int) -> Iterator[bytes]:
        """The lines of a file, the bar moving with them."""
        for number, line in enumerate(file.lines(limit)):
            if number % 4096 == 0:
                self.progress.update(self.task, completed=self.before + file.position)
            yield line
        self.before += file.position

    def loading(self, segments: int) -> None:
        """Everything is read; show how many segments are left to load."""
        self.progress.update(self.task, completed=self.before, description=f"Loading ({segments} left)")


@contextlib.contextmanager
def _bar(files: list[str]) -> Iterator[_Bar]:
    bar = _Bar(files)
    with bar.progress:
        yield bar


def _page_views(log: AccessLog, files: list[str], bar: _Bar, errors: list[FootfallError]) -> Iterator[SpooledEvent]:
    """The page views of all files. One that cannot be read on is noted, and the next begun."""
    from collector.imports.access_lines import MAX_LINE
    from collector.imports.log_files import LogFile

    for name in files:
        try:
            with LogFile(name) as file:
                yield from log.events(bar.lines(file, MAX_LINE), file.name)
        except StorageError as exc:
            errors.append(exc)


def _bring_in(config: Config, site: Site, page_views: Iterable[SpooledEvent], bar: _Bar) -> tuple[int, int]:
    """Spool and load; returns how many were stored, and how many of them for bots."""
    from cli.loading import loader_options
    from collector.imports.run import Import, new_import_id
    from collector.spool.spool import SpoolOptions

    options = SpoolOptions(
        durability=config.collector.durability,
        segment_bytes=config.collector.segment_bytes,
        total_bytes=config.collector.spool_max_bytes,
    )
    import_id = new_import_id("access-log", time.time())
    loading = loader_options(config)
    with Import(config.home, config.database_url, site.site_id, import_id, options, loading) as run:
        try:
            run.add(page_views)
            return run.finish(bar.loading), run.bots
        except KeyboardInterrupt:
            bar.progress.stop()
            typer.echo(
                f"footfall: interrupted; {run.spooled:,} page views are safe in the spool and will be loaded\n"
                "  → import the same files again for the rest; nothing is counted twice",
                err=True,
            )
            raise


def _say_bad(counts: ImportCounts) -> None:
    from collector.imports.access_lines import SkipReason

    for bad in counts.bad:
        typer.echo(f"{bad.source}:{bad.number}: {bad.cause}", err=True)
    if counts.names:
        typer.echo(
            f"footfall: this log names hosts ({', '.join(counts.names)}) instead of client addresses; "
            "each name counts as one address",
            err=True,
        )
    unread = counts.skipped[SkipReason.BAD_LINE] + counts.skipped[SkipReason.TOO_LONG]
    more = unread - len(counts.bad) - sum(file.lines for file in counts.strangers)
    if more > 0:
        typer.echo(f"… and {more:,} more unreadable lines", err=True)


def _nothing_understood(counts: ImportCounts) -> bool:
    from collector.imports.access_lines import SkipReason

    bad = counts.skipped[SkipReason.BAD_LINE] + counts.skipped[SkipReason.TOO_LONG]
    return bad > 0 and bad + counts.skipped[SkipReason.BLANK] == counts.lines


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

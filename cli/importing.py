"""What commands that import share: the site, secrets, where events go, what is said at the end."""

from __future__ import annotations

import contextlib
import datetime as dt
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from msgspec.structs import replace

from sql.core.errors import UsageError
from sql.core.hosts import ascii_host

if TYPE_CHECKING:
    from cli.config.settings import Config
    from cli.import_progress import Bar
    from collector.imports.ledger import ImportedFile, Run
    from collector.imports.sink import Sink
    from collector.ingest.visitors import Salts
    from collector.sites.registry import Site


def site_of(config: Config, domain: str) -> Site:
    """The site of a domain. Raises UsageError where there is none, or where it accepts no events."""
    from collector.sites.registry import SiteRegistry

    found = SiteRegistry(config.home.sites_file).by_domain(ascii_host(domain.strip()))
    if found is None:
        raise UsageError(f"no site {domain}", f"add it with: footfall site add {domain}")
    if found.archived:
        raise UsageError(
            f"{found.domain} is archived and accepts no events",
            f"first run: footfall site archive {found.domain} --undo",
        )
    return found


def zone_of(name: str) -> dt.tzinfo:
    """The time zone of an IANA name. Raises UsageError where there is none."""
    from sql.core import timezones

    try:
        return timezones.zone(name)
    except KeyError as exc:
        raise UsageError(f"there is no time zone {name}", "give an IANA name, such as Europe/Paris") from exc


def country_of(config: Config) -> Callable[[str], str] | None:
    """What gives a country's code for an address; None without a file of countries."""
    from collector.enrich.geo import Places

    places = Places(Path(config.collector.geoip_file) if config.collector.geoip_file else None)
    return (lambda address: places.of(address).country) if places.path else None


@contextlib.contextmanager
def secrets(config: Config, dry_run: bool) -> Iterator[tuple[Salts, bytes]]:
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


def described(config: Config, site: Site, files: list[str]) -> tuple[ImportedFile, ...]:
    """The files of an import; of one whose content the site has already, this is said at once."""
    from collector.imports import ledger

    found = tuple(map(ledger.described, files))
    for file in found:
        if run := ledger.imported_before(config.home, site.site_id, file):
            typer.echo(f"{file.name} was imported on {run.started:%Y-%m-%d} as {run.id}; it counts once", err=True)
    return found


@contextlib.contextmanager
def sink(
    config: Config,
    site: Site,
    kind: str,
    dry_run: bool,
    bar: Bar,
    files: tuple[ImportedFile, ...],
    filled: Callable[[Run], Run],
) -> Iterator[Sink]:
    """Where the events of one import go; ``kind`` begins its name. An interrupt is told, with what is safe.

    The ledger has it from the first event on; ``filled`` adds what was read of it to its record at the end.
    """
    from cli.loading import loader_options
    from collector.imports import ledger
    from collector.imports.run import Import, new_import_id
    from collector.imports.sink import Nowhere
    from collector.spool.spool import SpoolOptions
    from sql.definitions import user

    if dry_run:
        yield Nowhere()
        return
    options = SpoolOptions(
        durability=config.collector.durability,
        segment_bytes=config.collector.segment_bytes,
        total_bytes=config.collector.spool_max_bytes,
    )
    now = dt.datetime.now(dt.UTC)
    import_id = new_import_id(kind, now.timestamp())
    record = ledger.Run(import_id, kind, site.site_id, site.domain, now, user(), files)
    with Import(config.home, config.database_url, site.site_id, import_id, options, loader_options(config)) as run:

        def whole(record: Run) -> Run:
            first, last = run.days or (None, None)
            read = filled(record)
            duplicates = read.events - run.stored if run.finished else 0
            return replace(read, stored=run.stored, duplicates=duplicates, first=first, last=last)

        try:
            with ledger.recorded(config.home, record, whole):
                yield run
        except KeyboardInterrupt:
            bar.stop()
            typer.echo(
                f"footfall: interrupted; {run.spooled:,} events are safe in the spool and will be loaded\n"
                "  → import the same files again for the rest; nothing is counted twice",
                err=True,
            )
            raise

"""Removing a site with all of its rows. It is not known from the first step on, so that none come after.

What waits in the spool by then is loaded or, once the loader knows, set aside in quarantine like that of any unknown
site. Then months go or are written again without the site's rows, and in the end its domain goes. A run that is
interrupted has left rows, and the next one goes on.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from collector.lifecycle.flush import flush
from collector.lifecycle.partitions import held
from collector.sites.admin import begin_removal, being_removed, domain_of, find_site
from collector.sites.event_schema_definitions import publish_schemas
from collector.sites.network_definitions import publish_networks
from collector.sites.snapshot import LOOK_SECONDS
from collector.sites.table import changing
from sql import definitions
from sql.core.data_dir import DataDir
from sql.core.errors import StorageError
from sql.core.files import OwnedLock
from sql.schema import site_rows
from sql.schema.locked import locked
from sql.schema.refreshing import refreshing
from sql.schema.site_rows import SiteRows

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

FLUSH_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Leaving:
    """A site that is to be removed."""

    site_id: int
    domain: str


def find(client: Client, domain: str) -> Leaving:
    """The site of a domain, or one whose removal was begun. Raises UsageError where there is none."""
    wanted = domain_of(domain)
    for site_id, its in being_removed(client).items():
        if its == wanted:
            return Leaving(site_id, its)
    site = find_site(client, wanted)
    return Leaving(site.site_id, site.domain)


def begin(client: Client, home: DataDir, url: str, site: Leaving, wait: float = FLUSH_SECONDS) -> None:
    """Make a site unknown, and let through what was accepted before. Safe to run again.

    Raises StorageError where events still wait after ``wait`` seconds.
    """
    begin_removal(client, home, site.site_id)
    time.sleep(2 * LOOK_SECONDS)  # by then collectors and loader have read that
    if left := flush(home, url, wait):
        raise StorageError(f"{left:,} events still wait to be loaded", "run the command again")


def remove(client: Client, home: DataDir, site: Leaving, rows: SiteRows, wait: float = 60.0) -> None:
    """Remove a site's rows from a partition. Raises EngineBusy and StorageError as ``held`` does."""
    with _held(client, home, wait):
        site_rows.remove(client, rows, site.site_id)


def finish(client: Client, home: DataDir, site: Leaving, wait: float = 60.0) -> None:
    """Remove what came meanwhile, and the site itself. Raises EngineBusy and StorageError as ``held`` does."""
    with _held(client, home, wait):
        for rows in site_rows.count(client, site.site_id):
            site_rows.remove(client, rows, site.site_id)
        site_rows.forget_domain(client, site.site_id)
        publish_schemas(client, home)
        publish_networks(client, home)


@contextlib.contextmanager
def _held(client: Client, home: DataDir, wait: float) -> Iterator[None]:
    """Nobody else changes stored rows, members of segments, what went out, sites, keys or definitions."""
    what = "footfall site remove"
    exports = locked(client, OwnedLock(home.exports_lock, what), wait, "{} is exporting")
    with (
        refreshing(client, home, what),
        exports,
        held(client, home, what, wait),
        definitions.changing(client, home),
        changing(client, home),
    ):
        yield

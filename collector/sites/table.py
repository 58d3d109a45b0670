"""Sites and write keys as ClickHouse holds them, and how a change of them reaches collectors."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from collector.event.contact import ContactData
from collector.sites.identity import Identity
from collector.sites.registry import Site, WriteKey
from collector.sites.snapshot import publish
from sql.core.data_dir import DataDir
from sql.core.files import OwnedLock
from sql.core.queries import query
from sql.schema.locked import locked

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_SETTINGS = (
    "site_id",
    "domain",
    "timezone",
    "currency",
    "identity",
    "max_age_days",
    "events_per_second",
    "archived",
    "contact_data",
)


@dataclass(frozen=True, slots=True)
class Key:
    """A write key as it is kept: its ``hash``, never itself. Moments are milliseconds since 1970 UTC."""

    key_id: int
    site_id: int
    hash: str
    label: str
    created_at: int
    revoked_at: int | None = None


def all_keys(client: Client) -> list[Key]:
    """Every write key, revoked ones too, by id."""
    return [Key(*row) for row in client.query(query("write_keys/listed")).result_rows]


def all_sites(client: Client) -> list[Site]:
    """Every site with its keys, by id."""
    keys: dict[int, list[WriteKey]] = {}
    for key in all_keys(client):
        keys.setdefault(key.site_id, []).append(WriteKey(key.hash, key.revoked_at))
    rows = client.query(query("sites/listed")).result_rows
    found = []
    for row in rows:
        given = dict(zip(_SETTINGS, row, strict=True))
        given["identity"] = Identity(given["identity"])
        given["contact_data"] = ContactData(given["contact_data"])
        found.append(Site(**given, keys=tuple(keys.get(row[0], ()))))
    return found


def put_site(client: Client, site: Site) -> None:
    """Write a new version of a site's settings."""
    client.command(query("sites/put"), parameters={name: getattr(site, name) for name in _SETTINGS})


def put_key(client: Client, key: Key) -> None:
    """Write a new version of a key."""
    client.command(query("write_keys/put"), parameters=asdict(key))


def publish_sites(client: Client, home: DataDir) -> list[Site]:
    """Write the registry file that collectors read, from the tables; returns the sites."""
    sites = all_sites(client)
    publish(home.sites_file, sites)
    return sites


@contextlib.contextmanager
def changing(client: Client, home: DataDir, wait: float = 10.0) -> Iterator[None]:
    """While sites or keys are changed: nobody else does, and at the end collectors get to know of it.

    Two changes at once could give one id twice. Raises EngineBusy after ``wait`` seconds.
    """
    lock = OwnedLock(home.root / "sites.lock", "a change of sites or keys")
    with locked(client, lock, wait, "sites are being changed by {}"):
        yield
        publish_sites(client, home)

"""Who is asked for: visitors of a site by their ids, by client id, by user id, or by address and user agent."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from collector.event import redact
from collector.event.limits import MAX_USER_AGENT
from collector.ingest.identity_keys import identity_keys
from collector.ingest.visitors import Salts, Visitors
from collector.sites.identity import Identity
from collector.sites.registry import Site
from collector.sites.tombstones import Of, Tombstone, tombstone
from sql.core import addresses
from sql.core.data_dir import DataDir
from sql.core.errors import UsageError
from sql.core.queries import query

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_MAX_NAMED = 100


@dataclass(frozen=True, slots=True)
class Asked:
    """How a person is named: visitor ids (decimal, or hex after 0x), client ids, user ids, address and user agent."""

    visitors: Sequence[str] = ()
    clients: Sequence[str] = ()
    users: Sequence[str] = ()
    address: str = ""
    user_agent: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    """Visitors of a site that are named, and user ids as they are stored, by which more visitors are found."""

    site: Site
    visitors: tuple[int, ...]
    users: tuple[str, ...] = ()

    @property
    def bound(self) -> dict[str, object]:
        """As queries bind it."""
        return {"site": self.site.site_id, "visitors": list(self.visitors), "users": list(self.users)}


class Found(NamedTuple):
    """What is stored of one visitor. ``events`` are raw events; visits may outlive them."""

    visitor: int
    first: dt.datetime
    last: dt.datetime
    visits: int
    events: int


def person(home: DataDir, site: Site, asked: Asked) -> Person:
    """Whom ``asked`` names. Raises UsageError for what names nobody, or cannot be looked up, and says why."""
    if not any((asked.visitors, asked.clients, asked.users, asked.address, asked.user_agent)):
        raise UsageError("nobody is named", "give a visitor id, --client-id, --user, or --address and --user-agent")
    if len(asked.visitors) + len(asked.clients) + len(asked.users) > _MAX_NAMED:
        raise UsageError(f"more than {_MAX_NAMED} ids at once", "name fewer")
    keys = identity_keys(home)  # before there are salts
    known = Visitors(Salts(home.salts), keys.client)
    found = [_visitor(text) for text in asked.visitors]
    if asked.clients and site.identity is not Identity.FIRST_PARTY:
        raise UsageError(
            f"{site.domain} is cookieless, so nothing of it is stored under a client id",
            "ask by visitor id or user id, or by --address and --user-agent within 48 hours",
        )
    found += [known.of_client(site.site_id, client)[0] for client in asked.clients]
    if asked.address or asked.user_agent:
        found += _by_address(known, site, asked)
    users = (redact.user(user, keys.user) for user in asked.users)
    return Person(site, tuple(dict.fromkeys(found)), tuple(dict.fromkeys(filter(None, users))))


def find(client: Client, who: Person) -> list[Found]:
    """The visitors of a person that anything is stored of, the earliest first."""
    return [Found(*row) for row in client.query(query("persons/found"), parameters=who.bound).result_rows]


def tombstones(home: DataDir, who: Person) -> list[Tombstone]:
    """The tombstones of all that a person is named by."""
    key, site_id = identity_keys(home).user, who.site.site_id
    ids = [(Of.VISITOR, str(visitor)) for visitor in who.visitors] + [(Of.USER, user) for user in who.users]
    return [tombstone(key, site_id, of, value) for of, value in ids]


def _visitor(text: str) -> int:
    try:
        number = int(text, 16) if text[:2].lower() == "0x" else int(text) if text.isdecimal() else -1
    except ValueError:
        number = -1
    if not 0 < number < 2**64:
        raise UsageError(
            f"{text!r} is not a visitor id", "a 64-bit number, as `visitor find` shows it; in hex it begins with 0x"
        )
    return number


def _by_address(known: Visitors, site: Site, asked: Asked) -> list[int]:
    """Under the salts that are left: what was hashed under others cannot be looked up by anybody."""
    if not (asked.address and asked.user_agent):
        raise UsageError("a visitor is a hash of both address and user agent", "give --address and --user-agent")
    address = addresses.address(asked.address)
    if address is None:
        raise UsageError(f"{asked.address!r} is not an IP address")
    found = known.of_last_days(site.site_id, str(address), asked.user_agent[:MAX_USER_AGENT])
    if not found:
        raise UsageError(
            "no salt is left to look an address up under: each is destroyed 48 hours after it was made",
            "older cookieless visits cannot be found by person; ask by visitor id or user id",
        )
    return found

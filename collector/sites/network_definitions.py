"""Affiliate networks as they are defined, and publishing them to collectors."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from collector.event.postbacks import FIELDS, NetworkKind
from collector.sites.networks import Network
from collector.sites.snapshot import publish
from sql import definitions
from sql.core.addresses import network
from sql.core.data_dir import DataDir
from sql.core.errors import UsageError
from sql.definitions import Kind

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_HASH = re.compile(r"[0-9a-f]{64}\Z")
MIN_SECRET = 16
MAX_ADDRESSES = 64


class NetworkBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A network that sends postbacks. ``token`` is the SHA-256 of its token in hex; ``hmac`` the secret that it signs
    with, which cannot be hashed; ``map`` names parameters of fields, as ``transaction=order``."""

    kind: NetworkKind = NetworkKind.GENERIC
    token: str = ""
    hmac: str = ""
    addresses: tuple[str, ...] = ()
    map: tuple[str, ...] = ()


def check(body: NetworkBody) -> None:
    """Raises UsageError for what cannot be one."""
    if not _HASH.match(body.token):
        raise UsageError("a network needs a postback token", "--token; in TOML its SHA-256 in hex")
    if body.hmac and len(body.hmac) < MIN_SECRET:
        raise UsageError("this secret is too short to sign with", f"at least {MIN_SECRET} characters")
    if len(body.addresses) > MAX_ADDRESSES:
        raise UsageError(f"a network has at most {MAX_ADDRESSES} addresses", "use networks, such as 192.0.2.0/24")
    for address in body.addresses:
        try:
            network(address)
        except ValueError:
            hint = "such as 192.0.2.7 or 192.0.2.0/24"
            raise UsageError(f"not an address or network: {address!r}", hint) from None
    mapped(body)


def mapped(body: NetworkBody) -> dict[str, str]:
    """Parameters by field. Raises UsageError."""
    found = {}
    for pair in body.map:
        name, _, parameter = pair.partition("=")
        if name not in FIELDS or not parameter.strip():
            hint = f"FIELD=PARAMETER; fields: {', '.join(FIELDS)}"
            raise UsageError(f"not a field and its parameter: {pair!r}", hint)
        found[name] = parameter.strip()
    return found


def shown(body: NetworkBody) -> str:
    """A network in a line, without its secrets."""
    more = ["signed"] if body.hmac else []
    more += [f"from {', '.join(body.addresses)}"] if body.addresses else []
    more += [", ".join(body.map)] if body.map else []
    return "; ".join([f"{body.kind}, token {body.token[:8]}", *more])


def newest(client: Client) -> list[Network]:
    """The networks that are in force, of every site."""
    return [
        Network(
            each.site_id, each.name, each.body.kind, each.body.token, each.body.hmac, each.body.addresses,
            mapped(each.body),
        )
        for each in definitions.every(client, 0, NETWORK)
    ]  # fmt: skip


def publish_networks(client: Client, home: DataDir) -> None:
    """Write the file that collectors read. The caller holds the lock of definitions: ``definitions.publish``."""
    publish(home.networks_file, newest(client))


NETWORK = Kind(
    "network",
    NetworkBody,
    check,
    shown,
    publish=publish_networks,
    command="affiliate network",
    secrets=frozenset({"hmac"}),
)

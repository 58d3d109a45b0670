"""Adding sites, and publishing them to collectors."""

from __future__ import annotations

import re
import secrets
import zoneinfo
from typing import TYPE_CHECKING

from collector.sites import Site, hash_key, publish
from sql.errors import UsageError
from sql.home import Home
from sql.statements import query

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_DOMAIN = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*\Z")


def all_sites(client: Client) -> list[Site]:
    """Every site, by id."""
    return [Site(*row) for row in client.query(query("site_list")).result_rows]


def publish_sites(client: Client, home: Home) -> list[Site]:
    """Write the registry file that collectors read, from the table; returns the sites."""
    sites = all_sites(client)
    publish(home.sites_file, sites)
    return sites


def add_site(
    client: Client, home: Home, domain: str, timezone: str, currency: str = "", identity: str = "cookieless"
) -> tuple[Site, str]:
    """Create a site; returns it and its write key, which is stored nowhere.

    Raises UsageError: not a domain, already there, unknown zone, currency or identity.
    """
    domain = _domain(domain)
    _check_zone(timezone)
    if currency and not re.fullmatch(r"[A-Z]{3}", currency):
        raise UsageError(f"not a currency: {currency!r}", "an ISO 4217 code, such as EUR")
    if identity not in {"cookieless", "client-id"}:
        raise UsageError(f"not an identity: {identity!r}", "cookieless or client-id")
    known = all_sites(client)
    if any(site.domain == domain for site in known):
        raise UsageError(f"{domain} is a site already", "see `footfall site list`")
    key = f"wk_{secrets.token_urlsafe(24)}"
    site_id = max((site.site_id for site in known), default=0) + 1
    site = Site(site_id, domain, timezone, hash_key(key), currency, identity)
    client.command(query("site_put"), parameters={name: getattr(site, name) for name in Site.__struct_fields__})
    publish_sites(client, home)
    return site, key


def _domain(text: str) -> str:
    domain = re.sub(r"\Ahttps?://", "", text.strip().lower()).rstrip("/")
    try:
        domain = domain.encode("idna").decode() if not domain.isascii() else domain
    except UnicodeError:
        domain = ""
    if not _DOMAIN.match(domain):
        raise UsageError(f"not a domain: {text!r}", "write it as shop.example, without path or port")
    return domain


def _check_zone(name: str) -> None:
    if name not in zoneinfo.available_timezones() - {"localtime", "Factory"}:
        near = [zone for zone in sorted(zoneinfo.available_timezones()) if name.lower() in zone.lower()][:3]
        raise UsageError(
            f"no time zone {name!r}",
            f"did you mean {' or '.join(near)}?" if near else "an IANA name such as Europe/Paris",
        )

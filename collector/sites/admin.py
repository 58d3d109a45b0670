"""Adding sites, and changing what can be changed of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from collector.sites.identity import Identity
from collector.sites.keys import new_key, revoke_all
from collector.sites.registry import Site
from collector.sites.table import all_sites, changing, put_site
from sql.core import timezones
from sql.core.data_dir import DataDir
from sql.core.errors import UsageError
from sql.core.hosts import ascii_host
from sql.core.queries import query

if TYPE_CHECKING:
    import polars as pl
    from clickhouse_connect.driver.client import Client

MAX_AGE_DAYS = 3_650
MAX_EVENTS_PER_SECOND = 10_000_000
_DOMAIN = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*\Z")


def add_site(
    client: Client,
    home: DataDir,
    domain: str,
    timezone: str,
    currency: str = "",
    identity: Identity = Identity.COOKIELESS,
    max_age_days: int = 30,
    events_per_second: int = 0,
) -> tuple[Site, str]:
    """Create a site; returns it and its first write key, which is stored nowhere.

    Raises UsageError: not a domain, already there, unknown zone, or a setting that cannot be.
    """
    domain = domain_of(domain)
    _check_zone(timezone)
    wanted = Site(0, domain, timezone, (), currency, identity, max_age_days, events_per_second)
    _check(wanted)
    with changing(client, home):
        known = all_sites(client)
        if any(site.domain == domain for site in known):
            raise UsageError(f"{domain} already exists", "see `footfall site list`")
        if domain in being_removed(client).values():
            raise UsageError(f"{domain} is being removed", f"first run again: footfall site remove {domain}")
        site_id = int(str(client.command(query("sites/last_id")))) + 1
        put_site(client, msgspec.structs.replace(wanted, site_id=site_id))
        _, key = new_key(client, site_id, "first")
    return find_site(client, domain), key


def set_site(client: Client, home: DataDir, domain: str, changes: dict[str, str | int]) -> Site:
    """Change settings of a site by name: timezone, max_age_days, events_per_second, currency, identity,
    contact_data; returns it.

    Raises UsageError: no such site, or a setting that cannot be.
    """
    with changing(client, home):
        site = msgspec.structs.replace(find_site(client, domain), **changes)
        _check_zone(site.timezone)
        _check(site)
        put_site(client, site)
    return site


def find_site(client: Client, domain: str) -> Site:
    """The site of a domain. Raises UsageError where there is none."""
    wanted = domain_of(domain)
    for site in all_sites(client):
        if site.domain == wanted:
            return site
    raise UsageError(f"no site {wanted}", "see `footfall site list`")


def archive_site(client: Client, home: DataDir, domain: str, archived: bool = True) -> Site:
    """Refuse a site's events from now on, or no longer; returns it. Its keys are revoked, and stay so.

    Raises UsageError: no such site.
    """
    with changing(client, home):
        site = msgspec.structs.replace(find_site(client, domain), archived=archived)
        put_site(client, site)
        if archived:
            revoke_all(client, site)
    return site


def begin_removal(client: Client, home: DataDir, site_id: int) -> None:
    """From now on a site is not known. Safe to run again."""
    with changing(client, home):
        client.command(query("sites/begin_removal"), parameters={"site_id": site_id})


def being_removed(client: Client) -> dict[int, str]:
    """Sites whose removal was begun and not finished: domains by id."""
    return {row[0]: row[1] for row in client.query(query("sites/removed")).result_rows}


def listed(sites: list[Site]) -> pl.DataFrame:
    """One row a site: site_id, domain, timezone, currency, identity, max_age_days, events_per_second, archived,
    contact_data."""
    import polars as pl

    columns = {"site_id": pl.UInt32, "domain": pl.String, "timezone": pl.String, "currency": pl.String,
               "identity": pl.String, "max_age_days": pl.UInt16, "events_per_second": pl.UInt32,
               "archived": pl.Boolean, "contact_data": pl.String}  # fmt: skip
    return pl.DataFrame({name: [getattr(site, name) for site in sites] for name in columns}, schema=columns)


def domain_of(text: str) -> str:
    """A domain as sites are known by it, from how a person writes it. Raises UsageError where it is none."""
    domain = ascii_host(re.sub(r"\Ahttps?://", "", text.strip().lower()).rstrip("/"))
    if not _DOMAIN.match(domain):
        raise UsageError(f"not a domain: {text!r}", "write it as shop.example, without path or port")
    return domain


def _check(site: Site) -> None:
    if site.currency and not re.fullmatch(r"[A-Z]{3}", site.currency):
        raise UsageError(f"not a currency: {site.currency!r}", "an ISO 4217 code, such as EUR")
    if not 1 <= site.max_age_days <= MAX_AGE_DAYS:
        raise UsageError(f"{site.max_age_days} is not a valid maximum age in days", f"1 to {MAX_AGE_DAYS:,} days")
    if not 0 <= site.events_per_second <= MAX_EVENTS_PER_SECOND:
        raise UsageError(
            f"{site.events_per_second} is not a valid rate in events per second",
            f"1 to {MAX_EVENTS_PER_SECOND:,}, or 0 for the limit in footfall.toml",
        )


def _check_zone(name: str) -> None:
    if name not in timezones.names() - {"Factory"}:
        near = [zone for zone in sorted(timezones.names()) if name.lower() in zone.lower()][:3]
        raise UsageError(
            f"unknown time zone {name!r}",
            f"did you mean {' or '.join(near)}?" if near else "an IANA name such as Europe/Paris",
        )

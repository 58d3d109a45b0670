"""Which landing pages are clicks of which affiliate partner: the name of a definition is the partner's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from sql import definitions
from sql.core.durations import span_of
from sql.core.errors import UsageError
from sql.definitions import Kind

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

DAY = 86_400
WINDOW = 30 * DAY
MAX_WINDOW = 400 * DAY
# Each is held against every landing with a click id.
MAX_URLS = 200
_PARAMETER = re.compile(r"[a-z0-9_]{1,64}\Z")
_PAGE = re.compile(r"(?:(?P<host>[^/\s?#*]+))?(?P<path>/[^\s?#*]*)?\*?\Z")
_QUERY = re.compile(r"[^\s&=#]+=[^\s&#]+\Z")


class AffiliateUrl(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Landings with the query parameter ``click_id`` are clicks: on pages that begin with ``page`` (host, path, or
    both; '': any), with ``query`` in their address where it is stated. Conversions of ``network`` ('': any) are theirs
    up to ``window`` seconds later."""

    click_id: str = ""
    page: str = ""
    query: str = ""
    network: str = ""
    window: int = WINDOW


class Patterns(NamedTuple):
    """The definitions of a site, as a query binds them: a place in each list is a definition."""

    partners: list[str]
    networks: list[str]
    windows: list[int]
    hosts: list[str]
    paths: list[str]
    click_ids: list[str]
    queries: list[str]


def check(body: AffiliateUrl) -> None:
    """Raises UsageError for what cannot match."""
    if not _PARAMETER.match(body.click_id):
        raise UsageError("an affiliate URL needs the parameter that is the click id", "such as --click-id cjevent")
    if not _PAGE.match(body.page):
        raise UsageError(f"not the beginning of a page: {body.page!r}", "such as shop.example/summer, or /summer")
    if body.query and not _QUERY.match(body.query):
        raise UsageError(f"not a parameter: {body.query!r}", "such as utm_source=partner")
    if not DAY <= body.window <= MAX_WINDOW:
        raise UsageError("a click window has 1 to 400 days", "such as --window 30d")


def shown(body: AffiliateUrl) -> str:
    """A definition in a line."""
    where = f" on {body.page}" if body.page else ""
    query = f" with {body.query}" if body.query else ""
    of = f", network {body.network}" if body.network else ""
    return f"{body.click_id}{where}{query}{of}, window {span_of(body.window)}"


def patterns(client: Client, site_id: int) -> Patterns:
    """All definitions of a site, those that ask for the most first: the first that matches decides."""
    found = definitions.every(client, site_id, AFFILIATE_URL)
    if len(found) > MAX_URLS:
        raise UsageError(f"a site has at most {MAX_URLS} affiliate URLs", "remove some: footfall affiliate url list")
    rows = []
    for each in sorted(found, key=lambda each: (-len(each.body.page), not each.body.query, each.name)):
        its = _PAGE.match(each.body.page)
        host, path = (its["host"] or "", its["path"] or "") if its else ("", "")
        body = each.body
        rows.append(
            (each.name, body.network, body.window, host.lower(), path, body.click_id, body.query and f"&{body.query}&")
        )
    return Patterns(*map(list, zip(*rows, strict=True))) if rows else Patterns([], [], [], [], [], [], [])


AFFILIATE_URL = Kind("affiliate_url", AffiliateUrl, check, shown, command="affiliate url")

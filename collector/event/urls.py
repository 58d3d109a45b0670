"""Page addresses and referrers taken apart: what is kept of them, and nothing else.

Only allow-listed query parameters survive, and whatever looks like an e-mail address is masked: pages put
names and tokens into their addresses. Click ids are personal data and stand in fields of their own.
"""

from __future__ import annotations

import re
from collections.abc import Set
from importlib.resources import files
from typing import NamedTuple
from urllib.parse import unquote_plus

import re2

from sql.core.hosts import ascii_host

MAX_PATH = 1_024
MAX_QUERY = 2_048
MAX_VALUE = 255
EMAIL_MASK = "[email]"

UTM = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")


def _parameters_of(kind: str) -> tuple[str, ...]:
    """Names of one kind in data/parameters.csv, which the tracker's build reads too, in their order."""
    lines = files("collector.event").joinpath("data/parameters.csv").read_text(encoding="utf-8").splitlines()
    pairs = (line.split(",") for line in lines if not line.startswith("#"))
    return tuple(name for name, given in pairs if given == kind)


KEPT = frozenset(_parameters_of("campaign"))
AFFILIATE_IDS = _parameters_of("affiliate")  # which the tracker leaves to its module of that name
CLICK_IDS = _parameters_of("click_id") + AFFILIATE_IDS  # where several come together the first decides
_CLICK_RANK = {name: rank for rank, name in enumerate(CLICK_IDS)}

# In linear time, whatever the text: a run of word characters without "@" is not scanned from each of its places. RE2's
# own \w is ASCII; letters and numbers of all scripts are what Python takes for word characters.
_MASK = EMAIL_MASK.encode()
_WORD = r"\pL\pN_"
EMAIL = re2.compile(rf"(?i)(?:[{_WORD}.+-]|%2[BDE])+(?:@|%(?:25)?40)[{_WORD}-]+(?:(?:\.|%2E)+[{_WORD}-]+)+".encode())
_BARE_HOST = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)+(?::\d+)?(?=[/?#]|$)", re.IGNORECASE)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_APP_SCHEMES = ("android-app://", "ios-app://")


class Page(NamedTuple):
    """What is kept of one page address; every field is '' where there is none.

    ``hostname`` is lower case without port, ``path`` starts with "/", ``query`` holds the allow-listed
    parameters as they were sent. Values of parameters are decoded and at most 255 characters long. ``source``
    is the parameter of that name, ``click_id_kind`` one of CLICK_IDS.
    """

    hostname: str
    path: str
    query: str = ""
    utm_source: str = ""
    utm_medium: str = ""
    utm_campaign: str = ""
    utm_term: str = ""
    utm_content: str = ""
    ref: str = ""
    source: str = ""
    click_id_kind: str = ""
    click_id: str = ""


def is_kept(name: str) -> bool:
    """Whether a query parameter survives: it is on the allow-list, or a click id."""
    return name.lower() in KEPT or is_click_id(name)


def is_click_id(name: str) -> bool:
    """Whether a query parameter is a click id."""
    return name.lower() in _CLICK_RANK


def split(url: str, keep: Set[str] = KEPT) -> Page:
    """Take a page address apart; ``keep`` (hashable) names the query parameters that survive in ``query``.

    Never raises: of what is no address, as much as makes sense is kept ('' as host, '/' as path).
    """
    host, path, query = _parts(url)
    if not query:
        return Page(host, path)
    return Page(host, path, *_parameters(query, keep))


def referrer(url: str, own_host: str) -> tuple[str, str]:
    """Host of a referrer, and host with path (no query): '' and '' for none, and for the site's own pages.

    The site's own: ``own_host`` and its subdomains, with or without "www.". An app gives its package name.
    """
    if not url:
        return "", ""
    if url.startswith(_APP_SCHEMES):
        package = _CONTROLS.sub("", url).split("://", 1)[1].split("/", 1)[0].lower()[:MAX_VALUE]
        return package, package
    host, path, _ = _parts(url)
    if not host or _same_site(host, own_host):
        return "", ""
    return host, host if path == "/" else host + path


def _parts(url: str) -> tuple[str, str, str]:
    """Host, path and raw query of an address."""
    url = _CONTROLS.sub("", url).strip().partition("#")[0]
    url, _, query = url.partition("?")
    scheme, mark, rest = url.partition("://")
    if mark and "/" not in scheme:
        authority, slash, path = rest.partition("/")
        return _host(authority), _path(slash + path), query
    if url.startswith("//"):
        authority, slash, path = url[2:].partition("/")
        return _host(authority), _path(slash + path), query
    if url.startswith("/"):
        return "", _path(url), query
    if bare := _BARE_HOST.match(url):
        return _host(bare[0]), _path(url[bare.end() :]), query
    if _SCHEME.match(url):  # about:blank, javascript:, data:, mailto:
        return "", "/", ""
    return "", _path("/" + url), query


def _host(authority: str) -> str:
    host = authority.rpartition("@")[2].lower()
    if host.startswith("["):
        return host.partition("]")[0] + "]" if "]" in host else ""
    host = host.partition(":")[0].rstrip(".")
    return (host if host.isascii() else ascii_host(host))[:MAX_VALUE]


def _path(path: str) -> str:
    if not path:
        return "/"
    return _mask(path)[:MAX_PATH]


def _mask(text: str) -> str:
    return without_emails(text) if "@" in text or "40" in text else text


def without_emails(text: str) -> str:
    """``text`` with what looks like an e-mail address masked. Ask for "@" or "40" in it first: that is cheap."""
    data = text.encode("utf-8", "replace")  # half a surrogate pair is text to Python alone
    parts: list[bytes] = []
    at = 0
    for found in EMAIL.finditer(data):  # of bytes, since that takes a third of what `sub` of text takes
        start, end = found.span()
        parts += data[at:start], _MASK
        at = end
    return (b"".join(parts) + data[at:]).decode() if at else text


def _parameters(query: str, keep: Set[str]) -> list[str]:
    """The fields of Page from ``query`` on."""
    kept: list[str] = []
    seen: dict[str, str] = {}
    for pair in query.split("&"):
        raw_name, _, raw = pair.partition("=")
        name = raw_name.lower()
        if not raw or name in seen:  # the first of a name counts, as for everybody else
            continue
        if name in keep:
            kept.append(f"{raw_name}={_mask(raw)}")
        if name in KEPT or name in _CLICK_RANK:
            value = unquote_plus(raw) if "%" in raw or "+" in raw else raw
            seen[name] = value.strip()
    kind = min((name for name in seen if name in _CLICK_RANK), key=_CLICK_RANK.__getitem__, default="")
    values = [_mask(seen.get(name, ""))[:MAX_VALUE] for name in (*UTM, "ref", "source")]
    return ["&".join(kept)[:MAX_QUERY], *values, kind, seen[kind][:MAX_VALUE] if kind else ""]


def _same_site(host: str, own_host: str) -> bool:
    own = own_host.removeprefix("www.")
    return bool(own) and (host.removeprefix("www.") == own or host.endswith("." + own))

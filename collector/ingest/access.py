"""Who may write to which site, and where a request came from."""

from __future__ import annotations

from urllib.parse import urlsplit

import falcon.asgi

from collector.sites.registry import Site, SiteRegistry
from sql.core.addresses import networks
from sql.core.hosts import ascii_host

# Proxies in a row that are looked at, from the nearest; a client may have written thousands before them.
MAX_HOPS = 16
MAX_DOMAIN = 253

# When to come again where the list of sites is not available yet.
UNKNOWN_SECONDS = 5


class AccessDenied(Exception):
    """The request may not write: 401 without a credential, 403 with a wrong one, 429 where it is too much, 503 where it
    is not known who may.

    ``retry_after``: after how many seconds it may; 0 where waiting does not help.
    """

    def __init__(self, status: int, message: str, retry_after: int = 0) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after


def site_of(req: falcon.asgi.Request, site: str, key: str, registry: SiteRegistry) -> Site:
    """The site that a request may write to: by write key, or by its domain when the page's origin is that site.

    ``key`` is what ``write_key`` found; ``site`` is the body's, and a query parameter goes over it.

    Raises AccessDenied.
    """
    if key:
        found = registry.by_key(key)
        if found is None:
            raise _nobody(registry, "this write key is unknown or was revoked")
        return found
    domain = ascii_host(req.get_param("site") or site)
    if not domain:
        raise AccessDenied(
            401, "the request has neither a write key nor a site; send `key`, or `site` from a page of that site"
        )
    found = registry.by_domain(domain)
    if found is None:
        raise _nobody(registry, f"unknown site {domain[:MAX_DOMAIN]!r}")
    if found.archived:
        raise AccessDenied(403, f"{domain} is archived and accepts no events")
    origin = req.get_header("Origin") or req.get_header("Referer") or ""
    host = ascii_host(_host(origin) or "")
    if host != domain and not host.endswith(f".{domain}"):
        raise AccessDenied(403, f"a page of {host or 'an unknown origin'} may not write to {domain}; use the write key")
    return found


def write_key(req: falcon.asgi.Request, key: str) -> str:
    """The write key of a request, '' without one; ``key`` is the one in its body."""
    return req.get_header("X-Footfall-Key") or req.get_param("key") or key


def is_from_server(req: falcon.asgi.Request, key: str) -> bool:
    """Whether a program sent the request, not a page: it has a ``key`` and none of the headers that browsers add.

    A GET is the pixel, which is part of a page or a mail whatever key its address holds.
    """
    if not key or req.method != "POST":
        return False
    # Sec-Fetch-Site stands for its siblings. Each request is asked: a loop over the three would cost as much again.
    return not (req.get_header("Origin") or req.get_header("Referer") or req.get_header("Sec-Fetch-Site"))


def _nobody(registry: SiteRegistry, why: str) -> AccessDenied:
    """403 is final to a sender: it is for a collector that knows its sites."""
    if registry.known:
        return AccessDenied(403, why)
    return AccessDenied(503, "the list of sites is not available yet", UNKNOWN_SECONDS)


def source_address(req: falcon.asgi.Request, trusted: tuple[str, ...]) -> str:
    """The client's address: the peer, or what the nearest trusted proxies say of theirs.

    ``trusted`` holds addresses and networks (``10.0.0.0/8``).
    """
    return source_behind(peer_address(req), req, trusted)


def source_behind(peer: str, req: falcon.asgi.Request, trusted: tuple[str, ...]) -> str:
    """``source_address`` for a peer that is known already."""
    if not trusted or not networks(trusted).hold(peer):
        return peer
    hops = (req.get_header("X-Forwarded-For") or "").rsplit(",", MAX_HOPS)[-MAX_HOPS:]
    for hop in filter(None, map(str.strip, reversed(hops))):
        if not networks(trusted).hold(hop):
            return hop
    return peer


def peer_address(req: falcon.asgi.Request) -> str:
    """The connection's own address, not Falcon's remote_addr, which reads headers that the client may have written."""
    return next(iter(req.scope.get("client") or ()), "")


def _host(origin: str) -> str | None:
    try:
        return urlsplit(origin).hostname
    except ValueError:
        return None

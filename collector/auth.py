"""Who may write to which site, and where a request came from."""

from __future__ import annotations

from urllib.parse import urlsplit

import falcon.asgi

from collector.sites import Registry, Site


class Refused(Exception):
    """The request may not write: 401 without a credential, 403 with a wrong one."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def site_of(req: falcon.asgi.Request, site: str, key: str, registry: Registry) -> Site:
    """The site that a request may write to: by write key, or by its domain when the page's origin is that site.

    ``site`` and ``key`` come from the body; headers and query parameters go over them. Raises Refused.
    """
    key = req.get_header("X-Footfall-Key") or req.get_param("key") or key
    if key:
        found = registry.by_key(key)
        if found is None:
            raise Refused(403, "this write key belongs to no site")
        return found
    domain = (req.get_param("site") or site).lower()
    if not domain:
        raise Refused(401, "no write key and no site: send `key`, or `site` from a page of that site")
    found = registry.by_domain(domain)
    if found is None:
        raise Refused(403, f"no site {domain!r} here")
    origin = req.get_header("Origin") or req.get_header("Referer") or ""
    host = (_host(origin) or "").lower()
    if host != domain and not host.endswith(f".{domain}"):
        raise Refused(403, f"a page of {host or 'an unknown origin'} may not write to {domain}; use the write key")
    return found


def source_address(req: falcon.asgi.Request, trusted: tuple[str, ...]) -> str:
    """The client's address: the peer, or what the nearest trusted proxies say of theirs."""
    peer: str = req.remote_addr or ""
    if peer not in trusted:
        return peer
    hops = [hop.strip() for hop in (req.get_header("X-Forwarded-For") or "").split(",") if hop.strip()]
    for hop in reversed(hops):
        if hop not in trusted:
            return hop
    return peer


def _host(origin: str) -> str | None:
    try:
        return urlsplit(origin).hostname
    except ValueError:
        return None

"""``GET /metrics``: all that is counted and measured, for Prometheus."""

from __future__ import annotations

import asyncio

import falcon.asgi

from collector.ingest.access import peer_address, source_behind
from collector.ingest.counters import Counts
from collector.ingest.service import AppOptions
from collector.web.health import look
from sql.core.addresses import networks

# Headers that a proxy writes: what carries one was not sent by the peer.
_PASSED_ON = ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via")


class Metrics:
    """``GET /metrics``, for those in ``metrics_networks``; for all others there is no such page."""

    def __init__(self, options: AppOptions, counts: Counts) -> None:
        self.options = options
        self.counts = counts

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """The page in Prometheus' text format, or OpenMetrics where it is asked for."""
        if not self._may_see(req):
            raise falcon.HTTPRouteNotFound
        seen = await asyncio.to_thread(look, self.options.home, self.options.spool.total_bytes)
        from collector.web.prometheus import page  # a worker that is never asked need not have the library

        resp.data, resp.content_type = page(self.counts.sums(), seen, req.accept)

    def _may_see(self, req: falcon.asgi.Request) -> bool:
        """Whether the request comes straight from an allowed address, or from one through a trusted proxy."""
        allowed = networks(self.options.metrics_networks)
        peer = peer_address(req)
        if not any(req.get_header(name) is not None for name in _PASSED_ON):
            return allowed.hold(peer)
        source = source_behind(peer, req, self.options.trusted_proxies)
        return source != peer and allowed.hold(source)

"""``GET /footfall.js`` and its modules: each version's files, packed as the client likes, kept while they may be."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import falcon
import falcon.asgi

from collector.web.tracker_bundles import Bundles
from collector.web.tracker_files import TrackerFiles, coding_of

_YEAR = "public, max-age=31536000, immutable"
_HOUR = "public, max-age=3600"
# Pages of other hosts load them, and may look at how long that took.
_OPEN = MappingProxyType(
    {
        "Access-Control-Allow-Origin": "*",
        "Cross-Origin-Resource-Policy": "cross-origin",
        "Timing-Allow-Origin": "*",
        "X-Content-Type-Options": "nosniff",
        "Vary": "Accept-Encoding",
    }
)


class TrackerScript:
    """``GET`` and ``HEAD`` of one file, the core's (module '') or a module's. The core comes with the modules that
    ``?m=forms,outbound`` names.

    Asked for as ``?v=<version>`` it is that version's and may be kept for good. Asked for without, or for a version
    that nobody knows, it is the present one's; 404 where that has no such file.
    """

    def __init__(self, versions: Mapping[str, TrackerFiles], present: str, module: str, bundles: Bundles) -> None:
        self.versions = {version: files for version, files in versions.items() if module in files.files}
        self.present = self.versions.get(present)
        self.module = module
        self.bundles = bundles

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """The file, or 304 where the client has it."""
        named = self.versions.get(req.get_param("v") or "")
        files = named or self.present
        if files is None:
            raise falcon.HTTPNotFound
        wanted = "" if self.module else req.get_param("m") or ""
        file = self.bundles.of(files, wanted) if wanted else files.files[self.module]
        coding = coding_of(req.get_header("Accept-Encoding"), {"zstd", *file.bodies})
        tag = file.tag(coding)
        resp.set_headers(_OPEN)
        resp.set_header("Cache-Control", _YEAR if named else _HOUR)
        resp.etag = tag
        if any(given in ("*", tag) for given in req.if_none_match or ()):
            resp.status = 304
            return
        resp.content_type = "text/javascript; charset=utf-8"
        if coding:
            resp.set_header("Content-Encoding", coding)
        resp.data = file.body(coding)

    async def on_head(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """The headers of GET."""
        await self.on_get(req, resp)

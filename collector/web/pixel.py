"""The pixel, for pages without script."""

from __future__ import annotations

import base64

import falcon.asgi

from collector.event.decode import Single
from collector.event.model import PAGE_VIEW
from collector.ingest.access import AccessDenied
from collector.ingest.service import Intake, private
from collector.web.responses import FULL_SECONDS, set_retry_after
from sql.core.errors import StorageError

_GIF = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")


class Pixel:
    """``GET /v1/in.gif``: one page view (or event ``name``) from query parameters; always answers with the image."""

    def __init__(self, intake: Intake) -> None:
        self.intake = intake

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """The same as GET: for `ping` attributes and beacons without a body."""
        await self.on_get(req, resp)

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """200 where the event was accepted; else the status says why, and the image comes all the same.

        Who asks for Global Privacy Control is not counted, as by the script.
        """
        event = Single(
            name=req.get_param("name") or PAGE_VIEW,
            url=req.get_param("url") or req.get_header("Referer") or "",
            referrer=req.get_param("referrer") or "",
            title=req.get_param("title") or "",
            site=req.get_param("site") or "",
        )
        resp.content_type = "image/gif"
        resp.data = _GIF
        resp.set_header("Cache-Control", "no-store")
        if private(req):
            return
        try:
            judged = await self.intake.take(req, event, self.intake.admit(req))
            resp.status = 400 if judged.dropped else 200
        except AccessDenied as exc:
            resp.status = exc.status
            if exc.retry_after:
                set_retry_after(resp, exc.retry_after)
        except StorageError:
            resp.status = 503
            set_retry_after(resp, FULL_SECONDS)

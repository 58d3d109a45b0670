"""The collector: a Falcon ASGI application. Validate, append to the spool, answer; ClickHouse is never waited for."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import falcon.asgi
import msgspec

from collector.auth import Refused
from collector.decode import MAX_EVENTS, Malformed, parse
from collector.intake import AppOptions, Intake
from collector.model import Batch
from collector.spool import Spool
from collector.static import Pixel, Script
from sql.errors import StorageError

MAX_BODY = 512 * 1024
SWEEP_SECONDS = 600
_JSON = "application/json"
_ACCEPTED_ONE = b'{"accepted":1,"rejected":[]}'


class Events:
    """``POST /v1/events``: one event, a list, or a batch; JSON under any of the types a browser sends unasked."""

    def __init__(self, intake: Intake) -> None:
        self.intake = intake

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """202 with what was accepted and rejected; 400, 401, 403, 413, 415 or 503 with a reason."""
        resp.set_header("Access-Control-Allow-Origin", "*")
        kind = (req.content_type or _JSON).partition(";")[0].strip().lower()
        if kind not in {_JSON, "text/plain"}:
            return answer(resp, 415, {"error": f"cannot read {kind}: send application/json or text/plain"})
        body = await read_body(req, MAX_BODY)
        if body is None:
            return answer(resp, 413, {"error": f"a request holds at most {MAX_BODY} bytes"})
        try:
            parsed = parse(body)
            if isinstance(parsed, Batch) and len(parsed.events) > MAX_EVENTS:
                return answer(resp, 413, {"error": f"a request holds at most {MAX_EVENTS} events"})
            judged = await self.intake.take(req, parsed)
        except Malformed as exc:
            return answer(resp, 400, {"error": f"not an event, a list of events or a batch: {exc}"})
        except Refused as exc:
            return answer(resp, exc.status, {"error": str(exc)})
        except StorageError as exc:
            resp.set_header("Retry-After", "5")
            return answer(resp, 503, {"error": exc.message})
        if len(judged.accepted) == 1 and not judged.dropped:
            resp.status = 202
            resp.content_type = _JSON
            resp.data = _ACCEPTED_ONE
            return None
        rejected = [
            {"index": d.index, "field": d.field, "reason": d.reason, "detail": d.detail} for d in judged.dropped
        ]
        status = 400 if judged.dropped and not judged.accepted else 202
        return answer(resp, status, {"accepted": len(judged.accepted), "rejected": rejected})

    async def on_options(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """CORS preflight, for senders that set headers of their own."""
        resp.status = 204
        resp.set_headers(
            {
                "Access-Control-Allow-Origin": "*",
                "Access-Control-Allow-Methods": "POST",
                "Access-Control-Allow-Headers": "Content-Type, X-Footfall-Key",
                "Access-Control-Max-Age": "86400",
            }
        )


class Health:
    """``GET /health``: whether events can be taken, and what waits."""

    def __init__(self, intake: Intake) -> None:
        self.intake = intake

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """200 while there is room in the spool, 503 when it is full."""
        spool = Spool(self.intake.options.home.spool)
        size, limit = spool.size(), self.intake.options.spool.total_bytes
        state = {"status": "ok" if size < limit else "full", "spool_bytes": size, "spool_limit": limit}
        answer(resp, 200 if size < limit else 503, state | {"sealed_segments": len(spool.sealed())})


class Lifespan:
    """What a worker does beside requests: destroys old salts, and drains the spool when it stops."""

    def __init__(self, intake: Intake) -> None:
        self.intake = intake
        self._sweeper: asyncio.Task[None] | None = None

    async def process_startup(self, scope: dict[str, Any], event: dict[str, Any]) -> None:
        """Salts go after 48 hours whether or not anybody sends events."""
        self._sweeper = asyncio.get_running_loop().create_task(self._sweep())

    async def _sweep(self) -> None:
        while True:
            self.intake.visitors.salts.sweep()
            await asyncio.sleep(SWEEP_SECONDS)

    async def process_shutdown(self, scope: dict[str, Any], event: dict[str, Any]) -> None:
        """Write and seal what is open."""
        if self._sweeper:
            self._sweeper.cancel()
        await self.intake.spool.close()


def create_app(options: AppOptions) -> falcon.asgi.App[Any, Any]:
    """The application of one collector worker. Raises UsageError (country file), StorageError (spool)."""
    intake = Intake(options)
    app: falcon.asgi.App[Any, Any] = falcon.asgi.App()
    # Falcon's types ask for a request hook in every middleware; a lifespan needs none.
    app.add_middleware(cast("Any", Lifespan(intake)))
    app.add_route("/v1/events", Events(intake))
    app.add_route("/v1/pixel.gif", Pixel(intake))
    app.add_route("/health", Health(intake))
    app.add_route("/footfall.js", Script())
    return app


async def read_body(req: falcon.asgi.Request, limit: int) -> bytes | None:
    """The body, or None where it is longer than ``limit`` bytes."""
    length = req.content_length
    if length is not None:
        return None if length > limit else await req.stream.read(length)
    body = await req.stream.read(limit + 1)
    return None if len(body) > limit else body


def answer(resp: falcon.asgi.Response, status: int, fields: dict[str, Any]) -> None:
    """A JSON answer."""
    resp.status = status
    resp.content_type = _JSON
    resp.data = msgspec.json.encode(fields)

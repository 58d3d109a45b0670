"""The collector: a Falcon ASGI application. Validate, append to the spool, answer; ClickHouse is never waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, cast

import falcon.asgi

from collector.event.decode import Malformed, parse
from collector.event.model import Batch
from collector.ingest.access import AccessDenied
from collector.ingest.counters import Counts
from collector.ingest.paths import LIVE, METRICS, OPENAPI, POSTBACK, READY, module_path
from collector.ingest.service import AppOptions, Intake
from collector.ingest.site_shares import SiteShares
from collector.web.health import Live, Ready
from collector.web.metrics import Metrics
from collector.web.middleware import Observe
from collector.web.openapi import OpenApi
from collector.web.pixel import Pixel
from collector.web.postbacks import Postbacks
from collector.web.request_body import ENCODINGS, TooLarge, UnknownEncoding, read_body
from collector.web.responses import FULL_SECONDS, JSON, Answer, answer, error_response, serialize
from collector.web.tracker_bundles import Bundles
from collector.web.tracker_files import TrackerFiles, built
from collector.web.tracker_script import TrackerScript
from sql.core.errors import StorageError

SWEEP_SECONDS = 600


class Events:
    """``POST /v1/events``: one event, a list, or a batch; JSON under any of the types a browser sends unasked."""

    def __init__(self, intake: Intake) -> None:
        self.intake = intake

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """202 with what was accepted and rejected; 400, 401, 403, 413, 415, 429 or 503 with a reason."""
        resp.set_header("Access-Control-Allow-Origin", "*")
        kind = (req.content_type or JSON).partition(";")[0].strip().lower()
        if kind not in {JSON, "text/plain"}:
            return error_response(resp, 415, f"unsupported content type {kind}; send application/json or text/plain")
        limits = self.intake.options.limits
        try:
            address = self.intake.admit(req)
            parsed = parse(await read_body(req, limits.body_bytes), limits.event_bytes)
            if isinstance(parsed, Batch) and len(parsed.events) > limits.batch_events:
                return error_response(resp, 413, f"a request may have at most {limits.batch_events} events")
            judged = await self.intake.take(req, parsed, address)
        except TooLarge:
            return error_response(
                resp, 413, f"a request may have at most {limits.body_bytes} bytes, before and after decompression"
            )
        except UnknownEncoding as exc:
            return error_response(
                resp, 415, f"unsupported content encoding {exc}; send {' or '.join(ENCODINGS)}, or no encoding"
            )
        except Malformed as exc:
            return error_response(resp, 400, f"not an event, a list of events or a batch: {exc}")
        except AccessDenied as exc:
            return error_response(resp, exc.status, str(exc), exc.retry_after)
        except StorageError as exc:
            return error_response(resp, 503, exc.message, FULL_SECONDS)
        nothing = judged.dropped and not judged.accepted and not judged.duplicates
        return answer(resp, 400 if nothing else 202, Answer.of(judged))

    async def on_options(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """CORS preflight, for senders that set headers of their own."""
        resp.status = 204
        resp.set_headers(
            {
                "Access-Control-Allow-Origin": "*",
                "Access-Control-Allow-Methods": "POST",
                "Access-Control-Allow-Headers": "Content-Type, Content-Encoding, X-Footfall-Key",
                "Access-Control-Max-Age": "86400",
            }
        )


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


def create_app(
    options: AppOptions,
    counts: Counts | None = None,
    older: Mapping[str, TrackerFiles] | None = None,
    shares: SiteShares | None = None,
) -> falcon.asgi.App[Any, Any]:
    """The application of one collector worker, which adds to ``counts`` and serves ``older`` versions of the tracker.

    Raises UsageError (country file), StorageError (spool).
    """
    counts = counts or Counts()
    intake = Intake(options, counts=counts, shares=shares)
    app: falcon.asgi.App[Any, Any] = falcon.asgi.App()
    # Falcon's types ask for a request hook in every middleware; a lifespan needs none.
    app.add_middleware(cast("Any", [Observe(counts), Lifespan(intake)]))
    events = Events(intake)
    for path in options.paths.all_events:
        app.add_route(path, events)
    pixel = Pixel(intake)
    for path in options.paths.pixels:
        app.add_route(path, pixel)
    app.add_route(POSTBACK, Postbacks(intake))
    app.add_route(LIVE, Live())
    app.add_route(READY, Ready(options))
    app.add_route(METRICS, Metrics(options, counts))
    tracker = built()
    versions = {**(older or {}), tracker.version: tracker}
    bundles = Bundles()
    for module in {module for files in versions.values() for module in files.files}:
        script = TrackerScript(versions, tracker.version, module, bundles)
        for path in options.paths.scripts:
            app.add_route(module_path(path, module), script)
    app.add_route(OPENAPI, OpenApi(options.limits, options.paths, tracker.modules))
    app.set_error_serializer(serialize)
    return app

"""``GET /openapi.json``: the HTTP interface as OpenAPI 3.1, built from the code that answers.

Types come from the structs that decode and encode, bounds from the limits in force, statuses from one table.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import falcon.asgi
import msgspec

from collector.event.decode import Single
from collector.event.limits import MAX_NAME, MAX_URL, Limits
from collector.event.model import Batch, Event
from collector.event.postbacks import NetworkKind
from collector.event.values import CONSENT, DENIED, GRANTED
from collector.ingest.paths import LIVE, METRICS, OPENAPI, POSTBACK, READY, Paths, module_path
from collector.web.request_body import ENCODINGS
from collector.web.responses import JSON, Answer, Problem

_REF = "#/components/schemas/{name}"
STATUSES = {
    202: "At least one event was accepted or is a duplicate, or the batch was empty.",
    400: "Nothing was accepted: every event was rejected, or the body is unreadable.",
    401: "The request has neither a key nor a site.",
    403: "The key or the page's origin may not write to this site.",
    413: "The request is too large or has too many events.",
    415: "The content type or content encoding is not supported.",
    429: "Too many requests or events; Retry-After says when to try again.",
    503: "The spool or its disk is full or failing; Retry-After says when to try again.",
}
_RETRY = {429, 503}
ANY = "*/*"
_QUERY = {
    "key": "the site's write key",
    "site": "the site's domain, for pages of that site",
}
_PIXEL = {
    "name": "the event's name (default: page_view)",
    "url": "the page's URL",
    "referrer": "the previous page's URL",
    "title": "the page's title",
}


class OpenApi:
    """The document, made once."""

    def __init__(self, limits: Limits, paths: Paths, modules: Sequence[str]) -> None:
        self._data = msgspec.json.encode(document(limits, paths, modules))

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """The document as JSON."""
        resp.content_type = JSON
        resp.set_header("Access-Control-Allow-Origin", "*")
        resp.data = self._data


def document(limits: Limits, paths: Paths | None = None, modules: Sequence[str] = ()) -> dict[str, Any]:
    """The OpenAPI document of a collector with these limits, paths, and modules of the tracker."""
    paths = paths or Paths()
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Footfall collector",
            "version": version("footfall"),
            "description": "Receives events. A write key cannot read anything.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": {
            **{path: {"post": _post_events(_nth("postEvents", at))} for at, path in enumerate(paths.all_events)},
            **{
                path: {"get": _pixel(_nth("getPixel", at)), "post": _pixel(_nth("postPixel", at))}
                for at, path in enumerate(paths.pixels)
            },
            POSTBACK: {"get": _postback("getPostback"), "post": _postback("postPostback")},
            LIVE: {"get": _plain("getLive", "The process is alive.", JSON)},
            READY: {"get": _ready()},
            METRICS: {
                "get": _plain(
                    "getMetrics", "Metrics for Prometheus; 404 for clients outside metrics_networks.", ANY, 404
                )
            },
            OPENAPI: {"get": _plain("getOpenApi", "This document.", JSON)},
            **{path: {"get": _core(_nth("getTracker", at), modules)} for at, path in enumerate(paths.scripts)},
            **{
                module_path(path, "{module}"): {"get": _module(_nth("getTrackerModule", at), modules)}
                for at, path in enumerate(paths.scripts)
                if modules
            },
        },
        "components": {
            "schemas": _schemas(limits),
            "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-Footfall-Key"}},
        },
    }


def _nth(name: str, at: int) -> str:
    """An operation's name, which is its own under each of its paths."""
    return f"{name}Renamed{at if at > 1 else ''}" if at else name


def _core(name: str, modules: Sequence[str]) -> dict[str, Any]:
    made = _script(name)
    wanted = {
        "name": "m",
        "in": "query",
        "description": f"modules to include, comma-separated: {', '.join(modules)}",
        "schema": {"type": "string"},
    }
    return made | {"parameters": [wanted, *made["parameters"]]}


def _script(name: str) -> dict[str, Any]:
    made = _plain(name, "The tracker script.", "text/javascript", 304)
    version = {
        "name": "v",
        "in": "query",
        "description": "a version from `footfall site snippet`; with it, caches keep the file for a year, not an hour",
        "schema": {"type": "string"},
    }
    return made | {"parameters": [version]}


def _module(name: str, modules: Sequence[str]) -> dict[str, Any]:
    made = _script(name)
    module = {"name": "module", "in": "path", "required": True, "schema": {"type": "string", "enum": list(modules)}}
    missing = {"404": {"description": "Unknown module."}}
    return made | {
        "summary": "A module of the tracker, loaded by the script.",
        "parameters": [module, *made["parameters"]],
        "responses": made["responses"] | missing,
    }


def _post_events(name: str) -> dict[str, Any]:
    body = {"schema": {"anyOf": [_ref("Single"), _ref("Batch"), {"type": "array", "items": _ref("Event")}]}}
    return {
        "operationId": name,
        "summary": "One event, a list of events, or a batch. Each event is validated separately.",
        "security": [{"key": []}, {}],
        "parameters": [
            *_query(_QUERY),
            {
                "name": "Content-Encoding",
                "in": "header",
                "description": "compression of the body",
                "schema": {"type": "string", "enum": ["identity", *ENCODINGS]},
            },
        ],
        "requestBody": {"required": True, "content": {"application/json": body, "text/plain": body}},
        "responses": {str(status): _response(status) for status in STATUSES},
    }


def _response(status: int) -> dict[str, Any]:
    schemas = {202: _ref("Answer"), 400: {"anyOf": [_ref("Answer"), _ref("Problem")]}}
    content = {JSON: {"schema": schemas.get(status, _ref("Problem"))}}
    made: dict[str, Any] = {"description": STATUSES[status], "content": content}
    if status in _RETRY:
        made["headers"] = {"Retry-After": {"description": "seconds", "schema": {"type": "integer", "minimum": 1}}}
    return made


def _pixel(name: str) -> dict[str, Any]:
    image = {"image/gif": {"schema": {"type": "string", "format": "binary"}}}
    told = {200: "The event is accepted."} | {code: STATUSES[code] for code in STATUSES if code not in {202, 413, 415}}
    return {
        "operationId": name,
        "summary": "One event from query parameters; the response is always the image.",
        "security": [{"key": []}, {}],
        "parameters": _query(_QUERY | _PIXEL),
        "responses": {str(status): {"description": text, "content": image} for status, text in told.items()},
    }


def _postback(name: str) -> dict[str, Any]:
    network = {
        "name": "network",
        "in": "path",
        "required": True,
        "description": f"a network's name, or its kind: {', '.join(NetworkKind)}",
        "schema": {"type": "string"},
    }
    told = {200: "The conversion is stored, or was before; TUNE reads `success=true;` or `success=false; err_msg=…;`."}
    told |= {status: text for status, text in STATUSES.items() if status != 202}
    return {
        "operationId": name,
        "summary": "What an affiliate network says of a conversion, in its own parameters.",
        "parameters": [
            network,
            *_query({"token": "the network's postback token", "signature": "HMAC-SHA256 in hex, where it signs"}),
        ],
        "responses": {
            str(status): {"description": text, "content": {JSON: {}, "text/plain": {}}} for status, text in told.items()
        },
    }


def _plain(name: str, summary: str, kind: str, *more: int) -> dict[str, Any]:
    fine = {"description": summary, "content": {kind: {}}}
    others = {str(status): {"description": "Not modified, or not available to this client."} for status in more}
    return {"operationId": name, "summary": summary, "responses": {"200": fine} | others}


def _ready() -> dict[str, Any]:
    told = {
        "200": "Events are accepted; `status` says whether anything is behind.",
        "503": STATUSES[503],
    }
    body = {JSON: {"schema": {"type": "object", "required": ["status"]}}}
    return {
        "operationId": "getReady",
        "summary": "Whether events can be accepted, with each check.",
        "responses": {status: {"description": text, "content": body} for status, text in told.items()},
    }


def _query(names: dict[str, str]) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "query", "description": text, "schema": {"type": "string"}} for name, text in names.items()
    ]


def _schemas(limits: Limits) -> dict[str, Any]:
    _, made = msgspec.json.schema_components([Single, Batch, Event, Answer, Problem], ref_template=_REF)
    for name in ("Single", "Event"):
        _bound(made[name]["properties"], limits)
    made["Batch"]["properties"]["events"] = {
        "type": "array",
        "items": _ref("Event"),
        "maxItems": limits.batch_events,
    }
    return made


def _bound(fields: dict[str, Any], limits: Limits) -> None:
    """What the steps check, written into the schema of the fields."""
    fields["name"] |= {"minLength": 1, "maxLength": MAX_NAME, "pattern": r"\S"}
    fields["url"] |= {"maxLength": MAX_URL, "format": "uri"}
    fields["referrer"] |= {"maxLength": MAX_URL}
    for name in ("title", "screen", "language", "session_id", "user_id"):
        fields[name] |= {"maxLength": limits.text}
    fields["props"] |= {
        "maxProperties": limits.properties,
        "propertyNames": {"minLength": 1, "maxLength": limits.property_name},
    }
    states = {"enum": [GRANTED, DENIED, True, False]}
    fields["consent"] |= {"additionalProperties": states, "propertyNames": {"enum": sorted(CONSENT)}}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": _REF.format(name=name)}

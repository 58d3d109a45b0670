"""Matomo: what its API method Live.getLastVisitsDetails answers as JSON. https://matomo.org/guide/apis/analytics-api/

A row is a visit with its actions. It names browser, system and device, not the user agent, so those are unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from collector.event.model import PAGE_VIEW, DropReason
from collector.event.values import InvalidEvent
from collector.imports.log_files import LogFile
from collector.imports.rows import OnRead, Row
from collector.imports.table import Fields

MAX_VISIT = 16 * 1024 * 1024
_TOKEN = re.compile(rb'["\\{}]')
_DEEPER = {b"{": 1, b"}": -1}
_decode = msgspec.json.Decoder(dict[str, Any]).decode
_NAMES = {"download": "file_download", "outlink": "outbound_click", "search": "site_search", "goal": "goal"}


def rows(name: str, on_read: OnRead) -> Iterator[Row]:
    """Visits of a file, which holds a list of them, or several lists or visits after each other."""
    with LogFile(name) as file:
        for number, text in enumerate(_objects(file.chunks(lambda: on_read(file.position))), 1):
            try:
                yield Row(number, _decode(text), text)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
                yield Row(number, {}, wrong=f"not a visit: {exc}")


def events(visit: Mapping[str, Any]) -> Iterator[Fields]:
    """The events of a visit: one an action."""
    actions = visit.get("actionDetails")
    if not isinstance(actions, list):
        raise InvalidEvent(DropReason.MALFORMED, "actionDetails", "a visit without a list of actions")
    shared = {
        "client_id": str(visit.get("visitorId") or visit.get("fingerprint") or ""),
        "session_id": str(visit.get("idVisit") or ""),
        "user_id": str(visit.get("userId") or ""),
        "country": str(visit.get("countryCode") or "").upper(),
        "city": str(visit.get("city") or ""),
        "screen": str(visit.get("resolution") or "").removeprefix("unknown"),
        "language": str(visit.get("languageCode") or ""),
    }
    referrer = str(visit.get("referrerUrl") or "")
    for number, action in enumerate(actions):
        if isinstance(action, Mapping):
            yield {**shared, "referrer": referrer if number == 0 else "", **_of_action(action)}


def _of_action(action: Mapping[str, Any]) -> Fields:
    kind = str(action.get("type") or "")
    found: dict[str, Any] = {
        "timestamp": action.get("timestamp"),
        "name": PAGE_VIEW if kind == "action" else _NAMES.get(kind, kind),
        "url": str(action.get("url") or ""),
        "title": str(action.get("pageTitle") or ""),
    }
    if kind == "event":
        found["name"] = str(action.get("eventAction") or "event")
        names = {"category": "eventCategory", "label": "eventName", "value": "eventValue"}
        found["props"] = {name: action[key] for name, key in names.items() if action.get(key) not in (None, "", False)}
    elif kind == "search":
        found["props"] = {"term": str(action.get("siteSearchKeyword") or "")}
    elif kind in {"ecommerceOrder", "ecommerceAbandonedCart"}:
        found["name"] = "purchase" if kind == "ecommerceOrder" else "abandoned_cart"
        if kind == "ecommerceOrder":
            found["revenue"] = {"amount": action.get("revenue") or 0, "currency": str(action.get("currency") or "")}
    return found


def _objects(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The outermost objects in JSON, whatever is around them; one that is too large is left out up to its end."""
    depth, escaped = 0, -1
    quoted = False
    parts: list[bytes] = []
    for chunk in chunks:
        start = 0
        for token in _TOKEN.finditer(chunk):
            at, char = token.start(), token[0]
            if at == escaped:
                continue
            if char == b"\\":
                escaped = at + 1 if quoted else escaped
            elif char == b'"':
                quoted = not quoted
            elif not quoted:
                depth = max(depth + _DEEPER[char], 0)
                if char == b"{" and depth == 1:
                    start, parts = at, []
                elif char == b"}" and depth == 0:
                    yield b"".join([*parts, chunk[start : at + 1]])
        escaped -= len(chunk)
        parts = [*parts, chunk[start:]] if depth and sum(map(len, parts)) < MAX_VISIT else []

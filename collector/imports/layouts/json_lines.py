"""One JSON object per line, as nginx (``escape=json``), Caddy and Traefik write them, and many others: see
``json_names``."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from collector.imports.layouts.json_names import Names, Slot
from collector.imports.layouts.line import PROTOCOL, Line, LineLayout, Reader
from collector.imports.layouts.times import Times

MAX_NUMBER = 2**63
_decode = msgspec.json.Decoder().decode
# nginx without ``escape=json`` writes escapes that JSON does not have.
_ESCAPE = re.compile(rb"\\(?:x([0-9A-Fa-f]{2})|.)", re.DOTALL)
_NEEDED = {Slot.TIME: "time", Slot.CLIENT: "client address", Slot.STATUS: "status"}


def decoded(line: bytes) -> dict[str, Any] | None:
    """The object in a line; None if there is none."""
    if line[:1] != b"{":
        return None
    try:
        found = _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        try:
            found = _decode(_ESCAPE.sub(_repaired, line).decode("utf-8", "replace").encode())
        except (msgspec.DecodeError, RecursionError):
            return None
    return found if isinstance(found, dict) else None


def _repaired(found: re.Match[bytes]) -> bytes:
    if found[1] is None:
        return found[0]
    char = bytes((int(found[1], 16),))
    return b"\\" + char if char in b'"\\' else b"\\u00" + found[1] if char < b" " else char


def _values(record: dict[str, Any], names: Names) -> list[Any]:
    """The values in a record by slot, each of the name that counts most."""
    values: list[Any] = [None] * len(Slot)
    ranks = [99] * len(Slot)
    left = [(record, names)]
    for each, known in left:
        for key, value in each.items():
            slot, rank, inner = known[key]
            if inner is not None and isinstance(value, dict):
                left.append((value, inner))
            elif slot >= 0 and rank < ranks[slot] and value is not None:
                values[slot], ranks[slot] = value, 99 if value == "" else rank
    return values


def text_of(value: object) -> bytes:
    """A value as text: a string, a number, or the first of a list of strings; empty for anything else."""
    if isinstance(value, list) and value:
        value = value[0]
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < MAX_NUMBER:
        return b"%d" % value
    return b""


def _request(values: list[Any]) -> bytes | None:
    """The request line, empty for a request that could not be read; None if the record has no names for it."""
    if all(values[slot] is None for slot in (Slot.REQUEST, Slot.METHOD, Slot.TARGET)):
        return None
    if request := text_of(values[Slot.REQUEST]):
        return request
    method, target = text_of(values[Slot.METHOD]), text_of(values[Slot.TARGET])
    if not method or not target:
        return b""
    query = text_of(values[Slot.QUERY]).removeprefix(b"?")
    return b"%b %b%b%b" % (method, target, b"?" + query if query and b"?" not in target else b"", PROTOCOL)


def _reader(times: Times) -> Reader:
    names = Names()

    def read(line: bytes) -> Line | None:
        record = decoded(line)
        if record is None:
            return None
        values = _values(record, names)
        client, status, request = text_of(values[Slot.CLIENT]), text_of(values[Slot.STATUS]), _request(values)
        at = values[Slot.TIME]
        if not client or not status or request is None or at is None or isinstance(at, bool):
            return None
        moment = times.epoch(at) if isinstance(at, int | float) else times.read(text_of(at))
        host, referrer = text_of(values[Slot.HOST]), text_of(values[Slot.REFERRER])
        if b"." not in host:  # the name of a machine, as loggers add it
            host = b""
        agent, forwarded = text_of(values[Slot.AGENT]), text_of(values[Slot.FORWARDED])
        return moment, client, request, status, host, referrer, agent, forwarded

    return read


def why(line: bytes) -> str:
    """What is wrong with a line that begins like JSON."""
    if line[:1] != b"{":
        return ""
    record = decoded(line)
    if record is None:
        return "this looks like JSON, but is not valid"
    values = _values(record, Names())
    missing = [name for slot, name in _NEEDED.items() if not text_of(values[slot])]
    return f"JSON without {', '.join([*missing, *(['request'] if _request(values) is None else [])])}"


JSON = LineLayout(
    "json",
    "JSON of nginx (escape=json), Caddy, Traefik and many others",
    '{"time_iso8601":"2026-11-21T10:00:00+00:00","remote_addr":"203.0.113.7","request":"GET /a HTTP/1.1","status":200,'
    '"http_referer":"","http_user_agent":"Mozilla/5.0"}',
    _reader,
    why,
)

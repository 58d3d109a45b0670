"""From a request's body to events that are not judged yet.

``Malformed`` says that nothing in the body could be read.
"""

from __future__ import annotations

import datetime as dt

import msgspec

from collector.event.model import Batch, Event


class Single(Event, frozen=True):
    """One event as a whole request body: the fields of a batch beside those of the event."""

    site: str = ""
    key: str = ""
    sent_at: int | dt.datetime | None = None


class Malformed(Exception):
    """The body is no JSON, or no event, no list of events and no batch."""


class _Shape(msgspec.Struct):
    """What a body is: a batch has ``events``."""

    events: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    site: str = ""
    key: str = ""


_single = msgspec.json.Decoder(Single).decode
_batch = msgspec.json.Decoder(Batch).decode
_shape = msgspec.json.Decoder(_Shape).decode
_raw_list = msgspec.json.Decoder(list[msgspec.Raw]).decode
decode_event = msgspec.json.Decoder(Event).decode
# What decoding raises for bytes of any kind.
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def parse(body: bytes, event_bytes: int) -> Batch | Single:
    """The body as a batch (also for a bare list) or as one event of at most ``event_bytes``. Raises Malformed.

    An event that is too large or not valid is a batch of one, judged like any other: its sender learns why.
    """
    try:
        if body.lstrip()[:1] == b"[":
            return Batch(_raw_list(body))
        if b'"events"' in body and _shape(body).events is not msgspec.UNSET:
            return _batch(body)
        try:
            if len(body) <= event_bytes:
                return _single(body)
        except msgspec.ValidationError:
            pass
        shape = _shape(body)
        return Batch([msgspec.Raw(body)], shape.site, shape.key)
    except UNREADABLE as exc:
        raise Malformed(str(exc)) from exc

"""From a request's body to judged events: each is accepted or dropped with a reason, by itself.

No step here raises for what a client sent; ``Malformed`` says that nothing in the body could be read.
"""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

import msgspec

from collector.model import PASSIVE, Batch, DropReason, Event, SpooledEvent
from collector.sites import Site
from collector.visitors import Visitors

MAX_EVENTS = 1_000
MAX_NAME = 128
MAX_URL = 4_096
MAX_TEXT = 1_024
MAX_PROPERTIES = 64
MAX_PROPERTY_NAME = 64
MAX_AGE_MS = 30 * 86_400_000
MAX_AHEAD_MS = 86_400_000
MAX_REVENUE = Decimal(10) ** 12

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,31}://\S+\Z")
_CURRENCY = re.compile(r"(?:[A-Z]{3})?\Z")


class Single(Event, frozen=True):
    """One event as a whole request body: the fields of a batch beside those of the event."""

    site: str = ""
    key: str = ""
    sent_at: int | dt.datetime | None = None


class Malformed(Exception):
    """The body is no JSON, or no event, no list of events and no batch."""


@dataclass(frozen=True, slots=True)
class Drop:
    """Why the event at ``index`` of the request was not accepted, and which field was to blame."""

    index: int
    reason: DropReason
    field: str
    detail: str = ""


class Sender(NamedTuple):
    """What a request says of who sent it. ``address`` is used for the visitor hash and goes no further."""

    address: str
    user_agent: str
    country: str
    gpc: bool
    received_at: int


@dataclass(slots=True)
class Judged:
    """The outcome for one request."""

    accepted: list[SpooledEvent] = field(default_factory=list)
    dropped: list[Drop] = field(default_factory=list)


class _Unfit(Exception):
    def __init__(self, reason: DropReason, at: str, detail: str = "") -> None:
        self.drop = (reason, at, detail)


class _Shape(msgspec.Struct):
    """What a body is: a batch has ``events``."""

    events: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    site: str = ""
    key: str = ""


_single = msgspec.json.Decoder(Single).decode
_batch = msgspec.json.Decoder(Batch).decode
_shape = msgspec.json.Decoder(_Shape).decode
_raw_list = msgspec.json.Decoder(list[msgspec.Raw]).decode
_event = msgspec.json.Decoder(Event).decode
# What decoding raises for bytes of any kind.
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def parse(body: bytes) -> Batch | Single:
    """The body as a batch (also for a bare list) or as one event. Raises Malformed."""
    try:
        if body.lstrip()[:1] == b"[":
            return Batch(_raw_list(body))
        if b'"events"' in body and _shape(body).events is not msgspec.UNSET:
            return _batch(body)
        try:
            return _single(body)
        except msgspec.ValidationError:
            # An event, but not a valid one: it is judged like one of a batch, so that its sender learns why.
            shape = _shape(body)
            return Batch([msgspec.Raw(body)], shape.site, shape.key)
    except _UNREADABLE as exc:
        raise Malformed(str(exc)) from exc


def judge(parsed: Batch | Single, site: Site, sender: Sender, visitors: Visitors) -> Judged:
    """Every event of a request, accepted or dropped."""
    outcome = Judged()
    lag = sender.received_at - _ms(parsed.sent_at) if parsed.sent_at is not None else 0
    events: Sequence[Event | msgspec.Raw] = [parsed] if isinstance(parsed, Single) else parsed.events
    for index, item in enumerate(events):
        try:
            event = _event(item) if isinstance(item, msgspec.Raw) else item
            outcome.accepted.append(_accept(event, site, sender, visitors, lag))
        except _Unfit as unfit:
            outcome.dropped.append(Drop(index, *unfit.drop))
        except _UNREADABLE as exc:
            at = re.search(r"\$\.([\w.\[\]]+)", str(exc))
            outcome.dropped.append(Drop(index, DropReason.MALFORMED, at[1] if at else "", str(exc)))
    return outcome


def _accept(event: Event, site: Site, sender: Sender, visitors: Visitors, lag: int) -> SpooledEvent:
    _check_texts(event)
    at = _time(event, sender.received_at, lag)
    revenue, currency = _revenue(event, site)
    texts, numbers, flags = _properties(event)
    if event.client_id and site.identity == "client-id":
        visitor, previous = visitors.of_client(site.site_id, event.client_id)
    else:
        visitor, previous = visitors.of(site.site_id, sender.address, sender.user_agent, at)
    known = event.event_id is not None
    return SpooledEvent(
        event_id=event.event_id.bytes if event.event_id is not None else os.urandom(16),
        known=known,
        visitor=visitor,
        previous=previous,
        timestamp=at,
        name=event.name,
        interactive=event.name not in PASSIVE if event.interactive is None else event.interactive,
        url=event.url,
        referrer=event.referrer,
        title=event.title,
        user_agent=sender.user_agent,
        country=sender.country,
        screen=event.screen,
        language=event.language,
        session_id=event.session_id,
        user_id=event.user_id,
        engagement_ms=min(max(event.engagement_ms, 0), 86_400_000),
        scroll_depth=min(max(event.scroll_depth, 0), 100),
        gpc=sender.gpc,
        revenue=revenue,
        currency=currency,
        props=texts,
        props_number=numbers,
        props_bool=flags,
    )


def _check_texts(event: Event) -> None:
    if not event.name.strip():
        raise _Unfit(DropReason.NO_NAME, "name")
    if len(event.name) > MAX_NAME:
        raise _Unfit(DropReason.NAME_TOO_LONG, "name", f"more than {MAX_NAME} characters")
    if event.url and (len(event.url) > MAX_URL or not _URL.match(event.url)):
        raise _Unfit(DropReason.BAD_URL, "url", f"an absolute address of at most {MAX_URL} characters")
    for name in ("referrer", "title", "screen", "language", "session_id", "user_id"):
        if len(getattr(event, name)) > (MAX_URL if name == "referrer" else MAX_TEXT):
            raise _Unfit(DropReason.VALUE_TOO_LONG, name)


def _time(event: Event, received_at: int, lag: int) -> int:
    """The client's time moved onto our clock; never after the moment of arrival."""
    if event.timestamp is None:
        return received_at
    at = _ms(event.timestamp) + lag
    if at > received_at + MAX_AHEAD_MS:
        raise _Unfit(DropReason.FROM_THE_FUTURE, "timestamp")
    if at < received_at - MAX_AGE_MS:
        raise _Unfit(DropReason.TOO_LATE, "timestamp", "older than 30 days; use `footfall import`")
    return min(at, received_at)


def _ms(moment: int | dt.datetime) -> int:
    if isinstance(moment, int):
        return moment
    aware = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    return int(aware.timestamp() * 1000)


def _revenue(event: Event, site: Site) -> tuple[str, str]:
    if event.revenue is None:
        return "", ""
    try:
        amount = Decimal(str(event.revenue.amount))
        fits = amount.is_finite() and abs(amount) < MAX_REVENUE
    except InvalidOperation:
        fits = False
    currency = event.revenue.currency or site.currency
    if not fits:
        raise _Unfit(DropReason.BAD_REVENUE, "revenue.amount")
    if not _CURRENCY.match(currency):
        raise _Unfit(DropReason.BAD_REVENUE, "revenue.currency", "an ISO 4217 code, such as EUR")
    return f"{amount:.4f}", currency


def _properties(
    event: Event,
) -> tuple[dict[str, str] | None, dict[str, float] | None, dict[str, bool] | None]:
    if not event.props:
        return None, None, None
    if len(event.props) > MAX_PROPERTIES:
        raise _Unfit(DropReason.TOO_MANY_PROPERTIES, "props", f"at most {MAX_PROPERTIES}")
    texts, numbers, flags = {}, {}, {}
    for name, value in event.props.items():
        if not 0 < len(name) <= MAX_PROPERTY_NAME:
            raise _Unfit(
                DropReason.BAD_PROPERTY,
                f"props.{name[:80]}",
                f"a name has 1 to {MAX_PROPERTY_NAME} characters",
            )
        if isinstance(value, bool):
            flags[name] = value
        elif isinstance(value, str):
            if len(value) > MAX_TEXT:
                raise _Unfit(DropReason.VALUE_TOO_LONG, f"props.{name}", f"at most {MAX_TEXT} characters")
            texts[name] = value
        elif value is not None:
            numbers[name] = _float(name, value)
    return texts or None, numbers or None, flags or None


def _float(name: str, value: int | float) -> float:
    try:
        return float(value)
    except OverflowError:
        raise _Unfit(DropReason.BAD_PROPERTY, f"props.{name}", "a number that fits 64 bits") from None

"""What happens to each event before it is spooled: one list of named steps, run in order.

A step looks at the event as it was sent, writes what it is about into the event as it is spooled, or raises
``InvalidEvent`` with the reason. What needs no address and no clock of the moment is done later, by the loader
(collector/loader/enrichment.py): page, user agent, source, channel, visit.
"""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from collector.enrich.bots import RELAYED
from collector.event import contact, redact, values
from collector.event.decode import UNREADABLE, Single, decode_event
from collector.event.limits import MAX_AHEAD_MS, MAX_NAME, MAX_URL, MAX_USER_AGENT, TRAVEL_MS, Limits
from collector.event.model import PASSIVE, Batch, DropReason, Event, SpooledEvent
from collector.event.values import InvalidEvent
from collector.ingest.identity_keys import CONSTANTS
from collector.ingest.visitors import Visitors
from collector.sites.event_schemas import SchemaViolation
from collector.sites.identity import Identity
from collector.sites.registry import Site

_TEXTS = ("title", "screen", "language", "session_id", "user_id")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,31}://\S+\Z")
_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Drop:
    """Why the event at ``index`` of the request was not accepted, and which field was to blame."""

    index: int
    reason: DropReason
    field: str
    detail: str = ""


class Sender(NamedTuple):
    """What a request says of who sent it. ``address`` is used for the visitor hash and goes no further;
    ``signals`` are what address and headers say of a machine. ``server``: a program sent it with a write key, and may
    name the user agents of those on whose behalf it sends."""

    address: str
    user_agent: str
    country: str
    gpc: bool
    received_at: int
    city: str = ""
    signals: str = ""
    server: bool = False


class IngestContext(NamedTuple):
    """What events are judged by, the same for all of a worker. ``known`` says whether an id is in the spool already,
    ``misfit`` how an event does not fit the schema that its site has for its name,
    ``erased`` whether one of some visitors, or a user, of a site was erased,
    ``fresh_id`` makes ids of 16 random bytes, ``user_key`` is what e-mail addresses are hashed under."""

    limits: Limits
    visitors: Visitors
    known: Callable[[int, bytes], bool] = lambda site_id, event_id: False
    misfit: Callable[[int, Event], SchemaViolation | None] = lambda site_id, event: None
    fresh_id: Callable[[], bytes] = lambda: os.urandom(16)
    user_key: bytes = CONSTANTS.user
    erased: Callable[[int, tuple[int, int], str], bool] = lambda site_id, visitors, user_id: False


@dataclass(slots=True)
class Outcomes:
    """The outcome for one request."""

    accepted: list[SpooledEvent] = field(default_factory=list)
    dropped: list[Drop] = field(default_factory=list)
    duplicates: int = 0
    warned: list[Drop] = field(default_factory=list)


class EventDraft:
    """One event on its way: as it was sent, and as it will be spooled."""

    __slots__ = ("event", "lag", "rules", "sender", "site", "spooled", "warning")

    def __init__(self, event: Event, site: Site, sender: Sender, lag: int, rules: IngestContext) -> None:
        self.event = event
        self.site = site
        self.sender = named(sender, event.user_agent) if event.user_agent and sender.server else sender
        self.lag = lag
        self.rules = rules
        self.spooled = SpooledEvent()
        self.warning: SchemaViolation | None = None


class Duplicate(Exception):
    """The event's id is in the spool already."""


def named(sender: Sender, user_agent: str) -> Sender:
    """The person on whose behalf a server sends, by the user agent that the server names."""
    return sender._replace(user_agent=user_agent[:MAX_USER_AGENT], signals=RELAYED)


def process(parsed: Batch | Single, site: Site, sender: Sender, rules: IngestContext) -> Outcomes:
    """Every event of a request: accepted, a duplicate, or dropped with a reason. Never raises for what was sent."""
    outcome = Outcomes()
    lag = _lag(parsed.sent_at, sender.received_at)
    events: Sequence[Event | msgspec.Raw] = [parsed] if isinstance(parsed, Single) else parsed.events
    taken: set[bytes] = set()
    for index, item in enumerate(events):
        try:
            if isinstance(item, msgspec.Raw):
                if len(item) > rules.limits.event_bytes:
                    raise InvalidEvent(DropReason.TOO_LARGE, "", f"at most {rules.limits.event_bytes} bytes")
                item = decode_event(item)
            draft = judge(item, site, sender, lag, rules)
            spooled = draft.spooled
            if spooled.known and spooled.event_id in taken:
                raise Duplicate
            taken.add(spooled.event_id)
            outcome.accepted.append(spooled)
            if draft.warning:
                outcome.warned.append(Drop(index, DropReason.SCHEMA, draft.warning.field, draft.warning.detail))
        except InvalidEvent as unfit:
            outcome.dropped.append(Drop(index, unfit.reason, unfit.field, unfit.detail))
        except Duplicate:
            outcome.duplicates += 1
        except UNREADABLE as exc:
            at = re.search(r"\$\.([\w.\[\]]+)", str(exc))
            outcome.dropped.append(Drop(index, DropReason.MALFORMED, at[1] if at else "", str(exc)))
    return outcome


def judge(event: Event, site: Site, sender: Sender, lag: int, rules: IngestContext) -> EventDraft:
    """One event after all steps; ``lag`` is by how many ms its sender's clock is wrong.

    Raises InvalidEvent and Duplicate.
    """
    draft = EventDraft(event, site, sender, lag, rules)
    for step in STEPS:
        step(draft)
    return draft


def _lag(sent_at: int | dt.datetime | None, received_at: int) -> int:
    """By how many ms the sender's clock is wrong. A few seconds are the way here: taken for a wrong clock they would
    move each request of one page by another span, and its events past each other."""
    lag = received_at - _ms(sent_at) if sent_at is not None else 0
    return 0 if 0 <= lag <= TRAVEL_MS else lag


def check_name(draft: EventDraft) -> None:
    """The name is there and short enough."""
    name = draft.event.name
    if not name.strip():
        raise InvalidEvent(DropReason.MISSING_NAME, "name")
    if len(name) > MAX_NAME:
        raise InvalidEvent(DropReason.NAME_TOO_LONG, "name", f"more than {MAX_NAME} characters")
    draft.spooled.name = name
    interactive = draft.event.interactive
    draft.spooled.interactive = name not in PASSIVE if interactive is None else interactive


def check_texts(draft: EventDraft) -> None:
    """Addresses are addresses, and no text is too long."""
    event, spooled = draft.event, draft.spooled
    if event.url and (len(event.url) > MAX_URL or not _URL.match(event.url)):
        raise InvalidEvent(DropReason.BAD_URL, "url", f"an absolute URL of at most {MAX_URL} characters")
    if len(event.referrer) > MAX_URL:
        raise InvalidEvent(DropReason.VALUE_TOO_LONG, "referrer", f"at most {MAX_URL} characters")
    limit = draft.rules.limits.text
    texts = event.title, event.screen, event.language, event.session_id, event.user_id
    if max(map(len, texts)) > limit:
        name = next(name for name, text in zip(_TEXTS, texts, strict=True) if len(text) > limit)
        raise InvalidEvent(DropReason.VALUE_TOO_LONG, name, f"at most {limit} characters")
    spooled.screen, spooled.language = event.screen, event.language


def correct_time(draft: EventDraft) -> None:
    """The client's time moved onto our clock; never after the moment of arrival."""
    event, received_at = draft.event, draft.sender.received_at
    at = received_at
    if event.timestamp is not None:
        at = _ms(event.timestamp) + draft.lag
        if at > received_at + MAX_AHEAD_MS:
            raise InvalidEvent(DropReason.TIMESTAMP_IN_FUTURE, "timestamp")
        if at < received_at - draft.site.max_age_days * _DAY_MS:
            older = f"older than {draft.site.max_age_days} days; use `footfall import`"
            raise InvalidEvent(DropReason.TIMESTAMP_TOO_OLD, "timestamp", older)
        at = min(at, received_at)
    draft.spooled.timestamp = at


def set_event_id(draft: EventDraft) -> None:
    """The event's id, and whether it came before, as far as this worker knows; the loader knows for sure."""
    event_id, spooled = draft.event.event_id, draft.spooled
    if event_id is None:
        spooled.event_id = draft.rules.fresh_id()
        return
    spooled.event_id, spooled.known = event_id.bytes, True
    if draft.rules.known(draft.site.site_id, spooled.event_id):
        raise Duplicate


def redact_fields(draft: EventDraft) -> None:
    """Addresses without what is not kept of them; e-mail addresses and card numbers masked everywhere."""
    event, spooled = draft.event, draft.spooled
    spooled.url = redact.address(event.url)
    if event.referrer:
        spooled.referrer = redact.address(event.referrer)
    if event.title:
        spooled.title = redact.text(event.title)
    if event.session_id:
        spooled.session_id = redact.text(event.session_id)
    if event.user_id:
        spooled.user_id = redact.user(event.user_id, draft.rules.user_key)
    spooled.gpc = draft.sender.gpc


def check_values(draft: EventDraft) -> None:
    """Properties by type, revenue, consent and engagement."""
    event, spooled = draft.event, draft.spooled
    if event.props:
        kept = contact.without(event.name, event.props)
        spooled.props, spooled.props_number, spooled.props_bool = values.properties(kept, draft.rules.limits)
    if event.revenue is not None:
        spooled.revenue, spooled.currency = values.revenue(event.revenue, draft.site.currency)
    if event.consent:
        spooled.consent = values.consent(event.consent)
    if event.engagement_ms or event.scroll_depth:
        spooled.engagement_ms = min(max(event.engagement_ms, 0), _DAY_MS)
        spooled.scroll_depth = min(max(event.scroll_depth, 0), 100)


def hash_contact(draft: EventDraft) -> None:
    """Contact data that an event `identify` tells, as hashes."""
    event, spooled = draft.event, draft.spooled
    if event.name != contact.IDENTIFY:
        return
    if found := contact.forms(event.props, draft.sender.country, draft.site.contact_data):
        spooled.props = (spooled.props or {}) | found


def check_schema(draft: EventDraft) -> None:
    """The event fits the schema that the site has for its name; a schema in mode ``warn`` lets it pass all the same."""
    if wrong := draft.rules.misfit(draft.site.site_id, draft.event):
        if wrong.rejected:
            raise InvalidEvent(DropReason.SCHEMA, wrong.field, wrong.detail)
        draft.warning = wrong


def assign_visitor(draft: EventDraft) -> None:
    """Who the visitor is; here the sender's address is used, and left behind."""
    event, site, sender, spooled = draft.event, draft.site, draft.sender, draft.spooled
    if event.client_id and site.identity is Identity.FIRST_PARTY:
        who = draft.rules.visitors.of_client(site.site_id, event.client_id)
    else:
        who = draft.rules.visitors.of(site.site_id, sender.address, sender.user_agent, spooled.timestamp)
    spooled.visitor, spooled.previous = who


def refuse_erased(draft: EventDraft) -> None:
    """Nothing is taken of a visitor who was erased, nor under the hash that such a visit would go on under."""
    spooled = draft.spooled
    if draft.rules.erased(draft.site.site_id, (spooled.visitor, spooled.previous), spooled.user_id):
        raise InvalidEvent(DropReason.ERASED, "", "the data of this visitor was erased")


def add_request_facts(draft: EventDraft) -> None:
    """What the request says of its sender: browser, country and city, signs of a machine."""
    sender, spooled = draft.sender, draft.spooled
    spooled.user_agent = sender.user_agent
    spooled.country, spooled.city = sender.country, sender.city
    spooled.signals = sender.signals


STEPS: tuple[Callable[[EventDraft], None], ...] = (
    check_name,
    check_texts,
    correct_time,
    set_event_id,
    redact_fields,
    check_values,
    hash_contact,
    check_schema,
    assign_visitor,
    refuse_erased,
    add_request_facts,
)


def _ms(moment: int | dt.datetime) -> int:
    if isinstance(moment, int):
        return moment
    aware = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    return int(aware.timestamp() * 1000)

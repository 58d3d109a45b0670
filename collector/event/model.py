"""The event, twice: as a site sends it (JSON, docs/events.md), and as the spool keeps it (collector/spool/lines.py)."""

from __future__ import annotations

import datetime as dt
import uuid
from enum import StrEnum

import msgspec

PAGE_VIEW = "page_view"
ENGAGEMENT = "engagement"
# Events that the tracker sends by itself: they do not say that somebody did something.
PASSIVE = frozenset({PAGE_VIEW, ENGAGEMENT})
# Milliseconds since 1970 UTC, up to the year 2100: what a Date of ClickHouse holds, with room to spare.
MAX_MOMENT = 4_102_444_800_000


class Revenue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An amount of money; ``amount`` as number or decimal text, ``currency`` ISO 4217."""

    amount: float | str
    currency: str = ""


class Event(msgspec.Struct, frozen=True, omit_defaults=True):
    """One event as a site sends it. Times are ISO 8601 text or milliseconds since 1970."""

    name: str
    url: str = ""
    timestamp: int | dt.datetime | None = None
    event_id: uuid.UUID | None = None
    referrer: str = ""
    title: str = ""
    screen: str = ""
    language: str = ""
    client_id: str = ""
    session_id: str = ""
    user_id: str = ""
    user_agent: str = ""
    engagement_ms: int = 0
    scroll_depth: int = 0
    interactive: bool | None = None
    revenue: Revenue | None = None
    consent: dict[str, str | bool] = {}
    props: dict[str, str | int | float | bool | None] = {}


class Batch(msgspec.Struct, frozen=True):
    """Several events in one request. Each is decoded by itself, so that one bad event harms no other."""

    events: list[msgspec.Raw]
    site: str = ""
    key: str = ""
    user_agent: str = ""
    sent_at: int | dt.datetime | None = None


class SpooledEvent(msgspec.Struct):
    """One accepted event in the spool. The order of the fields is the format (lines.VERSION).

    ``event_id`` has 16 bytes; ``known`` says that the client gave it, so that it may come again. ``visitor`` and
    ``previous`` are the visitor's hash under the salt of the event's day and of the day before (``previous`` 0:
    none). ``timestamp`` is in ms since 1970 UTC, ``revenue`` decimal text. ``signals`` are signs of a machine that
    only the request shows (collector/enrich/bot_signals.py), ``consent`` is as values.consent writes it.
    """

    event_id: bytes = b""
    known: bool = False
    visitor: int = 0
    previous: int = 0
    timestamp: int = 0
    name: str = ""
    interactive: bool = False
    url: str = ""
    referrer: str = ""
    title: str = ""
    user_agent: str = ""
    country: str = ""
    city: str = ""
    signals: str = ""
    screen: str = ""
    language: str = ""
    session_id: str = ""
    user_id: str = ""
    engagement_ms: int = 0
    scroll_depth: int = 0
    gpc: bool = False
    consent: str = ""
    revenue: str = ""
    currency: str = ""
    props: dict[str, str] | None = None
    props_number: dict[str, float] | None = None
    props_bool: dict[str, bool] | None = None


class DropReason(StrEnum):
    """Why an event was not accepted."""

    MALFORMED = "malformed"
    MISSING_NAME = "missing_name"
    NAME_TOO_LONG = "name_too_long"
    BAD_URL = "bad_url"
    VALUE_TOO_LONG = "value_too_long"
    TOO_MANY_PROPERTIES = "too_many_properties"
    BAD_PROPERTY = "bad_property"
    BAD_REVENUE = "bad_revenue"
    BAD_CONSENT = "bad_consent"
    TOO_LARGE = "too_large"
    SCHEMA = "schema"
    TIMESTAMP_TOO_OLD = "timestamp_too_old"
    TIMESTAMP_IN_FUTURE = "timestamp_in_future"
    ERASED = "erased"

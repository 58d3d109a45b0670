"""How ad platforms take conversions. A rule of theirs that changes is a line here.

Where a rule is from: [P] the platform's own text, [S] somebody else's, [?] not verified.

| Platform | Rules |
|---|---|
| google-ads | [P] support.google.com/google-ads/answer/7014069 (parameters, time with a zone in the row, |
| | consent words); |
| | [S] columns, one click id a row, so a file for each kind; adjustments by order id, RETRACT and RESTATE |
| microsoft | [P] learn.microsoft.com/advertising/bulk-service/offline-conversion (columns, UTC, time as 4/1/2020 |
| | 6:50:54 PM; duplicates by click id and time are dropped; a goal has to be two hours old) |
| meta-capi-json | [P] developers.facebook.com conversions-api/parameters (names, hashes, `fbc` = fb.1.ms.fbclid in |
| | its own case); [P] at most 1,000 events in a request |
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

import msgspec

from aggregations.exports.columns import harmless_cell
from aggregations.exports.split_files import line


class ConversionPlatform(StrEnum):
    """Where conversions go."""

    GOOGLE = "google-ads"
    MICROSOFT = "microsoft"
    META = "meta-capi-json"


class Adjust(StrEnum):
    """What became of a conversion: it is not one, or has another value."""

    RETRACT = "retract"
    RESTATE = "restate"


class Conversion(msgspec.Struct, frozen=True):
    """One conversion, as exports/conversions.sql has it. Moments are ms since 1970 UTC, consent is `name=state`."""

    at: int
    event: str
    order_id: str
    value: str
    currency: str
    url: str
    user_agent: str
    kind: str
    click_id: str
    clicked_at: int
    user_data: str
    personalization: str
    forms: dict[str, str]


class Adjustment(msgspec.Struct, frozen=True):
    """What became of an order: when (ms since 1970 UTC), and its value now."""

    at: int
    order_id: str
    value: str = ""
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Conversions:
    """One platform's file. ``kinds`` are those of its click ids; ``each``: every kind has a file of its own.

    ``head`` is what a file begins with, given the time zone and the kind; ``contact``: contact data
    does without a click.
    """

    kinds: tuple[str, ...]
    head: Callable[[str, str], bytes]
    line: Callable[[Conversion, str], bytes]
    each: bool = False
    contact: bool = False


ADJUSTMENTS = (
    "Order ID", "Conversion Name", "Adjustment Time", "Adjustment Type", "Adjusted Value", "Adjusted Value Currency",
)  # fmt: skip
_GOOGLE = (
    "Conversion Name", "Conversion Time", "Conversion Value", "Conversion Currency", "Order ID", "Ad User Data",
    "Ad Personalization",
)  # fmt: skip
_GOOGLE_IDS = {"gclid": "Google Click ID", "gbraid": "GBRAID", "wbraid": "WBRAID"}
_MICROSOFT = (
    "Type", "Status", "Id", "Parent Id", "Client Id", "Name", "Conversion Currency Code", "Conversion Name",
    "Conversion Time", "Conversion Value", "Microsoft Click Id",
)  # fmt: skip
# Names of the Conversions API, and forms that they have; all are hashed.
_META = {
    "em": "email", "ph": "phone", "fn": "first_name", "ln": "last_name", "ct": "city", "zp": "zip",
    "country": "country",
}  # fmt: skip
_META_EVENTS = 1_000


def google_time(at: int) -> str:
    """A moment in UTC, which no setting of an account can move."""
    return dt.datetime.fromtimestamp(at / 1000, dt.UTC).strftime("%Y-%m-%d %H:%M:%S+0000")


def microsoft_time(at: int) -> str:
    """A moment in UTC, as in 4/1/2020 6:50:54 PM."""
    time = dt.datetime.fromtimestamp(at / 1000, dt.UTC)
    return f"{time.month}/{time.day}/{time.year} {time.hour % 12 or 12}:{time:%M:%S} {'AM' if time.hour < 12 else 'PM'}"


def adjustment(its: Adjustment, name: str, how: Adjust) -> bytes:
    """A line of Google's adjustments."""
    value = [its.value, its.currency] if how is Adjust.RESTATE else ["", ""]
    return line([harmless_cell(its.order_id), harmless_cell(name), google_time(its.at), how.upper(), *value])


def fbc(conversion: Conversion) -> str:
    """The click as Meta's cookie has it; the id in its own case."""
    return f"fb.1.{conversion.clicked_at}.{conversion.click_id}"


def _google_head(zone: str, kind: str) -> bytes:
    return line([f"Parameters:TimeZone={zone}"]) + line([_GOOGLE_IDS[kind], *_GOOGLE])


def _google(its: Conversion, name: str) -> bytes:
    order = harmless_cell(its.order_id)
    consent = [_state(its.user_data), _state(its.personalization)]
    return line([its.click_id, harmless_cell(name), google_time(its.at), _value(its), its.currency, order, *consent])


def _microsoft_head(zone: str, kind: str) -> bytes:
    return line(_MICROSOFT) + line(["Format Version", "", "", "", "", "6.0", "", "", "", "", ""])


def _microsoft(its: Conversion, name: str) -> bytes:
    empty = [""] * 5
    told = [its.currency, harmless_cell(name), microsoft_time(its.at), _value(its), its.click_id]
    return line(["Offline Conversion", *empty, *told])


def _meta(its: Conversion, name: str) -> bytes:
    people = {key: [_hashed(its.forms, form)] for key, form in _META.items() if its.forms.get(form)}
    if its.click_id:
        people["fbc"] = fbc(its)  # type: ignore[assignment]
    if its.user_agent:
        people["client_user_agent"] = its.user_agent  # type: ignore[assignment]
    custom: dict[str, object] = {"order_id": its.order_id}
    if its.currency:
        custom |= {"value": float(its.value), "currency": its.currency}
    told = {
        "event_name": name,
        "event_time": its.at // 1000,
        "event_id": its.event,
        "action_source": "website",
        "event_source_url": its.url,
        "user_data": people,
        "custom_data": custom,
    }
    return json.dumps(told, ensure_ascii=False).encode()


def as_requests(lines: Iterable[bytes]) -> Iterable[bytes]:
    """Meta's events as bodies of requests, one a line, each of as many events as one may have."""
    held: list[bytes] = []
    for each in lines:
        held.append(each)
        if len(held) == _META_EVENTS:
            yield b'{"data": [' + b", ".join(held) + b"]}\n"
            held = []
    if held:
        yield b'{"data": [' + b", ".join(held) + b"]}\n"


def _hashed(forms: Mapping[str, str], form: str) -> str:
    return sha256(forms[form].encode()).hexdigest() if form == "country" else forms[form]


def _value(its: Conversion) -> str:
    return its.value if its.currency or float(its.value) else ""


def _state(told: str) -> str:
    return told.partition("=")[2].capitalize()


CONVERSIONS: Mapping[ConversionPlatform, Conversions] = {
    ConversionPlatform.GOOGLE: Conversions(tuple(_GOOGLE_IDS), _google_head, _google, each=True),
    ConversionPlatform.MICROSOFT: Conversions(("msclkid",), _microsoft_head, _microsoft),
    ConversionPlatform.META: Conversions(("fbclid",), lambda zone, kind: b"", _meta, contact=True),
}

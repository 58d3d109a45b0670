"""Contact data of a visitor, as ad platforms match it: normalised and hashed before anything reaches a disk.

An `identify` event may tell e-mail address, phone, name and address. Each becomes one SHA-256 for every form that a
platform wants, as a property `contact.<form>`; the text itself is dropped, unless the site keeps it. Forms:

| Form | Of | Source |
|---|---|---|
| ``email`` | trimmed, lower case | Meta: conversions-api/parameters/customer-information-parameters |
| ``email_google`` | no dots before ``@gmail.com`` and ``@googlemail.com`` | Google Ads: Data Manager API, formatting |
| ``email_tiktok`` | without ``+tag`` | TikTok: list of supported identifiers |
| ``phone``, ``phone_e164`` | digits with country code; the same with ``+`` | Meta; Google Ads answer/7659867 |
| ``first_name``, ``last_name``, ``city`` | lower case, letters and digits only | Meta |
| ``first_name_google``, ``last_name_google`` | lower case, no white space | Google Ads answer/7659867 |
| ``zip`` | lower case, no white space and hyphens | Meta |
| ``country`` | ISO 3166-1 alpha-2, lower case; not hashed | all |

Forms that equal the first of their kind are left out. Nothing is logged of what cannot be read.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from functools import partial
from hashlib import sha256
from typing import TypeVar

IDENTIFY = "identify"
PREFIX = "contact."
PLAIN = ".plain"
MAX_LENGTH = 254
# Shorter ones are extensions and service numbers.
SHORTEST_PHONE = 7
T = TypeVar("T")
_GMAIL = ("gmail.com", "googlemail.com")
_COUNTRY = re.compile(r"[a-z]{2}\Z")
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
# What sites call them.
_NAMES = {
    "email": "email", "e_mail": "email", "mail": "email", "phone": "phone", "phone_number": "phone", "tel": "phone",
    "first_name": "first_name", "firstname": "first_name", "given_name": "first_name",
    "last_name": "last_name", "lastname": "last_name", "family_name": "last_name",
    "city": "city", "zip": "zip", "zip_code": "zip", "postal_code": "zip", "postcode": "zip",
    "country": "country", "country_code": "country",
}  # fmt: skip
_HASHED = {"email_sha256": "email", "phone_sha256": "phone"}


class ContactData(StrEnum):
    """What a site keeps of contact data: nothing, hashes, or hashes and the texts."""

    NONE = "none"
    HASHED = "hashed"
    PLAIN = "plain"


def without(event: str, props: dict[str, T]) -> dict[str, T]:
    """Properties of an event without contact data, and without names that only `forms` gives."""
    if event == IDENTIFY:
        return {name: value for name, value in props.items() if not is_contact(name)}
    if any(name.startswith(PREFIX) for name in props):
        return {name: value for name, value in props.items() if not name.startswith(PREFIX)}
    return props


def forms(told: Mapping[str, object], country: str, keep: ContactData) -> dict[str, str]:
    """The properties that contact data among the traits of an event become.

    ``country`` is where the sender is, for phones in national form. What cannot be read is left out.
    """
    if keep is ContactData.NONE:
        return {}
    texts = {_name(name): str(value).strip() for name, value in told.items() if is_contact(name) and value is not None}
    given = {name: value[:MAX_LENGTH] for name, value in texts.items() if value}
    region = _country(given.get("country", "")) or country.lower()
    found: dict[str, str] = {}
    for name, value in given.items():
        if name in _HASHED and _SHA256.match(value.lower()):
            found.setdefault(PREFIX + _HASHED[name], value.lower())
    for kind, make in _FORMS.items():
        if kind not in given:
            continue
        made = dict(make(unicodedata.normalize("NFC", given[kind]), region))
        first = made.get(kind)
        for form, text in made.items():
            if form == kind or text != first:
                found[PREFIX + form] = text if form == "country" else sha256(text.encode()).hexdigest()
        if keep is ContactData.PLAIN and made and kind != "country":
            found[f"{PREFIX}{kind}{PLAIN}"] = made.get("phone_e164", given[kind])
    return found


def is_contact(name: str) -> bool:
    """Whether a trait of this name is contact data, which is not kept as it is; or a name that is ours."""
    return _name(name) in _NAMES.values() or name.startswith(PREFIX) or _name(name) in _HASHED


def _name(name: str) -> str:
    plain = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower().replace("-", "_").replace(" ", "_")
    return _NAMES.get(plain, plain)


def _email(value: str, region: str) -> Iterator[tuple[str, str]]:
    text = "".join(value.split()).lower()
    user, _, host = text.partition("@")
    if not user or "@" in host or not all(host.rpartition(".")):
        return
    yield "email", text
    yield "email_google", f"{user.replace('.', '')}@{host}" if host in _GMAIL else text
    yield "email_tiktok", f"{user.partition('+')[0] or user}@{host}"


def _phone(value: str, region: str) -> Iterator[tuple[str, str]]:
    import phonenumbers

    try:
        number = phonenumbers.parse(value, region.upper() or None)
    except phonenumbers.NumberParseException:
        return
    text = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    if phonenumbers.is_possible_number(number) and len(text) > SHORTEST_PHONE:
        yield "phone", text.removeprefix("+")
        yield "phone_e164", text


def _person(kind: str, value: str, region: str) -> Iterator[tuple[str, str]]:
    lower = value.lower()
    letters = "".join(char for char in lower if char.isalnum() or unicodedata.combining(char))
    if letters:
        yield kind, letters
        yield f"{kind}_google", re.sub(r"\s", "", lower)


def _place(value: str, region: str) -> Iterator[tuple[str, str]]:
    letters = "".join(char for char in value.lower() if char.isalnum() or unicodedata.combining(char))
    if letters:
        yield "city", letters


def _zip(value: str, region: str) -> Iterator[tuple[str, str]]:
    text = re.sub(r"[\s-]", "", value).lower()
    if text:
        yield "zip", text[:5] if region == "us" else text


def _land(value: str, region: str) -> Iterator[tuple[str, str]]:
    if found := _country(value):
        yield "country", found


def _country(value: str) -> str:
    text = value.strip().lower()
    return text if _COUNTRY.match(text) else ""


_FORMS: dict[str, Callable[[str, str], Iterator[tuple[str, str]]]] = {
    "email": _email,
    "phone": _phone,
    "first_name": partial(_person, "first_name"),
    "last_name": partial(_person, "last_name"),
    "city": _place,
    "zip": _zip,
    "country": _land,
}

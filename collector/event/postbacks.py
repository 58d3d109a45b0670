"""What affiliate networks say of a conversion, in their own words, as one model.

A network is a row of a table: which of its parameters are which field, and how it is answered. Times are in ms since
1970 UTC, amounts decimal text with four decimals ('' where none was told).
"""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b

import msgspec

from collector.event import values
from collector.event.model import MAX_MOMENT, DropReason, Revenue
from collector.event.values import InvalidEvent

POSTBACK = "postback"
MAX_ID = 255
# adv_unique1 to adv_unique5 of TUNE are the longest that any network has.
MAX_SUB = 500
MAX_AMOUNT = 40
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_SECONDS = re.compile(r"\d{9,10}\Z", re.ASCII)
_MILLISECONDS = re.compile(r"\d{12,13}\Z", re.ASCII)


class NetworkKind(StrEnum):
    """Whose parameters a network sends."""

    TUNE = "tune"
    EVERFLOW = "everflow"
    TRACKIER = "trackier"
    IMPACT = "impact"
    GENERIC = "generic"


class ConversionStatus(StrEnum):
    """What has become of a conversion."""

    PENDING = "pending"
    APPROVED = "approved"
    REVERSED = "reversed"


_WORDS = {
    ConversionStatus.PENDING: ("pending", "tracked", "hold"),
    ConversionStatus.APPROVED: ("approved", "", "confirmed", "accepted", "locked", "paid"),
    ConversionStatus.REVERSED: ("reversed", "rejected", "cancelled", "canceled", "declined", "voided"),
}
STATUSES = {word: status for status, words in _WORDS.items() for word in words}
FIELDS = ("transaction", "event", "click_id", "status", "payout", "revenue", "currency", "at")


@dataclass(frozen=True, slots=True)
class Profile:
    """A network's parameters: of each field those that may hold it, the most telling first, in lower case; and which
    others are kept as they are. ``answers_in_text``: it reads ``success=true;`` and takes no status for an answer."""

    names: Mapping[str, tuple[str, ...]]
    subs: tuple[str, ...] = ()
    answers_in_text: bool = False


def _numbered(name: str, last: int) -> tuple[str, ...]:
    return tuple(f"{name}{number}" for number in range(1, last + 1))


PROFILES: Mapping[NetworkKind, Profile] = {
    NetworkKind.TUNE: Profile(
        {
            "transaction": ("transaction_id",), "event": ("goal_id", "goal_name"), "click_id": ("transaction_id",),
            "status": ("status",), "payout": ("payout",), "revenue": ("sale_amount", "amount", "revenue"),
            "currency": ("currency",), "at": ("datetime", "timestamp"),
        },
        ("offer_id", "aff_id", "aff_sub", *_numbered("aff_sub", 5), "adv_sub", *_numbered("adv_unique", 5)),
        answers_in_text=True,
    ),
    NetworkKind.EVERFLOW: Profile(
        {
            "transaction": ("conversion_id", "order_id", "transaction_id"), "event": ("event_id", "event_name"),
            "click_id": ("transaction_id",), "status": ("status",), "payout": ("payout",),
            "revenue": ("amount", "sale_amount"), "currency": ("currency",), "at": ("timestamp", "datetime"),
        },
        ("nid", "oid", "affid", *_numbered("adv", 10), *_numbered("sub", 10)),
    ),
    NetworkKind.TRACKIER: Profile(
        {
            "transaction": ("txn_id", "click_id"), "event": ("goal_value", "goal_id"), "click_id": ("click_id",),
            "status": ("status",), "payout": ("payout",), "revenue": ("sale_amount", "revenue"),
            "currency": ("currency",), "at": ("timestamp", "created"),
        },
        ("campaign_id", "publisher_id", *_numbered("sub", 15)),
    ),
    NetworkKind.IMPACT: Profile(
        {
            "transaction": ("actionid", "action_id"), "event": (), "click_id": ("irclickid", "clickid", "click_id"),
            "status": ("state", "status"), "payout": ("payout",), "revenue": ("amount", "intendedamount"),
            "currency": ("currency",), "at": ("modificationdate", "eventdate"),
        },
        ("campaignid", "oid", *_numbered("subid", 3)),
    ),
    NetworkKind.GENERIC: Profile(
        {
            "transaction": ("transaction_id",), "event": ("event",), "click_id": ("click_id",), "status": ("status",),
            "payout": ("payout",), "revenue": ("revenue",), "currency": ("currency",), "at": ("timestamp",),
        },
        _numbered("sub", 15),
    ),
}  # fmt: skip


class Conversion(msgspec.Struct, frozen=True):
    """One postback. Several of the same ``transaction`` and ``event`` of a network are the history of one conversion.

    ``at`` is the network's own time of it, 0 where it told none; ``subs`` are its other parameters.
    """

    network: str
    transaction: str
    event: str
    click_id: str
    status: ConversionStatus
    payout: str
    revenue: str
    currency: str
    at: int
    subs: dict[str, str] = {}

    @property
    def event_id(self) -> uuid.UUID:
        """The same for a postback that comes again, another for one that says something else."""
        told = msgspec.json.encode([getattr(self, name) for name in ("network", *FIELDS)])
        return uuid.UUID(bytes=blake2b(told, digest_size=16, person=b"postback").digest())


def read(
    kind: NetworkKind, network: str, sent: Mapping[str, str], mapped: Mapping[str, str], site_currency: str
) -> Conversion:
    """The conversion that parameters tell; ``mapped`` names those of a field that are not the network's usual ones.

    Raises InvalidEvent for what cannot be one.
    """
    profile = PROFILES[kind]
    lower = {name.lower(): _CONTROLS.sub(" ", value).strip() for name, value in sent.items()}

    def told(name: str) -> str:
        names = (mapped[name].lower(),) if name in mapped else profile.names[name]
        return next((lower[each] for each in names if lower.get(each)), "")

    transaction = _bounded("transaction", told("transaction"))
    if not transaction:
        expected = mapped.get("transaction") or " or ".join(profile.names["transaction"])
        raise InvalidEvent(DropReason.MALFORMED, "transaction", f"the parameter {expected} is missing")
    status = STATUSES.get(told("status").lower())
    if status is None:
        raise InvalidEvent(DropReason.MALFORMED, "status", f"one of {', '.join(ConversionStatus)}")
    currency = told("currency").upper() or site_currency
    if not values.CURRENCY.match(currency):
        raise InvalidEvent(DropReason.BAD_REVENUE, "currency", "an ISO 4217 code, such as EUR")
    return Conversion(
        network=network,
        transaction=transaction,
        event=_bounded("event", told("event")),
        click_id=_bounded("click_id", told("click_id")),
        status=status,
        payout=_amount("payout", told("payout"), currency),
        revenue=_amount("revenue", told("revenue"), currency),
        currency=currency,
        at=_moment(told("at")),
        subs={name: _bounded(name, lower[name], MAX_SUB) for name in profile.subs if lower.get(name)},
    )


def _bounded(name: str, value: str, most: int = MAX_ID) -> str:
    if len(value) > most:
        raise InvalidEvent(DropReason.VALUE_TOO_LONG, name, f"at most {most} characters")
    return value


def _amount(name: str, value: str, currency: str) -> str:
    if not value:
        return ""
    if len(value) > MAX_AMOUNT:
        raise InvalidEvent(DropReason.BAD_REVENUE, name, f"at most {MAX_AMOUNT} characters")
    try:
        return values.revenue(Revenue(value, currency), currency)[0]
    except InvalidEvent as wrong:
        raise InvalidEvent(wrong.reason, wrong.field.replace("revenue.amount", name), wrong.detail) from None


def _moment(value: str) -> int:
    if not value:
        return 0
    if _SECONDS.match(value):
        return _possible(int(value) * 1000)
    if _MILLISECONDS.match(value):
        return _possible(int(value))
    try:
        found = dt.datetime.fromisoformat(value[:MAX_AMOUNT])
        return _possible(int((found if found.tzinfo else found.replace(tzinfo=dt.UTC)).timestamp() * 1000))
    except (ValueError, OverflowError):
        raise InvalidEvent(DropReason.MALFORMED, "at", "ISO 8601, or seconds or ms since 1970") from None


def _possible(moment: int) -> int:
    if not 0 < moment < MAX_MOMENT:
        raise InvalidEvent(DropReason.MALFORMED, "at", "a time between 1970 and 2100")
    return moment

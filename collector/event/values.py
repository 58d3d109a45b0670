"""The values that an event carries: properties by type, money, consent."""

from __future__ import annotations

import math
import re
from decimal import Decimal

from collector.event import redact
from collector.event.limits import Limits
from collector.event.model import DropReason, Revenue

MAX_REVENUE = Decimal(10) ** 12
# The states that browsers and ad platforms speak of, each granted or denied.
CONSENT = frozenset(
    {
        "ad_storage", "ad_user_data", "ad_personalization", "analytics_storage", "functionality_storage",
        "personalization_storage", "security_storage",
    }
)  # fmt: skip
GRANTED, DENIED = "granted", "denied"
_CONSENT = {True: GRANTED, False: DENIED, GRANTED: GRANTED, DENIED: DENIED}
CURRENCY = re.compile(r"(?:[A-Z]{3})?\Z")

Properties = tuple[dict[str, str] | None, dict[str, float] | None, dict[str, bool] | None]


class InvalidEvent(Exception):
    """An event is not accepted: the reason, the field that is to blame, and what would be right."""

    def __init__(self, reason: DropReason, at: str, detail: str = "") -> None:
        self.reason, self.field, self.detail = reason, at, detail


def properties(given: dict[str, str | int | float | bool | None], limits: Limits) -> Properties:
    """Properties by type, None where there are none of it. Raises InvalidEvent."""
    if len(given) > limits.properties:
        raise InvalidEvent(DropReason.TOO_MANY_PROPERTIES, "props", f"at most {limits.properties}")
    texts, numbers, flags = {}, {}, {}
    for name, value in given.items():
        if not 0 < len(name) <= limits.property_name:
            long = f"a name must have 1 to {limits.property_name} characters"
            raise InvalidEvent(DropReason.BAD_PROPERTY, f"props.{name[:80]}", long)
        if isinstance(value, str):
            if len(value) > limits.text:
                raise InvalidEvent(DropReason.VALUE_TOO_LONG, f"props.{name}", f"at most {limits.text} characters")
            texts[name] = redact.text(value)
        elif isinstance(value, bool):
            flags[name] = value
        elif value is not None:
            numbers[name] = _float(name, value)
    return texts or None, numbers or None, flags or None


def revenue(given: Revenue, site_currency: str) -> tuple[str, str]:
    """Amount as decimal text with four decimals, and the currency. Raises InvalidEvent."""
    try:
        amount = Decimal(str(given.amount))
        fits = amount.is_finite() and abs(amount) < MAX_REVENUE
    except ArithmeticError:  # not a number, or one with an exponent beyond all bounds
        fits = False
    currency = given.currency or site_currency
    if not fits:
        raise InvalidEvent(DropReason.BAD_REVENUE, "revenue.amount")
    if not CURRENCY.match(currency):
        raise InvalidEvent(DropReason.BAD_REVENUE, "revenue.currency", "an ISO 4217 code, such as EUR")
    return f"{amount:.4f}", currency


def consent(given: dict[str, str | bool]) -> str:
    """Consent states as text that is the same for the same states: ``ad_storage=denied,analytics_storage=granted``.

    Raises InvalidEvent for an unknown state or value.
    """
    states = []
    for name, value in sorted(given.items()):
        if name not in CONSENT or value not in _CONSENT:
            allowed = f"{', '.join(sorted(CONSENT))}: {GRANTED} or {DENIED}"
            raise InvalidEvent(DropReason.BAD_CONSENT, f"consent.{name[:80]}", allowed)
        states.append(f"{name}={_CONSENT[value]}")
    return ",".join(states)


def _float(name: str, value: int | float) -> float:
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise InvalidEvent(DropReason.BAD_PROPERTY, f"props.{name}", "a number that fits in 64 bits")
    return number

"""What must not be kept is taken out before anything reaches a disk.

Query parameters outside an allow-list go, fragments too; what looks like an e-mail address or a payment card's
number is masked wherever a page can have put it.
"""

from __future__ import annotations

import re
from hashlib import blake2b

from collector.cache import MIB, remembers
from collector.event import urls

CARD_MASK = "[card]"
_DIGITS = re.compile(r"(?<!\d)(?<!\d\.)\d(?:(?:[ +-]|%20)?\d){12,18}(?!\d|\.\d)")
_MANY_DIGITS = re.compile(r"\d{4}(?:[ +-]|%20)?\d{3}")


def text(value: str) -> str:
    """``value`` with e-mail addresses and card numbers masked."""
    if "@" in value or "40" in value:
        value = urls.without_emails(value)
    if _MANY_DIGITS.search(value):
        value = _DIGITS.sub(_card, value)
    return value


@remembers(8 * MIB)
def address(url: str) -> str:
    """A page's or referrer's address as far as it is kept: no user, no fragment, only allowed parameters, masked.

    Click ids stay: they are what an advertiser is told of a visit, and stand in a column of their own later.
    """
    base, _, query = url.partition("#")[0].partition("?")
    scheme, mark, rest = base.partition("://")
    if mark:
        authority, slash, path = rest.partition("/")
        base = f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}"
    kept = "&".join(pair for pair in query.split("&") if urls.is_kept(pair.partition("=")[0]))
    # Click ids are long numbers by nature.
    masked = "&".join(pair if urls.is_click_id(pair.partition("=")[0]) else text(pair) for pair in kept.split("&"))
    return f"{text(base)}?{masked}" if masked else text(base)


def user(user_id: str, key: bytes) -> str:
    """A user's id; one that is an e-mail address becomes a hash of it under ``key``, the same each time."""
    if "@" not in user_id:
        return text(user_id)
    return blake2b(user_id.strip().lower().encode(), digest_size=16, key=key).hexdigest()


def identifier(value: str, key: bytes) -> str:
    """An id that another system gave. Such ids are long numbers by nature: only an e-mail address is hashed."""
    return user(value, key) if "@" in value else value


def _card(found: re.Match[str]) -> str:
    digits = [int(char) for char in found[0].replace("%20", "") if char.isdigit()]
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[-2::-2])
    luhn = (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
    return CARD_MASK if luhn and 13 <= len(digits) <= 19 else found[0]

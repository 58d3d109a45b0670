"""Whose address a field of a log has."""

from __future__ import annotations

import re
from enum import StrEnum

from sql.core.addresses import packed

# A list of proxies is shorter.
MAX_CLIENT = 1_024
# A name with a dot whose last part begins with a letter, so that no date and no number is one.
_NAME = re.compile(r"(?=.{4,253}\Z)(?:[a-z0-9_-]{1,63}\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]\Z")


class ClientAddress(StrEnum):
    """Which address is the visitor's: that of the connection, or the first in X-Forwarded-For."""

    CONNECTION = "connection"
    FORWARDED = "forwarded"


def client_of(field: bytes) -> str:
    """The client's address, or its host's name; '' where the field has neither.

    Of a list the first that is one: the client comes first, then the proxies. Without brackets, port and zone.
    """
    for word in field[:MAX_CLIENT].decode("utf-8", "replace").strip('"').split(","):
        text = word.strip(" +").lower()  # IIS writes + for a space
        bare = text[1:].partition("]")[0] if text[:1] == "[" else text
        bare = (bare.partition(":")[0] if bare.count(":") == 1 else bare).partition("%")[0]
        if packed(bare):
            return bare
        if _NAME.match(text):
            return text
    return ""


def is_name(client: str) -> bool:
    """Whether what ``client_of`` gave is the name of a host."""
    return client.rpartition(".")[2][:1].isalpha() and ":" not in client

"""What an event and a request may hold at most; every figure can be set in footfall.toml."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Lengths of texts in characters, bodies and events in bytes. ``body_bytes`` bounds what a compressed body
    unpacks to as well."""

    batch_events: int = 1_000
    body_bytes: int = 512 * 1024
    event_bytes: int = 32 * 1024
    properties: int = 64
    property_name: int = 64
    text: int = 1_024


# Not to be set: columns, caches and the visitor's clock rest on them.
MAX_NAME = 128
MAX_URL = 4_096
MAX_USER_AGENT = 512
MAX_AHEAD_MS = 86_400_000
# A request may have been under way for so long.
TRAVEL_MS = 5_000

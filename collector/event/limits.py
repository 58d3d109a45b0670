"""What an event and a request may hold at most; every figure is a setting."""

from __future__ import annotations

from dataclasses import dataclass

from collector.settings import COLLECTOR


@dataclass(frozen=True, slots=True)
class Limits:
    """Lengths of texts in characters, bodies and events in bytes. ``body_bytes`` bounds what a compressed body
    unpacks to as well."""

    batch_events: int = COLLECTOR.max_batch_events
    body_bytes: int = COLLECTOR.max_body_bytes
    event_bytes: int = COLLECTOR.max_event_bytes
    properties: int = COLLECTOR.max_properties
    property_name: int = COLLECTOR.max_property_name
    text: int = COLLECTOR.max_text


# Not to be set: columns, caches and the visitor's clock rest on them.
MAX_NAME = 128
MAX_URL = 4_096
MAX_USER_AGENT = 512
MAX_AHEAD_MS = 86_400_000
# A request may have been under way for so long.
TRAVEL_MS = 5_000

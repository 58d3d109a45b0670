"""GoatCounter: its CSV export, version 2. https://www.goatcounter.com/help/export

The first column of the header begins with the version. A referrer is an address only if its scheme is `h`; other kinds
are names that GoatCounter gave.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from collector.event.model import PAGE_VIEW, DropReason
from collector.event.values import InvalidEvent
from collector.imports.table import Fields

_PATH = "2Path"
_TRUE = {"true", "1"}


def events(row: Mapping[str, Any]) -> Iterator[Fields]:
    """The event of a row: a page view, or an event whose name is its path."""
    if _PATH not in row:
        raise InvalidEvent(DropReason.MALFORMED, _PATH, "not an export of version 2")
    text = {name: str(value) for name, value in row.items()}
    of_event = text.get("Event", "").lower() in _TRUE
    path, referrer = text[_PATH], text.get("Referrer", "")
    yield {
        "timestamp": text.get("Date") or None,
        "name": path.lstrip("/") if of_event else PAGE_VIEW,
        "path": "/" if of_event else f"/{path.lstrip('/')}",
        "title": text.get("Title", ""),
        "referrer": f"https://{referrer}" if referrer and text.get("Referrer scheme") == "h" else "",
        "client_id": text.get("Session", ""),
        "user_agent": text.get("UserAgent") or text.get("User-Agent", ""),
        "screen": text.get("Screen size", "").replace(",", "x"),
        "country": text.get("Location", "")[:2],
    }

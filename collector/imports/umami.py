"""Umami: website_event.csv of its export. https://umami.is/docs/cloud/export-data

It names browser, system and device, not the user agent, so those are unknown. Its session is the visitor.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from collector.event.model import PAGE_VIEW
from collector.imports.table import Fields

_EVENT = "2"


def events(row: Mapping[str, Any]) -> Iterator[Fields]:
    """The event of a row: a page view, or an event by its name."""
    text = {name: str(value or "") for name, value in row.items()}
    of_event = text.get("event_type") == _EVENT or bool(text.get("event_name"))
    domain = text.get("referrer_domain", "")
    yield {
        "event_id": text.get("event_id"),
        "timestamp": text.get("created_at") or None,
        "name": text.get("event_name", "") if of_event else PAGE_VIEW,
        "hostname": text.get("hostname", ""),
        "path": text.get("url_path") or "/",
        "query": text.get("url_query", ""),
        "title": text.get("page_title", ""),
        "referrer": f"https://{domain}{text.get('referrer_path', '')}" if domain else "",
        "client_id": text.get("session_id", ""),
        "session_id": text.get("visit_id", ""),
        "user_id": text.get("distinct_id", ""),
        "screen": text.get("screen", ""),
        "language": text.get("language", ""),
        "country": text.get("country", ""),
        "city": text.get("city", ""),
    }

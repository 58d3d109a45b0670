"""Google Analytics 4: its BigQuery export, as NDJSON or Parquet. https://support.google.com/analytics/answer/7029846

It names browser, system and device, not the user agent, and countries by English names, so those are unknown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from collector.event.model import ENGAGEMENT
from collector.imports.table import Fields

_VALUES = ("string_value", "int_value", "float_value", "double_value")
_APART = {
    "page_location", "page_referrer", "page_title", "ga_session_id", "engagement_time_msec", "value", "currency",
}  # fmt: skip
# GA4 sends these by itself: they do not say that somebody did something.
_PASSIVE = {"session_start", "first_visit", "user_engagement", "page_view"}


def events(row: Mapping[str, Any]) -> Iterator[Fields]:
    """The event of a row, its parameters as properties."""
    params = {str(its.get("key")): _value(its.get("value")) for its in row.get("event_params") or () if its}
    name = str(row.get("event_name") or "")
    device = row.get("device") or {}
    geo = row.get("geo") or {}
    commerce = row.get("ecommerce") or {}
    amount = commerce.get("purchase_revenue") or params.get("value")
    moment = row.get("event_timestamp")
    found: dict[str, Any] = {
        "name": ENGAGEMENT if name == "user_engagement" else name,
        "timestamp": int(moment) // 1000 if moment else None,
        "url": str(params.get("page_location") or ""),
        "referrer": str(params.get("page_referrer") or ""),
        "title": str(params.get("page_title") or ""),
        "client_id": str(row.get("user_pseudo_id") or ""),
        "user_id": str(row.get("user_id") or ""),
        "session_id": str(params.get("ga_session_id") or ""),
        "language": str(device.get("language") or ""),
        "city": str(geo.get("city") or ""),
        "engagement_ms": params.get("engagement_time_msec") or 0,
        "props": {key: value for key, value in params.items() if key not in _APART and value is not None},
    }
    if name in _PASSIVE:
        found["interactive"] = False
    if amount and params.get("currency"):
        found["revenue"] = {"amount": amount, "currency": str(params["currency"])}
    yield found


def _value(given: Any) -> Any:
    """The one that is set of a parameter's values. In NDJSON of BigQuery, whole numbers are texts."""
    if not isinstance(given, Mapping):
        return given
    for name in _VALUES:
        if (value := given.get(name)) is not None:
            return int(value) if name == "int_value" else value
    return None

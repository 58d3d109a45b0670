"""Clicks and forms that the tracker classified by itself, as corrected by overrides (sql view `detected_events`)."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from aggregations.query.fetch import fetch, limit_of, scope
from aggregations.query.filters import EXCLUDE_BOTS, Filter

if TYPE_CHECKING:
    import polars as pl
    from clickhouse_connect.driver.client import Client

    from aggregations.query.periods import Period
    from aggregations.query.sites import SiteRow

# The events that the tracker sends by itself and classifies.
DETECTED = ("click", "form_submit")
# The kind of what was detected wrongly.
NONE = "none"


class Confidence(StrEnum):
    """How sure it is what an event was, least first: by the tracker's rules, or since a person said so."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    REVIEWED = "reviewed"


def review(
    client: Client,
    site: SiteRow,
    period: Period,
    only: Filter = EXCLUDE_BOTS,
    *,
    confidence: Confidence | None = None,
    kind: str = "",
    limit: int = 10,
) -> pl.DataFrame:
    """Events that look alike in one row, what most needs a look first: the least sure, then the most events.

    Columns name, kind, detected (the kind before correction), confidence, rule, selector, text, events, visitors,
    last_seen, page (an example), override (its number, or null). ``kind`` empty and ``limit`` 0 mean all.
    """
    bound = scope(site, period, only, confidence=confidence or "", kind=kind, limit=limit_of(limit))
    return fetch(client, "detected/review", bound)


def kinds(
    client: Client,
    site: SiteRow,
    period: Period,
    only: Filter = EXCLUDE_BOTS,
    *,
    limit: int = 10,
) -> pl.DataFrame:
    """Columns kind, visitors, events, visits (that had such an event), reviewed (0..1: share decided by overrides).

    By visitors, descending; what was detected wrongly is left out; ``limit`` 0 means all.
    """
    return fetch(client, "detected/kinds", scope(site, period, only, limit=limit_of(limit)))

"""Clicks and forms that the tracker classified by itself, as corrected by overrides (sql view `detected_events`)."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl
    from clickhouse_connect.driver.client import Client

    from aggregations.query.model import Query
    from aggregations.query.periods import Period
    from aggregations.query.sites import SiteRow

# The kind of what was detected wrongly.
NONE = "none"


class Detected(StrEnum):
    """An event that the tracker sends by itself and classifies."""

    CLICK = "click"
    FORM_SUBMIT = "form_submit"


class Confidence(StrEnum):
    """How sure it is what an event was, least first: by the tracker's rules, or since a person said so."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    REVIEWED = "reviewed"


def review(
    client: Client,
    query: Query,
    site: SiteRow,
    period: Period,
    *,
    confidence: Confidence | None = None,
    kind: str = "",
) -> pl.DataFrame:
    """Events that look alike in one row, of those that a question chooses: the least sure first, then the most events.

    Columns name, kind, detected (the kind before correction), confidence, rule, selector, text, events, visitors,
    last_seen, page (an example), override (its number, or null). ``kind`` empty means any. Raises what the client
    raises.
    """
    from aggregations.query import sources
    from aggregations.query.answer import scoped

    wanted = {"confidence": confidence or "", "kind": kind}
    return scoped(client, "detected/review", query, sources.DETECTED, site, period, **wanted)

"""Clicks and forms that the tracker classified by itself, as corrected by overrides (sql view `detected_events`)."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from aggregations.query.filters import EXCLUDE_BOTS, Filter

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
    last_seen, page (an example), override (its name, or null). ``kind`` empty and ``limit`` 0 mean all.
    """
    query = _of_all(only, limit)
    return review_of(client, query, site, period, confidence=confidence, kind=kind)


def review_of(
    client: Client,
    query: Query,
    site: SiteRow,
    period: Period,
    *,
    confidence: Confidence | None = None,
    kind: str = "",
) -> pl.DataFrame:
    """The same of the events that a question chooses."""
    return _asked(client, "review", query, site, period, confidence=confidence or "", kind=kind)


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
    return kinds_of(client, _of_all(only, limit), site, period)


def kinds_of(client: Client, query: Query, site: SiteRow, period: Period) -> pl.DataFrame:
    """The same of the events that a question chooses."""
    return _asked(client, "kinds", query, site, period)


def _of_all(only: Filter, limit: int) -> Query:
    from aggregations.query.model import Query

    return Query(include_bots=only.include_bots, limit=limit)


def _asked(client: Client, name: str, query: Query, site: SiteRow, period: Period, **more: object) -> pl.DataFrame:
    from aggregations.query.answer import scoped
    from aggregations.query.sources import EVENTS

    return scoped(client, f"detected/{name}", query, EVENTS, site, period, "detected_events", **more)

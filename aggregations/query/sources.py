"""Where a figure can be read: tables of visits, of rollups, and the raw events."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """What a row is: an event or a visit."""

    EVENT = "event"
    VISIT = "visit"


@dataclass(frozen=True, slots=True)
class Source:
    """A table that rows of a level are read from, or summed from.

    ``date`` is its column of local days. ``rows``: it has one row an event or visit, so it can be restricted by
    visitor and visit; else it is a rollup by day, and ``monthly`` is the same of closed months.
    """

    name: str
    level: Level
    date: str
    rows: bool
    about: str
    monthly: str = ""


DAILY_EVENTS = Source(
    "daily_events", Level.EVENT, "local_date", False, "events by day or closed month, and name", "monthly_events"
)
DAILY_PAGES = Source(
    "daily_pages", Level.EVENT, "local_date", False, "page views by day or closed month, host and path", "monthly_pages"
)
VISITS = Source("visits", Level.VISIT, "visit_date", True, "visits, with the properties of their first event")
EVENTS = Source("events", Level.EVENT, "local_date", True, "raw events")
# The cheapest first.
SOURCES = (DAILY_EVENTS, DAILY_PAGES, VISITS, EVENTS)

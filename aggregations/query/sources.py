"""Where a figure can be read: tables of visits, of rollups, and the raw events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

T = TypeVar("T")


class Level(StrEnum):
    """What a row is, an event or a visit, or whose value it is: a visitor's is no column, but a set of visitors."""

    EVENT = "event"
    VISIT = "visit"
    VISITOR = "visitor"


@dataclass(frozen=True, slots=True)
class Source:
    """A table that rows of a level are read from, or summed from.

    ``date`` is its column of local days. ``rows``: it has one row an event or visit, so it can be restricted by
    visitor and visit; else it is a rollup by day, and ``monthly`` is the same of closed months. ``extends``: its rows
    are those of another source, and have all of its columns.
    """

    name: str
    level: Level
    date: str
    rows: bool
    about: str
    monthly: str = ""
    extends: Source | None = None


DAILY_EVENTS = Source(
    "daily_events", Level.EVENT, "local_date", False, "events by day or closed month, and name", "monthly_events"
)
DAILY_PAGES = Source(
    "daily_pages", Level.EVENT, "local_date", False, "page views by day or closed month, host and path", "monthly_pages"
)
VISITS = Source("visits", Level.VISIT, "visit_date", True, "visits, with the properties of their first event")
EVENTS = Source("events", Level.EVENT, "local_date", True, "raw events")
DETECTED = Source(
    "detected_events", Level.EVENT, "local_date", True, "clicks and forms that the tracker classified, as corrected",
    extends=EVENTS,
)  # fmt: skip
VIEWS = Source("events", Level.VISIT, "visit_date", True, "raw page views of the visits")
# The cheapest first.
SOURCES = (DAILY_EVENTS, DAILY_PAGES, VISITS, EVENTS, DETECTED, VIEWS)


def on(texts: Mapping[Source, T], source: Source) -> T | None:
    """What a mapping says of a source, or of that which it extends."""
    found = texts.get(source)
    return on(texts, source.extends) if found is None and source.extends else found

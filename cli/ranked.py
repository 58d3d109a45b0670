"""Reports that are ranked lists: each a command, a question and how its answer is shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

    Question = Callable[..., pl.DataFrame]
else:
    Question = Callable[..., Any]

_NONE, _UNKNOWN = "(none)", "(unknown)"


@dataclass(frozen=True, slots=True)
class Ranked:
    """One of them. ``question`` imports the function that answers only when it is asked: help stays quick."""

    command: str
    question: Callable[[], Question]
    column: str
    heading: str
    title: str
    help: str
    bar: str = "visitors"
    blank: str = ""
    example: str = "--period 7d"


def _pages() -> Question:
    from aggregations.reports.pages import top_pages

    return top_pages


def _entry_pages() -> Question:
    from aggregations.reports.pages import entry_pages

    return entry_pages


def _exit_pages() -> Question:
    from aggregations.reports.pages import exit_pages

    return exit_pages


def _sources() -> Question:
    from aggregations.reports.sources import sources

    return sources


def _channels() -> Question:
    from aggregations.reports.sources import channels

    return channels


def _countries() -> Question:
    from aggregations.reports.places import countries

    return countries


def _devices() -> Question:
    from aggregations.reports.devices import devices

    return devices


def _browsers() -> Question:
    from aggregations.reports.devices import browsers

    return browsers


def _systems() -> Question:
    from aggregations.reports.devices import systems

    return systems


def _events() -> Question:
    from aggregations.reports.events import events

    return events


RANKED = (
    Ranked("pages", _pages, "page", "Page", "Top pages", "Top pages.", example="--period 7d --limit 20"),
    Ranked("entry-pages", _entry_pages, "page", "Page", "Entry pages", "Pages on which visits begin.", bar="visits"),
    Ranked(
        "exit-pages", _exit_pages, "page", "Page", "Exit pages", "Pages on which visits end, with their exit rate.",
        bar="exits", example="--period yesterday",
    ),
    Ranked("sources", _sources, "source", "Source", "Sources", "Traffic sources.", blank=_NONE),
    Ranked(
        "channels", _channels, "channel", "Channel", "Channels", "Traffic by channel group.",
        blank=_NONE, example="--period 2026-10",
    ),
    Ranked(
        "countries", _countries, "country", "Country", "Countries", "Countries of visitors (ISO codes).",
        blank=_UNKNOWN, example="--limit 0 --format csv",
    ),
    Ranked("devices", _devices, "device", "Device", "Devices", "Desktop, mobile, tablet.", blank=_UNKNOWN),
    Ranked("browsers", _browsers, "browser", "Browser", "Browsers", "Browsers.", blank=_UNKNOWN),
    Ranked("systems", _systems, "os", "System", "Operating systems", "Operating systems.", blank=_UNKNOWN),
    Ranked(
        "events", _events, "event", "Event", "Events", "Events by name, with the share of visitors who sent them.",
        example="--period today",
    ),
)  # fmt: skip

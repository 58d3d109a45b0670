"""Every dimension that a question can name: its level, and its column on each source that has it."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from aggregations.query.sources import DAILY_EVENTS, DAILY_PAGES, DETECTED, EVENTS, VISITS, Level, Source
from sql.core.errors import UsageError

PROPERTY = "props."
SEGMENT = "segment"
MAX_PROPERTY = 128


class ValueKind(StrEnum):
    """What its values are."""

    TEXT = "text"
    NUMBER = "number"
    TIME = "time"


@dataclass(frozen=True, slots=True)
class Dimension:
    """``columns``: a text for each source, over its rows as ``s``. ``only`` restricts the rows that have a value.

    ``blank`` is how tables show an empty value.
    """

    name: str
    label: str
    level: Level | None
    about: str
    columns: Mapping[Source, str] = field(default_factory=dict)
    kind: ValueKind = ValueKind.TEXT
    only: Mapping[Source, str] = field(default_factory=dict)
    blank: str = ""


_NONE, _UNKNOWN = "(none)", "(unknown)"


def _first(name: str, label: str, about: str, column: str = "", blank: str = _NONE) -> Dimension:
    """A dimension of a visit's first event."""
    return Dimension(name, label, Level.VISIT, about, {VISITS: f"s.{column or name}"}, blank=blank)


_VIEWED = {VISITS: "s.pageviews > 0"}
_PAGE_VIEW = {EVENTS: "s.name = 'page_view'"}
_ALL = (
    Dimension("page", "Page", Level.EVENT, "Path of a page view.", {DAILY_PAGES: "s.path", EVENTS: "s.path"},
              only=_PAGE_VIEW),
    Dimension("path", "Path", Level.EVENT, "Path on which the event happened.", {EVENTS: "s.path"}),
    Dimension("hostname", "Host", Level.EVENT, "Host of the page.", {EVENTS: "toString(s.hostname)"}),
    Dimension("title", "Title", Level.EVENT, "Title of the page.", {EVENTS: "s.title"}),
    Dimension("event", "Event", Level.EVENT, "Name of the event.",
              {DAILY_EVENTS: "toString(s.name)", EVENTS: "toString(s.name)"}),
    Dimension("revenue", "Revenue", Level.EVENT, "Revenue of the event.", {EVENTS: "toFloat64(s.revenue)"},
              ValueKind.NUMBER),
    Dimension("scroll_depth", "Scroll depth", Level.EVENT, "Share of the page that was seen, in percent.",
              {EVENTS: "s.scroll_depth"}, ValueKind.NUMBER),
    Dimension("bot", "Bot", Level.EVENT, "yes or no: whether the event is flagged as a bot's.",
              dict.fromkeys((DAILY_EVENTS, DAILY_PAGES, EVENTS), "if(s.bot, 'yes', 'no')")),
    Dimension("import", "Import", Level.EVENT, "Import that the event came from.", {EVENTS: "toString(s.import_id)"},
              blank="(live)"),
    Dimension("kind", "Kind", Level.EVENT, "Detected kind of a click or form, as corrected.", {DETECTED: "s.kind"},
              only={DETECTED: "s.kind != 'none'"}),
    _first("source", "Source", "Where the visit came from."),
    _first("channel", "Channel", "Group of the source."),
    _first("referrer", "Referrer", "Host and path of the referring page."),
    _first("utm_source", "Campaign source", "utm_source of the landing address."),
    _first("utm_medium", "Medium", "utm_medium of the landing address."),
    _first("utm_campaign", "Campaign", "utm_campaign of the landing address."),
    _first("utm_term", "Term", "utm_term of the landing address."),
    _first("utm_content", "Content", "utm_content of the landing address."),
    _first("click_id_kind", "Click id", "Kind of the click id: gclid, fbclid, …"),
    _first("country", "Country", "Country of the visitor, ISO 3166-1 alpha-2.", blank=_UNKNOWN),
    _first("city", "City", "City of the visitor, by its English name.", blank=_UNKNOWN),
    _first("device", "Device", "desktop, mobile, tablet, tv or other.", blank=_UNKNOWN),
    _first("browser", "Browser", "Browser.", blank=_UNKNOWN),
    _first("os", "System", "Operating system.", blank=_UNKNOWN),
    _first("language", "Language", "First language of the browser.", blank=_UNKNOWN),
    _first("entry_hostname", "Entry host", "Host of the visit's first event.", "hostname"),
    Dimension("entry_page", "Entry page", Level.VISIT, "Path of the first page view.", {VISITS: "s.entry_page"},
              only=_VIEWED),
    Dimension("exit_page", "Exit page", Level.VISIT, "Path of the last page view.", {VISITS: "s.exit_page"},
              only=_VIEWED),
    Dimension("duration", "Duration", Level.VISIT, "Seconds from the first event to the last.", {VISITS: "s.duration"},
              ValueKind.NUMBER),
    Dimension("views", "Views", Level.VISIT, "Page views of the visit.", {VISITS: "s.pageviews"}, ValueKind.NUMBER),
    Dimension(SEGMENT, "Segment", Level.VISITOR, "Segment that the visitor belongs to, as of its last refresh."),
    *(
        Dimension(f"time:{unit}", unit.capitalize(), None, f"Local {unit} of the site.", kind=ValueKind.TIME)
        for unit in ("hour", "day", "week", "month")
    ),
)  # fmt: skip
DIMENSIONS: dict[str, Dimension] = {dimension.name: dimension for dimension in _ALL}


def find(name: str) -> Dimension:
    """The dimension of a name; ``props.<name>`` is a property of events. Raises UsageError, with the nearest name."""
    if name in DIMENSIONS:
        return DIMENSIONS[name]
    if name.startswith(PROPERTY) and 0 < len(name) - len(PROPERTY) <= MAX_PROPERTY:
        about = f"Property {name.removeprefix(PROPERTY)} of the event."
        return Dimension(name, name.removeprefix(PROPERTY), Level.EVENT, about, blank=_NONE)
    near = difflib.get_close_matches(name, DIMENSIONS, 1)
    raise UsageError(f"unknown dimension {name!r}", f"did you mean {near[0]}?" if near else "see `footfall dimensions`")

"""What a file of events, visits or rollups has: its columns, with their text over rows ``s``.

A new column is a line here. Of each, the kind says how it is written where the format has only text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from aggregations.query.sources import DAILY_EVENTS, DAILY_PAGES, EVENTS, VISITS, Source

# A spreadsheet takes text that begins with one of them for a formula.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
_STARTS = ", ".join(f"'{start}'" for start in ("=", "+", "-", "@", r"\t", r"\r", r"\n"))


class Cell(StrEnum):
    """What a column has in text formats."""

    EXACT = "exact"  # figures, times and words of ours
    TEXT = "text"  # what came from outside: a spreadsheet must not take it for a formula
    ID = "id"  # 64 bits, of which JSON readers lose some
    MAP = "map"  # properties


@dataclass(frozen=True, slots=True)
class Column:
    """One column. ``text`` is its SQL, of the same name where it is empty."""

    name: str
    kind: Cell = Cell.EXACT
    text: str = ""

    @property
    def sql(self) -> str:
        """Its text over rows ``s``."""
        return self.text or f"s.{self.name}"


@dataclass(frozen=True, slots=True)
class Table:
    """What can be exported. ``keys``: rows are grouped by so many of the first columns, since rollups are sums."""

    source: Source
    columns: tuple[Column, ...]
    help: str
    keys: int = 0


def harmless(text: str) -> str:
    """A text of SQL whose value a spreadsheet takes for text: an apostrophe before what would be a formula."""
    return f"if(left({text}, 1) in ({_STARTS}), concat('''', {text}), {text})"


def harmless_cell(value: str) -> str:
    """The same of a value."""
    return f"'{value}" if value.startswith(FORMULA_STARTS) else value


def _exact(*names: str) -> tuple[Column, ...]:
    return tuple(map(Column, names))


def _texts(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name, Cell.TEXT) for name in names)


_ORIGIN = _texts(
    "referrer", "source", "channel", "utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content",
)  # fmt: skip
_IDS = tuple(Column(name, Cell.ID) for name in ("visitor_id", "visit_id"))
_PROPS = tuple(
    Column(name, Cell.MAP, f"cast(s.{name}, 'Map(String, {kind})')")
    for name, kind in (("props", "String"), ("props_number", "Float64"), ("props_bool", "Bool"))
)
_SUMS = (Column("revenue", text="sum(s.revenue)"), Column("visitors", text="uniqMerge(s.visitors)"))

TABLES: Mapping[str, Table] = {
    "events": Table(
        EVENTS,
        (
            *_exact("timestamp", "local_date"),
            Column("event_id", text="toString(s.event_id)"),
            *_texts("name"),
            *_IDS,
            *_exact("visit_start"),
            *_texts("hostname", "path", "query", "title"),
            *_ORIGIN,
            *_exact("click_id_kind"),
            *_texts("click_id"),
            *_exact("country"),
            *_texts("city"),
            *_exact("device"),
            *_texts("browser", "browser_version", "os", "os_version", "screen", "language"),
            *_exact("bot", "bot_score", "bot_reasons"),
            *_texts("session_id", "user_id"),
            *_exact("engagement_ms", "scroll_depth", "revenue", "currency"),
            *_PROPS,
            *_exact("gpc", "consent", "import_id", "received_at"),
        ),
        "Raw events, one row each.",
    ),
    "visits": Table(
        VISITS,
        (
            *_exact("started", "ended", "visit_date"),
            *_IDS,
            *_exact("pageviews", "events", "interactions", "engagement_ms", "revenue", "duration"),
            Column("bounce", text="cast(s.bounce, 'Bool')"),
            *_texts("hostname", "entry_page", "exit_page"),
            *_ORIGIN,
            *_exact("click_id_kind", "country"),
            *_texts("city"),
            *_exact("device"),
            *_texts("browser", "os", "language"),
            *_exact("bot"),
        ),
        "Visits, one row each.",
    ),
    "daily_events": Table(
        DAILY_EVENTS,
        (*_exact("local_date"), *_texts("name"), Column("events", text="sum(s.events)"), *_SUMS),
        "Events, revenue and visitors by day and event name.",
        keys=2,
    ),
    "daily_pages": Table(
        DAILY_PAGES,
        (*_exact("local_date"), *_texts("hostname", "path"), Column("pageviews", text="sum(s.pageviews)"), _SUMS[1]),
        "Page views and visitors by day, host and path.",
        keys=3,
    ),
}  # fmt: skip

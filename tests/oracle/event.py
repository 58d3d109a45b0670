"""An event as it is stored: one row of `events`, in the words of Python."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

PAGE_VIEW = "page_view"
# What an event says of where it came from and on what it was seen; of a visit, its first event says it.
FIELDS = (
    "source", "channel", "referrer", "utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content",
    "click_id_kind", "country", "city", "device", "browser", "browser_version", "os", "os_version", "language",
)  # fmt: skip
# How many an event can stand for at most.
HEAVIEST = 1000
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MILLISECOND = dt.timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Detection:
    """What a click or a form was detected as. ``kind`` and ``confidence`` are as corrected by the override of that
    name ('': none)."""

    kind: str
    detected: str
    confidence: str
    rule: str
    selector: str
    text: str
    override: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """``at`` and ``received_at`` are ms since 1970 UTC; ``place`` is that among the events that were loaded together.

    ``fields`` has FIELDS, ``props`` the properties that are text. ``weight`` is how many it stands for.
    """

    visitor: int
    at: int
    received_at: int = 0
    place: int = 0
    event_id: int = 0
    name: str = PAGE_VIEW
    interactive: bool = False
    bot: bool = False
    hostname: str = ""
    path: str = "/"
    engagement_ms: int = 0
    scroll_depth: int = 0
    revenue: Decimal = Decimal(0)
    fields: Mapping[str, str] = field(default_factory=lambda: dict.fromkeys(FIELDS, ""))
    props: Mapping[str, str] = field(default_factory=dict)
    detection: Detection | None = None
    weight: Fraction = Fraction(1)
    user: str = ""

    @property
    def arrival(self) -> tuple[int, int, int, int]:
        """By which events of a visit are ordered: their time, then their arrival."""
        return self.at, self.received_at, self.place, self.event_id


def of_row(row: Mapping[str, Any]) -> Event:
    """An event of a row that `select * from events` gives, as a dictionary."""
    return Event(
        visitor=row["visitor_id"],
        at=milliseconds(row["timestamp"]),
        received_at=milliseconds(row["received_at"]),
        place=row["batch_seq"],
        event_id=row["event_id"].int,
        name=row["name"],
        interactive=row["interactive"],
        bot=row["bot"],
        hostname=row["hostname"],
        path=row["path"],
        engagement_ms=row["engagement_ms"],
        scroll_depth=row["scroll_depth"],
        revenue=row["revenue"],
        fields={name: row[name] for name in FIELDS},
        props=row["props"],
        weight=weight_of(row["props_number"].get("sample_weight")),
        user=row["user_id"],
    )


def weight_of(number: float | None) -> Fraction:
    """How many an event with this property stands for, in whole millionths: what cannot be, or is not there, is 1."""
    if number is None or not math.isfinite(number) or number < 1:
        return Fraction(1)
    return Fraction(round(min(number, HEAVIEST) * 1_000_000), 1_000_000)


def milliseconds(moment: dt.datetime) -> int:
    """A moment of the engine, which is UTC whether or not it says so."""
    return (moment.replace(tzinfo=dt.UTC) - _EPOCH) // _MILLISECOND

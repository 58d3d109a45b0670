"""What an answer cannot know, since retention has removed it: said in a line, so that no figure is taken for whole."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable

from aggregations.query.closed import Closed
from aggregations.query.periods import Period
from aggregations.query.sources import VISITS, Source

_EVENTS = re.compile(r"\bfrom (events|detected_events)\b")
_NAMES = {"events": "Raw events", "visits": "Visits", "rollups": "Rollups"}


def note(closed: Closed, sources: Iterable[Source], text: str, periods: Iterable[Period | None]) -> str:
    """What is missing of these periods in a statement that reads ``sources``; empty where nothing is."""
    used = {"visits" if source is VISITS else "events" if source.rows else "rollups" for source in sources}
    if _EVENTS.search(text):
        used.add("events")
    first = min((period.first for period in periods if period is not None), default=dt.date.max)
    missing = [(_NAMES[what], since) for what, since in closed.horizons if what in used and since > first]
    return " ".join(f"{name} are kept from {since} on: figures leave out what is earlier." for name, since in missing)

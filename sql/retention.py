"""How long what is stored of a site is kept: a definition for each table, or column of events."""

from __future__ import annotations

import msgspec

from sql.core.errors import UsageError
from sql.definitions import Kind
from sql.schema.horizons import Kept

# Columns of events that nothing is derived from, so that they can be cleared while their events stay.
COLUMNS = (
    "user_agent", "query", "title", "click_id", "session_id", "user_id", "screen", "browser_version", "os_version",
    "props", "props_number", "props_bool",
)  # fmt: skip
MAX_DAYS = 3650


class Retention(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Kept for ``days`` local days. ``archive``: a directory or object-store URL that rows are written to first."""

    days: int
    archive: str = ""


def _check(body: Retention) -> None:
    if not 1 <= body.days <= MAX_DAYS:
        raise UsageError(f"cannot keep data for {body.days} days", f"1 to {MAX_DAYS}")


def _check_name(name: str) -> None:
    if name not in names():
        raise UsageError(f"cannot keep {name!r} for a time of its own", f"one of: {', '.join(names())}")


def names() -> tuple[str, ...]:
    """What can be kept for a time of its own: tables, and columns as ``events.user_agent``."""
    return (*Kept, *(f"{Kept.EVENTS}.{column}" for column in COLUMNS))


def shown(body: Retention) -> str:
    """A body in a line."""
    return f"{body.days}d" + (f", archived in {body.archive}" if body.archive else "")


RETENTION = Kind("retention", Retention, _check, shown, _check_name)

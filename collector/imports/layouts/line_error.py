"""What is wrong with a line."""

from __future__ import annotations

_SHOWN = 60


class LineError(ValueError):
    """A line that has the layout, and a value that is impossible; says which."""


def shown(field: bytes) -> str:
    """The start of a field, for a message."""
    text = field[:_SHOWN].decode("utf-8", "replace")
    return "".join(char if char.isprintable() else "\ufffd" for char in text) + ("…" if len(field) > _SHOWN else "")

"""Texts of the schema with one of their tables replaced by a SELECT."""

from __future__ import annotations

from collections.abc import Iterable


def replaced(text: str, old: str, new: str) -> str:
    """``text`` with the one place of ``old`` replaced. Raises ValueError where there is none, or several."""
    if text.count(old) != 1:
        raise ValueError(f"{old!r} is there {text.count(old)} times, not once")
    return text.replace(old, new)


def of_events(derivation: str, conditions: Iterable[str]) -> str:
    """A derivation over the events, as ``s``, that hold all conditions."""
    events = f"select * from events as s where {' and '.join(conditions)}"  # noqa: S608 (texts of ours)
    return replaced(derivation, "from events as e", f"from ({events}) as e")


def instead(statement: str, table: str, select: str) -> str:
    """A statement that reads ``table`` as ``t``, over another select in its place."""
    return replaced(statement, f"from {table} as t", f"from (\n{select}\n) as t")

"""One step of a change that has several, as a command plans it and carries it out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """``act`` is a verb; done again, it has the same effect. How much it concerns: rows, months (YYYYMM), files."""

    act: str
    what: str
    do: Callable[[], object]
    rows: int = 0
    months: tuple[int, ...] = ()
    files: tuple[str, ...] = ()

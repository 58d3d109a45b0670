"""What a question keeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.oracle.dimension import DIMENSIONS, Dimension


@dataclass(frozen=True, slots=True)
class Condition:
    """``holds`` of the value of a dimension that belongs to events or visits.

    With ``of_visitor`` it keeps whoever has such an event, or such a visit, in the period.
    """

    dimension: str
    holds: Callable[[Any], bool]
    of_visitor: bool = False

    @property
    def about(self) -> Dimension:
        """The dimension itself."""
        return DIMENSIONS[self.dimension]

    def of(self, subject: object) -> bool:
        """Whether an event or a visit, whichever the dimension belongs to, meets it."""
        return self.holds(self.about.value(subject))

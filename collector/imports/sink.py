"""Where imported events go."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Protocol

from collector.event.model import SpooledEvent


class Sink(Protocol):
    """What takes events. ``bots``: how many of those that it stored are of flagged bots, once it has finished."""

    bots: int

    def add(self, events: Iterable[SpooledEvent], /) -> None:
        """Take events; they are safe when this returns."""

    def seal(self) -> None:
        """Let what was taken be loaded now."""

    def finish(self, on_wait: Callable[[int], None], /) -> int | None:
        """Wait until all is stored; returns how many events were new, None where nothing is stored."""


class Nowhere:
    """The sink of a dry run: events are only counted, by whoever made them."""

    bots = 0

    def add(self, events: Iterable[SpooledEvent]) -> None:
        """Draw the events."""
        deque(events, maxlen=0)

    def seal(self) -> None:
        """Nothing is waiting."""

    def finish(self, on_wait: Callable[[int], None]) -> None:
        """Nothing is stored."""

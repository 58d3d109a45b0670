"""How far visitors get through the steps of a funnel, and when they get to each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tests.oracle.event import PAGE_VIEW, Event

DAY_MS = 24 * 60 * 60 * 1000


@dataclass(frozen=True, slots=True)
class Step:
    """A step as a person writes it: ``purchase``, ``/product/*`` (a page view there), ``add_to_cart:/product/*``."""

    text: str

    @property
    def name(self) -> str:
        """Of which events it is."""
        return PAGE_VIEW if self.text.startswith("/") else self.text.partition(":")[0]

    @property
    def path(self) -> str:
        """Where they happen; empty: anywhere."""
        return self.text if self.text.startswith("/") else self.text.partition(":")[2]

    def matches(self, event: Event) -> bool:
        """Whether an event is this step."""
        return event.name == self.name and (not self.path or like(self.path, event.path))


@dataclass(frozen=True, slots=True)
class Funnel:
    """``window`` is in ms, ``order`` ordered, strict or any."""

    steps: Sequence[Step]
    window: int = DAY_MS
    order: str = "ordered"
    excluded: Sequence[Step] = ()

    def attempt(self, events: Iterable[Event]) -> list[Event]:
        """The attempt of one visitor that counts: the events of its steps, as they follow each other; maybe none."""
        ordered = [one for one in sorted(events, key=self._moment) if self._is_of_interest(one)]
        made = [found for at in range(len(ordered)) if (found := self._from(at, ordered))]
        # Farthest, then there first, then begun last.
        farthest = [one for one in made if len(one) == max(map(len, made))]
        soonest = min(((one[-1].at, one[-1].place) for one in farthest), default=None)
        return next((one for one in reversed(farthest) if (one[-1].at, one[-1].place) == soonest), [])

    def _from(self, start: int, ordered: Sequence[Event]) -> list[Event]:
        first = ordered[start]
        open_steps = list(self.steps)
        found: list[Event] = []
        for event in ordered[start:]:
            if self._ends(event) or event.at - first.at > self.window:
                break
            step = self._step(event, open_steps)
            if step is not None:
                open_steps.remove(step)
                found.append(event)
            elif self.order == "strict" or event is first:
                break
            if not open_steps:
                break
        return found

    def _step(self, event: Event, open_steps: Sequence[Step]) -> Step | None:
        """For which of the steps that are still to come an event counts."""
        if self.order != "any":
            return open_steps[0] if open_steps[0].matches(event) else None
        longest = next((step for step in self._by_length() if step.matches(event)), None)
        return longest if longest in open_steps else None

    def _ends(self, event: Event) -> bool:
        return any(step.matches(event) for step in self.excluded)

    def _is_of_interest(self, event: Event) -> bool:
        """What a visitor did, and whatever the funnel names."""
        named = any(step.matches(event) for step in (*self.steps, *self.excluded))
        return named or event.interactive or event.name == PAGE_VIEW

    def _moment(self, event: Event) -> tuple[int, int, int]:
        """By time, then by place. Of two with one place, which came in different batches, either may be the later one:
        the engine goes by the steps that they match."""
        bits = sum(step.matches(event) << place for place, step in enumerate(self._by_length()))
        return event.at, event.place, 256 if self._ends(event) else bits

    def _by_length(self) -> Sequence[Step]:
        if self.order != "any":
            return self.steps
        return sorted(self.steps, key=lambda step: len(step.path.replace("*", "")), reverse=True)


def like(pattern: str, path: str) -> bool:
    """Whether a path is what a pattern says, in which ``*`` is anything."""
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), path, re.DOTALL) is not None

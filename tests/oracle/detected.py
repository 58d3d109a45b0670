"""What the tracker detected, as corrected: of several overrides that fit, the one with the most criteria, then the
latest, decides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from tests.oracle.event import Detection, Event

NAMES = ("click", "form_submit")
SURE = ("low", "medium", "high")
WRONG = "none"


@dataclass(frozen=True, slots=True)
class Override:
    """``kind`` for the events whose name, rule, selector and text are those of ``criteria``. The later has the higher
    number."""

    number: int
    name: str
    kind: str
    criteria: Mapping[str, str]

    def fits(self, event: Event, found: Detection) -> bool:
        """Whether it is about this event."""
        told = {"event": event.name, "rule": found.rule, "selector": found.selector, "text": found.text}
        return all(told[name] == value for name, value in self.criteria.items())


def detected(event: Event) -> Detection | None:
    """What the tracker says an event is; None for all others. A form is named by ``form`` where it has no selector."""
    kind, confidence = event.props.get("kind", ""), event.props.get("confidence", "")
    if event.name not in NAMES or not kind or confidence not in SURE:
        return None
    selector = event.props.get("selector") or event.props.get("form", "")
    return Detection(kind, kind, confidence, event.props.get("rule", ""), selector, event.props.get("text", ""))


def corrected(event: Event, overrides: Iterable[Override]) -> Event:
    """The event with what it was detected as, after the override that decides."""
    found = detected(event)
    if found is None:
        return event
    fitting = [override for override in overrides if override.fits(event, found)]
    if fitting:
        decides = max(fitting, key=lambda override: (len(override.criteria), override.number))
        found = replace(found, kind=decides.kind, confidence="reviewed", override=decides.name)
    return replace(event, detection=found)

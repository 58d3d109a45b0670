"""JSON Schemas of events, by site and event name, as collectors see them: a file in the data directory.

`event_schemas` in ClickHouse is the truth; ``publish`` writes the file from it. An event without a schema fits.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from collector.model import Event
from sql.errors import UsageError
from sql.files import write_atomic

if TYPE_CHECKING:
    import jsonschema_rs

MAX_SCHEMA = 64 * 1024
MAX_DETAIL = 200


class Mode(StrEnum):
    """What happens to an event that does not fit: ``warn`` accepts and says so, ``off`` asks nothing."""

    WARN = "warn"
    REJECT = "reject"
    OFF = "off"


class EventSchema(msgspec.Struct, frozen=True):
    """One version of the schema of a site's event; ``schema`` is JSON text."""

    site_id: int
    name: str
    version: int
    mode: Mode
    schema: str


class Misfit(NamedTuple):
    """How an event does not fit: the field, what is wrong, and whether that is enough to reject it."""

    field: str
    detail: str
    rejected: bool


def compiled(schema: str) -> jsonschema_rs.Validator:
    """A validator. Raises UsageError for what is no JSON Schema, or refers to one elsewhere."""
    import jsonschema_rs

    if len(schema) > MAX_SCHEMA:
        raise UsageError(f"a schema has at most {MAX_SCHEMA:,} characters")
    try:
        parsed = msgspec.json.decode(schema)
        # Nothing is fetched from elsewhere, and patterns are of the kind that is judged in linear time.
        return jsonschema_rs.validator_for(parsed, offline=True, pattern_options=jsonschema_rs.RegexOptions())
    except (ValueError, jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, RecursionError) as exc:
        raise UsageError(f"not a JSON Schema: {str(exc).splitlines()[0]}") from exc


def misfit(validator: jsonschema_rs.Validator, event: Event) -> tuple[str, str] | None:
    """Field and reason where the event, as it was sent, does not fit."""
    sent = msgspec.to_builtins(event)
    for error in validator.iter_errors(sent):
        return ".".join(str(part) for part in error.instance_path), str(error.message)[:MAX_DETAIL]
    return None


def publish(path: Path, schemas: list[EventSchema]) -> None:
    """Write the file for collectors, if it differs."""
    data = msgspec.json.format(msgspec.json.encode(schemas), indent=1)
    if not path.exists() or path.read_bytes() != data:
        write_atomic(path, data, mode=0o600)


class EventSchemas:
    """The newest schemas; looks at most once a second whether the file changed."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self.path = path
        self._clock = clock
        self._looked = -1e9
        self._stamp: tuple[int, int] | None = None
        self._of: dict[tuple[int, str], tuple[Mode, Any]] = {}

    def misfit(self, site_id: int, event: Event) -> Misfit | None:
        """How an event does not fit the schema of its name; None where it does, or there is none."""
        self._refresh()
        if not self._of or (found := self._of.get((site_id, event.name))) is None:
            return None
        mode, validator = found
        wrong = misfit(validator, event)
        return Misfit(*wrong, mode is Mode.REJECT) if wrong else None

    def _refresh(self) -> None:
        now = self._clock()
        if now - self._looked < 1.0:
            return
        self._looked = now
        try:
            stat = self.path.stat()
        except FileNotFoundError:
            return
        if (stamp := (stat.st_mtime_ns, stat.st_ino)) == self._stamp:
            return
        schemas = msgspec.json.decode(self.path.read_bytes(), type=list[EventSchema])
        self._of = {(s.site_id, s.name): (s.mode, compiled(s.schema)) for s in schemas if s.mode is not Mode.OFF}
        self._stamp = stamp

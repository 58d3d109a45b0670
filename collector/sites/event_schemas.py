"""JSON Schemas of events, by site and event name, as collectors know them: published from the definitions of sites.

An event without a schema fits.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from collector.choices import SchemaMode
from collector.event.model import Event
from collector.sites.snapshot import SnapshotFile
from sql.core.errors import UsageError

if TYPE_CHECKING:
    import jsonschema_rs

log = logging.getLogger("footfall.collector")
MAX_SCHEMA = 64 * 1024
MAX_DETAIL = 200


class EventSchema(msgspec.Struct, frozen=True):
    """One version of the schema of a site's event; ``schema`` is JSON text."""

    site_id: int
    name: str
    version: int
    mode: SchemaMode
    schema: str


class SchemaViolation(NamedTuple):
    """How an event does not fit: the field, what is wrong, and whether that is enough to reject it."""

    field: str
    detail: str
    rejected: bool


def compiled(schema: str) -> jsonschema_rs.Validator:
    """A validator. Raises UsageError for what is no JSON Schema, or refers to one elsewhere."""
    import jsonschema_rs

    if len(schema) > MAX_SCHEMA:
        raise UsageError(f"a schema must have at most {MAX_SCHEMA:,} characters")
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


class EventSchemas:
    """The newest schemas; looks at most once a second whether the file changed."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._published = SnapshotFile(path, EventSchema, clock)
        self._of: dict[tuple[int, str], tuple[SchemaMode, Any]] = {}

    def misfit(self, site_id: int, event: Event) -> SchemaViolation | None:
        """How an event does not fit the schema of its name; None where it does, or there is none."""
        self._refresh()
        if not self._of or (found := self._of.get((site_id, event.name))) is None:
            return None
        mode, validator = found
        wrong = misfit(validator, event)
        return SchemaViolation(*wrong, mode is SchemaMode.REJECT) if wrong else None

    def _refresh(self) -> None:
        schemas = self._published.changed()
        if schemas is None:
            return
        self._of = {}
        for schema in schemas:
            if schema.mode is not SchemaMode.OFF:
                try:
                    self._of[schema.site_id, schema.name] = schema.mode, compiled(schema.schema)
                except UsageError as exc:  # another version of the library took it: events must come in all the same
                    log.error("version %d of a schema of site %d is ignored: %s", schema.version, schema.site_id, exc)

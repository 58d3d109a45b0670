"""Which column of a file is which field of an event."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from collector.event.model import Event
from sql.core.errors import UsageError

PROPS = "props."
# What a row can say in addition to what a site sends: the visitor's address (hashed, not stored), their country and
# city, a URL in parts, a currency.
MORE = ("address", "country", "city", "hostname", "path", "query", "currency", "gpc")
FIELDS = (*Event.__struct_fields__, *MORE)
_SECTIONS = {"columns", "constants"}


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """Columns by field of the event (``props.plan`` for a property), and fields that are the same in every row.

    A column of an object within an object is named with dots. Without columns, those that are called like fields are
    these fields.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, Any] = field(default_factory=dict)

    def fields(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The fields of an event that a row gives; without those that it leaves empty."""
        found = dict(self.constants)
        if self.columns:
            for name, column in self.columns.items():
                value = values[column] if column in values else _within(values, column)
                if value is not None and value != "":
                    found[name] = value
            return found
        for name, value in values.items():
            if value is not None and value != "" and (name in FIELDS or name.startswith(PROPS)):
                found[name] = value
        return found

    def unused(self, columns: Iterable[str]) -> list[str]:
        """Columns that are not read."""
        used = {column.partition(".")[0] for column in self.columns.values()} | set(self.columns.values())
        if self.columns:
            return [name for name in columns if name not in used]
        return [name for name in columns if name not in FIELDS and not name.startswith(PROPS)]


def read(path: Path | None, pairs: Iterable[str] = (), constants: Iterable[str] = ()) -> ColumnMap:
    """A map from a TOML file (tables ``columns`` and ``constants``) and from ``FIELD=COLUMN`` texts, which go first.

    Raises UsageError for a file that is not one, and for fields that there are not.
    """
    made: dict[str, dict[str, Any]] = {"columns": {}, "constants": {}}
    if path is not None:
        try:
            given = tomllib.loads(path.read_text())
        except (OSError, ValueError) as exc:
            raise UsageError(f"cannot read the map {path}: {exc}") from exc
        if unknown := given.keys() - _SECTIONS:
            raise UsageError(f"{path}: unknown table {min(unknown)!r}", "known: columns, constants")
        for section, values in given.items():
            made[section] |= {name: value for name, value in _flat(values, section) if _known(name)}
    for section, texts in (("columns", pairs), ("constants", constants)):
        for text in texts:
            name, mark, value = text.partition("=")
            if not mark or not value:
                raise UsageError(f"not FIELD=VALUE: {text!r}", "such as timestamp=created_at")
            _known(name)
            made[section][name] = value
    for name, column in made["columns"].items():
        if not isinstance(column, str):
            raise UsageError(f"the column of {name} is not a text: {column!r}")
    return ColumnMap(made["columns"], made["constants"])


def _known(name: str) -> bool:
    if name not in FIELDS and not (name.startswith(PROPS) and len(name) > len(PROPS)):
        raise UsageError(f"events do not have a field {name!r}", f"known: {', '.join(FIELDS)}, props.NAME")
    return True


def _flat(values: Any, section: str) -> list[tuple[str, Any]]:
    """Fields of a table; those of ``[columns.props]`` are properties."""
    if not isinstance(values, dict):
        raise UsageError(f"{section} is not a table", 'write [columns], then lines such as timestamp = "created_at"')
    found: list[tuple[str, Any]] = []
    for name, value in values.items():
        if name == "props" and isinstance(value, dict):
            found += [(f"{PROPS}{each}", its) for each, its in value.items()]
        else:
            found.append((name, value))
    return found


def _within(values: Mapping[str, Any], column: str) -> Any:
    found: Any = values
    for part in column.split("."):
        if not isinstance(found, Mapping) or part not in found:
            return None
        found = found[part]
    return found

"""The one place where SQL is joined from texts: values are bound, everything else comes from catalogues and files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from sql.schema import shipped
from sql.schema.replaced import of_events, replaced
from sql.schema.shipped import SchemaKind


@dataclass(slots=True)
class Binder:
    """Values of a statement and the names that they are bound by."""

    values: dict[str, object] = field(default_factory=dict)

    def bind(self, value: object, kind: str) -> str:
        """The text that stands for ``value``, of a ClickHouse type. Equal values are bound once."""
        for name, known in self.values.items():
            if type(known) is type(value) and known == value and name.endswith(f"_{_plain(kind)}"):
                return f"{{{name}:{kind}}}"
        name = f"b{len(self.values)}_{_plain(kind)}"
        self.values[name] = value
        return f"{{{name}:{kind}}}"


def scoped(table: str, conditions: Iterable[str]) -> str:
    """Rows of a table that hold all conditions, every column: the engine reads those that are used."""
    return f"select * from {table} as s where {' and '.join(conditions)}"


def chosen_by(column: str, rows: str) -> str:
    """Rows whose ``column`` is one of those in ``rows``."""
    return f"s.{column} in (select {column} from ({rows}))"


def derived(view: str, table: str, conditions: Iterable[str]) -> str:
    """What ``view`` shows of ``table``, derived from raw events at reading: the same texts, without what is stored.

    ``conditions`` restrict the events.
    """
    return shown(view, f"{table} as v", of_events(shipped.derivation(table), conditions))


def shown(view: str, table: str, rows: str) -> str:
    """What ``view`` shows of ``rows`` in place of all rows of ``table``, which is given as in `events as e`."""
    body = replaced(shipped.read(SchemaKind.VIEW, view), f"create or replace view {view} as", "")
    _, _, alias = table.partition(" as ")
    return replaced(body, f"from {table}", f"from (\n{rows}\n) as {alias}")


def with_first(name: str, text: str, statement: str) -> str:
    """A statement of a file, with a first CTE in front of its own."""
    bare = "\n".join(line for line in statement.splitlines() if not line.startswith("--")).strip()
    rest = bare.removeprefix("with").lstrip()
    joiner = ",\n" if rest != bare else "\n"
    return f"with {name} as (\n{text}\n){joiner}{rest}"


def _plain(kind: str) -> str:
    return "".join(char if char.isalnum() else "_" for char in kind).strip("_").lower()

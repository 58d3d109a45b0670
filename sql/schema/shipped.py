"""The schema that this version ships, as texts in the order in which they run.

Numbered migrations make and change tables. Functions, plain views and derivations are repeatable: each is one file,
and is made again whenever its text changes, or the text of anything that it uses.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from graphlib import TopologicalSorter
from importlib.resources import files

from sql.core.queries import identifier

_COMMENT = re.compile(r"(?:^|\s)--(?:\s[^\n]*)?$", re.MULTILINE)
_DROPS = re.compile(r"^drop (?:table|view|function) if exists (\w+)", re.MULTILINE)
_MIGRATION = re.compile(r"\d{4}_[a-z0-9_]+\Z")


class SchemaKind(StrEnum):
    """What a file of the schema holds."""

    MIGRATION = "migration"
    FUNCTION = "function"
    VIEW = "view"
    DERIVATION = "derivation"


@dataclass(frozen=True, slots=True)
class SchemaText:
    """One file of the schema. ``checksum`` changes with its text and with that of every function and view it uses."""

    name: str
    kind: SchemaKind
    sql: str
    checksum: str


def texts() -> Iterator[SchemaText]:
    """Everything that is shipped: migrations by number, then functions, views and derivations, users after the used."""
    for name in names(SchemaKind.MIGRATION):
        yield SchemaText(
            name, SchemaKind.MIGRATION, read(SchemaKind.MIGRATION, name), checksum(read(SchemaKind.MIGRATION, name))
        )
    found = {name: (kind, read(kind, name)) for kind in (SchemaKind.FUNCTION, SchemaKind.VIEW) for name in names(kind)}
    uses = {name: _words(sql) & found.keys() - {name} for name, (_, sql) in found.items()}
    order = list(TopologicalSorter(uses).static_order())
    whole: dict[str, str] = {}
    for name in order:
        whole[name] = _with_used(found[name][1], uses[name], whole)
    for kind in (SchemaKind.FUNCTION, SchemaKind.VIEW):
        for name in order:
            if found[name][0] is kind:
                yield SchemaText(name, kind, found[name][1], checksum(whole[name]))
    for name in names(SchemaKind.DERIVATION):
        sql = derivation(name)
        yield SchemaText(name, SchemaKind.DERIVATION, sql, checksum(_with_used(sql, _words(sql) & found.keys(), whole)))


def step_names() -> set[str]:
    """Names of everything that is shipped."""
    return {name for kind in SchemaKind for name in names(kind)}


def retired(migration: str = "") -> frozenset[str]:
    """What earlier versions shipped and this one does not, since a migration (any, or the one named) drops it."""
    texts = (read(SchemaKind.MIGRATION, name) for name in ([migration] if migration else names(SchemaKind.MIGRATION)))
    return frozenset(name for text in texts for name in _DROPS.findall(_COMMENT.sub("", text))) - step_names()


def down(migration: str) -> str:
    """How a migration is taken back; '' where it cannot be."""
    path = files("sql") / "schema" / "migrations" / f"{migration}.down.sql"
    return path.read_text() if path.is_file() else ""


def dropped(text: str) -> set[str]:
    """Views and functions of this version that statements drop."""
    return set(_DROPS.findall(_COMMENT.sub("", text))) & step_names()


def derivation(name: str) -> str:
    """The text of ``derivations/<name>.sql``: one SELECT over ``events`` that derives table ``name``."""
    return read(SchemaKind.DERIVATION, identifier(name))


def checksum(text: str) -> str:
    """First 16 hex digits of the SHA-256 of a text, comments and the breaking of lines aside."""
    bare = " ".join(_COMMENT.sub("", text).split())
    return hashlib.sha256(bare.encode()).hexdigest()[:16]


@cache
def names(kind: SchemaKind) -> list[str]:
    """Names of all files of a kind, sorted. Files of migrations are numbered."""
    found = sorted(path.name[:-4] for path in (files("sql") / "schema" / f"{kind}s").iterdir() if ".sql" in path.name)
    return [name for name in found if kind is not SchemaKind.MIGRATION or _MIGRATION.match(name)]


@cache
def read(kind: SchemaKind, name: str) -> str:
    """The text of a file."""
    return (files("sql") / "schema" / f"{kind}s" / f"{name}.sql").read_text()


def _words(sql: str) -> set[str]:
    return set(re.findall(r"[a-z_][a-z0-9_]*", _COMMENT.sub("", sql)))


def _with_used(sql: str, used: set[str], whole: dict[str, str]) -> str:
    return "\n".join([sql, *(whole[name] for name in sorted(used))])

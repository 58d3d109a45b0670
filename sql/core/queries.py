"""SQL lives in ``.sql`` files; this finds them, and lets identifiers (never values) through."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

from sql.core.errors import UsageError

_IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]{0,127}\Z")


@cache
def query(name: str) -> str:
    """The text of ``sql/queries/<name>.sql``."""
    return (files("sql") / "queries" / f"{identifier(name)}.sql").read_text()


@cache
def view(name: str) -> str:
    """The text of ``sql/views/<name>.sql``: one SELECT over ``events`` that derives table ``name``."""
    return (files("sql") / "views" / f"{identifier(name)}.sql").read_text()


def names(folder: str) -> list[str]:
    """Names (without ``.sql``) of all statements in a folder of this room, sorted."""
    return sorted(p.name[:-4] for p in (files("sql") / folder).iterdir() if p.name.endswith(".sql"))


def identifier(name: str) -> str:
    """``name`` if it is a plain lower-case SQL identifier; the only way text gets into SQL unbound.

    Raises UsageError for anything else.
    """
    if not _IDENTIFIER.match(name):
        raise UsageError(f"not a usable name: {name!r}", "lower-case letters, digits and _")
    return name


def split(script: str) -> list[str]:
    """Statements of a migration file. They end with ``;`` at the end of a line; comments stay inside."""
    parts = re.split(r";[ \t]*(?:\n|\Z)", script)
    return [part.strip() for part in parts if re.sub(r"--[^\n]*", "", part).strip()]

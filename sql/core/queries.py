"""SQL lives in ``.sql`` files; this finds them, and lets identifiers (never values) through."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

from sql.core.errors import UsageError

_IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]{0,127}\Z")


@cache
def query(name: str) -> str:
    """The text of ``sql/queries/<noun>/<file>.sql``; ``name`` is ``<noun>/<file>``."""
    noun, _, file = name.partition("/")
    return (files("sql") / "queries" / identifier(noun) / f"{identifier(file)}.sql").read_text()


def names() -> list[str]:
    """Names of all queries, sorted."""
    nouns = (folder for folder in (files("sql") / "queries").iterdir() if folder.is_dir())
    return sorted(f"{noun.name}/{path.name[:-4]}" for noun in nouns for path in noun.iterdir())


def identifier(name: str) -> str:
    """``name`` if it is a plain lower-case SQL identifier; the only way text gets into SQL unbound.

    Raises UsageError for anything else.
    """
    if not _IDENTIFIER.match(name):
        raise UsageError(f"not a usable name: {name!r}", "lower-case letters, digits and _")
    return name

"""What a statement says, in the engine's own reading of it: its tree, and its words.

Neither is enough alone. The tree says what each name is, but ClickHouse 25.8 leaves window definitions out of it; the
canonical text has every name, but not what it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sql.core import queries
from sql.core.errors import UsageError

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

# Strings are passed over. In the canonical text a name is bare or in backquotes.
_PIECE = re.compile(r"'(?:[^'\\]|\\.)*'|(?P<name>`(?:[^`\\]|\\.)*`|[A-Za-z_][A-Za-z0-9_$]*)(?P<after>[.(]?)", re.DOTALL)
_KIND = re.compile(r"[A-Za-z:]+\Z")
_CHILDREN = re.compile(r"\d{1,9}\)\Z")


@dataclass(frozen=True, slots=True)
class Node:
    """A line of the tree: what it is, its name where it has one, and the kind of the line before it."""

    kind: str
    name: str
    before: str


@dataclass(frozen=True, slots=True)
class Word:
    """A name in the canonical text; ``after`` is '(' where it is called, '.' where a part of it is named."""

    name: str
    after: str
    qualified: bool


def words(client: Client, text: str) -> list[Word]:
    """The names in a SELECT, keywords too. Raises UsageError for another statement and for names that need escapes,
    DatabaseError for what the engine cannot read."""
    [(canonical,)] = client.query(queries.query("console/canonical"), parameters={"text": text}).result_rows
    found = list(_words(canonical))
    if not found or found[0].name not in {"SELECT", "WITH"}:
        raise UsageError(f"only SELECT can be held to a site, not {found[0].name if found else canonical}")
    return found


def tree(client: Client, text: str) -> list[Node]:
    """The nodes of a SELECT of which ``words`` has been asked, depth first.

    It is read in parentheses, where there is no FORMAT and no INTO OUTFILE; since it was read alone before, it cannot
    close them early. Nothing of it is carried out. Raises DatabaseError for what the engine cannot read.
    """
    rows = client.query(f"explain ast select * from (\n{text}\n)").result_rows  # noqa: S608 (only read)
    return list(_nodes(line for (row,) in rows for line in row.split("\n")))


def _nodes(lines: Iterable[str]) -> Iterator[Node]:
    before = ""
    for line in lines:
        kind, _, rest = line.lstrip(" ").partition(" ")
        if not _KIND.match(kind):
            raise UsageError(f"not understood: {line.strip()!r}")
        yield Node(kind, _name(rest), before)
        before = kind


def _name(rest: str) -> str:
    """The name behind a kind, without alias and the number of children, which are in parentheses behind it."""
    name, mark, number = f" {rest}".rpartition(" (children ")
    if not mark or not _CHILDREN.match(number):
        name = f" {rest}"
    if name.endswith(")"):
        name = name.partition(" (alias ")[0]
    return name.lstrip(" ")


def _words(canonical: str) -> Iterator[Word]:
    for match in _PIECE.finditer(canonical):
        if (name := match["name"]) is None:
            continue
        if "\\" in name or not name.isprintable():
            raise UsageError(f"a name cannot have {name} in it", "use letters, digits and _")
        yield Word(name.strip("`"), match["after"], canonical[match.start() - 1 : match.start()] == ".")

"""Definitions as a TOML file, for version control: a table for each, such as ``[[goal]]``, with site and name."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from aggregations.definitions.changes import Change, changes
from aggregations.query import sites
from aggregations.query.sites import SiteRow
from sql import definitions
from sql.core.errors import UsageError
from sql.core.words import one
from sql.definitions import Kind

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

# Text that is not readable between double quotes, and text that a literal string of TOML cannot hold.
_QUOTED = re.compile(r'["\\\n]')
_NOT_LITERAL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]|'''|'\Z")
HEAD = "# Written by `footfall definitions export`; applied by `footfall apply`.\n\n"
Kinds = Mapping[str, Kind[Any]]


@dataclass(frozen=True, slots=True)
class Entry:
    """One table of a file. ``site`` is a domain; None: not stated."""

    kind: Kind[Any]
    site: str | None
    name: str
    body: Any


def read(text: str, kinds: Kinds) -> list[Entry]:
    """The entries of a file, of ``kinds`` by name. Raises UsageError that names the entry that is wrong."""
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        raise UsageError(f"not TOML: {exc}") from None
    found = []
    for name, tables in given.items():
        if name not in kinds:
            raise UsageError(f"unknown kind of definition: {name!r}", f"known: {', '.join(kinds)}")
        if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
            raise UsageError(f"{name} must be a list of tables", f"begin each with [[{name}]]")
        found += [_entry(kinds[name], table) for table in tables]
    return found


def written(entries: Iterable[Entry]) -> str:
    """The file that has these entries. Equal entries make equal files, in whatever order they are given."""
    tables = []
    for entry in sorted(entries, key=lambda entry: (entry.kind.name, entry.site or "", entry.name)):
        stated = {"site": entry.site} if entry.site else {}
        table = stated | {"name": entry.name} | msgspec.to_builtins(entry.body)
        tables.append(f"[[{entry.kind.name}]]\n" + "".join(_line(name, value) for name, value in table.items()))
    return HEAD + "\n".join(tables)


def stored(client: Client, of: Iterable[SiteRow], kinds: Kinds) -> list[Entry]:
    """What is defined for these sites."""
    return [
        Entry(kind, site.domain, each.name, each.body)
        for site in of
        for kind in kinds.values()
        for each in definitions.every(client, site.site_id, kind)
    ]


def difference(
    client: Client, entries: list[Entry], kinds: Kinds, domain: str | None = None, *, prune: bool = False
) -> list[Change]:
    """What the entries of a file make of what is defined; ``domain`` is that of entries which do not name one.

    With ``prune``, what the file does not have goes, of ``domain`` and of every site that the file names. Raises
    UsageError for an entry that cannot be, or that comes twice.
    """
    named = {entry.site or domain for entry in entries} | ({domain} if domain or not entries else set())
    rows = {name: sites.find(client, name) for name in named}
    found: list[Change] = []
    for site in sorted(set(rows.values()), key=lambda row: row.domain):
        for kind in kinds.values():
            wanted: dict[str, Any] = {}
            for entry in entries:
                if entry.kind is kind and rows[entry.site or domain] == site:
                    if entry.name in wanted:
                        raise UsageError(f"the file has {kind.noun} {entry.name!r} of {site.domain} twice")
                    wanted[entry.name] = entry.body
            found += changes(client, site, kind, wanted, prune=prune)
    return found


def _entry(kind: Kind[Any], table: dict[str, Any]) -> Entry:
    site, name = table.pop("site", None), table.pop("name", None)
    if not isinstance(name, str) or not isinstance(site, str | None):
        raise UsageError(f"{one(kind.noun)} without a name: {table}", 'such as name = "signup"')
    try:
        body = kind.decode(msgspec.json.encode(table).decode())
        kind.check(body)
    except UsageError as exc:
        raise UsageError(f"{kind.noun} {name!r}: {exc.message}", exc.hint) from None
    return Entry(kind, site, name, body)


def _line(name: str, value: Any) -> str:
    """A value as people write it: text with quotes or line breaks, such as a JSON Schema, is not escaped."""
    import tomli_w

    if not isinstance(value, str) or not _QUOTED.search(value) or _NOT_LITERAL.search(value):
        return tomli_w.dumps({name: value})
    if "\n" in value:
        return f"{name} = '''\n{value}'''\n"
    return f"{name} = '''{value}'''\n" if "'" in value else f"{name} = '{value}'\n"

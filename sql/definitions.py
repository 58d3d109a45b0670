"""What operators define, in one versioned store: goals, funnels, event schemas, overrides.

A definition has a site, a kind, a name and a body: a frozen struct of its kind, kept as JSON. Each change writes a
version; the newest one counts, and all of them stay. Removing writes a version too.
"""

from __future__ import annotations

import datetime as dt
import getpass
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec

from sql.core.data_dir import DataDir
from sql.core.errors import UsageError
from sql.core.files import OwnedLock
from sql.core.queries import query
from sql.core.words import one
from sql.schema.locked import locked

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

log = logging.getLogger("footfall.definitions")
# An event schema has the name of its event.
MAX_NAME = 128
WAIT = 10.0
T = TypeVar("T", bound=msgspec.Struct)
_COLUMNS = ["site_id", "kind", "name", "version", "body", "by", "at", "removed"]


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """A kind of definition: what it is called, and the struct of its bodies.

    The struct is frozen, forbids unknown fields and omits defaults. ``check`` raises UsageError for a body that cannot
    be, ``check_name`` for a name that cannot; ``shown`` says a body in a line. ``publish`` writes what is in force to
    where others read it than the store, after each change. ``command`` is the group of its commands, where that is not
    called like the kind; ``secrets`` are fields that `show` does not.
    """

    name: str
    body: type[T]
    check: Callable[[T], None] = lambda body: None
    shown: Callable[[T], str] = str
    check_name: Callable[[str], None] = lambda name: None
    publish: Callable[[Client, DataDir], None] | None = None
    command: str = ""
    secrets: frozenset[str] = frozenset()

    @property
    def noun(self) -> str:
        """What a sentence calls it: ``event schema``."""
        return self.name.replace("_", " ")

    @property
    def group(self) -> str:
        """The words of its commands behind `footfall`."""
        return self.command or self.name.replace("_", "-")

    def encode(self, body: T) -> str:
        """The JSON of a body: equal bodies have equal texts."""
        return msgspec.json.encode(body).decode()

    def decode(self, text: str) -> T:
        """Raises UsageError for a text that this version cannot read."""
        try:
            return msgspec.json.decode(text, type=self.body)
        except msgspec.MsgspecError as exc:
            raise UsageError(f"not {one(self.noun)} that this version of footfall can read: {exc}") from None


@dataclass(frozen=True, slots=True)
class Version:
    """One version as it is stored. ``body`` is JSON, empty where it is ``removed``; ``at`` is UTC."""

    site_id: int
    kind: str
    name: str
    version: int
    body: str
    by: str
    at: dt.datetime
    removed: bool


@dataclass(frozen=True, slots=True)
class Definition(Generic[T]):
    """A definition that is in force."""

    site_id: int
    name: str
    version: int
    body: T


def every(client: Client, site_id: int, kind: Kind[T]) -> list[Definition[T]]:
    """All definitions of a site that are in force, by name; with site 0 of all sites, by site and name.

    One that cannot be read is left out, with a warning.
    """
    found = []
    for row in _newest(client, site_id, kind.name):
        if not row.removed:
            try:
                found.append(Definition(row.site_id, row.name, row.version, kind.decode(row.body)))
            except UsageError as exc:
                log.warning("%s %s (version %d) is left out: %s", kind.noun, row.name, row.version, exc)
    return found


def removed(client: Client, site_id: int, kind: Kind[T]) -> list[Version]:
    """The versions that ended definitions of a site which are not in force, by name."""
    return [row for row in _newest(client, site_id, kind.name) if row.removed]


def find(client: Client, site_id: int, kind: Kind[T], name: str) -> Definition[T]:
    """The definition of this name. Raises UsageError where there is none, or it cannot be read."""
    row = next((row for row in _newest(client, site_id, kind.name, name) if not row.removed), None)
    if row is None:
        known = [each.name for each in every(client, site_id, kind)]
        hint = f"known: {', '.join(known)}" if known else f"define one: footfall {kind.group} add {name}"
        raise UsageError(f"there is no {kind.noun} {name!r}", hint)
    try:
        return Definition(row.site_id, row.name, row.version, kind.decode(row.body))
    except UsageError as exc:
        raise UsageError(f"{kind.noun} {name!r}: {exc.message}", "upgrade footfall, or define it again") from None


def history(client: Client, site_id: int, kind: Kind[T], name: str) -> list[Version]:
    """Every version, the newest first. Raises UsageError where there has never been one."""
    bound = {"site": site_id, "kind": kind.name, "name": name}
    found = [Version(*row) for row in client.query(query("definitions/history"), parameters=bound).result_rows]
    if not found:
        find(client, site_id, kind, name)
    return found


def put(client: Client, home: DataDir, site_id: int, kind: Kind[T], name: str, body: T) -> int:
    """Write a body as the next version, and return its number. A body that counts already is not written again.

    Raises UsageError (not a name, not a body), EngineBusy (somebody else is writing).
    """
    check_name(kind, name)
    kind.check(body)
    return _write(client, home, site_id, kind, name, kind.encode(body), removed=False)


def remove(client: Client, home: DataDir, site_id: int, kind: Kind[T], name: str) -> int:
    """End a definition by a version that says so, and return its number. What is removed already stays as it is."""
    return _write(client, home, site_id, kind, name, "", removed=True)


def publish(client: Client, home: DataDir, kind: Kind[T]) -> None:
    """Write what is in force to where others read it than the store, as after a change. Raises EngineBusy."""
    if kind.publish is not None:
        with changing(client, home):
            kind.publish(client, home)


def check_name(kind: Kind[T], name: str) -> None:
    """Raise UsageError for what is not a name."""
    if not 0 < len(name) <= MAX_NAME or name != name.strip() or not name.isprintable():
        raise UsageError(f"not a name for {one(kind.noun)}: {name!r}", f"1 to {MAX_NAME} printable characters")
    kind.check_name(name)


def user() -> str:
    """Who runs this, as the system knows them; '' where it does not."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return ""


def _newest(client: Client, site_id: int, kind: str, name: str = "") -> Iterator[Version]:
    bound = {"site": site_id, "kind": kind, "name": name}
    yield from (Version(*row) for row in client.query(query("definitions/newest"), parameters=bound).result_rows)


def _write(client: Client, home: DataDir, site_id: int, kind: Kind[T], name: str, body: str, *, removed: bool) -> int:
    with changing(client, home):
        before = next(_newest(client, site_id, kind.name, name), None)
        version = before.version if before else 0
        if not before or (before.body, before.removed) != (body, removed):
            version += 1
            # As a row, not as parameters: a body may be longer than what an address takes.
            row = [site_id, kind.name, name, version, body, user(), dt.datetime.now(dt.UTC), removed]
            client.insert("definitions", [row], column_names=_COLUMNS)
        if kind.publish is not None:  # of an earlier run too, that was killed before it came to this
            kind.publish(client, home)
        return version


@contextmanager
def changing(client: Client, home: DataDir) -> Iterator[None]:
    """While definitions are written: two writers at once would get one number, and one of them would be lost."""
    lock = OwnedLock(home.make().definitions_lock, "a change of definitions")
    with locked(client, lock, WAIT, "definitions are being changed by {}"):
        yield

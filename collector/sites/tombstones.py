"""Erased visitors and users as collectors and the loader know them: keyed hashes, published from the table.

What comes of them later is refused. A hash says nothing without the key and the id that it was made of.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterable
from enum import StrEnum
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from collector.sites.snapshot import SnapshotFile, publish
from sql.core.data_dir import DataDir
from sql.core.queries import query

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client


class Of(StrEnum):
    """What a tombstone is of: a visitor id in decimal, or a user id as it is stored."""

    VISITOR = "visitor"
    USER = "user"


class Tombstone(msgspec.Struct, frozen=True):
    """One erased id of a site; ``hash`` is hex."""

    site_id: int
    hash: str


def tombstone(key: bytes, site_id: int, of: Of, value: str) -> Tombstone:
    """The tombstone of an id under ``key``, the key of user ids (at most 64 bytes)."""
    subject = f"{site_id}\0{of}\0{value}".encode("utf-8", "surrogatepass")
    return Tombstone(site_id, blake2b(subject, digest_size=16, key=key, person=b"erased").hexdigest())


class Tombstones:
    """Who was erased; looks at most once a second whether the file changed."""

    def __init__(self, path: Path, key: bytes, clock: Callable[[], float] = time.monotonic) -> None:
        self._published = SnapshotFile(path, Tombstone, clock)
        self._key = key
        self._of: dict[int, set[str]] = {}

    def refresh(self, at_once: bool = False) -> None:
        """Read the file again where it has changed; ``at_once`` looks whenever it was looked at last."""
        found = self._published.changed(at_once)
        if found is not None:
            self._of = {}
            for each in found:
                self._of.setdefault(each.site_id, set()).add(each.hash)

    def has(self, site_id: int) -> bool:
        """Whether anybody of a site was erased."""
        return site_id in self._of

    def holds(self, site_id: int, visitors: Iterable[int], user_id: str) -> bool:
        """Whether one of the visitors (0: none) or the user (empty: none) was erased."""
        its = self._of.get(site_id)
        if not its:
            return False
        ids = [(Of.VISITOR, str(visitor)) for visitor in visitors if visitor]
        if user_id:
            ids.append((Of.USER, user_id))
        return any(tombstone(self._key, site_id, of, value).hash in its for of, value in ids)


def put(client: Client, home: DataDir, stones: Iterable[Tombstone]) -> None:
    """Write tombstones and publish all of them; collectors follow within a second or two. Safe to run again."""
    now = dt.datetime.now(dt.UTC)
    rows = [(stone.site_id, stone.hash, now) for stone in stones]
    if rows:
        client.insert("tombstones", rows, column_names=["site_id", "hash", "at"])
    publish_tombstones(client, home)


def publish_tombstones(client: Client, home: DataDir) -> None:
    """Write the file that collectors and the loader read, from the table."""
    publish(home.tombstones_file, [Tombstone(*row) for row in client.query(query("tombstones/listed")).result_rows])

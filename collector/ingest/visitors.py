"""Cookieless visitors: a keyed hash of site, address and user agent under a salt that lives two days.

The address goes in and never comes out: without the salt the hash tells nothing, and salts are destroyed
48 hours after they were made. Metric definition: a visitor is a distinct visitor_id.
"""

from __future__ import annotations

import datetime as dt
import os
import secrets
import time
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path

from collector.ingest.identity_keys import CONSTANTS
from sql.core.errors import StorageError

SALT_BYTES = 32
SALT_LIFE_SECONDS = 48 * 3600


class Salts:
    """One random salt a UTC day, in files that all collectors of a machine share.

    The first to need a day's salt makes it; ``link`` decides between two that try at once.
    """

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        self.folder = folder
        self.clock = clock
        self._known: dict[int, tuple[bytes, blake2b]] = {}
        self._swept = 0.0
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def of_day(self, day: int) -> bytes:
        """The salt of a day (days since 1970, UTC)."""
        return self._of_day(day)[0]

    def keyed(self, day: int) -> blake2b:
        """A hash keyed with the salt of a day; copy it before use."""
        return self._of_day(day)[1]

    def _of_day(self, day: int) -> tuple[bytes, blake2b]:
        now = self.clock()
        if now - self._swept > 600:
            self.sweep()
        known = self._known.get(day)
        if known is None:
            salt = self._load_or_make(self.folder / dt.date.fromordinal(719163 + day).isoformat())
            known = self._known[day] = salt, blake2b(digest_size=8, key=salt)
        return known

    def left(self) -> list[blake2b]:
        """Hashes keyed with the salts that are left, those of the last 48 hours; none is made."""
        self.sweep()
        paths = (path for path in sorted(self.folder.iterdir()) if not path.name.startswith("."))
        return [blake2b(digest_size=8, key=path.read_bytes()) for path in paths]

    def sweep(self) -> int:
        """Destroy salts older than 48 hours; returns how many."""
        self._swept = now = self.clock()
        self._known.clear()
        gone = 0
        for path in self.folder.iterdir():
            try:
                if now - path.stat().st_mtime > SALT_LIFE_SECONDS:
                    path.unlink()
                    gone += 1
            except FileNotFoundError:  # another worker was first
                continue
        return gone

    def _load_or_make(self, path: Path) -> bytes:
        try:
            return self._read_or_make(path)
        except OSError as exc:
            raise StorageError(
                f"cannot create or read today's salt: {exc.strerror}", f"is {self.folder} writable?"
            ) from exc

    def _read_or_make(self, path: Path) -> bytes:
        try:
            return path.read_bytes()
        except FileNotFoundError:
            pass
        fresh = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(fd, "wb") as out:
            out.write(secrets.token_bytes(SALT_BYTES))
            out.flush()
            os.fsync(out.fileno())
        now = self.clock()
        os.utime(fresh, (now, now))
        try:
            path.hardlink_to(fresh)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
        return path.read_bytes()


class Visitors:
    """Turns addresses into visitor hashes, and client ids, these under ``client_key`` (at most 64 bytes)."""

    def __init__(self, salts: Salts, client_key: bytes = CONSTANTS.client) -> None:
        self.salts = salts
        self._clients = blake2b(digest_size=8, key=client_key)

    def of(self, site_id: int, address: str, user_agent: str, timestamp_ms: int) -> tuple[int, int]:
        """The visitor under the salt of the event's UTC day, and under that of the day before.

        The second lets a visit survive midnight: the loader uses it where that visitor's visit is open.
        """
        day = timestamp_ms // 86_400_000
        subject = _subject(site_id, address, user_agent)
        return _hash(self.salts.keyed(day), subject), _hash(self.salts.keyed(day - 1), subject)

    def of_last_days(self, site_id: int, address: str, user_agent: str) -> list[int]:
        """The visitors that an address and user agent were under the salts that are left."""
        subject = _subject(site_id, address, user_agent)
        return [_hash(keyed, subject) for keyed in self.salts.left()]

    def of_client(self, site_id: int, client_id: str) -> tuple[int, int]:
        """The visitor of a client id (sites with identity ``first-party``): the same on every day."""
        return _hash(self._clients, f"{site_id}\0{client_id}".encode("utf-8", "surrogatepass")), 0


def _subject(site_id: int, address: str, user_agent: str) -> bytes:
    return f"{site_id}\0{address}\0{user_agent}".encode("utf-8", "surrogatepass")


def _hash(keyed: blake2b, subject: bytes) -> int:
    state = keyed.copy()  # a copy of a keyed state takes half of the time of a new one
    state.update(subject)
    # 0 means "none" in the spool; one hash in 2**64 is moved to 1.
    return int.from_bytes(state.digest(), "little") or 1

"""The registry of sites as collectors see it: a file in the data directory, so that none waits for ClickHouse.

`sites` in ClickHouse is the truth; ``publish`` writes the file from it, ``Registry`` reads it again when it changes.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from sql.files import write_atomic


class Site(msgspec.Struct, frozen=True):
    """One site. ``timezone`` is an IANA name, ``identity`` ``cookieless`` or ``client-id``."""

    site_id: int
    domain: str
    timezone: str
    key_hash: str
    currency: str = ""
    identity: str = "cookieless"
    max_age_days: int = 30


def hash_key(key: str) -> str:
    """How a write key is stored: SHA-256, hex. Keys are 32 random bytes, so no slow hash is needed."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def publish(path: Path, sites: list[Site]) -> None:
    """Write the registry file for collectors, if it differs."""
    data = msgspec.json.format(msgspec.json.encode(sites), indent=1)
    if not path.exists() or path.read_bytes() != data:
        write_atomic(path, data, mode=0o600)


class Registry:
    """Sites by key, domain and id; looks at most once a second whether the file changed."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self.path = path
        self._clock = clock
        self._looked = -1e9
        self._stamp: tuple[int, int] | None = None
        self._by_hash: dict[str, Site] = {}
        self._by_domain: dict[str, Site] = {}
        self._by_id: dict[int, Site] = {}
        self._keys: dict[str, Site | None] = {}

    def by_key(self, key: str) -> Site | None:
        """The site a write key belongs to."""
        self._refresh()
        if key not in self._keys:
            if len(self._keys) > 10_000:  # somebody guesses keys
                self._keys.clear()
            self._keys[key] = self._by_hash.get(hash_key(key))
        return self._keys[key]

    def by_domain(self, domain: str) -> Site | None:
        """The site of a domain (exact, lower case)."""
        self._refresh()
        return self._by_domain.get(domain)

    def by_id(self, site_id: int) -> Site | None:
        """The site with this id. One that is not known is looked for at once: its events may be here already."""
        self._refresh()
        if site_id not in self._by_id:
            self._looked = -1e9
            self._refresh()
        return self._by_id.get(site_id)

    def _refresh(self) -> None:
        now = self._clock()
        if now - self._looked < 1.0:
            return
        self._looked = now
        try:
            stat = self.path.stat()
        except FileNotFoundError:
            return
        stamp = (stat.st_mtime_ns, stat.st_ino)
        if stamp == self._stamp:
            return
        sites = msgspec.json.decode(self.path.read_bytes(), type=list[Site])
        self._stamp = stamp
        self._keys.clear()
        self._by_hash = {site.key_hash: site for site in sites}
        self._by_domain = {site.domain: site for site in sites}
        self._by_id = {site.site_id: site for site in sites}

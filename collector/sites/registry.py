"""Sites and their keys as collectors know them: published from the tables `sites` and `write_keys`."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from collector.event.contact import ContactData
from collector.sites.identity import Identity
from collector.sites.snapshot import SnapshotFile

# Our own have 35 characters. What is longer is not looked at: it would cost a hash of as much as a body holds.
MAX_KEY = 64


class WriteKey(msgspec.Struct, frozen=True, omit_defaults=True):
    """A write key of a site, hashed. From ``revoked_at`` (milliseconds since 1970 UTC, None: never) it is refused."""

    hash: str
    revoked_at: int | None = None


class Site(msgspec.Struct, frozen=True):
    """One site. ``timezone`` is an IANA name.

    ``max_age_days``: how old an event's timestamp may be when it arrives. ``events_per_second``: how much the site
    may send in the long run; 0 means as much as the collector's settings say. One that is ``archived`` takes no events.
    ``contact_data``: what is kept of e-mail addresses, phones, names and addresses that `identify` tells.
    """

    site_id: int
    domain: str
    timezone: str
    keys: tuple[WriteKey, ...] = ()
    currency: str = ""
    identity: Identity = Identity.COOKIELESS
    max_age_days: int = 30
    events_per_second: int = 0
    archived: bool = False
    contact_data: ContactData = ContactData.HASHED


def hash_key(key: str) -> str:
    """How a write key is stored: SHA-256, hex. Keys are 24 random bytes, so no slow hash is needed."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


class SiteRegistry:
    """Sites by key, domain and id; looks at most once a second whether the file changed.

    ``clock`` counts seconds from anywhere, ``now`` is the time of day in seconds since 1970 UTC.
    """

    def __init__(
        self, path: Path, clock: Callable[[], float] = time.monotonic, now: Callable[[], float] = time.time
    ) -> None:
        self._published = SnapshotFile(path, Site, clock)
        self._now = now
        self._by_hash: dict[str, tuple[Site, WriteKey]] = {}
        self._by_domain: dict[str, Site] = {}
        self._by_id: dict[int, Site] = {}
        self._keys: dict[str, tuple[Site, WriteKey]] = {}

    def by_key(self, key: str) -> Site | None:
        """The site that a write key may write to at this moment."""
        self._refresh()
        found = self._keys.get(key)
        if found is None:
            found = self._by_hash.get(hash_key(key)) if len(key) <= MAX_KEY else None
            if found is None:
                return None
            self._keys[key] = found  # keys that are known alone: as many as there are, whatever is sent
        site, written = found
        revoked = written.revoked_at is not None and written.revoked_at <= self._now() * 1000
        return None if revoked or site.archived else site

    @property
    def several(self) -> bool:
        """Whether there is more than one site."""
        return len(self._by_id) > 1

    @property
    def known(self) -> bool:
        """Whether the sites were ever read: where they were not, nobody can be told that there is no such site."""
        return self._published.known

    def by_domain(self, domain: str) -> Site | None:
        """The site of a domain (exact, lower case)."""
        self._refresh()
        return self._by_domain.get(domain)

    def by_id(self, site_id: int) -> Site | None:
        """The site with this id. One that is not known is looked for at once: its events may be here already."""
        self._refresh()
        if site_id not in self._by_id:
            self._refresh(at_once=True)
        return self._by_id.get(site_id)

    def _refresh(self, at_once: bool = False) -> None:
        sites = self._published.changed(at_once)
        if sites is None:
            return
        self._keys.clear()
        self._by_hash = {key.hash: (site, key) for site in sites for key in site.keys}
        self._by_domain = {site.domain: site for site in sites}
        self._by_id = {site.site_id: site for site in sites}

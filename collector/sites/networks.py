"""Affiliate networks that may send postbacks, as collectors know them: published from the definitions of sites."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from collector.event.postbacks import NetworkKind
from collector.sites.snapshot import SnapshotFile
from sql.core.addresses import networks

# What is longer is not looked at: it would cost a hash of as much as an address holds.
MAX_TOKEN = 128


class Network(msgspec.Struct, frozen=True):
    """A network of a site. ``token`` is its postback token, hashed. Where there is a ``hmac`` secret, postbacks are
    signed with it; where there are ``addresses`` (networks, too), they come from one of them. ``mapped`` names the
    parameters of fields."""

    site_id: int
    name: str
    kind: NetworkKind
    token: str
    hmac: str = ""
    addresses: tuple[str, ...] = ()
    mapped: Mapping[str, str] = {}

    def allows(self, address: str) -> bool:
        """Whether postbacks may come from here."""
        return not self.addresses or networks(self.addresses).hold(address)

    def signed(self, message: bytes, signature: str) -> bool:
        """Whether ``signature`` is the HMAC-SHA256 of a message, in hex; always, where none is asked for."""
        if not self.hmac:
            return True
        right = hmac.new(self.hmac.encode(), message, hashlib.sha256).hexdigest()
        return hmac.compare_digest(right.encode(), signature.strip().lower().encode("utf-8", "replace"))


def hash_token(token: str) -> str:
    """How a postback token is stored: SHA-256, hex. Tokens are long and random, so no slow hash is needed."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


class Networks:
    """Networks by token; looks at most once a second whether the file changed."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._published = SnapshotFile(path, Network, clock)
        self._by_hash: dict[str, Network] = {}

    def by_token(self, token: str) -> Network | None:
        """The network that a token belongs to. Found by its hash, so that the time tells nothing of the token."""
        found = self._published.changed()
        if found is not None:
            self._by_hash = {each.token: each for each in found}
        if not token or len(token) > MAX_TOKEN:
            return None
        return self._by_hash.get(hash_token(token))

"""How much a site and a client may send: token buckets that all collector workers of one machine share.

A bucket is one moment, when it will be full again (the generic cell rate algorithm, ITU-T I.371). The moments lie in
anonymous memory that is made before workers are forked, so that no file and no disk ever holds them; each under a
keyed hash of the bucket's name, whose key lives in that memory's processes alone.

What it can get wrong: two names share a bucket where their 64-bit hashes are the same, with a chance of at most
4e-15 for a name beside 65,536 others; nobody else is ever refused for another's sake. Where all slots for a name are
in use, the bucket that is nearest to full is forgotten: its owner may send more, never less.
"""

from __future__ import annotations

import math
import mmap
import os
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from multiprocessing import get_context

from collector.ingest.access import AccessDenied
from collector.settings import COLLECTOR
from collector.sites.registry import Site
from sql.core.addresses import packed

WAYS = 8
# A set of slots: the hashes of names, then the moments (seconds of the monotonic clock, the same in all processes).
_SET = struct.Struct(f"={WAYS}Q{WAYS}d")
_NAME, _MOMENT = struct.Struct("=Q"), struct.Struct("=d")
# Whoever holds the lock keeps it for a microsecond. One who was killed in it never lets go: it is taken over.
LOCK_SECONDS = 0.02
# A /48 is what one customer of a provider often gets: 65,536 networks, each of which counts as a client. All together
# they may send as much as so many clients.
CLIENTS_OF_SITE_PREFIX = 8
# What counts as one client is 4 bytes of IPv4, or the first 8 of IPv6.
_IPV6_BYTES = 8
SITE_SLOTS, ADDRESS_SLOTS = 8_192, 65_536


class RateLimited(AccessDenied):
    """Too much at once: 429. ``retry_after`` is in whole seconds, at least 1."""

    def __init__(self, what: str, seconds: float) -> None:
        retry_after = max(1, math.ceil(seconds))
        super().__init__(429, f"too many {what}; try again in {retry_after} s", retry_after)


@dataclass(frozen=True, slots=True)
class Rates:
    """What is allowed in the long run (a second), and at once. A rate of 0 is no limit."""

    site_events_per_second: int = COLLECTOR.site_events_per_second
    site_burst: int = COLLECTOR.site_burst
    address_requests_per_second: int = COLLECTOR.address_requests_per_second
    address_burst: int = COLLECTOR.address_burst


class Buckets:
    """Token buckets in memory that is shared with processes forked later."""

    def __init__(self, slots: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._sets = slots // WAYS
        self._memory = mmap.mmap(-1, self._sets * _SET.size)
        self._lock = get_context("fork").Lock()
        self._keyed = blake2b(digest_size=8, key=os.urandom(32))

    def take(self, name: bytes, cost: int, rate: float, burst: int) -> float:
        """Take ``cost`` tokens from a bucket that gains ``rate`` a second and holds ``burst``.

        Returns 0.0, or the seconds to wait where nothing was taken. What costs more than the bucket holds is given
        when it is full, and paid off afterwards.
        """
        state = self._keyed.copy()
        state.update(name)
        hashed = int.from_bytes(state.digest(), "little") or 1
        at = hashed % self._sets * _SET.size
        self._lock.acquire(True, LOCK_SECONDS)
        try:
            now = self._clock()
            row = _SET.unpack_from(self._memory, at)
            try:
                way = row.index(hashed, 0, WAYS)
                full = row[WAYS + way]
                if full < now:
                    full = now
            except ValueError:
                way, full = row.index(min(row[WAYS:]), WAYS) - WAYS, now
                _NAME.pack_into(self._memory, at + 8 * way, hashed)
            wait: float = full - now - ((burst - cost) / rate if cost < burst else 0.0)
            if wait > 1e-9:
                return wait
            _MOMENT.pack_into(self._memory, at + 8 * (WAYS + way), full + cost / rate)
            return 0.0
        finally:
            try:  # noqa: SIM105 - suppress() would cost a fifth of the whole check
                self._lock.release()
            except ValueError:  # taken over by one that waited too long, and given back by it
                pass


class RateLimits:
    """The limits of one collector, made before its workers are."""

    def __init__(self, rates: Rates | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.rates = rates or Rates()
        self._sites = Buckets(SITE_SLOTS, clock)
        self._addresses = Buckets(ADDRESS_SLOTS, clock)

    def check_address(self, address: str) -> None:
        """Count one request of a client. Raises RateLimited."""
        rate = self.rates.address_requests_per_second
        if rate:
            client, burst = client_of(address), self.rates.address_burst
            wait = self._addresses.take(client, 1, rate, burst)
            if not wait and len(client) == _IPV6_BYTES:
                many = CLIENTS_OF_SITE_PREFIX
                wait = self._addresses.take(b"/48" + client[:6], 1, rate * many, burst * many)
            if wait:
                raise RateLimited("requests from this address", wait)

    def check_site(self, site: Site, events: int) -> None:
        """Count events for a site, at its own rate where it has one. Raises RateLimited."""
        rate = site.events_per_second or self.rates.site_events_per_second
        if rate and events:
            wait = self._sites.take(site.site_id.to_bytes(4, "little"), events, rate, self.rates.site_burst)
            if wait:
                raise RateLimited(f"events for {site.domain}", wait)


def client_of(address: str) -> bytes:
    """Who counts as one client: an IPv4 address, or the network (/64) of an IPv6 address."""
    found = packed(address)
    if found is None:
        return b"not an address " + address.encode("utf-8", "surrogatepass")
    return found[:_IPV6_BYTES]

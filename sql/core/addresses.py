"""Internet addresses: the one place where a text is read as one."""

from __future__ import annotations

import bisect
import ipaddress
import socket
from collections.abc import Iterable, Sequence
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

_MAPPED = b"\0" * 10 + b"\xff\xff"


def packed(text: str) -> bytes | None:
    """The 4 bytes of an IPv4 address or the 16 of an IPv6 address; None for anything else.

    A zone (``fe80::1%eth0``) is left out. An IPv4 address that an IPv6 socket tells as ``::ffff:192.0.2.1`` is IPv4.
    """
    try:
        if ":" not in text:
            return socket.inet_pton(socket.AF_INET, text)
        found = socket.inet_pton(socket.AF_INET6, text.partition("%")[0])
    except (OSError, ValueError):
        return None
    return found[12:] if found.startswith(_MAPPED) else found


def address(text: str) -> IPv4Address | IPv6Address | None:
    """The address, as ``packed`` reads it."""
    found = packed(text)
    return None if found is None else ipaddress.ip_address(found)


def network(text: str, strict: bool = True) -> IPv4Network | IPv6Network:
    """An address, or a network in CIDR notation such as 10.0.0.0/8.

    Raises ValueError; with ``strict`` for 10.0.0.1/8 too, which is not the start of a network.
    """
    return ipaddress.ip_network(text, strict=strict)


class Networks:
    """Networks that an address is looked up in. Raises ValueError for a text that ``network`` refuses."""

    def __init__(self, texts: Iterable[str] = (), strict: bool = True) -> None:
        parsed = [network(text, strict) for text in texts]
        v4 = [net for net in parsed if isinstance(net, IPv4Network)]
        v6 = [net for net in parsed if isinstance(net, IPv6Network)]
        self._spans = {4: _spans(ipaddress.collapse_addresses(v4)), 16: _spans(ipaddress.collapse_addresses(v6))}

    def hold(self, text: str) -> bool:
        """Whether one of the networks holds the address; False for a text that is not an address."""
        found = packed(text)
        if found is None:
            return False
        first, last = self._spans[len(found)]
        at = bisect.bisect_right(first, found) - 1
        return at >= 0 and found <= last[at]


@cache
def networks(texts: tuple[str, ...]) -> Networks:
    """The networks of a setting, parsed once."""
    return Networks(texts)


def _spans(found: Iterable[IPv4Network | IPv6Network]) -> tuple[Sequence[bytes], Sequence[bytes]]:
    """First and last addresses, ascending."""
    ends = sorted((net.network_address.packed, net.broadcast_address.packed) for net in found)
    return [first for first, _ in ends], [last for _, last in ends]

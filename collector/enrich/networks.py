"""Networks as a list that an address is looked up in: data centres, from a file that the operator names."""

from __future__ import annotations

import bisect
import ipaddress
from collections.abc import Iterable
from pathlib import Path

from sql.core.errors import UsageError


class Ranges:
    """Addresses of networks in CIDR notation, IPv4 and IPv6."""

    def __init__(self, networks: Iterable[str] = ()) -> None:
        parsed = [ipaddress.ip_network(text, strict=False) for text in networks]
        v4 = [net for net in parsed if isinstance(net, ipaddress.IPv4Network)]
        v6 = [net for net in parsed if isinstance(net, ipaddress.IPv6Network)]
        self._v4 = _Spans(_ends(net) for net in ipaddress.collapse_addresses(v4))
        self._v6 = _Spans(_ends(net) for net in ipaddress.collapse_addresses(v6))

    @classmethod
    def read(cls, path: Path) -> Ranges:
        """A file with one network a line (what follows a comma or a # is left out). Raises UsageError."""
        try:
            lines = [line.partition("#")[0].partition(",")[0].strip() for line in path.read_text().splitlines()]
            return cls(filter(None, lines))
        except (OSError, ValueError) as exc:
            why = exc.strerror if isinstance(exc, OSError) else exc
            raise UsageError(f"cannot read the networks in {path}: {why}", "one network a line: 192.0.2.0/24") from exc

    def holds(self, address: str) -> bool:
        """Whether one of the networks holds the address; False for what is no address."""
        try:
            ip = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return False
        if isinstance(ip, ipaddress.IPv6Address):
            return self._v4.hold(int(ip.ipv4_mapped)) if ip.ipv4_mapped else self._v6.hold(int(ip))
        return self._v4.hold(int(ip))


def _ends(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> tuple[int, int]:
    return int(network.network_address), int(network.broadcast_address)


class _Spans:
    def __init__(self, ends: Iterable[tuple[int, int]]) -> None:
        merged = sorted(ends)
        self._first = [first for first, _ in merged]
        self._last = [last for _, last in merged]

    def hold(self, number: int) -> bool:
        at = bisect.bisect_right(self._first, number) - 1
        return at >= 0 and number <= self._last[at]

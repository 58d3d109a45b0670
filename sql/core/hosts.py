"""Names of hosts as they are compared: lower case, and in ASCII by UTS 46, as browsers write them."""

from __future__ import annotations

# No name of a host is longer, and what is longer could only cost time.
MAX_LENGTH = 253


def ascii_host(host: str) -> str:
    """``Straße.de`` as ``xn--strae-oqa.de``, which is not ``strasse.de``; what cannot be a name stays as it is."""
    host = host.lower()
    if host.isascii() or len(host) > MAX_LENGTH:
        return host
    import idna

    try:
        return idna.encode(host, uts46=True).decode()
    except idna.IDNAError:
        return host

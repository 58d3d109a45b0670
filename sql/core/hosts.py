"""Names of hosts as they are compared: lower case, and in ASCII by UTS 46, as browsers write them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

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


def public_suffix(host: str) -> str:
    """The ending that a host's name is registered under: ``co.uk`` of www.google.co.uk, else the last label.

    The endings of registries, not those that companies give away (blogspot.com): their names are not the company's.
    """
    return _suffixes().publicsuffix(host) or host.rpartition(".")[2]


@cache
def _suffixes() -> PublicSuffixList:
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList(only_icann=True)

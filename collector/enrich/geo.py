"""Where an address is: country, region and city from an MMDB file that the operator names.

The two layouts in use are read: nested (MaxMind: ``country.iso_code``) and flat (DB-IP lite, geo-whois:
``country_code``). Addresses are looked up and forgotten; nothing here keeps them, caches included.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sql.core import addresses
from sql.core.errors import UsageError

if TYPE_CHECKING:
    from maxminddb import Reader


class Place(NamedTuple):
    """``country`` is ISO 3166-1 alpha-2, ``region`` ISO 3166-2 where the file has codes (else its name),
    ``city`` the English name; each '' where it is not known."""

    country: str = ""
    region: str = ""
    city: str = ""


NOWHERE = Place()


class Places:
    """Looks addresses up; without a file every address is nowhere.

    Raises UsageError where the file cannot be read as MMDB.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._reader: Reader | None = _open(path) if path else None

    def of(self, address: str) -> Place:
        """Country, region and city of an IPv4 or IPv6 address; never raises.

        Nowhere for what is unknown, private or no address.
        """
        if self._reader is None:
            return NOWHERE
        try:
            ip = addresses.address(address.strip())
            found = None if ip is None or ip.is_private else self._reader.get(ip)
        except ValueError:  # IPv6 in a file of IPv4
            return NOWHERE
        return _place(found) if isinstance(found, Mapping) else NOWHERE

    def close(self) -> None:
        """Let go of the file."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None


def made(path: Path) -> dt.date:
    """The day on which a file was made. Raises UsageError where it cannot be read as MMDB."""
    with _open(path) as reader:
        return dt.datetime.fromtimestamp(reader.metadata().build_epoch, dt.UTC).date()


def _open(path: Path) -> Reader:
    import maxminddb

    try:
        return maxminddb.open_database(path)
    except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is not an MMDB file"
        raise UsageError(f"cannot read the GeoIP file {path}: {reason}", "name a file in MMDB format") from error


def _place(found: Mapping[str, object]) -> Place:
    if "country_code" in found:
        region = found.get("state1") or found.get("region") or found.get("subdivision")
        return Place(_code(found["country_code"]), _text(region), _text(found.get("city")))
    country = _code(_inside(found.get("country"), "iso_code"))
    return Place(country, _region(country, found.get("subdivisions")), _name(found.get("city")))


def _region(country: str, subdivisions: object) -> str:
    if not isinstance(subdivisions, Sequence) or isinstance(subdivisions, str) or not subdivisions:
        return ""
    code = _text(_inside(subdivisions[0], "iso_code"))
    return f"{country}-{code}" if country and code else _name(subdivisions[0])


def _name(thing: object) -> str:
    return _text(thing) or _text(_inside(_inside(thing, "names"), "en"))


def _inside(thing: object, key: str) -> object:
    return thing.get(key) if isinstance(thing, Mapping) else None


def _code(thing: object) -> str:
    code = _text(thing).upper()
    return code if len(code) == 2 and code.isalpha() and code != "ZZ" else ""


def _text(thing: object) -> str:
    return thing if isinstance(thing, str) else ""

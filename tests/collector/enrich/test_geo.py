"""Places: known answers from MaxMind's test files, the flat layout, and files that are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from collector.enrich.geo import NOWHERE, Place, Places
from sql.core.errors import UsageError


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("2.125.160.216", Place("GB", "GB-ENG", "Boxford")),
        ("81.2.69.142", Place("GB", "GB-ENG", "London")),
        ("216.160.83.56", Place("US", "US-WA", "Milton")),
        ("89.160.20.112", Place("SE", "SE-E", "Linköping")),
        ("2001:218::", Place("JP")),
        ("::ffff:81.2.69.142", Place("GB", "GB-ENG", "London")),
        (" 81.2.69.142 ", Place("GB", "GB-ENG", "London")),
        ("10.1.1.1", NOWHERE),
        ("fe80::1%eth0", NOWHERE),
        ("8.8.8.8.8", NOWHERE),
        ("", NOWHERE),
        ("localhost", NOWHERE),
        ("0.0.0.0", NOWHERE),  # noqa: S104
    ],
)
def test_nested_layout(shared_data: Path, address: str, place: Place) -> None:
    assert Places(shared_data / "geo/GeoLite2-City-Test.mmdb").of(address) == place


def test_country_file(shared_data: Path) -> None:
    assert Places(shared_data / "geo/GeoLite2-Country-Test.mmdb").of("216.160.83.56") == Place("US")


def test_a_file_without_places_gives_none(shared_data: Path) -> None:
    assert Places(shared_data / "geo/GeoLite2-ASN-Test.mmdb").of("1.128.0.0") == NOWHERE


@pytest.mark.parametrize(
    ("record", "place"),
    [
        ({"country_code": "US"}, Place("US")),
        (
            {"country_code": "us", "state1": "California", "city": "Mountain View"},
            Place("US", "California", "Mountain View"),
        ),
        ({"country_code": "ZZ"}, NOWHERE),
        ({"country_code": ""}, NOWHERE),
    ],
    ids=["geo-whois", "DB-IP", "unknown", "empty"],
)
def test_flat_layout(tmp_path: Path, record: dict[str, str], place: Place) -> None:
    path = tmp_path / "flat.mmdb"
    path.write_bytes(mmdb(8, record))
    places = Places(path)
    assert places.of("8.8.8.8") == place
    assert places.of("9.9.9.9") == NOWHERE
    assert places.of("2001:218::") == NOWHERE  # the file knows IPv4 alone


def test_private_addresses_are_nowhere_whatever_the_file_says(tmp_path: Path) -> None:
    path = tmp_path / "flat.mmdb"
    path.write_bytes(mmdb(10, {"country_code": "US"}))
    assert Places(path).of("10.1.1.1") == NOWHERE


def test_no_file() -> None:
    assert Places(None).of("81.2.69.142") == NOWHERE


@pytest.mark.parametrize("content", [b"", b"no database", None], ids=["empty", "text", "missing"])
def test_bad_file(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "places.mmdb"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError) as caught:
        Places(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_directory_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        Places(tmp_path)


def test_closed() -> None:
    places = Places(None)
    places.close()
    assert places.of("81.2.69.142") == NOWHERE


# The smallest MMDB file: one network n.0.0.0/8 (maxmind.github.io/MaxMind-DB).


def mmdb(network: int, record: dict[str, str]) -> bytes:
    nodes = 8
    tree = b""
    for depth in range(nodes):
        ahead = depth + 1 if depth < nodes - 1 else nodes + 16
        bit = network >> (7 - depth) & 1
        left, right = (nodes, ahead) if bit else (ahead, nodes)
        tree += left.to_bytes(3, "big") + right.to_bytes(3, "big")
    metadata = {
        "node_count": bytes([6 << 5 | 4]) + nodes.to_bytes(4, "big"),
        "record_size": _short(24),
        "ip_version": _short(4),
        "database_type": _text("Flat"),
        "languages": bytes([0, 11 - 7]),
        "binary_format_major_version": _short(2),
        "binary_format_minor_version": _short(0),
        "build_epoch": bytes([8, 9 - 7]) + (1).to_bytes(8, "big"),
        "description": bytes([7 << 5]),
    }
    parts = b"".join(_text(key) + value for key, value in metadata.items())
    data = bytes([7 << 5 | len(record)]) + b"".join(_text(k) + _text(v) for k, v in record.items())
    return tree + bytes(16) + data + b"\xab\xcd\xefMaxMind.com" + bytes([7 << 5 | len(metadata)]) + parts


def _text(text: str) -> bytes:
    return bytes([2 << 5 | len(text)]) + text.encode()


def _short(number: int) -> bytes:
    return bytes([5 << 5 | 2]) + number.to_bytes(2, "big")

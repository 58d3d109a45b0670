"""Names of hosts, as browsers write them."""

from __future__ import annotations

import time

import pytest

from sql.core.hosts import ascii_host, public_suffix


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("shop.example", "shop.example"),
        ("SHOP.Example", "shop.example"),
        ("straße.de", "xn--strae-oqa.de"),
        ("STRASSE.de", "strasse.de"),
        ("βόλος.com", "xn--nxasmm1c.com"),
        ("βόλοσ.com", "xn--nxasmq6b.com"),
        ("Bücher.example", "xn--bcher-kva.example"),
        ("bu\u0308cher.example", "xn--bcher-kva.example"),
        ("ｓｈｏｐ。example", "shop.example"),
        ("xn--strae-oqa.de", "xn--strae-oqa.de"),
        ("192.0.2.1", "192.0.2.1"),
        ("", ""),
        ("i❤.example", "i❤.example"),
        ("a..ü", "a..ü"),
        ("\ud800.example", "\ud800.example"),
    ],
)
def test_names_are_those_of_browsers(host: str, expected: str) -> None:
    assert ascii_host(host) == expected
    assert ascii_host(expected) == expected


def test_long_names_take_no_time() -> None:
    started = time.process_time()
    for text in ("ü" * 65_536, "ü." * 32_768, "ü" * 253, "\u0660" * 253):
        ascii_host(text)
    assert time.process_time() - started < 0.5


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("www.google.co.uk", "co.uk"),
        ("google.com.br", "com.br"),
        ("mail.google.com", "com"),
        ("someone.blogspot.com", "com"),
        ("shop.example", "example"),
        ("localhost", "localhost"),
        ("192.0.2.1", "1"),
        ("a..b", "b"),
        ("", ""),
    ],
)
def test_public_suffixes(host, expected):
    assert public_suffix(host) == expected

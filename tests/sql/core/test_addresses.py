"""Addresses and networks, as the standard library reads them."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sql.core.addresses import Networks, address, networks, packed

cidr = st.lists(st.builds(lambda ip, bits: f"{ip}/{bits}", st.ip_addresses(), st.integers(0, 32)), max_size=12)


@given(cidr, st.ip_addresses())
def test_within(given_, address):
    expected = any(
        address in net
        for net in (ipaddress.ip_network(text, strict=False) for text in given_)
        if net.version == address.version
    )
    if address.version == 6 and address.ipv4_mapped:
        expected = any(
            address.ipv4_mapped in ipaddress.ip_network(text, strict=False) for text in given_ if "." in text
        )
    assert Networks(given_, strict=False).hold(str(address)) is expected


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("192.0.2.1", True),
        ("192.0.3.1", False),
        ("::ffff:192.0.2.9", True),
        ("2001:db8::1%eth0", True),
        ("", False),
        ("x", False),
    ],
)
def test_forms_of_addresses(text, held):
    assert Networks(["192.0.2.0/24", "2001:db8::/32"]).hold(text) is held


@given(st.one_of(st.ip_addresses().map(str), st.text(max_size=40), st.from_regex(r"[0-9a-f:.%]{2,40}", fullmatch=True)))
def test_read_as_the_standard_library_does(text):
    try:
        expected = ipaddress.ip_address(text.partition("%")[0] if ":" in text else text)
    except ValueError:
        expected = None
    if isinstance(expected, ipaddress.IPv6Address) and expected.ipv4_mapped:
        expected = expected.ipv4_mapped
    assert address(text) == expected
    assert packed(text) == (expected and expected.packed)


@pytest.mark.parametrize(
    "text", ["010.0.0.1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "::1::", "1.2.3.4%eth0", "1.2.3.4\0", "\ud800", "١.2.3.4"]
)
def test_a_text_that_is_not_an_address(text):
    assert packed(text) is None


def test_settings_name_networks_exactly():
    assert networks(("10.0.0.0/8", "192.0.2.7")).hold("10.200.0.1")
    with pytest.raises(ValueError, match="host bits"):
        networks(("10.0.0.1/8",))

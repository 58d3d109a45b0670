"""Networks: an address is within or it is not."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.enrich.networks import Ranges
from sql.core.errors import UsageError

v4 = st.ip_addresses(v=4)
networks = st.lists(st.builds(lambda ip, bits: f"{ip}/{bits}", st.ip_addresses(), st.integers(0, 32)), max_size=12)


@given(networks, st.ip_addresses())
def test_as_the_standard_library_says(given_, address):
    expected = any(
        address in net
        for net in (ipaddress.ip_network(text, strict=False) for text in given_)
        if net.version == address.version
    )
    if address.version == 6 and address.ipv4_mapped:
        expected = any(
            address.ipv4_mapped in ipaddress.ip_network(text, strict=False) for text in given_ if "." in text
        )
    assert Ranges(given_).holds(str(address)) is expected


@pytest.mark.parametrize(
    ("address", "held"),
    [
        ("192.0.2.1", True),
        ("192.0.3.1", False),
        ("::ffff:192.0.2.9", True),
        ("2001:db8::1%eth0", True),
        ("", False),
        ("x", False),
    ],
)
def test_forms_of_addresses(address, held):
    assert Ranges(["192.0.2.0/24", "2001:db8::/32"]).holds(address) is held


def test_a_file(tmp_path):
    path = tmp_path / "clouds.txt"
    path.write_text("# of a cloud\n192.0.2.0/25\n\n192.0.2.128/25,eu-west\n2001:db8::/32 # v6\n")
    ranges = Ranges.read(path)
    assert [ranges.holds(a) for a in ("192.0.2.200", "2001:db8:1::", "198.51.100.1")] == [True, True, False]


@pytest.mark.parametrize("text", ["no network", "192.0.2.0/33"])
def test_a_file_that_is_none(tmp_path, text):
    (tmp_path / "x").write_text(text)
    with pytest.raises(UsageError, match="networks"):
        Ranges.read(tmp_path / "x")
    with pytest.raises(UsageError, match="networks"):
        Ranges.read(tmp_path / "missing")

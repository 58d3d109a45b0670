"""The file of networks of data centres."""

from __future__ import annotations

import pytest

from collector.enrich.data_centres import read_networks
from sql.core.errors import UsageError


def test_a_file(tmp_path):
    path = tmp_path / "clouds.txt"
    path.write_text("# of a cloud\n192.0.2.0/25\n\n192.0.2.128/25,eu-west\n2001:db8::/32 # v6\n")
    ranges = read_networks(path)
    assert [ranges.hold(a) for a in ("192.0.2.200", "2001:db8:1::", "198.51.100.1")] == [True, True, False]


@pytest.mark.parametrize("text", ["no network", "192.0.2.0/33"])
def test_a_file_that_is_none(tmp_path, text):
    (tmp_path / "x").write_text(text)
    with pytest.raises(UsageError, match="networks"):
        read_networks(tmp_path / "x")
    with pytest.raises(UsageError, match="networks"):
        read_networks(tmp_path / "missing")

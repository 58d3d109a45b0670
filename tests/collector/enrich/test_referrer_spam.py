"""Referrer spam: every listed host is known, its subdomains too, and nobody else."""

from __future__ import annotations

import pytest

from collector.enrich.referrer_spam import SpamHosts
from collector.enrich.sources import registry
from sql.core.errors import UsageError


@pytest.mark.parametrize(
    ("host", "listed"),
    [
        ("semalt.com", True),
        ("www.semalt.com", True),
        ("notsemalt.com", False),
        ("com", False),
        ("", False),
        ("google.com", False),
    ],
)
def test_the_list_that_comes_along(host, listed):
    assert SpamHosts().lists(host) is listed


def test_a_real_list(shared_data):
    path = shared_data / "referrers" / "spammers.txt"
    spam = SpamHosts(path)
    hosts = path.read_text().split()
    assert len(hosts) > 2000
    assert [host for host in hosts if not spam.lists(host.lower())] == []
    assert [
        name for name in ("google.com", "bing.com", "t.co", "reddit.com", "news.ycombinator.com") if spam.lists(name)
    ] == []
    assert registry().by_referrer("semalt.com") is None


@pytest.mark.parametrize("data", [None, b"\xff\xfe"], ids=["missing", "not UTF-8"])
def test_a_file_that_cannot_be_read(tmp_path, data):
    if data:
        (tmp_path / "x").write_bytes(data)
    with pytest.raises(UsageError, match="spam file"):
        SpamHosts(tmp_path / "x")

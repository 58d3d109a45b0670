"""The registry of sites: published by one process, seen by the others."""

from __future__ import annotations

import pytest

from collector.sites.identity import Identity
from collector.sites.registry import Site, SiteRegistry, WriteKey, hash_key
from collector.sites.snapshot import publish

SHOP = Site(1, "shop.example", "Europe/Paris", (WriteKey(hash_key("wk_1")),), "EUR", Identity.FIRST_PARTY)
BLOG = Site(2, "blog.example", "UTC", (WriteKey(hash_key("wk_2")),))


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def path(tmp_path):
    return tmp_path / "sites.json"


@pytest.fixture
def clock():
    return Clock()


def test_by_key_domain_and_id(path):
    publish(path, [SHOP, BLOG])
    registry = SiteRegistry(path)
    assert registry.by_key("wk_1") == registry.by_domain("shop.example") == registry.by_id(1) == SHOP
    assert registry.by_key("wk_3") is registry.by_domain("nobody.example") is registry.by_id(9) is None


@pytest.mark.parametrize("key", ["", "\0", "\udcff", "x" * 100_000, hash_key("wk_1")], ids=len)
def test_no_key_raises(path, key):
    publish(path, [SHOP])
    assert SiteRegistry(path).by_key(key) is None


def test_the_key_itself_is_not_in_the_file(path):
    publish(path, [SHOP])
    assert b"wk_1" not in path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600


def test_without_a_file_there_is_no_site_until_there_is_one(path, clock):
    registry = SiteRegistry(path, clock)
    assert registry.by_domain("shop.example") is None
    publish(path, [SHOP])
    clock.now += 1
    assert registry.by_domain("shop.example") == SHOP


def test_a_change_is_seen_after_a_second(path, clock):
    publish(path, [SHOP])
    registry = SiteRegistry(path, clock)
    assert registry.by_key("wk_1") == SHOP
    assert registry.by_key("wk_2") is None
    publish(path, [BLOG])
    clock.now += 0.5
    assert registry.by_key("wk_1") == SHOP
    clock.now += 0.5
    assert registry.by_key("wk_1") is None
    assert registry.by_key("wk_2") == registry.by_id(2) == BLOG
    assert registry.by_domain("shop.example") is registry.by_id(1) is None


def test_several_keys_of_a_site_each_to_its_own_moment(path):
    now = [1_000.0]
    keys = (WriteKey(hash_key("old"), 999_000), WriteKey(hash_key("ending"), 1_005_000), WriteKey(hash_key("new")))
    publish(path, [Site(1, "shop.example", "UTC", keys), BLOG])
    registry = SiteRegistry(path, now=lambda: now[0])

    def known():
        return [registry.by_key(key) is not None for key in ("old", "ending", "new")]

    assert known() == [False, True, True]
    now[0] = 1_004.999
    assert known() == [False, True, True]
    now[0] = 1_005.0  # nothing was read again: the moment alone decides
    assert known() == [False, False, True]
    assert registry.by_key("wk_2") == BLOG


def test_what_did_not_change_is_not_written(path):
    publish(path, [SHOP])
    before = path.stat()
    publish(path, [SHOP])
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    publish(path, [SHOP, BLOG])
    assert path.stat().st_ino != before.st_ino


def test_what_did_not_change_is_not_read(path, clock, monkeypatch):
    publish(path, [SHOP])
    registry = SiteRegistry(path, clock)
    assert registry.by_id(1)
    monkeypatch.setattr(type(path), "read_bytes", lambda self: pytest.fail("read again"))
    clock.now += 5
    assert registry.by_id(1)


def test_a_file_that_goes_away_leaves_the_sites(path, clock):
    publish(path, [SHOP])
    registry = SiteRegistry(path, clock)
    assert registry.by_id(1)
    path.unlink()
    clock.now += 5
    assert registry.by_id(1) == SHOP


def test_guessed_keys_do_not_fill_the_memory(path, clock):
    publish(path, [SHOP])
    registry = SiteRegistry(path, clock)
    for n in range(25_000):
        assert registry.by_key(f"guess{n}") is None
        assert len(registry._keys) <= 10_001
    assert registry.by_key("wk_1") == SHOP


def test_a_file_of_an_earlier_version_is_read(tmp_path):
    """Where an upgraded collector starts before anybody publishes the sites again."""
    path = tmp_path / "sites.json"
    publish(path, [SHOP])
    path.write_text(path.read_text().replace("first-party", "client-id"))
    assert SiteRegistry(path).by_domain("shop.example") == SHOP

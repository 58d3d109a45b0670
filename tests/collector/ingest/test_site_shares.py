"""One site's flood leaves room for the others, and what the loader took makes room again."""

from __future__ import annotations

import os

import pytest

from collector.ingest.counters import Board
from collector.ingest.site_shares import PLACES, SiteShares
from collector.sites.registry import Site, WriteKey, hash_key
from collector.sites.snapshot import publish
from collector.spool.spool import Spool, SpoolFull

TOTAL = 1_000_000


class Clock:
    now = 0.0

    def __call__(self) -> float:
        self.now += 2.0
        return self.now


class Worker:
    """A worker that writes segments of its own, as the spool has them."""

    def __init__(self, spool: Spool, shares: SiteShares, pid: int | None = None) -> None:
        self.spool, self.shares, self.number, self.pid = spool, shares, 0, pid or os.getpid()

    def send(self, site_id: int, size: int = 10_000) -> bool:
        """Whether it was taken."""
        try:
            self.shares.check(site_id)
        except SpoolFull:
            return False
        self.number += 1
        name = f"{self.number:020d}~1~collector-{self.pid}-abc-{self.number:06d}.seg"
        (self.spool.sealed_dir / name).write_bytes(b"x" * size)
        self.shares.add(site_id, size)
        return True


@pytest.fixture
def spool(tmp_path):
    return Spool(tmp_path).make()


def flood(worker: Worker, site_id: int) -> int:
    """How many requests of 10 KB of a site are taken until one is refused."""
    return next(number for number in range(1_000) if not worker.send(site_id))


def test_a_flood_ends_at_three_quarters_and_others_go_on(spool):
    worker = Worker(spool, SiteShares(spool, TOTAL, clock=Clock()))
    assert 74 <= flood(worker, 1) <= 77
    assert all(worker.send(site_id) for site_id in range(2, 12))
    assert not worker.send(1)


def test_several_floods_leave_room_too(spool):
    worker = Worker(spool, SiteShares(spool, TOTAL, clock=Clock()))
    for _ in range(200):
        for site_id in (1, 2, 3):
            worker.send(site_id)
    assert spool.size() < 0.95 * TOTAL
    assert worker.send(4)


def test_what_the_loader_took_makes_room(spool):
    worker = Worker(spool, SiteShares(spool, TOTAL, clock=Clock()))
    flood(worker, 1)
    for path in spool.sealed()[:40]:
        path.unlink()
    assert worker.send(1)
    for path in spool.sealed():
        path.unlink()
    worker.shares.check(1)
    assert worker.shares.held(1) == 0
    assert 74 <= flood(worker, 1) <= 77


def test_the_oldest_is_taken_first_so_a_later_flood_is_who_holds(spool):
    """Site 1 sent a lot, which is loaded; site 2 fills the spool now."""
    worker = Worker(spool, SiteShares(spool, TOTAL, clock=Clock()))
    for _ in range(40):
        assert worker.send(1)
    for _ in range(35):
        assert worker.send(2)
    for path in spool.sealed()[:40]:
        path.unlink()
    flood(worker, 2)
    assert worker.send(1)


def test_workers_count_together_and_one_that_follows_begins_anew(spool):
    board = Board(2, PLACES)
    one = Worker(spool, SiteShares(spool, TOTAL, board, 0, Clock()))
    other = Worker(spool, SiteShares(spool, TOTAL, board, 1, Clock()), os.getpid())
    other.number = 500
    taken = sum((one, other)[number % 2].send(1) for number in range(200))
    assert 74 <= taken <= 77
    assert other.send(2)
    after = SiteShares(spool, TOTAL, board, 0, Clock())
    assert after.held(1) < 400_000


def test_a_real_collector_keeps_room_for_the_other_site(alone, until):
    collector = alone(workers=2, spool_max_bytes=2_000_000, segment_max_age_seconds=0.2)
    collector.home.make()
    keys = {1: "wk_alone", 2: "wk_other"}
    sites = [Site(n, f"s{n}.example", "UTC", (WriteKey(hash_key(key)),)) for n, key in keys.items()]
    publish(collector.home.sites_file, sites)
    collector.start()
    big = "n" * 100

    def post(key: str, title: str = "x" * 1_000) -> int:
        body = [{"name": big, "title": title, "props": {str(n): title for n in range(20)}}] * 5
        return collector.post_body({"events": body, "key": key})

    statuses = [post("wk_alone") for _ in range(40)]
    assert 202 in statuses and statuses[-1] == 503
    spool = Spool(collector.home.spool)
    assert 1_000_000 < spool.size() < 1_800_000
    assert [post("wk_other") for _ in range(3)] == [202] * 3
    until(lambda: not list(spool.open_dir.iterdir()))
    for path in spool.sealed():
        path.unlink()
    until(lambda: post("wk_alone") == 202)


def test_a_site_that_is_alone_has_the_whole_spool(alone):
    collector = alone(workers=1, spool_max_bytes=1_000_000)
    collector.start()
    body = {"events": [{"name": "a", "title": "x" * 1_000, "props": {"a": "x" * 1_000}}] * 50, "key": "wk_alone"}
    while collector.post_body(body) == 202:
        pass
    assert Spool(collector.home.spool).size() > 850_000

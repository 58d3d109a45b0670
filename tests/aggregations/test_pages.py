"""Top, entry and exit pages from given rows."""

from __future__ import annotations

import pytest

from aggregations.pages import entry_pages, exit_pages, top_pages

pytestmark = pytest.mark.parametrize("raw", [False, True], ids=["rollups", "raw"])


@pytest.fixture
def site(world):
    site = world.site()
    world.events(
        site,
        {"at": "2026-11-02T10:00:00", "visitor": 1, "visit": 1, "path": "/"},
        {"at": "2026-11-02T10:00:10", "visitor": 1, "visit": 1, "path": "/a"},
        {
            "at": "2026-11-02T10:00:20",
            "visitor": 1,
            "visit": 1,
            "path": "/b",
            "name": "click",
            "interactive": True,
        },
        {"at": "2026-11-02T11:00:00", "visitor": 2, "visit": 2, "path": "/"},
        {"at": "2026-11-02T12:00:00", "visitor": 2, "visit": 3, "path": "/a"},
        {"at": "2026-11-02T12:00:30", "visitor": 2, "visit": 3, "path": "/a"},
        {"at": "2026-11-02T12:00:00", "visitor": 3, "visit": 4, "path": "/only-an-event", "name": "ping"},
        {"at": "2026-11-02T12:00:00", "visitor": 4, "visit": 5, "path": "/bot", "bot": True},
    )
    return site


def test_top_pages(world, days, site, raw):
    got = top_pages(world.client, site, days("2026-11-02", "2026-11-02", site), raw=raw)
    assert got.rows() == [("/a", 2, 3), ("/", 2, 2)]
    assert got.columns == ["page", "visitors", "pageviews"]


def test_entry_pages(world, days, site, raw):
    got = entry_pages(world.client, site, days("2026-11-02", "2026-11-02", site), raw=raw)
    assert got.rows() == [("/", 2, 2, 0.5, 10.0), ("/a", 1, 1, 0.0, 30.0)]


def test_exit_pages(world, days, site, raw):
    got = exit_pages(world.client, site, days("2026-11-02", "2026-11-02", site), raw=raw)
    assert got.rows() == [("/a", 2, 2, 3, pytest.approx(2 / 3)), ("/", 1, 1, 2, 0.5)]


@pytest.mark.parametrize(("limit", "rows"), [(1, 1), (2, 2), (0, 2)])
def test_limit(world, days, site, raw, limit, rows):
    assert top_pages(world.client, site, days("2026-11-02", "2026-11-02", site), limit=limit, raw=raw).height == rows

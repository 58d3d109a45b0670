"""What a visitor does that no person does: too fast, too much, or what scanners look for."""

from __future__ import annotations

import polars as pl
import pytest

from collector.loader.conduct import (
    FLOOD,
    FLOOD_HOUR,
    FLOOD_MINUTE,
    FLOOD_PAGES,
    RAPID,
    RAPID_VIEWS,
    SCANNER,
    Past,
    conduct,
    reasons,
    scanned,
)

HOUR = 3_600_000
START = 497_000 * HOUR  # the first millisecond of an hour


def seen(views: list[tuple[int, int, str]], name: str = "page_view", past: Past | None = None) -> list[int]:
    """Conduct for each of (visitor, ms, path), after the batches of ``past``."""
    paths = list(dict.fromkeys(path for _, _, path in views))
    events = pl.DataFrame(
        {
            "site_id": pl.repeat(1, len(views), dtype=pl.UInt32, eager=True),
            "visitor": pl.Series([visitor for visitor, _, _ in views], dtype=pl.UInt64),
            "name": pl.Series([name] * len(views), dtype=pl.String),
            "timestamp": pl.Series([START + at for _, at, _ in views], dtype=pl.Int64),
        }
    )
    page = pl.Series([paths.index(path) for _, _, path in views], dtype=pl.UInt32)
    past = past or Past()
    found = conduct(events, page, pl.Series(paths, dtype=pl.String), past.minutes)
    past.add(found.minutes)
    return found.bits.to_list()


def spread(count: int, over_ms: int, pages: int, visitor: int = 1) -> list[tuple[int, int, str]]:
    return [(visitor, n * over_ms // count, f"/{n % pages}") for n in range(count)]


@pytest.mark.parametrize(
    ("views", "expected"),
    [
        (spread(RAPID_VIEWS, 60_000, 5), 0),
        (spread(RAPID_VIEWS + 1, 60_000, 5), RAPID),
        (spread(FLOOD_MINUTE, 60_000, 5), RAPID),
        (spread(FLOOD_MINUTE + 1, 60_000, 5), RAPID | FLOOD),
        (spread(FLOOD_HOUR, HOUR, 200), 0),
        (spread(FLOOD_HOUR + 1, HOUR, 200), FLOOD),
        (spread(FLOOD_PAGES, HOUR, FLOOD_PAGES), 0),
        (spread(FLOOD_PAGES + 1, HOUR, FLOOD_PAGES + 1), FLOOD),
        (spread(5_000, 24 * HOUR, 5_000), 0),
    ],
)
def test_rate_and_breadth(views: list[tuple[int, int, str]], expected: int) -> None:
    assert set(seen(views)) == {expected}
    assert set(seen(views, "scroll")) == {0}, "only page views count"


def test_only_the_visitor_and_the_time_are_marked() -> None:
    quiet = [(2, 10, "/0"), (1, 2 * HOUR, "/0")]
    found = seen([quiet[0], *spread(FLOOD_MINUTE + 1, 60_000, 5), quiet[1]])
    assert (found[0], found[1], found[-1]) == (0, RAPID | FLOOD, 0)


def test_a_flood_over_many_batches_is_one() -> None:
    """1,200 pages in 40 seconds made one visitor of a live site: each batch held 30 of them."""
    past = Past()
    views = spread(1_200, 40_000, 1_200)
    found = [max(seen(views[start : start + 30], past=past)) for start in range(0, 1_200, 30)]
    assert found.index(RAPID) == 2
    assert found.index(RAPID | FLOOD) == 10
    assert set(found[10:]) == {RAPID | FLOOD}


def test_people_over_many_batches_are_people() -> None:
    past = Past()
    for second in range(0, 3_600, 10):  # a page each ten seconds, for an hour, by each of five
        assert set(seen([(visitor, second * 1_000, f"/{second % 50}") for visitor in range(5)], past=past)) == {0}


def test_what_is_remembered_is_an_hour_and_bounded() -> None:
    past = Past(most=100)
    seen(spread(290, 10_000, 5), past=past)
    seen([(visitor, 20_000, "/") for visitor in range(10, 5_000)], past=past)
    assert past.minutes.height == 100
    assert seen(spread(20, 10_000, 5), past=past)[0] == RAPID | FLOOD, "those with the most views stay"
    seen([(3, 2 * HOUR, "/")], past=past)
    assert past.minutes.height == 1


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["/.env", "/.git/config", "/phpmyadmin/", "/"], SCANNER),
        (["/wp-login.php", "/blog/wp-admin/", "/xmlrpc.php", "/wp-config.php"], 0),
        (["/.env", "/.git/config", "/a"], 0),
        (["/a", "/b", "/c"], 0),
    ],
    ids=["scanner", "editor", "two kinds", "pages"],
)
def test_paths_that_scanners_ask_for(paths: list[str], expected: int) -> None:
    views = [(1, n * HOUR, path) for n, path in enumerate(paths)]
    assert set(seen(views)) == {expected}
    assert set(seen([(n, at, path) for n, (_, at, path) in enumerate(views)])) == {0}, "of different visitors"


def test_nothing_is_nothing() -> None:
    assert seen([]) == []


def test_the_vectorized_search_and_the_kinds_agree() -> None:
    for path in ("/.ENV", "/Blog/wp-login.php", "/PhpMyAdmin/index.php", "/vendor/phpunit/x", "/etc/passwd"):
        assert scanned(path) > 0
    for path in ("/", "/environment", "/git", "/information", "/console-games", "/test", "/config", "/wp-loginer"):
        assert scanned(path) == 0


def test_the_reasons() -> None:
    assert reasons(RAPID | SCANNER) == ("rapid", "scanner")
    assert reasons(0) == ()

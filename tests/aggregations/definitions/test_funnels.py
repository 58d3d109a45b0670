"""Funnels: definitions, past states, and the same answer from states and raw events."""

from __future__ import annotations

import pytest

from aggregations.definitions import funnels
from aggregations.query.filters import Filter
from aggregations.reports.funnel_steps import FunnelStep
from sql.core.errors import EngineBusy, UsageError
from sql.core.files import OwnedLock

STEPS = tuple(FunnelStep.parse(text) for text in ("/product/*", "add_to_cart", "purchase"))


@pytest.fixture
def lock(tmp_path):
    return OwnedLock(tmp_path / "partitions.lock", "test")


def visitor(number, *steps, day="2026-11-02", bot=False):
    """Rows of one visitor: (minute, name, path)."""
    return [
        {
            "at": f"{day}T{10 + minute // 60:02}:{minute % 60:02}:00",
            "visitor": number,
            "visit": number,
            "name": name,
            "path": path,
            "bot": bot,
        }
        for minute, name, path in steps
    ]


VIEW, CART, BUY = ("page_view", "/product/7"), ("add_to_cart", "/product/7"), ("purchase", "/thanks")
ROWS = [
    *visitor(1, (0, *VIEW), (1, *CART), (2, *BUY)),
    *visitor(2, (0, *VIEW), (5, *CART)),
    *visitor(3, (0, *VIEW)),
    *visitor(4, (0, *BUY), (1, *CART), (2, *VIEW)),  # wrong order: the first step alone
    *visitor(5, (0, *VIEW), (0, *CART)),  # at the same moment: not later than the step before
    *visitor(6, (0, "page_view", "/about"), (1, *CART)),  # never began
    *visitor(7, (0, *VIEW), (1, *CART), (2, *BUY), bot=True),
    *visitor(8, (0, *VIEW), day="2026-10-31"),  # over days and months, within 24 hours …
    *visitor(8, (-10 * 60, *CART), day="2026-11-01"),
    *visitor(9, (0, *VIEW), day="2026-11-01"),  # … and not within
    *visitor(9, (1, *CART), day="2026-11-02"),
]


@pytest.mark.parametrize("raw", [False, True], ids=["states", "raw"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_who_gets_how_far(world, days, lock, when, raw):
    """Events that came before the definition count as those after it."""
    site = world.site()
    if when == "before":
        world.events(site, *ROWS)
    made = funnels.add(world.client, site, "checkout", STEPS, lock)
    if when == "after":
        world.events(site, *ROWS)
    period = days("2026-10-01", "2026-11-30", site)
    got = funnels.report(world.client, site, made, period, raw=raw)
    assert got.columns == ["step", "event", "path", "visitors", "from_previous", "from_first"]
    assert got.rows() == [
        (1, "page_view", "/product/*", 7, None, 1.0),
        (2, "add_to_cart", "", 3, 3 / 7, 3 / 7),
        (3, "purchase", "", 1, 1 / 3, 1 / 7),
    ]
    everyone = funnels.report(world.client, site, made, period, Filter(include_bots=True), raw=raw)
    assert everyone["visitors"].to_list() == [8, 4, 2]
    nobody = funnels.report(world.client, site, made, days("2026-01-01", "2026-01-02", site), raw=raw)
    assert nobody.select("visitors", "from_previous", "from_first").rows() == [(0, None, None)] * 3


@pytest.mark.parametrize("raw", [False, True], ids=["states", "raw"])
@pytest.mark.parametrize(
    ("steps", "reached"),
    [
        (("page_view", "/pricing"), [3, 1]),  # an event that matches both steps is the second one only
        (("/pricing", "page_view"), [2, 1]),
        (("page_view", "page_view", "page_view"), [3, 2, 1]),  # one event is one step
    ],
    ids=["wide-then-narrow", "narrow-then-wide", "the-same-thrice"],
)
def test_an_event_that_matches_several_steps_counts_for_one(world, days, lock, raw, steps, reached):
    site = world.site()
    made = funnels.add(world.client, site, "overlap", tuple(FunnelStep.parse(text) for text in steps), lock)
    world.events(
        site,
        *visitor(1, (0, "page_view", "/"), (1, "page_view", "/pricing"), (2, "page_view", "/")),
        *visitor(2, (0, "page_view", "/pricing")),
        *visitor(3, (0, "page_view", "/"), (1, "page_view", "/about")),
    )
    got = funnels.report(world.client, site, made, days("2026-11-02", "2026-11-02", site), raw=raw)
    assert got["visitors"].to_list() == reached


@pytest.mark.parametrize("bots", [False, True], ids=["people", "bots-too"])
def test_states_and_raw_events_agree_on_traffic(world, days, lock, bots):
    site, other = world.site("Asia/Kolkata"), world.site()
    steps = tuple(FunnelStep.parse(text) for text in ("page_view", "/page/1*", "signup"))
    world.traffic(site, 8000, 400)
    made = funnels.add(world.client, site, "activation", steps, lock)
    twin = funnels.add(world.client, other, "activation", steps, lock)
    assert twin.funnel_id == made.funnel_id == 1
    world.traffic(other, 8000, 400)
    for row, funnel in ((site, made), (other, twin)):
        period, only = days("2026-09-25", "2026-11-10", row), Filter(include_bots=bots)
        stored = funnels.report(world.client, row, funnel, period, only)
        assert stored.equals(funnels.report(world.client, row, funnel, period, only, raw=True))
        assert stored["visitors"].to_list() == sorted(stored["visitors"].to_list(), reverse=True)
        assert stored["visitors"][2] > 10


@pytest.mark.parametrize("raw", [False, True], ids=["states", "raw"])
@pytest.mark.parametrize(
    ("end", "reached"), [("2026-11-03T10:00:00", [1, 1]), ("2026-11-03T10:00:00.001", [1, 0])], ids=["within", "after"]
)
def test_the_window_is_24_hours_to_the_millisecond(world, days, lock, raw, end, reached):
    site = world.site()
    made = funnels.add(world.client, site, "slow", (FunnelStep("start"), FunnelStep("finish")), lock)
    world.events(site, {"at": "2026-11-02T10:00:00", "name": "start"}, {"at": end, "name": "finish", "visit": 2})
    got = funnels.report(world.client, site, made, days("2026-11-01", "2026-11-05", site), raw=raw)
    assert got["visitors"].to_list() == reached


def test_definitions_are_kept_found_and_removed(world, days, lock):
    site = world.site()
    odd = (FunnelStep.parse("/it's%_\\*"), FunnelStep.parse("buy:*/x"))
    first = funnels.add(world.client, site, "odd", odd, lock)
    assert funnels.find(world.client, site, "odd") == first
    assert funnels.add(world.client, site, "odd", odd, lock) == first
    with pytest.raises(UsageError, match="already has a funnel 'odd'"):
        funnels.add(world.client, site, "odd", STEPS, lock)
    funnels.remove(world.client, site, "odd")
    assert funnels.every(world.client, site) == []
    assert funnels.add(world.client, site, "odd", STEPS, lock).funnel_id == first.funnel_id + 1
    with pytest.raises(UsageError, match="no funnel 'missing'") as caught:
        funnels.find(world.client, site, "missing")
    assert caught.value.hint == "known: odd"
    assert funnels.listed(funnels.every(world.client, site)).rows() == [
        ("odd", "page_view:/product/* → add_to_cart → purchase")
    ]


def test_adding_waits_for_who_writes_and_then_says_so(world, lock):
    site = world.site()
    other = OwnedLock(lock.path, "footfall loader")
    assert other.try_acquire()
    with pytest.raises(EngineBusy, match="footfall loader"):
        funnels.add(world.client, site, "late", STEPS, lock, wait=0)
    other.release()
    assert funnels.every(world.client, site) == []


@pytest.mark.parametrize(("name", "steps"), [(" ", 2), ("x", 1), ("x", 9)], ids=["no-name", "one-step", "nine-steps"])
def test_impossible_funnels(name, steps):
    with pytest.raises(UsageError):
        funnels.check(name, (FunnelStep("a"),) * steps)


@pytest.mark.parametrize(
    ("text", "name", "path", "shown"),
    [
        ("purchase", "purchase", "", "purchase"),
        (" sign up ", "sign up", "", "sign up"),
        ("/blog/*", "page_view", "/blog/%", "page_view:/blog/*"),
        ("page_view:/a_b%", "page_view", "/a\\_b\\%", "page_view:/a_b%"),
        ("buy:*.html", "buy", "%.html", "buy:*.html"),
        ("/a:b", "page_view", "/a:b", "page_view:/a:b"),
        ("/back\\slash", "page_view", "/back\\\\slash", "page_view:/back\\slash"),
    ],
)
def test_steps_as_people_write_them(text, name, path, shown):
    step = FunnelStep.parse(text)
    assert (step.name, step.path, step.shown) == (name, path, shown)


@pytest.mark.parametrize("text", ["", " ", ":/x", "name:", "name:x", "name:http://x"])
def test_what_is_no_step(text):
    with pytest.raises(UsageError):
        FunnelStep.parse(text)

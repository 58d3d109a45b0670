"""Funnels: what is defined stays defined, and how steps are written."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from aggregations.definitions import funnels
from aggregations.reports.funnel import Funnel, StepOrder
from aggregations.reports.funnel_steps import FunnelStep
from sql.core.errors import EngineBusy, UsageError
from sql.core.files import OwnedLock

CHECKOUT = Funnel("checkout", tuple(FunnelStep.parse(text) for text in ("/product/*", "add_to_cart", "purchase")))
STORED = [("page_view", ""), ("purchase", "/a%")]


@pytest.fixture
def lock(tmp_path):
    return OwnedLock(tmp_path / "funnels.lock", "test")


def test_definitions_are_kept_found_and_removed(world, lock):
    site = world.site()
    steps = (FunnelStep.parse("/it's%_\\*"), FunnelStep.parse("buy:*/x"))
    odd = Funnel("odd", steps, 7 * 86_400, StepOrder.ANY, (FunnelStep.parse("/o'ut/*"), FunnelStep("refund")))
    first = funnels.add(world.client, site, odd, lock)
    assert first == replace(odd, funnel_id=1)
    assert funnels.find(world.client, site, "odd") == first
    assert funnels.add(world.client, site, odd, lock) == first
    for other in (replace(odd, steps=CHECKOUT.steps), replace(odd, window=60), replace(odd, order=StepOrder.STRICT)):
        with pytest.raises(UsageError, match="already has a funnel 'odd'"):
            funnels.add(world.client, site, other, lock)
    funnels.remove(world.client, site, "odd")
    assert funnels.every(world.client, site) == []
    assert funnels.add(world.client, site, CHECKOUT, lock).funnel_id == first.funnel_id + 1
    with pytest.raises(UsageError, match="no funnel 'missing'") as caught:
        funnels.find(world.client, site, "missing")
    assert caught.value.hint == "known: checkout"
    assert funnels.listed([*funnels.every(world.client, site), odd]).rows() == [
        ("checkout", "page_view:/product/* → add_to_cart → purchase", "1d", "ordered", ""),
        ("odd", "page_view:/it's%_\\* → buy:*/x", "7d", "any", "page_view:/o'ut/*, refund"),
    ]


def test_a_funnel_of_before_has_a_day_and_its_order(world):
    site = world.site()
    row = [site.site_id, 1, "old", STORED, False, dt.datetime(2026, 1, 1, tzinfo=dt.UTC)]
    names = ["site_id", "funnel_id", "name", "steps", "deleted", "updated_at"]
    world.client.insert("funnels", [row], column_names=names)
    steps = (FunnelStep("page_view"), FunnelStep("purchase", "/a%"))
    assert funnels.every(world.client, site) == [Funnel("old", steps, 86_400, StepOrder.ORDERED, (), 1)]


def test_adding_waits_for_who_adds_and_then_says_so(world, lock):
    site = world.site()
    other = OwnedLock(lock.path, "footfall funnel add")
    assert other.try_acquire()
    with pytest.raises(EngineBusy, match="footfall funnel add"):
        funnels.add(world.client, site, CHECKOUT, lock, wait=0)
    other.release()
    assert funnels.every(world.client, site) == []


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

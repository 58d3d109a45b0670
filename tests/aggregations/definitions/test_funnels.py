"""Funnels: what is defined stays defined, and how steps are written."""

from __future__ import annotations

import pytest

from aggregations.definitions import funnels
from aggregations.definitions.funnels import FUNNEL, FunnelBody
from aggregations.reports.funnel import Funnel, StepOrder
from aggregations.reports.funnel_steps import FunnelStep
from sql import definitions
from sql.core.data_dir import DataDir
from sql.core.errors import UsageError

CHECKOUT = FunnelBody(("/product/*", "add_to_cart", "purchase"))
ODD = FunnelBody(("/it's%_\\*", "buy:*/x"), 7 * 86_400, StepOrder.ANY, ("/o'ut/*", "refund"))


def test_definitions_are_kept_found_and_changed(world, tmp_path):
    site, home = world.site(), DataDir(tmp_path)
    definitions.put(world.client, home, site.site_id, FUNNEL, "odd", ODD)
    definitions.put(world.client, home, site.site_id, FUNNEL, "checkout", CHECKOUT)
    checkout = Funnel("checkout", tuple(map(FunnelStep.parse, CHECKOUT.steps)))
    odd = Funnel(
        "odd",
        (FunnelStep("page_view", "/it's\\%\\_\\\\%"), FunnelStep("buy", "%/x")),
        7 * 86_400,
        StepOrder.ANY,
        (FunnelStep("page_view", "/o'ut/%"), FunnelStep("refund")),
    )
    assert funnels.every(world.client, site) == [checkout, odd]
    assert funnels.find(world.client, site, "odd") == odd
    definitions.put(world.client, home, site.site_id, FUNNEL, "odd", CHECKOUT)
    assert funnels.find(world.client, site, "odd").steps == checkout.steps
    definitions.remove(world.client, home, site.site_id, FUNNEL, "odd")
    assert funnels.every(world.client, site) == [checkout]
    with pytest.raises(UsageError, match="there is no funnel 'missing'") as caught:
        funnels.find(world.client, site, "missing")
    assert caught.value.hint == "known: checkout"


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (CHECKOUT, "/product/* → add_to_cart → purchase, within 1d"),
        (ODD, "/it's%_\\* → buy:*/x, within 7d, any order, without /o'ut/*, refund"),
    ],
)
def test_a_funnel_in_a_line(body, shown):
    assert FUNNEL.shown(body) == shown
    assert FUNNEL.decode(FUNNEL.encode(body)) == body


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (FunnelBody(("a",)), "2 to 8 steps, not 1"),
        (FunnelBody(("a", "b"), exclude=("a",)), "cannot be excluded"),
        (FunnelBody(("a", "b:c")), "must start with /"),
        (FunnelBody(("a", "b"), 0), "window"),
    ],
)
def test_what_is_not_a_funnel(body, says):
    with pytest.raises(UsageError, match=says):
        FUNNEL.check(body)


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

"""Names of one's own for script and events: what they may be, and what is said of others."""

from __future__ import annotations

import pytest

from collector.ingest.paths import (
    EVENTS,
    LIVE,
    METRICS,
    OPENAPI,
    PAGE_EVENTS,
    PAGE_PIXEL,
    PIXEL,
    READY,
    SCRIPT,
    Paths,
    module_path,
)
from sql.core.errors import UsageError


@pytest.mark.parametrize(
    ("script", "events"),
    [
        (SCRIPT, EVENTS),
        ("/f.js", "/e"),
        ("/js/site-1.2~a_b.js", "/js/site"),
        ("/footfall/f.js", "/v1/events/mine"),
        ("/a.js", "/a.b.c"),
        ("/a.js", "/b/a.x.js"),
    ],
)
def test_names_that_can_be(script, events):
    paths = Paths(script, events)
    assert set(paths.scripts) == {SCRIPT, script}
    assert set(paths.all_events) == {EVENTS, PAGE_EVENTS, events}


@pytest.mark.parametrize(
    "script",
    ["", "f.js", "/", "/f", "/.js", "/f.jsx", "//f.js", "/a//f.js", "/../f.js", "/a/./f.js", "/f.js?a=1", "/f js.js",
     "/{f}.js", "/f%2e.js", "/ä.js", "/f.js\n", "/f.js/", "/.f.js", "/footfall.outbound.js"],
)  # fmt: skip
def test_names_that_cannot_be_a_script(script):
    with pytest.raises(UsageError, match="script_path") as caught:
        Paths(script=script)
    assert caught.value.hint


@pytest.mark.parametrize(
    "events",
    ["", "e", "/", "/e/", "//e", "/../e", "/e?x", "/{e}", PIXEL, PAGE_PIXEL, LIVE, READY, METRICS, OPENAPI, SCRIPT,
     "/js/f.js", "/footfall.outbound.js", "/js/f.outbound.js"],
)  # fmt: skip
def test_names_that_cannot_be_events(events):
    with pytest.raises(UsageError, match="events_path") as caught:
        Paths("/js/f.js", events)
    assert caught.value.hint


@pytest.mark.parametrize("pixel", ["/p.gif", "/js/p", PIXEL, PAGE_PIXEL])
def test_names_that_can_be_a_pixel(pixel):
    assert set(Paths("/js/f.js", "/e", pixel).pixels) == {PIXEL, PAGE_PIXEL, pixel}


@pytest.mark.parametrize("pixel", ["", "p.gif", "/p gif", "/e", EVENTS, LIVE, SCRIPT, "/js/f.js", "/js/f.outbound.js"])
def test_names_that_cannot_be_a_pixel(pixel):
    with pytest.raises(UsageError, match="pixel_path") as caught:
        Paths("/js/f.js", "/e", pixel)
    assert caught.value.hint


def test_where_modules_lie():
    assert module_path("/js/f.js", "outbound") == "/js/f.outbound.js"
    assert module_path("/js/f.js", "") == "/js/f.js"

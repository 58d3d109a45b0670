"""What is remembered of texts from outside takes no more memory than it may, whatever they are."""

from __future__ import annotations

import subprocess
import sys

import pytest

from collector.cache import ALL, MIB, Cache
from collector.enrich import bots, channels, sources, user_agents
from collector.event import redact
from collector.imports.access_log import AccessLog
from collector.imports.page_views import PageViews
from collector.ingest.visitors import Salts, Visitors
from collector.loader import enrichment
from collector.sites.registry import MAX_KEY, Site, SiteRegistry, WriteKey, hash_key
from collector.sites.snapshot import publish

pytestmark = pytest.mark.process

# docs/architecture.md tells these sums.
COLLECTOR, LOADER = 8 * MIB, 80 * MIB


def test_what_is_asked_for_again_is_not_worked_out_again():
    made = []
    cache: Cache[str, str] = Cache(lambda key: made.append(key) or key.upper(), 100_000)
    assert [cache["a"], cache["a"], cache["b"]] == ["A", "A", "B"]
    assert made == ["a", "b"]
    cache.forget()
    assert cache["a"] == "A" and made == ["a", "b", "a"] and cache.misses == 3


def test_what_is_in_use_stays_while_others_come_and_go():
    made = []
    cache: Cache[str, str] = Cache(lambda key: made.append(key) or key, 50_000)
    for number in range(10_000):
        assert cache["in use"] == "in use"
        assert cache[f"once {number}"] == f"once {number}"
        assert cache.held <= cache.most
    assert made.count("in use") == 1


def test_what_would_fill_it_alone_is_not_kept():
    cache: Cache[str, str] = Cache(lambda key: key, 100_000)
    for length in (1, 10, 1_000_000):
        assert len(cache["x" * length]) == length
    assert cache.held < 2_000


FILLED = {
    "collector.event.redact.address": lambda text: redact.address(text),
    "collector.loader.enrichment._page": lambda text: enrichment._page(text),
    "collector.loader.enrichment._origin": lambda text: enrichment._origin(text, text, text, text, text, text, text),
    "collector.enrich.sources._of_host": lambda text: sources._of_host(text),
    "collector.enrich.channels.channel_of": lambda text: channels.channel_of(text, text, text, text, text),
    "collector.enrich.bots.verdict": lambda text: bots.verdict(text),
    "collector.enrich.bots.reasons": lambda text: bots.reasons(text),
    "collector.enrich.user_agents.parse": lambda text: user_agents.parse(text),
}


def test_every_function_that_remembers_is_filled_below():
    assert FILLED.keys() == ALL.keys()
    assert sum(cache.most for name, cache in ALL.items() if name == "collector.event.redact.address") == COLLECTOR
    assert sum(cache.most for name, cache in ALL.items() if name != "collector.event.redact.address") == LOADER


@pytest.mark.parametrize("name", FILLED)
def test_memory_stays_below_the_bound_whatever_is_sent(name):
    """In a process of its own: its memory is asked of the kernel, with texts that are long, wide and all different."""
    script = f"""
import sys
sys.path[:0] = {sys.path!r}
from collector.cache import ALL, MIB
from test_cache import FILLED
def resident():
    return int(next(line for line in open("/proc/self/status") if line.startswith("VmRSS")).split()[1]) * 1024
fill, cache = FILLED[{name!r}], ALL[{name!r}]
fill("https://a.example/")
before, sent, number = resident(), 0, 0
while sent < 4 * cache.most:
    number += 1
    text = f"https://{{number}}.example/\\U0001f600" + "x" * (number % 3 * 300) + f"?utm_source={{number}}" + "y" * 100
    sent += 4 * len(text) + 200
    fill(text)
    assert cache.held <= cache.most
assert cache.held > cache.most / 4
more = resident() - before
assert more < 1.5 * cache.most + 8 * MIB, (more / MIB, cache.most / MIB)
"""
    here = str(__file__).rpartition("/")[0]
    done = subprocess.run([sys.executable, "-c", script], cwd=here, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr


def test_an_import_remembers_no_more_than_it_may(tmp_path):
    views = PageViews(Site(1, "a.example", "UTC"), Visitors(Salts(tmp_path)), any_host=True)
    log = AccessLog(views, b"")
    line = '{0}.example 203.0.113.7 - - [17/May/2015:10:05:03 +0000] "GET /{0} HTTP/1.1" 200 5 "{0}" "{0}"'
    lines = (line.format(f"{number}{'x' * 1_900}").encode() for number in range(20_000))
    assert sum(1 for _ in log.events(lines)) + sum(log.counts.skipped.values()) == 20_000
    for cache in (views._origins, views._pages, views._readers):
        assert cache.most / 4 < cache.held <= cache.most
    assert views._origins.most + views._pages.most + views._readers.most == 33 * MIB


def test_refused_keys_are_not_remembered_at_all(tmp_path):
    """200 requests of half a megabyte each, all refused, took a worker from 43 to 427 MB."""
    publish(tmp_path / "sites.json", [Site(1, "a.example", "UTC", (WriteKey(hash_key("wk_a")),))])
    registry = SiteRegistry(tmp_path / "sites.json")
    assert registry.by_key("wk_a") is not None
    for number in range(1_000):
        assert registry.by_key(f"{number}" + "x" * 10_000) is None
        assert registry.by_key(f"wk_{number}") is None
    assert list(registry._keys) == ["wk_a"]
    assert MAX_KEY == 64

"""The tracker in a real browser: what is seen once is sent once, and what the page says arrives."""

from __future__ import annotations

import gzip
import json
import time
import uuid
from pathlib import Path
from typing import Any

import msgspec
import pytest

from collector.model import ENGAGEMENT, PAGE_VIEW, Batch, Event

BLANK = "about:blank"
STUB = "<script>window.footfall=window.footfall||function(){(footfall.q=footfall.q||[]).push(arguments)}</script>"
TRACKER = Path(__file__).parents[2] / "tracker/footfall.js"


def leave(tab: Any) -> None:
    """Leave the page, which makes the tracker send what it holds."""
    tab.go(BLANK)


def test_first_page_view(tab: Any, web: Any) -> None:
    started = time.time() * 1000
    tab.go(web.page("/a") + "?utm_source=x#part")
    [event] = web.wait_events(PAGE_VIEW)
    batch = web.batches[0]
    assert batch["site"] == "site.example"
    assert "key" not in batch
    assert event["url"] == web.url("/a") + "?utm_source=x#part"
    assert event["title"] == "Title of /a"
    assert event["referrer"] == ""
    assert event["language"]
    assert event["screen"].count("x") == 1
    assert started - 1000 <= event["timestamp"] <= batch["sent_at"] <= time.time() * 1000 + 1000
    assert uuid.UUID(event["event_id"]).version == 4  # no TLS here: made without crypto.randomUUID


def test_the_collector_understands_it(tab: Any, web: Any) -> None:
    tab.go(web.page("/a", "data-key=k-1"))
    tab.run("footfall('event', 'order', {plan: 'pro', n: 2, yes: true}, {revenue: {amount: '9.90', currency: 'EUR'}})")
    leave(tab)
    web.wait_events(ENGAGEMENT)
    for sent in web.batches:
        batch = msgspec.json.decode(msgspec.json.encode(sent), type=Batch)
        assert batch.key == "k-1"
        for raw in batch.events:
            msgspec.json.decode(raw, type=Event)
    [order] = web.events("order")
    assert order["props"] == {"plan": "pro", "n": 2, "yes": True}
    assert order["revenue"] == {"amount": "9.90", "currency": "EUR"}


def test_no_preflight_and_no_cookie(tab: Any, web: Any) -> None:
    tab.go(web.page("/a"))
    web.wait_events(PAGE_VIEW)
    assert tab.run("[document.cookie, localStorage.length, sessionStorage.length]") == ["", 0, 0]
    leave(tab)
    web.wait_events(ENGAGEMENT)
    posts = [(method, headers) for method, path, headers in web.seen if path == "/v1/events"]
    assert {method for method, _ in posts} == {"POST"}
    assert all(headers["Content-Type"].startswith("text/plain") for _, headers in posts)
    assert not any("Cookie" in headers for _, headers in posts)


def test_history(tab: Any, web: Any) -> None:
    tab.go(web.page("/a"))
    tab.run(
        """(async () => {
            history.pushState({}, '', '/b'); document.title = 'B';
            history.pushState({}, '', '/b');           // the same address
            history.replaceState({}, '', '/b');
            history.replaceState({}, '', '/b#part');   // a place on the page
            history.replaceState({}, '', '/c?x=1');
            const back = new Promise((done) => addEventListener('popstate', done, {once: true}));
            history.back(); await back;
        })()"""
    )
    leave(tab)
    views = web.wait_events(PAGE_VIEW, 4)
    base = web.url("")
    assert [view["url"] for view in views] == [f"{base}/a", f"{base}/b", f"{base}/c?x=1", f"{base}/b"]
    assert [view["referrer"] for view in views] == ["", f"{base}/a", f"{base}/b", f"{base}/c?x=1"]


def test_an_application_sets_its_title_after_the_address(tab: Any, web: Any) -> None:
    tab.go(web.page("/a"))
    tab.run("history.pushState({}, '', '/b'); document.title = 'The title of b'")
    leave(tab)
    views = web.wait_events(PAGE_VIEW, 2)
    assert [view["title"] for view in views] == ["Title of /a", "The title of b"]


def test_engagement(tab: Any, web: Any) -> None:
    tab.go(web.page("/long", body='<div style="height:8000px"></div>'))
    tab.run(
        """(async () => {
            const seen = (y) => new Promise((done) => {
                addEventListener('scroll', done, {once: true}); scrollTo(0, y);
            });
            await seen(4000 - innerHeight); await seen(100);
            const start = performance.now();
            while (performance.now() - start < 300) await new Promise(requestAnimationFrame);
        })()"""
    )
    tab.run("history.pushState({}, '', '/next')")
    [first] = web.wait_events(ENGAGEMENT)
    assert first["url"] == web.url("/long")
    assert 300 <= first["engagement_ms"] < 20_000
    assert first["scroll_depth"] == 50
    leave(tab)
    both = web.wait_events(ENGAGEMENT, 2)
    assert both[1]["url"] == web.url("/next")
    assert both[1]["engagement_ms"] < 20_000


def test_nobody_is_engaged_with_a_page_without_focus(tab: Any, web: Any) -> None:
    tab.go(web.page("/a", head="<script>document.hasFocus = () => false</script>"))
    web.wait_events(PAGE_VIEW)
    leave(tab)
    [event] = web.wait_events(ENGAGEMENT)
    assert event["engagement_ms"] == 0
    assert event["scroll_depth"] == 100


def test_commands_before_the_script(tab: Any, web: Any) -> None:
    early = "<script>footfall('event', 'early', {n: 1}); kept = footfall</script>"
    tab.go(web.page("/a", head=STUB + early))
    tab.run("kept('event', 'late'); footfall('nonsense'); footfall('event', 'last', {o: {}, u: undefined, z: null})")
    leave(tab)
    web.wait_events("last")
    web.wait_events("early")
    assert {PAGE_VIEW, "early", "late", "last"} <= {event["name"] for event in web.events()}
    assert web.events("early")[0]["props"] == {"n": 1}
    assert web.events("last")[0]["props"] == {"o": "[object Object]", "z": None}


def test_the_script_twice_on_a_page(tab: Any, web: Any) -> None:
    again = f'<script src="{web.url("/footfall.js")}" data-site=site.example></script>'
    tab.go(web.page("/a", body=again))
    leave(tab)
    web.wait_events(ENGAGEMENT)
    assert len(web.events(PAGE_VIEW)) == 1


def test_back_from_the_memory_of_the_browser(tab: Any, web: Any) -> None:
    tab.go(web.page("/a"))
    tab.run("window.mark = 1; addEventListener('pageshow', (event) => { window.back = event.persisted })")
    tab.go(web.page("/b"))
    web.wait_events(PAGE_VIEW, 2)
    tab.back()
    views = web.wait_events(PAGE_VIEW, 3)
    assert tab.run("[window.mark, window.back]") == [1, True]  # the page was kept, not loaded again
    assert views[2]["url"] == web.url("/a")
    assert views[2]["event_id"] != views[0]["event_id"]


def test_a_prerendered_page_is_seen_when_it_is_shown(browser: Any, web: Any) -> None:
    # An attached debugger forbids rendering ahead, so the two pages play this alone.
    web.page("/ahead", body="<script>onload = () => document.prerendering && fetch('/rendered')</script>")
    click = "fetch('/after/rendered').then(() => { footfall('event', 'click'); location.href = '/ahead' })"
    rules = json.dumps({"prerender": [{"urls": ["/ahead"], "eagerness": "immediate"}]})
    first = web.page("/a", body=f"<script>{click}</script><script type=speculationrules>{rules}</script>")
    target = browser.send("Target.createTarget", url=first)["targetId"]
    try:
        web.wait_events(PAGE_VIEW, 2)
    finally:
        browser.send("Target.closeTarget", targetId=target)
    views = {event["url"]: event for event in web.events(PAGE_VIEW)}
    assert views.keys() == {first, web.url("/ahead")}
    assert len(web.events(PAGE_VIEW)) == 2
    assert views[web.url("/ahead")]["timestamp"] >= web.events("click")[0]["timestamp"]
    fetched = [headers for _, path, headers in web.seen if path == "/ahead"]
    assert len(fetched) == 1  # what was shown is what was rendered ahead
    assert "prerender" in fetched[0]["Sec-Purpose"]


def test_local_pages_send_nothing(tab: Any, web: Any) -> None:
    web.page("/a")
    tab.go(web.url("/a", "127.0.0.1"))
    tab.run("footfall('event', 'x')")
    tab.go(web.page("/b"))
    leave(tab)
    web.wait_events(ENGAGEMENT)
    assert {event["url"] for event in web.events()} == {web.url("/b")}


def test_local_pages_send_when_told_so(tab: Any, web: Any) -> None:
    web.page("/a", "data-site=site.example data-local")
    tab.go(web.url("/a", "127.0.0.1"))
    [event] = web.wait_events(PAGE_VIEW)
    assert event["url"] == web.url("/a", "127.0.0.1")


def test_the_site_is_the_host_where_none_is_named(tab: Any, web: Any) -> None:
    tab.go(web.page("/a", ""))
    web.wait_events(PAGE_VIEW)
    assert web.batches[0]["site"] == "site.example"


def test_another_endpoint(tab: Any, web: Any) -> None:
    tab.go(web.page("/a", f"data-endpoint={web.url('/other/events', 'proxy.example')}"))
    web.wait_events(PAGE_VIEW)
    assert [path for method, path, _ in web.seen if method == "POST"] == ["/other/events"]


@pytest.mark.parametrize("refused", [503, 429])
def test_what_was_refused_for_now_comes_again(tab: Any, web: Any, refused: int) -> None:
    web.answers = [refused]
    tab.go(web.page("/a"))
    tab.run("footfall('event', 'kept')")
    web.wait(lambda: any(method == "POST" for method, _, _ in web.seen))
    assert web.events() == []
    web.wait_events("kept")
    assert [event["name"] for event in web.events()][:2] == [PAGE_VIEW, "kept"]


def test_what_was_refused_for_good_does_not(tab: Any, web: Any) -> None:
    web.answers = [400]
    tab.go(web.page("/a"))
    web.wait(lambda: any(method == "POST" for method, _, _ in web.seen))
    tab.run("footfall('event', 'next')")
    leave(tab)
    web.wait_events("next")
    assert web.events(PAGE_VIEW) == []


def test_many_events_go_in_several_batches(tab: Any, web: Any) -> None:
    tab.go(web.page("/a"))
    tab.run("for (let n = 0; n < 180; n++) footfall('event', 'many', {n, text: 'ü'.repeat(600)})")
    many = web.wait_events("many", 180)
    assert sorted(event["props"]["n"] for event in many) == list(range(180))
    assert len({event["event_id"] for event in web.events()}) == len(web.events())
    assert all(len(batch["events"]) <= 50 for batch in web.batches)
    assert all(len(json.dumps(batch, ensure_ascii=False).encode()) < 64 * 1024 for batch in web.batches)


def test_size() -> None:
    assert len(gzip.compress(TRACKER.read_bytes())) < 4 * 1024

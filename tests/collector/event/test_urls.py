"""Addresses: what is kept, what is masked, and nothing that raises."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.event.urls import (
    AFFILIATE_IDS,
    CLICK_IDS,
    EMAIL_MASK,
    KEPT,
    MAX_PATH,
    MAX_QUERY,
    MAX_VALUE,
    Page,
    referrer,
    split,
)
from collector.sites.admin import domain_of


@pytest.mark.parametrize(
    ("url", "hostname", "path"),
    [
        ("https://example.com/pricing", "example.com", "/pricing"),
        ("https://www.Example.COM:8443/Pricing", "www.example.com", "/Pricing"),
        ("http://user:secret@example.com/", "example.com", "/"),
        ("https://example.com", "example.com", "/"),
        ("https://example.com?x=1", "example.com", "/"),
        ("https://example.com#top", "example.com", "/"),
        ("https://example.com./a", "example.com", "/a"),
        ("https://example.com/#/route/2", "example.com", "/"),
        ("https://example.com/a?next=https://other.com/b", "example.com", "/a"),
        ("//example.com/a", "example.com", "/a"),
        ("example.com/a", "example.com", "/a"),
        ("example.com:8080/a", "example.com", "/a"),
        ("/just/a/path?x#y", "", "/just/a/path"),
        ("https://[2001:db8::1]:8080/a", "[2001:db8::1]", "/a"),
        ("https://[2001:db8::1/a", "", "/a"),
        ("https://xn--bcher-kva.example/%C3%BC", "xn--bcher-kva.example", "/%C3%BC"),
        (" https://example.com/a\tb\n", "example.com", "/ab"),
        ("https:///a", "", "/a"),
        ("about:blank", "", "/"),
        ("javascript:alert(1)", "", "/"),
        ("", "", "/"),
        ("?", "", "/"),
        ("word", "", "/word"),
    ],
)
def test_host_and_path(url: str, hostname: str, path: str) -> None:
    assert split(url)[:2] == (hostname, path)


def test_campaign() -> None:
    url = (
        "https://example.com/?utm_source=News+Letter&utm_medium=email&utm_campaign=Spring%20Sale&secret=1"
        "&utm_term=a&utm_content=b&ref=friend&source=app"
    )
    assert split(url) == Page(
        hostname="example.com",
        path="/",
        query=(
            "utm_source=News+Letter&utm_medium=email&utm_campaign=Spring%20Sale&utm_term=a&utm_content=b"
            "&ref=friend&source=app"
        ),
        utm_source="News Letter",
        utm_medium="email",
        utm_campaign="Spring Sale",
        utm_term="a",
        utm_content="b",
        ref="friend",
        source="app",
    )


def test_the_allow_list_is_a_parameter() -> None:
    page = split("https://example.com/?q=shoes&utm_source=x&token=1", frozenset({"q"}))
    assert page.query == "q=shoes"
    assert page.utm_source == "x"


@pytest.mark.parametrize(
    ("query", "utm_source"),
    [
        ("utm_source=a&utm_source=b", "a"),
        ("UTM_Source=a", "a"),
        ("utm_source=&utm_source=b", "b"),
        ("utm_source", ""),
        ("&&=&utm_source=a&", "a"),
        ("utm_source=%zz%E4", "%zz\ufffd"),
        ("utm_source=a=b", "a=b"),
        ("utm_source=%20a%20", "a"),
    ],
)
def test_odd_queries(query: str, utm_source: str) -> None:
    assert split(f"https://example.com/?{query}").utm_source == utm_source


@pytest.mark.parametrize("kind", CLICK_IDS)
def test_click_id(kind: str) -> None:
    page = split(f"https://example.com/?a=b&{kind}=Abc-1_2")
    assert (page.click_id_kind, page.click_id) == (kind, "Abc-1_2")
    assert page.query == ""


def test_the_tracker_lets_the_same_parameters_leave_the_browser() -> None:
    tracker = files("tracker").joinpath("dist/footfall.js").read_text(encoding="utf-8")
    lists = re.findall(r"\(\?!\((\w+(?:\|\w+)+)\)=\)", tracker)
    assert [set(names.split("|")) for names in lists] == [KEPT | set(CLICK_IDS) - set(AFFILIATE_IDS)]


def test_the_click_id_that_was_paid_for_comes_first() -> None:
    page = split("https://example.com/?fbclid=1&mc_cid=2&gclid=3&msclkid=4")
    assert (page.click_id_kind, page.click_id) == ("gclid", "3")


@pytest.mark.parametrize(
    ("path", "masked"),
    [
        ("/users/jane@example.com/edit", f"/users/{EMAIL_MASK}/edit"),
        ("/users/jane%40example.com", f"/users/{EMAIL_MASK}"),
        ("/jane.doe+tag@mail.example.co.uk", f"/{EMAIL_MASK}"),
        ("/@jane", "/@jane"),
        ("/npm/pkg@1.2.3/x", f"/npm/{EMAIL_MASK}/x"),
        ("/a@b", "/a@b"),
    ],
)
def test_mail_addresses_are_masked(path: str, masked: str) -> None:
    assert split(f"https://example.com{path}").path == masked
    assert referrer(f"https://other.com{path}", "example.com") == ("other.com", f"other.com{masked}")


def test_mail_addresses_in_parameters_are_masked() -> None:
    page = split("https://example.com/?utm_content=jane%40example.com&ref=bob@example.com")
    assert page.query == f"utm_content={EMAIL_MASK}&ref={EMAIL_MASK}"
    assert (page.utm_content, page.ref) == (EMAIL_MASK, EMAIL_MASK)


@pytest.mark.parametrize(
    ("url", "own", "expected"),
    [
        (
            "https://www.google.com/search?q=secret",
            "example.com",
            ("www.google.com", "www.google.com/search"),
        ),
        ("https://news.ycombinator.com/", "example.com", ("news.ycombinator.com", "news.ycombinator.com")),
        ("https://example.com/a", "example.com", ("", "")),
        ("https://www.example.com/a", "example.com", ("", "")),
        ("https://shop.example.com/a", "example.com", ("", "")),
        ("https://example.com/a", "www.example.com", ("", "")),
        ("https://notexample.com/a", "example.com", ("notexample.com", "notexample.com/a")),
        ("https://example.com.evil.net/", "example.com", ("example.com.evil.net", "example.com.evil.net")),
        ("https://example.com/a", "", ("example.com", "example.com/a")),
        (
            "android-app://com.google.android.gm/",
            "example.com",
            ("com.google.android.gm", "com.google.android.gm"),
        ),
        ("", "example.com", ("", "")),
        ("about:blank", "example.com", ("", "")),
    ],
)
def test_referrer(url: str, own: str, expected: tuple[str, str]) -> None:
    assert referrer(url, own) == expected


@given(st.text(max_size=3_000) | st.text("/?#:@%=&.[]a\\\ud800", max_size=60))
def test_anything_is_taken_apart(url: str) -> None:
    page = split(url)
    assert page.path.startswith("/")
    assert len(page.path) <= MAX_PATH
    assert len(page.query) <= MAX_QUERY
    assert not any(c in page.hostname for c in "/?#")
    assert all(len(value) <= MAX_VALUE for value in page[3:])
    host, whole = referrer(url, "example.com")
    assert whole.startswith(host)


def test_long_addresses_are_cut() -> None:
    page = split(f"https://example.com/{'a' * 5_000}?utm_source={'b' * 5_000}")
    assert len(page.path) == MAX_PATH
    assert len(page.utm_source) == MAX_VALUE
    assert len(page.query) == MAX_QUERY


@pytest.mark.parametrize("host", ["straße.de", "xn--strae-oqa.de", "STRAßE.de", "www.straße.de"])
def test_a_host_is_the_one_of_the_browser(host: str) -> None:
    assert split(f"https://{host}/a").hostname.removeprefix("www.") == "xn--strae-oqa.de"
    assert referrer(f"https://{host}/a", "xn--strae-oqa.de") == ("", "")
    assert domain_of(host).removeprefix("www.") == "xn--strae-oqa.de"
    assert referrer(f"https://{host}/a", "strasse.de")[0] != ""

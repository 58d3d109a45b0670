"""Who may write, and whose address a request came from."""

from __future__ import annotations

import asyncio

import falcon.asgi
import falcon.testing
import pytest

from collector.ingest.access import AccessDenied, site_of, source_address, write_key
from collector.sites.registry import Site, SiteRegistry, WriteKey, hash_key
from collector.sites.snapshot import publish

TRUSTED = ("10.0.0.1", "10.0.0.2", "::1", "10.9.0.0/16", "2001:db8:9::/48")


def request(headers=None, query="", peer="203.0.113.5"):
    """A real request object, as the application gets it. ``headers`` may be a list of pairs."""
    seen = []

    class Resource:
        async def on_get(self, req, resp):
            seen.append(req)

    app = falcon.asgi.App()
    app.add_route("/", Resource())
    asyncio.run(
        falcon.testing.ASGIConductor(app).simulate_get("/", headers=headers, query_string=query, remote_addr=peer)
    )
    return seen[0]


@pytest.fixture
def registry(tmp_path):
    publish(
        tmp_path / "sites.json",
        [
            Site(1, "shop.example", "UTC", (WriteKey(hash_key("wk_1")),)),
            Site(2, "b.shop.example", "UTC", (WriteKey(hash_key("wk_2")),)),
        ],
    )
    return SiteRegistry(tmp_path / "sites.json")


@pytest.mark.parametrize(
    ("origin", "may"),
    [
        ("https://shop.example", True),
        ("http://shop.example:8080", True),
        ("https://www.shop.example", True),
        ("https://SHOP.example", True),
        ("https://shop.example.evil.test", False),
        ("https://evilshop.example", False),
        ("https://example", False),
        ("https://shop.example@evil.test", False),
        ("https://evil.test/shop.example", False),
        ("https://evil.test?.shop.example", False),
        ("https://evil.test#.shop.example", False),
        ("https://[::1", False),
        ("https://[shop.example]", False),
        ("null", False),
        ("shop.example", False),
        ("", False),
        ("file://", False),
    ],
)
@pytest.mark.parametrize("header", ["Origin", "Referer"])
def test_pages_of_the_site_and_of_nobody_else(registry, header, origin, may):
    asked = request({header: origin} if origin else {})
    if may:
        assert site_of(asked, "shop.example", "", registry).site_id == 1
    else:
        with pytest.raises(AccessDenied) as refused:
            site_of(asked, "shop.example", "", registry)
        assert refused.value.status == 403


def test_the_origin_goes_over_the_referrer(registry):
    with pytest.raises(AccessDenied):
        site_of(
            request({"Origin": "https://evil.test", "Referer": "https://shop.example/"}),
            "shop.example",
            "",
            registry,
        )


def test_a_site_within_a_site_is_another(registry):
    asked = request({"Origin": "https://b.shop.example"})
    assert site_of(asked, "b.shop.example", "", registry).site_id == 2
    with pytest.raises(AccessDenied):
        site_of(request({"Origin": "https://shop.example"}), "b.shop.example", "", registry)


@pytest.mark.parametrize(
    ("headers", "query", "site", "key", "expected"),
    [
        ({"X-Footfall-Key": "wk_1"}, "key=wk_2", "", "wk_3", 1),
        ({}, "key=wk_2", "", "wk_1", 2),
        ({}, "", "", "wk_1", 1),
        ({}, "key=", "", "wk_1", 1),
        ({"X-Footfall-Key": ""}, "", "", "wk_1", 1),
        ({"Origin": "https://shop.example"}, "site=shop.example", "nobody.example", "", 1),
    ],
    ids=[
        "header first",
        "then query",
        "then body",
        "an empty query is none",
        "an empty header is none",
        "site by query",
    ],
)
def test_what_goes_over_what(registry, headers, query, site, key, expected):
    asked = request(headers, query)
    assert site_of(asked, site, write_key(asked, key), registry).site_id == expected


@pytest.mark.parametrize(
    ("site", "key", "status"),
    [("", "", 401), ("", "wk_9", 403), ("", "\udcff", 403), ("", "wk_1\0", 403), ("nobody.example", "", 403)],
)
def test_refused(registry, site, key, status):
    with pytest.raises(AccessDenied) as refused:
        site_of(request({"Origin": "https://nobody.example"}), site, key, registry)
    assert refused.value.status == status
    assert "wk_" not in str(refused.value)


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        pytest.param("203.0.113.5", None, "203.0.113.5", id="no proxy"),
        pytest.param("203.0.113.5", "198.51.100.1", "203.0.113.5", id="a stranger is not believed"),
        pytest.param("10.0.0.1", "198.51.100.1", "198.51.100.1", id="a trusted proxy is"),
        pytest.param("10.0.0.1", "1.1.1.1, 198.51.100.1", "198.51.100.1", id="what the client wrote first is not"),
        pytest.param("10.0.0.1", "198.51.100.1, 10.0.0.2", "198.51.100.1", id="through two proxies"),
        pytest.param("10.0.0.1", "10.0.0.2, 198.51.100.1", "198.51.100.1", id="a proxy's name in front is no proxy"),
        pytest.param("10.0.0.1", "10.0.0.2", "10.0.0.1", id="proxies alone"),
        pytest.param("10.0.0.1", None, "10.0.0.1", id="the proxy itself asks"),
        pytest.param("10.0.0.1", " , ,198.51.100.1 ,", "198.51.100.1", id="empty hops"),
        pytest.param("::1", "2001:db8::5", "2001:db8::5", id="IPv6"),
        pytest.param("10.9.255.1", "198.51.100.1", "198.51.100.1", id="a proxy of a trusted network"),
        pytest.param("10.10.0.1", "198.51.100.1", "10.10.0.1", id="beside a trusted network"),
        pytest.param("10.9.0.1", "198.51.100.1, 10.9.3.3, 2001:db8:9::1", "198.51.100.1", id="through networks"),
        pytest.param("2001:db8:9:7::1", "198.51.100.1", "198.51.100.1", id="IPv6 network"),
        pytest.param("::ffff:10.9.0.1", "198.51.100.1", "198.51.100.1", id="IPv4 at an IPv6 socket"),
        pytest.param("10.0.0.1", "unknown", "unknown", id="a hop that is no address is no proxy"),
        pytest.param(
            "203.0.113.5", "203.0.113.5, 10.0.0.1", "203.0.113.5", id="a stranger who names himself and a proxy"
        ),
    ],
)
def test_source_address(peer, forwarded, expected):
    headers = {"X-Forwarded-For": forwarded} if forwarded is not None else {}
    assert source_address(request(headers, peer=peer), TRUSTED) == expected


@pytest.mark.parametrize(
    "headers",
    [{"Forwarded": "for=10.0.0.1"}, {"X-Real-IP": "10.0.0.1"}, {"Forwarded": 'for="[::1'}, {"X-Forwarded-For": ","}],
    ids=str,
)
def test_no_header_changes_who_the_peer_is(headers):
    assert source_address(request(headers), TRUSTED) == "203.0.113.5"


def test_a_header_sent_twice_is_one_list():
    twice = [("X-Forwarded-For", "1.1.1.1"), ("X-Forwarded-For", "198.51.100.1")]
    assert source_address(request(twice, peer="10.0.0.1"), TRUSTED) == "198.51.100.1"

"""Logs of real servers, whose requests are known: every page view is what was asked for, whatever the format.

``logs/README.md`` tells how they were made.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import pytest

from collector.event.model import SpooledEvent
from collector.imports.access_log import AccessLog
from collector.imports.clients import ClientAddress
from collector.imports.counts import SkipReason
from collector.imports.layouts.table import AUTO
from collector.imports.page_views import PageViews
from collector.ingest.visitors import Salts, Visitors
from collector.sites.registry import Site

LOGS = Path(__file__).parent / "logs"
REQUESTS: list[dict[str, str]] = json.loads((LOGS / "requests.json").read_text())
ANSWERS: dict[str, list[int]] = json.loads((LOGS / "answers.json").read_text())
SITE = Site(7, "shop.example", "UTC")
NOW = 1_830_297_600.0  # 2028
OWN_NGINX = (
    "log_format own '$time_iso8601\\t$status\\t$request_time\\t$remote_addr\\t$request_method $scheme://$host$request_uri'\n"
    "               '\\t$http_user_agent\\t$http_referer';"
)
OWN_APACHE = (
    'LogFormat "%{%Y-%m-%d %H:%M:%S}t.%{msec_frac}t %a %m %U%q %>s \\"%{User-Agent}i\\" \\"%{Referer}i\\" %D" own'
)


@dataclass(frozen=True)
class Log:
    """A log of ``server``, and what its format leaves out."""

    server: str
    log_format: str = AUTO
    agent: bool = True
    forwarded: bool = False
    lost: tuple[str, ...] = ()
    cut: int = 10_000


MADE = {
    "nginx-combined": Log("nginx"),
    "nginx-main": Log("nginx", forwarded=True),
    "nginx-common": Log("nginx", agent=False),
    "nginx-host-first": Log("nginx"),
    "nginx-host-second": Log("nginx"),
    "nginx-json": Log("nginx", forwarded=True),
    "nginx-json-unescaped": Log("nginx"),
    "nginx-own": Log("nginx", OWN_NGINX),
    "nginx-syslog": Log("nginx"),
    "docker": Log("nginx"),
    "kubernetes": Log("nginx"),
    "apache-combined": Log("apache"),
    "apache-common": Log("apache", agent=False),
    "apache-vhost": Log("apache"),
    # The path is decoded and bare, so one with a space cannot be told from what follows.
    "apache-own": Log("apache", OWN_APACHE, lost=("/a//b/%2e%2e/c%20d%22e",)),
    "caddy-json": Log("caddy", forwarded=True),
    # It cuts its lines at 1,024 bytes.
    "haproxy-rfc3164": Log("haproxy", agent=False, cut=800),
    "haproxy-rfc5424": Log("haproxy", agent=False, cut=800),
}


def expected(log: Log) -> list[tuple[str, str, str, str]]:
    """Page, user agent, referrer and address of the requests that were page views, in their order."""
    found = []
    for request, status in zip(REQUESTS, ANSWERS[log.server], strict=True):
        page = request.get("page")
        if page is None or not (200 <= status <= 299 or status == 304) or request["target"] in log.lost:
            continue
        agent = request.get("agent", "").encode("latin-1").decode("utf-8", "replace") if log.agent else ""
        referrer = request.get("referrer", "") if log.agent else ""
        found.append((unquote(page), agent, referrer, "::1" if request.get("ipv6") else "127.0.0.1"))
    return found


@pytest.fixture(scope="module")
def visitors(tmp_path_factory: pytest.TempPathFactory) -> Visitors:
    return Visitors(Salts(tmp_path_factory.mktemp("salts")))


def reader(visitors: Visitors, log_format: str = AUTO, address: ClientAddress = ClientAddress.CONNECTION) -> AccessLog:
    return AccessLog(PageViews(SITE, visitors, address=address, clock=lambda: NOW), b"secret", log_format)


def lines(name: str) -> list[bytes]:
    return (LOGS / f"{name}.log").read_bytes().split(b"\n")[:-1]


def is_of(visitors: Visitors, event: SpooledEvent, address: str) -> bool:
    return event.visitor == visitors.of(7, address, event.user_agent, event.timestamp)[0]


@pytest.mark.parametrize("name", MADE)
def test_every_page_view_is_a_request(name: str, visitors: Visitors) -> None:
    made = MADE[name]
    log = reader(visitors, made.log_format)
    events = list(log.events(lines(name)))
    wanted = expected(made)
    urls = [unquote(event.url.removeprefix("https://shop.example")) for event in events]
    assert [url[: made.cut] for url in urls] == [page[: made.cut] for page, *_ in wanted]
    assert [(event.user_agent, event.referrer) for event in events] == [
        (agent, referrer) for _, agent, referrer, _ in wanted
    ]
    assert all(is_of(visitors, event, address) for event, (*_, address) in zip(events, wanted, strict=True))
    assert len({event.event_id for event in events}) == len(events)
    assert len(log.counts.bad) == len(made.lost), log.counts.bad
    assert log.counts.lines == len(events) + log.counts.skipped.total()


@pytest.mark.parametrize("name", MADE)
def test_the_skipped_requests_are_counted_by_reason(name: str, visitors: Visitors) -> None:
    made = MADE[name]
    log = reader(visitors, made.log_format)
    list(log.events(lines(name)))
    statuses = list(zip(REQUESTS, ANSWERS[made.server], strict=True))
    refused = sum("raw" not in request and not (status < 300 or status == 304) for request, status in statuses)
    assert log.counts.skipped[SkipReason.STATIC] == 1
    assert log.counts.skipped[SkipReason.METHOD] == 2
    assert refused - 1 <= log.counts.skipped[SkipReason.STATUS] <= refused + 1  # what cannot be read has no method


@pytest.mark.parametrize("name", [name for name, made in MADE.items() if made.forwarded])
def test_the_forwarded_address_counts_when_asked_for(name: str, visitors: Visitors) -> None:
    log = reader(visitors, address=ClientAddress.FORWARDED)
    events = {event.url.rpartition("/")[2]: event for event in log.events(lines(name))}
    assert is_of(visitors, events["forwarded"], "203.0.113.9")
    assert is_of(visitors, events["six"], "::1")
    assert is_of(visitors, events["quoted"], "127.0.0.1")


EDGE = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Edge/140.0"
FIREFOX = "Mozilla/5.0 (X11; Linux)"
WRITTEN: dict[str, list[tuple[str, str, str, str]]] = {
    "iis": [
        ("https://shop.example/", EDGE, "https://search.example/", "203.0.113.7"),
        ("https://shop.example/tea/caf%C3%A9?utm_source=news", "Mozilla/5.0 (Windows NT 10.0)", "", "203.0.113.7"),
        ("https://shop.example/my%20file", "", "", "2001:db8::7"),
        ("https://www.shop.example/after", FIREFOX, "", "10.0.0.9"),
    ],
    "cloudfront": [
        ("https://shop.example/", "Mozilla/5.0 (X11; Linux x86_64)", "https://search.example/", "203.0.113.7"),
        ("https://shop.example/caf%C3%A9?utm_source=news", 'Mozilla/5.0 (X11; Linux) "q"', "", "2001:db8::7"),
        ("https://www.shop.example/forwarded", "Mozilla/5.0 (X11)", "", "198.51.100.9"),
    ],
    "s3": [
        ("https://shop.example/", FIREFOX, "https://search.example/", "203.0.113.7"),
        ("https://www.shop.example/caf%C3%A9?utm_source=news", 'Mozilla/5.0 "quoted"', "", "2001:db8::7"),
        ("https://shop.example/last", "", "", "203.0.113.7"),
    ],
    "elb": [
        ("https://www.shop.example/", FIREFOX, "", "203.0.113.7"),
        ("https://shop.example/caf%C3%A9?utm_source=news", 'Mozilla/5.0 "q"', "", "2001:db8::7"),
    ],
    "alb": [
        ("https://www.shop.example/", FIREFOX, "", "203.0.113.7"),
        ("https://shop.example/caf%C3%A9?utm_source=news", 'Mozilla/5.0 "q"', "", "2001:db8::7"),
    ],
    "traefik": [
        ("https://shop.example/", FIREFOX, "https://search.example/", "203.0.113.7"),
        ("https://shop.example/caf%C3%A9?utm_source=news", 'Mozilla/5.0 "q"', "", "2001:db8::7"),
    ],
    "traefik-json": [
        ("https://shop.example/", FIREFOX, "https://search.example/", "203.0.113.7"),
        ("https://shop.example/caf%C3%A9?utm_source=news", 'Mozilla/5.0 "q"', "", "2001:db8::7"),
    ],
}  # fmt: skip
SKIPPED = {
    "iis": {"directive": 8, "method": 1, "static": 1, "status": 1, "other_host": 1},
    "cloudfront": {"directive": 2, "static": 1, "method": 1, "status": 1, "other_host": 1},
    "s3": {"no_request": 2, "static": 1, "method": 1, "status": 1},
    "elb": {"status": 1, "other_host": 1, "method": 1, "no_request": 1},
    "alb": {"status": 3, "static": 1, "no_request": 1},
    "traefik": {"status": 1},
    "traefik-json": {"status": 1, "method": 1},
}
BY_NAME = {"iis": "w3c", "traefik": "combined", "traefik-json": "json"}


@pytest.mark.parametrize("name", WRITTEN)
@pytest.mark.parametrize("named", [False, True], ids=["auto", "named"])
def test_logs_written_by_hand(name: str, named: bool, visitors: Visitors) -> None:
    log = reader(visitors, BY_NAME.get(name, name) if named else AUTO)
    events = list(log.events(lines(name)))
    assert log.counts.bad == []
    assert [(event.url, event.user_agent, event.referrer) for event in events] == [
        (url, agent, referrer) for url, agent, referrer, _ in WRITTEN[name]
    ]
    assert all(is_of(visitors, event, address) for event, (*_, address) in zip(events, WRITTEN[name], strict=True))
    assert log.counts.skipped == Counter(SKIPPED[name])


@pytest.mark.parametrize(("name", "page"), [("iis", "/after"), ("cloudfront", "/forwarded")])
def test_forwarded_addresses_of_logs_written_by_hand(name: str, page: str, visitors: Visitors) -> None:
    log = reader(visitors, address=ClientAddress.FORWARDED)
    [event] = [event for event in log.events(lines(name)) if event.url.endswith(page)]
    assert is_of(visitors, event, "203.0.113.8")


def test_every_log_has_a_test() -> None:
    assert {path.stem for path in LOGS.glob("*.log")} == {*MADE, *WRITTEN}


# Lines in pieces, and the one of two formats with #Fields.
UNMIXED = {"docker", "kubernetes", "iis"}


def test_all_formats_in_one_file(visitors: Visitors) -> None:
    """A file in which every line has another format is read as each of them alone."""
    apart, mixed = [], []
    names = [name for name in (*MADE, *WRITTEN) if MADE.get(name, Log("")).log_format == AUTO]
    parts = {name: lines(name) for name in names if name not in UNMIXED}
    for name, part in parts.items():
        apart += [(event.url, event.user_agent, event.timestamp) for event in reader(visitors).events(part)]
        assert name
    for at in range(max(map(len, parts.values()))):
        mixed += [part[at] for part in parts.values() if at < len(part)]
    log = reader(visitors)
    together = [(event.url, event.user_agent, event.timestamp) for event in log.events(mixed)]
    assert Counter(together) == Counter(apart)
    assert log.counts.bad == []

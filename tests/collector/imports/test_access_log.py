"""Access logs into events: what counts, what is left out and why, and that a file counts once."""

from __future__ import annotations

import datetime as dt
import re
import time
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from collector.event.model import SpooledEvent
from collector.imports.access_log import AccessLog
from collector.imports.clients import client_of
from collector.imports.counts import SHOWN_BAD_LINES, SkipReason
from collector.imports.layouts import clf
from collector.imports.layouts.table import AUTO, LAYOUTS, NAMES
from collector.imports.layouts.wrapping import Wrapping
from collector.imports.page_views import PageViews
from collector.ingest.visitors import Salts, Visitors
from collector.sites.registry import Site

NOW = dt.datetime(2026, 11, 1, tzinfo=dt.UTC).timestamp()
SITE = Site(7, "shop.example", "Europe/Berlin")
UA = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture(scope="module")
def visitors(tmp_path_factory: pytest.TempPathFactory) -> Visitors:
    return Visitors(Salts(tmp_path_factory.mktemp("salts")))


def reader(visitors: Visitors, log_format: str = AUTO, **options: object) -> AccessLog:
    return AccessLog(PageViews(SITE, visitors, clock=lambda: NOW, **options), b"secret", log_format)  # type: ignore[arg-type]


def line(
    request: str = "GET /a HTTP/1.1",
    status: object = 200,
    *,
    start: str = "192.0.2.1 - -",
    time: str = "17/May/2015:10:05:03 +0000",
    end: str = f' "https://ref.example/x" "{UA}"',
) -> bytes:
    return f'{start} [{time}] "{request}" {status} 512{end}'.encode()


def one(visitors: Visitors, raw: bytes, **options: object) -> SpooledEvent:
    log = reader(visitors, **options)
    events = list(log.events([raw]))
    assert log.counts.bad == []
    assert len(events) == 1, log.counts
    return events[0]


def at(text: str) -> int:
    return int(dt.datetime.fromisoformat(text).timestamp() * 1000)


def test_a_combined_line_is_a_page_view(visitors: Visitors) -> None:
    event = one(visitors, line("GET /tea/sencha?utm_source=x HTTP/1.1"))
    seen = at("2015-05-17T10:05:03+00:00")
    assert (event.visitor, event.previous) == visitors.of(7, "192.0.2.1", UA, seen)
    assert (event.name, event.interactive, event.known, event.timestamp) == ("page_view", False, True, seen)
    assert event.url == "https://shop.example/tea/sencha?utm_source=x"
    assert (event.referrer, event.user_agent) == ("https://ref.example/x", UA)
    assert len(event.event_id) == 16


URLS = [
    ("root", line("GET / HTTP/1.1"), "https://shop.example/"),
    ("HTTP/0.9 has no version", line("GET /old"), "https://shop.example/old"),
    ("HTTP/2", line("GET /new HTTP/2.0"), "https://shop.example/new"),
    ("space in the target", line("GET /a b HTTP/1.1"), "https://shop.example/a%20b"),
    ("absolute form", line("GET http://shop.example/p?q=1 HTTP/1.1"), "https://shop.example/p"),
    (
        "absolute form, www and port",
        line("GET HTTP://www.shop.example:80 HTTP/1.1"),
        "https://www.shop.example/",
    ),
    ("two slashes", line("GET //evil.example/x HTTP/1.1"), "https://shop.example//evil.example/x"),
    ("vhost", line(start="www.shop.example 192.0.2.1 - -"), "https://www.shop.example/a"),
    ("vhost with port", line(start="shop.example:443 192.0.2.1 - -"), "https://shop.example/a"),
    (
        "vhost upper case before IPv6",
        line(start="WWW.Shop.Example 2001:db8::1 - -"),
        "https://www.shop.example/a",
    ),
    ("vhost is a placeholder", line(start="_ 192.0.2.1 - -"), "https://shop.example/a"),
    ("vhost is an address", line(start="192.0.2.80:80 192.0.2.1 - -"), "https://shop.example/a"),
    ("escaped by nginx", line(r"GET /caf\xC3\xA9 HTTP/1.1"), "https://shop.example/café"),
    ("escaped control character", line(r"GET /a\nb HTTP/1.1"), "https://shop.example/a%0Ab"),
    ("not UTF-8", line("GET /X HTTP/1.1").replace(b"X", b"\xe4"), "https://shop.example/\ufffd"),
    ("dot in a folder", line("GET /v1.css/page HTTP/1.1"), "https://shop.example/v1.css/page"),
    ("extension in the query", line("GET /get?file=a.css HTTP/1.1"), "https://shop.example/get"),
    ("page with an extension", line("GET /a.html HTTP/1.1"), "https://shop.example/a.html"),
    ("from the cache", line(status=304), "https://shop.example/a"),
    ("part of a page", line(status=206), "https://shop.example/a"),
    ("CRLF", line() + b"\r", "https://shop.example/a"),
]


@pytest.mark.parametrize(("raw", "url"), [case[1:] for case in URLS], ids=[case[0] for case in URLS])
def test_url_of_the_page(visitors: Visitors, raw: bytes, url: str) -> None:
    assert one(visitors, raw).url == url


READERS = [
    ("common format", line(end=""), "", ""),
    ("dashes", line(end=' "-" "-"'), "", ""),
    ("empty", line(end=' "" ""'), "", ""),
    ("quote escaped by Apache", line(end=r' "-" "a \"b\" c\\"'), "", 'a "b" c\\'),
    ("quote escaped by nginx", line(end=r' "-" "a \x22b\x22"'), "", 'a "b"'),
    (
        "fields after the user agent",
        line(end=f' "https://a.example/" "{UA}" 0.003 "x"'),
        "https://a.example/",
        UA,
    ),
    ("not UTF-8", line(end=' "-" "caf"').replace(b"caf", b"caf\xe9"), "", "caf\ufffd"),
    ("user with a space", line(start="192.0.2.1 - john doe", end=f' "-" "{UA}"'), "", UA),
    ("user with brackets", line(start="192.0.2.1 - [x] y", end=f' "-" "{UA}"'), "", UA),
    ("identity given", line(start="192.0.2.1 ident bob", end=f' "-" "{UA}"'), "", UA),
]


@pytest.mark.parametrize(
    ("raw", "referrer", "agent"), [case[1:] for case in READERS], ids=[case[0] for case in READERS]
)
def test_referrer_user_agent_and_visitor(visitors: Visitors, raw: bytes, referrer: str, agent: str) -> None:
    event = one(visitors, raw)
    assert (event.referrer, event.user_agent) == (referrer, agent)
    assert event.visitor == visitors.of(7, "192.0.2.1", agent, event.timestamp)[0]


@pytest.mark.parametrize("address", ["2001:db8::1", "::1", "::ffff:192.0.2.1", "client.example"])
def test_address_is_the_first_word(visitors: Visitors, address: str) -> None:
    event = one(visitors, line(start=f"{address} - -"))
    assert event.visitor == visitors.of(7, address, UA, event.timestamp)[0]
    assert address not in repr(event)


TIMES = [
    ("UTC", "17/May/2015:10:05:03 +0000", "2015-05-17T10:05:03+00:00"),
    ("east", "17/May/2015:00:05:03 +0530", "2015-05-17T00:05:03+05:30"),
    ("west", "31/Dec/2015:23:59:59 -0330", "2015-12-31T23:59:59-03:30"),
    ("leap day", "29/Feb/2024:12:00:00 +0100", "2024-02-29T12:00:00+01:00"),
    ("leap second", "30/Jun/2015:23:59:60 +0000", "2015-07-01T00:00:00+00:00"),
]


@pytest.mark.parametrize(("stamp", "iso"), [case[1:] for case in TIMES], ids=[case[0] for case in TIMES])
def test_time_is_utc_by_the_lines_own_offset(visitors: Visitors, stamp: str, iso: str) -> None:
    assert one(visitors, line(time=stamp)).timestamp == at(iso)


SKIPPED = [
    ("style", line("GET /a/b.css HTTP/1.1"), SkipReason.STATIC),
    ("style with a query", line("GET /a/b.css?v=3 HTTP/1.1"), SkipReason.STATIC),
    ("upper case", line("GET /photo.JPG HTTP/1.1"), SkipReason.STATIC),
    ("archive", line("GET /a.tar.gz HTTP/1.1"), SkipReason.STATIC),
    ("download", line("GET /paper.pdf HTTP/1.1"), SkipReason.STATIC),
    ("favicon", line("GET /favicon.ico HTTP/1.1"), SkipReason.STATIC),
    ("robots", line("GET /robots.txt HTTP/1.1"), SkipReason.STATIC),
    ("sitemap", line("GET /sitemap-1.xml HTTP/1.1"), SkipReason.STATIC),
    ("feed", line("GET /blog/feed/ HTTP/1.1"), SkipReason.STATIC),
    ("feed, no slash", line("GET /rss?x HTTP/1.1"), SkipReason.STATIC),
    ("for machines", line("GET /.well-known/acme-challenge/x HTTP/1.1"), SkipReason.STATIC),
    ("absolute form", line("GET http://shop.example/a.png HTTP/1.1"), SkipReason.STATIC),
    ("post", line("POST /a HTTP/1.1"), SkipReason.METHOD),
    ("head", line("HEAD /a HTTP/1.1"), SkipReason.METHOD),
    ("lower case", line("get /a HTTP/1.1"), SkipReason.METHOD),
    ("moved", line(status=301), SkipReason.STATUS),
    ("missing", line(status=404), SkipReason.STATUS),
    ("server error", line(status=500), SkipReason.STATUS),
    ("no status", line(status="-"), SkipReason.STATUS),
    ("other vhost", line(start="other.example 192.0.2.1 - -"), SkipReason.OTHER_HOST),
    ("vhost that only ends alike", line(start="notshop.example 192.0.2.1 - -"), SkipReason.OTHER_HOST),
    ("broken vhost", line(start="a<b>.example 192.0.2.1 - -"), SkipReason.OTHER_HOST),
    ("used as a proxy", line("GET http://other.example/ HTTP/1.1"), SkipReason.OTHER_HOST),
    ("no request", line("-", 408), SkipReason.NO_REQUEST),
    ("TLS on a plain port", line(r"\x16\x03\x01\x00\xEE", 400), SkipReason.NO_REQUEST),
    ("target without a slash", line("GET a HTTP/1.1"), SkipReason.NO_REQUEST),
    ("empty request", line("", 400), SkipReason.NO_REQUEST),
    ("directive", b"#Fields: date time c-ip", SkipReason.DIRECTIVE),
    ("blank", b"  \r", SkipReason.BLANK),
    ("empty", b"", SkipReason.BLANK),
]


@pytest.mark.parametrize(("raw", "reason"), [case[1:] for case in SKIPPED], ids=[case[0] for case in SKIPPED])
def test_skipped_with_its_reason(visitors: Visitors, raw: bytes, reason: SkipReason) -> None:
    log = reader(visitors)
    assert list(log.events([raw])) == []
    assert log.counts.skipped == {reason: 1}
    assert log.counts.bad == []


BAD = [
    ("words", b"hello world", "not a line of an access log: it has no [17/May/2015:10:05:03 +0000]"),
    ("other time", line(time="2015-05-17T10:05:03Z"), "the time does not look like"),
    ("no such day", line(time="31/Feb/2015:10:05:03 +0000"), "no such day"),
    ("no such month", line(time="11/Mai/2015:10:05:03 +0000"), "no such day"),
    ("no such hour", line(time="11/May/2015:24:05:03 +0000"), "no such time of day"),
    ("no such offset", line(time="11/May/2015:10:05:03 +9900"), "no such UTC offset"),
    ("before the web", line(time="31/Dec/1969:23:59:59 +0000"), "before the web"),
    ("future", line(time="03/Nov/2026:00:00:00 +0000"), "in the future"),
    ("no user", b"192.0.2.1 " + line()[14:], "there is no address, identity and user"),
    ("request not closed", line()[:50], "the request has no closing quote"),
    ("no status", b'192.0.2.1 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" ok', "there is no status and size"),
    ("torn in the user agent", line()[:-1], "the referrer or the user agent has no closing quote"),
    ("torn in the referrer", line(end=' "https://ref'), "the referrer or the user agent has no closing quote"),
    (
        "bad time of a static file",
        line("GET /a.css HTTP/1.1", time="31/Feb/2015:10:05:03 +0000"),
        "no such day",
    ),
    ("endless", b"x" * 70_000, "longer than 64 KiB"),
]


@pytest.mark.parametrize(("raw", "cause"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_bad_line_is_named_and_stops_nothing(visitors: Visitors, raw: bytes, cause: str) -> None:
    log = reader(visitors)
    assert len(list(log.events([line(), raw, line("GET /b HTTP/1.1")], "day.log"))) == 2
    [bad] = log.counts.bad
    assert (bad.source, bad.number) == ("day.log", 2)
    assert bad.cause.startswith(cause)
    reason = SkipReason.TOO_LONG if raw.startswith(b"xxx") else SkipReason.BAD_LINE
    assert log.counts.skipped == {reason: 1}


def test_every_reason_has_a_case() -> None:
    assert {case[2] for case in SKIPPED} | {SkipReason.BAD_LINE, SkipReason.TOO_LONG} == set(SkipReason)


def test_only_the_first_bad_lines_are_kept_but_all_counted(visitors: Visitors) -> None:
    log = reader(visitors)
    assert len(list(log.events([*[b"x"] * 100, line()]))) == 1
    assert [bad.number for bad in log.counts.bad] == list(range(1, SHOWN_BAD_LINES + 1))
    assert log.counts.skipped[SkipReason.BAD_LINE] == log.counts.lines - 1 == 100


CLIENTS = [
    ("203.0.113.5, 10.0.0.1", "203.0.113.5"),
    ("203.0.113.5,10.0.0.1,10.0.0.2", "203.0.113.5"),
    ("unknown, 203.0.113.5", "203.0.113.5"),
    ("203.0.113.5:4711", "203.0.113.5"),
    ("[2001:db8::1]", "2001:db8::1"),
    ("[2001:db8::1]:443", "2001:db8::1"),
    ("fe80::1%eth0", "fe80::1"),
    ("Client.Example", "client.example"),
]


@pytest.mark.parametrize(("field", "client"), CLIENTS)
def test_the_client_is_the_first_address_without_what_is_around_it(visitors: Visitors, field: str, client: str) -> None:
    event = one(visitors, line(start=f"{field} - -"))
    assert event.visitor == visitors.of(7, client, UA, event.timestamp)[0]
    behind = one(visitors, line(start=f"www.shop.example {field} - -")) if client[0].isdigit() else event
    assert behind.visitor == event.visitor


@pytest.mark.parametrize("field", ["-", "unknown", "Nov", "host", "999.1.1.1", "shop.example", "www.shop.example:443"])
def test_any_first_word_is_not_a_client(visitors: Visitors, field: str) -> None:
    log = reader(visitors)
    assert len(list(log.events([line(start=f"{field} - -"), line()]))) == 1
    assert [bad.cause for bad in log.counts.bad] == [f"not a client address: {field}"]


PREFIXES = [
    "Nov 21 10:00:00 web1 nginx: ",
    "Nov  1 10:00:00 web1 nginx[123]: ",
    "<190>Nov 21 10:00:00 web1 nginx: ",
    "<190>Nov 21 10:00:00 nginx: ",
    "2026-11-21T10:00:00.123456+01:00 web1 nginx[7]: ",
    "<190>1 2026-11-21T10:00:00Z web1 nginx 123 ID47 - ",
    '<190>1 2026-11-21T10:00:00Z web1 nginx - - [x@1 a="b"][y@2 c="d"] ',
    "2026-11-21T10:00:00.123456789Z stdout F ",
    "web-1  | ",
    "web1.example.org nginx: ",
    "myhost.corp.lan app[1]: ",
]


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("layout", ["auto", "combined"])
def test_what_a_logger_wrote_before_a_line_is_passed_over(visitors: Visitors, prefix: str, layout: str) -> None:
    addresses = [f"192.0.2.{n}" for n in range(200)]
    plain = [line(start=f"{address} - -") for address in addresses]
    log = reader(visitors, layout)
    events = list(log.events([prefix.encode() + raw for raw in plain]))
    assert len({event.visitor for event in events}) == 200
    assert log.counts.bad == []
    assert [event.event_id for event in events] == ids(visitors, plain), "a copy by way of syslog counts once"


def test_the_host_may_be_the_second_word(visitors: Visitors) -> None:
    assert one(visitors, line(start="192.0.2.1 www.shop.example -")).url == "https://www.shop.example/a"
    log = reader(visitors)
    assert list(log.events([line(start="192.0.2.1 other.example -")])) == []
    assert log.counts.skipped == {SkipReason.OTHER_HOST: 1}


@pytest.mark.parametrize(
    ("raw", "cause"),
    [
        (b'{"remote_addr": "192.0.2.1"}', "JSON without time, status, request"),
        (b'{"remote_addr": ', "this looks like JSON, but is not valid"),
        (
            b"2026-11-21 10:00:00 192.0.2.1 GET / - 80 - 192.0.2.2",
            "this looks like the W3C format, but no #Fields line",
        ),
        (b"https 2026-11-21T10:00:00.1Z app/a/b 192.0.2.1:2817", "this looks like the log of an application load"),
        (b"2026-11-21T10:00:00.1Z lb 192.0.2.1:2817 -", "this looks like the log of a classic load balancer"),
        (b"192.0.2.1:2817 [06/Feb/2009:12:14:14.655] in back/srv", "this looks like HAProxy's log, but not like"),
        (b"2026/11/21 10:00:00 [error] 7#7: *1 open() failed", "this looks like an error log, which is not supported"),
        (b"[Sat Nov 21 10:00:00.1 2026] [core:error] [pid 1] AH00124", "this looks like an error log, which is not"),
    ],
)
def test_a_line_that_only_looks_like_a_format_is_told_so(visitors: Visitors, raw: bytes, cause: str) -> None:
    log = reader(visitors)
    assert list(log.events([raw, line()]))
    [bad] = log.counts.bad
    assert bad.cause.startswith(cause)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_file_in_another_format_than_the_one_that_was_given(visitors: Visitors, layout: str) -> None:
    raw = line() if layout not in {"combined", "common", "vhost"} else LAYOUTS["s3"].example.encode()
    log = reader(visitors, layout)
    assert list(log.events([raw])) == []
    [stranger] = log.counts.strangers
    assert re.search(r"this line has the format (s3|combined, common or vhost), not " + layout, str(stranger))
    assert NAMES in str(stranger)


def test_a_file_of_which_no_line_fits_is_one_stranger(visitors: Visitors) -> None:
    log = reader(visitors)
    assert list(log.events([b"# Title", b"", *[b"words"] * 65], "README.md")) == []
    assert len(list(log.events([line()], "day.log"))) == 1
    [stranger] = log.counts.strangers
    assert str(stranger).startswith("README.md is not an access log: none of its 67 lines is readable\n  line 1: ")
    assert NAMES in str(stranger)
    assert len(stranger.examples) == 3
    assert log.counts.bad == []


def test_clients_by_name_are_told(visitors: Visitors) -> None:
    log = reader(visitors)
    list(log.events([line(start=f"c{n}.isp.example - -") for n in range(9)]))
    assert log.counts.names == ["c0.isp.example", "c1.isp.example", "c2.isp.example"]


def test_a_visitor_who_asked_for_what_only_scanners_ask_for(visitors: Visitors) -> None:
    probes = [line(f"GET {path} HTTP/1.1", 404) for path in ("/.env", "/.git/config", "/phpMyAdmin/?a")]
    log = reader(visitors)
    lines = [*probes, line(), line(start="192.0.2.2 - -")]
    assert [event.signals for event in log.events(lines)] == ["scanner", ""]
    log = reader(visitors)
    missing = [line(f"GET /{n} HTTP/1.1", 404) for n in range(100)]
    assert [event.signals for event in log.events([*missing, line()])] == [""]
    assert [event.signals for event in log.events([missing[0], line("GET /b HTTP/1.1")])] == ["scanner"]


@pytest.mark.parametrize(
    ("layout", "raw", "url"),
    [
        ("common", line(start="a.example 192.0.2.1 -", end=" extra"), "https://shop.example/a"),
        ("combined", line(), "https://shop.example/a"),
        ("combined", line(end=""), None),
        ("vhost", line(start="www.shop.example client.example - -"), "https://www.shop.example/a"),
        (
            "vhost",
            line(start="www.shop.example client.example - -", end=""),
            "https://www.shop.example/a",
        ),
        ("auto", line(end=" extra"), None),
    ],
)
def test_layout(visitors: Visitors, layout: str, raw: bytes, url: str | None) -> None:
    assert [event.url for event in reader(visitors, layout).events([raw])] == ([url] if url else [])


def test_static_files_and_other_hosts_on_request(visitors: Visitors) -> None:
    assert one(visitors, line("GET /a.css HTTP/1.1"), keep_static=True).url == "https://shop.example/a.css"
    raw = line(start="other.example 192.0.2.1 - -")
    assert one(visitors, raw, any_host=True).url == "https://other.example/a"


def test_hosts_of_one_log_are_kept_apart(visitors: Visitors) -> None:
    hosts = ["shop.example", "www.shop.example", "other.example", "shop.example"]
    log = reader(visitors)
    urls = [event.url for event in log.events([line(start=f"{host} 192.0.2.1 - -") for host in hosts])]
    assert urls == ["https://shop.example/a", "https://www.shop.example/a", "https://shop.example/a"]
    assert log.counts.skipped == {SkipReason.OTHER_HOST: 1}


def test_country_comes_from_the_address(visitors: Visitors) -> None:
    asked = []

    def country_of(address: str) -> str:
        asked.append(address)
        return "DE"

    log = reader(visitors, country_of=country_of)
    assert [event.country for event in log.events([line(), line("GET /b HTTP/1.1")])] == ["DE", "DE"]
    assert asked == ["192.0.2.1"]


def ids(visitors: Visitors, lines: list[bytes], site: Site = SITE, secret: bytes = b"secret") -> list[bytes]:
    log = AccessLog(PageViews(site, visitors, clock=lambda: NOW), secret)
    return [event.event_id for event in log.events(lines)]


def test_same_file_same_ids_and_equal_lines_count_each(visitors: Visitors) -> None:
    lines = [line(), line(), line("GET /b HTTP/1.1"), line()]
    first = ids(visitors, lines)
    assert len(set(first)) == 4
    assert ids(visitors, lines) == first
    assert ids(visitors, [raw + b"\r" for raw in lines]) == first
    assert ids(visitors, lines[2:]) == [first[2], first[0]], "a rotated file overlaps"
    assert not set(first) & set(ids(visitors, lines, Site(8, "shop.example", "UTC")))
    assert not set(first) & set(ids(visitors, lines, secret=b"other")), "an id does not tell its line"


def test_a_second_file_of_one_run_starts_counting_anew(visitors: Visitors) -> None:
    log = reader(visitors)
    first = [event.event_id for event in log.events([line(), line()])]
    assert [event.event_id for event in log.events([line(), line()])] == first
    assert log.counts.lines == 4


def test_equal_lines_are_told_apart_though_others_stand_between(visitors: Visitors) -> None:
    start = dt.datetime(2015, 5, 17, 10, tzinfo=dt.UTC)

    def second(number: int) -> bytes:
        return line(time=f"{start + dt.timedelta(seconds=number):%d/%b/%Y:%H:%M:%S %z}")

    near = [second(0), *(second(number) for number in range(1, 290)), second(0)]
    assert len(set(ids(visitors, near))) == len(near)
    straddling = [second(0), second(200), second(301), second(200), second(302), second(200)]
    assert len(set(ids(visitors, straddling))) == len(straddling)


WORDS = st.sampled_from(
    [
        b'"',
        b"\\",
        b" ",
        b"[",
        b"]",
        b"-",
        b"GET /a",
        b" HTTP/1.1",
        b"200",
        b"\xff",
        b"\x00",
        b"192.0.2.1",
        b"\\x",
        b"::",
        b"17/May/2015:10:05:03 +0000",
        b"00/Xxx/0000:99:99:99 -9999",
        b"http://",
        b"GET ",
        b"?",
        b".",
    ]
)


@given(st.one_of(st.binary(max_size=300), st.lists(WORDS, max_size=40).map(b"".join)))
@example(b'192.0.2.1 - - [01/Jan/0000:00:00:00 +0000] "GET / HTTP/1.1" 200 0')
@example(b'192.0.2.1 - - [01/Jan/0001:00:00:00 +1500] "GET / HTTP/1.1" 200 0')
def test_no_line_raises_or_is_lost(visitors: Visitors, raw: bytes) -> None:
    for layout in (AUTO, *LAYOUTS):
        log = reader(visitors, layout)
        events = list(log.events([raw]))
        assert log.counts.lines == len(events) + log.counts.skipped.total() == 1


@given(
    path=st.text(st.characters(codec="utf-8", exclude_characters=' "\\?#\r\n'), max_size=40),
    agent=st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), min_size=2, max_size=40),
)
def test_what_a_server_wrote_is_read_back(visitors: Visitors, path: str, agent: str) -> None:
    escaped = agent.replace("\\", "\\\\").replace('"', '\\"')
    log = reader(visitors, keep_static=True)
    [event] = log.events([line(f"GET /{path} HTTP/1.1", end=f' "-" "{escaped}"')])
    assert event.user_agent == agent
    assert event.url.isprintable() or not path.isprintable()
    if path.isprintable():
        assert event.url == f"https://shop.example/{path}"


@pytest.mark.timeout(20)
@pytest.mark.parametrize("part", [b"[", b" [17/May/2015:10:05:03 +0000] ", b'"', b"\\", b" ", b"a:", b'\\" [17'])
def test_hostile_lines_take_no_time(visitors: Visitors, part: bytes) -> None:
    raw = (b"192.0.2.1 - - " + part * 65_000)[:65_000]
    log = reader(visitors)
    assert list(log.events([raw] * 50)) == []
    assert log.counts.skipped[SkipReason.BAD_LINE] == 50


@pytest.mark.parametrize(
    "part", ["a,", "1,", "a.", "<1>", "Nov 21 10:00:00 ", "x ", ": ", "[a]", " ", "|", "a: ", "{", "1:"]
)
def test_what_stands_before_a_request_takes_no_time(part: str) -> None:
    text = (part * 65_536)[:65_536].encode()
    started = time.process_time()
    for raw in (text, b"Nov 21 10:00:00 " + text, b"<1>1 2026-11-21T10:00:00Z a b c d [" + text, b"web-1  " + text):
        Wrapping(70_000).inner(raw)
        client_of(raw)
        clf.why(raw)
    assert time.process_time() - started < 1


# The definition, written down a second time: a page view is a GET answered with 2xx or 304, not for a static
# file (here: every kind that occurs in this log, sorted by hand), not for a feed.
FIELDS = re.compile(r'^(\S+) \S+ \S+ \[([^\]]+)\] "(.*?)" (\d+) \S+ "(.*?)" "(.*)"$')
NO_PAGES = re.compile(
    r"\.(css|js|png|jpe?g|gif|svg|ico|ttf|woff|pdf|xml|xsl|txt|gz|jar|exe|deb|swf|doc)$|/(feed|rss|atom)/?$",
    re.IGNORECASE,
)


def independent_page_views(path: Path) -> Counter[str]:
    seen: Counter[str] = Counter()
    for text in path.read_text("utf-8", "replace").split("\n"):
        fields = FIELDS.match(text)
        if fields is None:
            continue
        method, target, *_ = [*fields[3].split(" "), "", ""]
        answered = 200 <= int(fields[4]) <= 299 or fields[4] == "304"
        if method == "GET" and answered and not NO_PAGES.search(target.split("?")[0]):
            seen[target.split("?")[0].split("#")[0]] += 1
    return seen


def test_a_real_log_gives_the_page_views_that_an_independent_count_gives(shared_data: Path, visitors: Visitors) -> None:
    path = shared_data / "access-logs" / "apache-2015.log"
    log = reader(visitors)
    events = list(log.events(path.read_bytes().split(b"\n"), path.name))
    seen = Counter(event.url.removeprefix("https://shop.example").split("?")[0] for event in events)
    assert seen == independent_page_views(path)
    assert log.counts.events == seen.total() > 3000
    assert [bad.number for bad in log.counts.bad] == [8899]
    assert len({event.event_id for event in events}) == len(events)
    assert log.counts.skipped[SkipReason.BLANK] == 1  # after the last newline


def test_equal_lines_far_apart_in_a_log_whose_times_jump_count_each(visitors: Visitors) -> None:
    """A server that writes when a request ends: a download of an hour stands among lines of an hour later. Two servers'
    logs in one file: all times come again."""
    hour, late = line("GET /film HTTP/1.1", time="17/May/2015:09:00:00 +0000"), line("GET /film HTTP/1.1")
    first = [line(f"GET /{n} HTTP/1.1") for n in range(50)]
    lines = [line(), hour, late, hour, late, line(), *first, *first, line()]
    found = list(reader(visitors).events(lines))
    assert len({event.event_id for event in found}) == len(lines)
    again = list(reader(visitors).events(lines))
    assert [event.event_id for event in again] == [event.event_id for event in found]


def test_a_hundred_thousand_lines_then_the_first_again(visitors: Visitors) -> None:
    lines = [line(f"GET /{n} HTTP/1.1") for n in range(100_000)]
    found = list(reader(visitors).events([*lines, *lines[:10]]))
    assert len({event.event_id for event in found}) == 100_010


def test_one_line_over_and_over_costs_no_more_each_time(visitors: Visitors) -> None:
    def seconds(count: int) -> float:
        began = time.process_time()
        assert len({event.event_id for event in reader(visitors).events([line()] * count)}) == count
        return time.process_time() - began

    assert min(seconds(20_000) for _ in range(2)) < 10 * min(seconds(5_000) for _ in range(3))

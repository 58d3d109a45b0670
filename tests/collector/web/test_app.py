"""The HTTP front of the collector, with a real registry, real salts and a real spool behind it."""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import gzip
import json
import os
import resource
from dataclasses import replace
from types import SimpleNamespace

import falcon.testing
import pytest
import zstandard

from collector.choices import SchemaMode
from collector.event.limits import Limits
from collector.event.model import DropReason
from collector.ingest.identity_keys import identity_keys
from collector.ingest.rate_limits import RateLimits, Rates
from collector.ingest.service import AppOptions
from collector.sites.event_schemas import EventSchema
from collector.sites.identity import Identity
from collector.sites.registry import Site, WriteKey, hash_key
from collector.sites.snapshot import publish
from collector.sites.tombstones import Of, tombstone
from collector.spool import framing
from collector.spool.line_reader import decode
from collector.spool.spool import Spool, SpoolOptions
from collector.web.app import create_app
from sql.core.data_dir import DataDir

KEY = "wk_right"
ADDRESS = "203.0.113.77"
MAX_BODY = Limits().body_bytes
PROXY = "10.0.0.9"
PAGE = {"Origin": "https://shop.example"}
EVENT = {"site": "shop.example", "name": "signup", "url": "https://shop.example/a"}
OLD = (dt.datetime.now(dt.UTC) - dt.timedelta(days=31)).isoformat()
AHEAD = (dt.datetime.now(dt.UTC) + dt.timedelta(days=2)).isoformat()

# One event for each reason to drop one.
DROPPED = {
    DropReason.MALFORMED: ({"name": "a", "title": 5}, "title"),
    DropReason.MISSING_NAME: ({"name": " "}, "name"),
    DropReason.NAME_TOO_LONG: ({"name": "n" * 200}, "name"),
    DropReason.BAD_URL: ({"name": "a", "url": "shop.example/a"}, "url"),
    DropReason.VALUE_TOO_LONG: ({"name": "a", "title": "t" * 2000}, "title"),
    DropReason.TOO_MANY_PROPERTIES: ({"name": "a", "props": {f"p{n}": 1 for n in range(80)}}, "props"),
    DropReason.BAD_PROPERTY: ({"name": "a", "props": {"p" * 80: 1}}, "props." + "p" * 80),
    DropReason.BAD_REVENUE: ({"name": "a", "revenue": {"amount": "much"}}, "revenue.amount"),
    DropReason.BAD_CONSENT: ({"name": "a", "consent": {"ad_storage": "maybe"}}, "consent.ad_storage"),
    DropReason.TOO_LARGE: ({"name": "a", "props": {f"p{n}": "v" * 1000 for n in range(40)}}, ""),
    DropReason.SCHEMA: ({"name": "checked", "props": {"plan": 5}}, "props.plan"),
    DropReason.TIMESTAMP_TOO_OLD: ({"name": "a", "timestamp": OLD}, "timestamp"),
    DropReason.TIMESTAMP_IN_FUTURE: ({"name": "a", "timestamp": AHEAD}, "timestamp"),
    DropReason.ERASED: ({"name": "a", "user_id": "erased-user"}, ""),
}

MODES = {"checked": SchemaMode.REJECT, "watched": SchemaMode.WARN}


class Collector:
    """A collector of one test, asked through the loop that a worker would run."""

    def __init__(self, options: AppOptions) -> None:
        self.options = options
        self.home = options.home

    def ask(self, *requests):
        """Send requests one after the other, then stop the worker; the answers."""

        async def run():
            async with falcon.testing.ASGIConductor(create_app(self.options)) as conductor:
                return [await self._send(conductor, *request) for request in requests]

        return asyncio.run(run())

    async def _send(self, conductor, method, path, fields):
        fields = {"remote_addr": ADDRESS} | fields
        return await conductor.simulate_request(method, path, **fields)

    def post(self, body=EVENT, headers=PAGE, path="/v1/events", **more):
        data = body if isinstance(body, bytes) else json.dumps(body)
        sent = {"Content-Type": "application/json"} | headers
        return self.ask(("POST", path, {"body": data, "headers": sent, **more}))[0]

    def get(self, path, **more):
        return self.ask(("GET", path, more))[0]

    def events(self):
        """The rows that were spooled, each with the fields of its event as attributes."""
        spool = Spool(self.home.spool)
        assert list(spool.open_dir.iterdir()) == []  # a worker that stops seals
        found = [framing.read(path.read_bytes(), framing.key_of(path)) for path in spool.sealed()]
        assert all(not segment.damaged for segment in found)
        rows = decode([payload for segment in found for payload in segment.payloads])
        return [SimpleNamespace(**row) for row in rows.iter_rows(named=True)]


@pytest.fixture
def collector(tmp_path):
    home = DataDir(tmp_path / "data").make()
    sites = [
        Site(7, "shop.example", "UTC", (WriteKey(hash_key(KEY)),), "EUR"),
        Site(8, "other.example", "UTC", (WriteKey(hash_key("wk_other")),), identity=Identity.FIRST_PARTY),
    ]
    publish(home.sites_file, sites)
    plans = {"properties": {"props": {"properties": {"plan": {"type": "string"}}}}}
    schemas = [EventSchema(7, name, 1, mode, json.dumps(plans)) for name, mode in MODES.items()]
    publish(home.event_schemas_file, schemas)
    publish(home.tombstones_file, [tombstone(identity_keys(home).user, 7, Of.USER, "erased-user")])
    return Collector(AppOptions(home, trusted_proxies=(PROXY,)))


@pytest.mark.parametrize("kind", ["application/json", "text/plain;charset=UTF-8", "Application/JSON; charset=utf-8"])
def test_one_event(collector, kind):
    answer = collector.post(headers=PAGE | {"Content-Type": kind, "User-Agent": "Agent/1"})
    assert (answer.status_code, answer.json) == (202, {"accepted": 1, "duplicates": 0, "rejected": []})
    assert answer.headers["access-control-allow-origin"] == "*"
    [event] = collector.events()
    assert (event.site_id, event.import_id) == (7, "")
    assert (event.name, event.url, event.user_agent) == ("signup", "https://shop.example/a", "Agent/1")
    assert event.timestamp == event.received_at


def test_no_content_type_is_json(collector):
    answer = collector.ask(("POST", "/v1/events", {"body": json.dumps(EVENT), "headers": PAGE}))[0]
    assert answer.status_code == 202


@pytest.mark.parametrize("reason", DropReason)
def test_every_reason_is_told_with_its_field(collector, reason):
    event, field = DROPPED[reason]
    good = {"name": "good"}
    answer = collector.post({"key": KEY, "events": [good, event, good]}, headers={})
    assert answer.status_code == 202
    assert answer.json["accepted"] == 2
    [rejected] = answer.json["rejected"]
    assert (rejected["index"], rejected["reason"], rejected["field"]) == (1, reason, field)
    assert [e.name for e in collector.events()] == ["good", "good"]


@pytest.mark.parametrize("reason", DropReason)
def test_a_request_with_nothing_acceptable_is_400(collector, reason):
    answer = collector.post(DROPPED[reason][0] | {"key": KEY}, headers={})
    assert answer.status_code == 400
    assert [r["reason"] for r in answer.json["rejected"]] == [reason]
    assert collector.events() == []


def test_a_batch_is_one_record(collector):
    batch = {"site": "shop.example", "events": [{"name": f"e{n}"} for n in range(5)]}
    assert collector.post(batch).json == {"accepted": 5, "duplicates": 0, "rejected": []}
    assert [e.name for e in collector.events()] == [f"e{n}" for n in range(5)]


def test_a_bare_list_names_its_site_by_query(collector):
    assert collector.post([{"name": "a"}], path="/v1/events?site=shop.example").status_code == 202
    assert collector.post([{"name": "a"}]).status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"null", b"5", b'"text"', b"\xff\xfe", b'{"name":"a"}x', b'{"name":"\xff","site":"shop.example"}',
        b'{"name":"\\ud800","site":"shop.example"}', b'{"name":5,"site":"shop.example","x":' + b"[" * 100_000,
    ],
    ids=["empty", "half", "null", "number", "text", "bytes", "rest", "no UTF-8", "half a surrogate pair", "deep"],
)  # fmt: skip
def test_what_cannot_be_read_is_400(collector, body):
    answer = collector.post(body)
    assert answer.status_code == 400
    assert answer.json["error" if "error" in answer.json else "rejected"]
    assert answer.headers["access-control-allow-origin"] == "*"


def test_too_many_events(collector):
    assert collector.post([{"name": "a"}] * 1000, path=f"/v1/events?key={KEY}").json["accepted"] == 1000
    answer = collector.post([{"name": "a"}] * 1001, path=f"/v1/events?key={KEY}")
    assert (answer.status_code, "1000 events" in answer.json["error"]) == (413, True)


def test_too_many_bytes(collector):
    fits = json.dumps([{"name": "a"}]).encode().ljust(MAX_BODY)
    assert collector.post(fits, path=f"/v1/events?key={KEY}").status_code == 202
    answer = collector.post(fits + b" ", path=f"/v1/events?key={KEY}")
    assert (answer.status_code, str(MAX_BODY) in answer.json["error"]) == (413, True)


def test_too_many_bytes_without_a_length(collector):
    """As with chunked transfer: nobody says beforehand how much will come."""

    async def status(body):
        pieces = [body[at : at + 50_000] for at in range(0, len(body), 50_000)]
        events = [{"type": "http.request", "body": p, "more_body": p is not pieces[-1]} for p in pieces]
        headers = {"origin": PAGE["Origin"], "content-type": "application/json"}
        scope = falcon.testing.create_scope(
            "/v1/events", method="POST", headers=headers, query_string="site=shop.example"
        )
        scope["headers"] = [tuple(pair) for pair in scope["headers"]]
        assert b"content-length" not in dict(scope["headers"])
        sent = []

        async def receive():
            return events.pop(0) if events else {"type": "http.disconnect"}

        async def send(event):
            sent.append(event)

        await create_app(collector.options)(scope, receive, send)
        return sent[0]["status"]

    fits = json.dumps([{"name": "a"}]).encode().ljust(MAX_BODY)
    assert asyncio.run(status(fits)) == 202
    assert asyncio.run(status(fits + b" ")) == 413


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "image/png"])
def test_other_types_are_415(collector, kind):
    answer = collector.post(headers=PAGE | {"Content-Type": kind})
    assert answer.status_code == 415
    assert kind.split(";")[0] in answer.json["error"]


PACKED = {"gzip": gzip.compress, "zstd": zstandard.ZstdCompressor().compress, "GZIP": gzip.compress, "identity": bytes}


@pytest.mark.parametrize("encoding", PACKED)
def test_packed_bodies_are_unpacked(collector, encoding):
    packed = PACKED[encoding](json.dumps(EVENT).encode())
    assert collector.post(packed, PAGE | {"Content-Encoding": encoding}).json["accepted"] == 1
    assert [event.name for event in collector.events()] == ["signup"]


BROKEN = {
    "another packing": ("br", b"x", 415),
    "two packings": ("gzip, gzip", gzip.compress(b"{}"), 415),
    "no gzip": ("gzip", b"{}", 400),
    "cut gzip": ("gzip", gzip.compress(json.dumps(EVENT).encode())[:-12], 400),
    "no zstd": ("zstd", b"{}", 400),
    "cut zstd": ("zstd", zstandard.ZstdCompressor().compress(json.dumps(EVENT).encode())[:-5], 400),
    "gzip bomb": ("gzip", gzip.compress(bytes(200 * 1024**2)), 413),
    "zstd bomb": ("zstd", zstandard.ZstdCompressor().compress(bytes(2 * 1024**3)), 413),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_packing_is_told_and_stores_nothing(collector, name):
    encoding, packed, status = BROKEN[name]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answer = collector.post(packed, PAGE | {"Content-Encoding": encoding})
    assert (answer.status_code, bool(answer.json["error"])) == (status, True)
    assert collector.events() == []
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # KiB


def test_a_retry_is_told_that_it_is_one(collector):
    sent = EVENT | {"event_id": "6f2b1c0e-8f64-4a53-a5b9-6b1f0f2d9a11"}
    request = ("POST", "/v1/events", {"body": json.dumps(sent), "headers": PAGE})
    other = sent | {"site": "other.example"}
    elsewhere = ("POST", "/v1/events", {"body": json.dumps(other), "headers": {"Origin": "https://other.example"}})
    answers = collector.ask(request, request, elsewhere)
    assert [(a.status_code, a.json["accepted"], a.json["duplicates"]) for a in answers] == [
        (202, 1, 0), (202, 0, 1), (202, 1, 0),
    ]  # fmt: skip
    assert [event.site_id for event in collector.events()] == [7, 8]


def test_the_same_event_twice_in_a_batch_is_spooled_once(collector):
    sent = {"name": "a", "event_id": "6f2b1c0e-8f64-4a53-a5b9-6b1f0f2d9a11"}
    answer = collector.post({"key": KEY, "events": [sent, {"name": "b"}, sent]}, headers={})
    assert (answer.json["accepted"], answer.json["duplicates"]) == (2, 1)


def test_what_could_not_be_spooled_is_no_duplicate_later(collector, monkeypatch):
    """The answer was 503, so the retry must be taken."""
    sent = json.dumps(EVENT | {"event_id": "6f2b1c0e-8f64-4a53-a5b9-6b1f0f2d9a11"})
    real, broken = os.fdatasync, [True]

    def fdatasync(fd):
        if broken:
            broken.clear()
            raise OSError(5, "Input/output error")
        real(fd)

    monkeypatch.setattr(os, "fdatasync", fdatasync)
    request = ("POST", "/v1/events", {"body": sent, "headers": PAGE})
    first, second = collector.ask(request, request)
    assert first.status_code == 503
    assert (second.status_code, second.json["accepted"]) == (202, 1)


def test_a_schema_that_warns_lets_the_event_pass(collector):
    answer = collector.post(EVENT | {"name": "watched", "props": {"plan": 5}})
    assert (answer.status_code, answer.json["accepted"]) == (202, 1)
    [warning] = answer.json["warnings"]
    assert (warning["index"], warning["field"], warning["reason"]) == (0, "props.plan", "schema")
    assert "warnings" not in collector.post(EVENT | {"name": "watched", "props": {"plan": "pro"}}).json


def test_what_must_not_be_kept_is_gone_before_the_spool(collector):
    private = {
        "url": "https://u:p@shop.example/welcome/jane@corp.example?email=jane%40corp.example&utm_source=jane@corp.example#me",
        "referrer": "https://mail.example/?to=jane@corp.example",
        "title": "Order of jane@corp.example with 4111 1111 1111 1111",
        "user_id": "Jane@corp.example",
        "props": {"mail": "jane@corp.example", "card": "4111-1111-1111-1111", "number": "1234567890123"},
    }
    collector.post(EVENT | private)
    [event] = collector.events()
    assert event.url == "https://shop.example/welcome/[email]?utm_source=[email]"
    assert event.referrer == "https://mail.example/"
    assert event.title == "Order of [email] with [card]"
    assert json.loads(event.props) == {"mail": "[email]", "card": "[card]", "number": "1234567890123"}
    assert "jane" not in str(event).lower()
    assert len(event.user_id) == 32


def test_consent_travels_with_the_event(collector):
    states = {"analytics_storage": True, "ad_storage": "denied"}
    collector.post(EVENT | {"consent": states})
    assert [event.consent for event in collector.events()] == ["ad_storage=denied,analytics_storage=granted"]


def test_signs_of_a_machine_are_spooled(collector, tmp_path):
    networks = tmp_path / "clouds.txt"
    networks.write_text("# clouds\n198.51.100.0/24\n2001:db8::/32,example cloud\n")
    collector.options = replace(collector.options, data_centre_file=str(networks))
    browser = {"User-Agent": "Mozilla/5.0 (X11)", "Accept-Language": "de"}
    sent = [
        (browser, ADDRESS, ""),
        (browser, "198.51.100.7", "datacenter"),
        (browser, "2001:db8::1", "datacenter"),
        (browser | {"Sec-CH-UA": '"HeadlessChrome";v="140"'}, ADDRESS, "headless"),
        ({"User-Agent": "Mozilla/5.0 (X11)"}, "198.51.100.7", "datacenter,no-language"),
        ({"User-Agent": "ShopServer/2.1 (Linux)"}, ADDRESS, ""),
    ]
    collector.ask(
        *(
            ("POST", "/v1/events", {"body": json.dumps(EVENT), "headers": PAGE | headers, "remote_addr": address})
            for headers, address, _ in sent
        )
    )
    assert [event.signals for event in collector.events()] == [signals for _, _, signals in sent]


def test_a_domain_is_the_one_of_the_browser(collector):
    publish(collector.home.sites_file, [Site(9, "xn--strae-oqa.de", "UTC"), Site(7, "shop.example", "UTC")])
    sent = [
        ("straße.de", "https://xn--strae-oqa.de"),
        ("xn--strae-oqa.de", "https://www.xn--strae-oqa.de"),
        ("STRASSE.de", "https://strasse.de"),
        ("straße.de", "https://strasse.de"),
    ]
    answers = [collector.post(EVENT | {"site": site}, {"Origin": origin}) for site, origin in sent]
    assert [answer.status_code for answer in answers] == [202, 202, 403, 403]


SERVER_KEY = {"X-Footfall-Key": KEY}


@pytest.mark.parametrize(
    ("headers", "signals"),
    [
        (SERVER_KEY, "server"),
        (SERVER_KEY | {"Origin": "https://shop.example"}, "no-language"),
        (SERVER_KEY | {"Referer": "https://shop.example/"}, "no-language"),
        (SERVER_KEY | {"Sec-Fetch-Site": "cross-site"}, "no-language"),
        (PAGE, "no-language"),
    ],
    ids=["key", "origin", "referer", "fetch", "no key"],
)
def test_a_key_without_a_page_is_a_server(collector, headers, signals):
    agent = {"User-Agent": "Mozilla/5.0 (X11)"}
    collector.ask(("POST", "/v1/events", {"body": json.dumps(EVENT), "headers": headers | agent}))
    assert [event.signals for event in collector.events()] == [signals]


def test_the_pixel_is_part_of_a_page_whatever_its_key(collector):
    collector.ask(("GET", "/v1/pixel.gif", {"query_string": f"key={KEY}", "headers": {"User-Agent": "curl/8"}}))
    assert [event.signals for event in collector.events()] == [""]


def test_a_server_names_the_user_agents_of_people(collector):
    named = {"name": "a", "user_agent": "Mozilla/5.0 (A)"}
    batch = {"key": KEY, "user_agent": "Mozilla/5.0 (B)", "events": [named, {"name": "b"}]}
    one = {"headers": {"User-Agent": "curl/8"}}
    collector.ask(
        ("POST", "/v1/events", one | {"body": json.dumps(batch)}),
        ("POST", "/v1/events", one | {"body": json.dumps(named | {"key": KEY, "user_agent": "Z" * 600})}),
        ("POST", "/v1/events", {"headers": PAGE | {"User-Agent": "curl/8"}, "body": json.dumps(EVENT | named)}),
    )
    found = [(event.user_agent, event.signals) for event in collector.events()]
    own = ("curl/8", "")
    assert found == [("Mozilla/5.0 (A)", "relayed"), ("Mozilla/5.0 (B)", "relayed"), ("Z" * 512, "relayed"), own]
    visitors = [event.visitor for event in collector.events()]
    assert len(set(visitors)) == 4


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_other_methods_are_405(collector, method):
    assert collector.ask((method, "/v1/events", {}))[0].status_code == 405


@pytest.mark.parametrize(
    ("body", "headers", "path", "status"),
    [
        pytest.param({}, {"X-Footfall-Key": KEY}, "", 202, id="key in a header"),
        pytest.param({}, {}, f"?key={KEY}", 202, id="key in the query"),
        pytest.param({"key": KEY}, {}, "", 202, id="key in the body"),
        pytest.param({"key": KEY, "site": "nobody.example"}, {}, "", 202, id="a key needs no site"),
        pytest.param({"key": "wk_wrong"}, {}, "", 403, id="unknown key"),
        pytest.param({"key": hash_key(KEY)}, {}, "", 403, id="the hash is no key"),
        pytest.param({"key": KEY}, {"X-Footfall-Key": "wk_wrong"}, "", 403, id="the header decides"),
        pytest.param({"key": "wk_wrong"}, {}, f"?key={KEY}", 202, id="the query goes over the body"),
        pytest.param({"site": "shop.example", "key": "wk_wrong"}, PAGE, "", 403, id="a wrong key is not made good"),
        pytest.param({}, {}, "", 401, id="nothing"),
        pytest.param({}, PAGE, "", 401, id="an origin alone"),
        pytest.param({"site": "shop.example"}, {}, "", 403, id="site without origin"),
        pytest.param({"site": "shop.example"}, {"Origin": "https://evil.example"}, "", 403, id="site, other origin"),
        pytest.param({"site": "nobody.example"}, {"Origin": "https://nobody.example"}, "", 403, id="unknown site"),
        pytest.param({"site": "Shop.Example"}, PAGE, "", 202, id="case of domains"),
    ],
)
def test_who_may_write(collector, body, headers, path, status):
    answer = collector.post({"name": "a"} | body, headers, f"/v1/events{path}")
    assert answer.status_code == status
    assert bool(collector.events()) is (status == 202)
    assert status == 202 or answer.json["error"]


def test_a_revoked_key_is_refused_and_a_new_one_works(collector):
    """In one worker that lives on: the registry file is read again."""

    async def run():
        made = create_app(collector.options)
        intake = made._router.find("/v1/events")[0].intake
        now = [0.0]
        intake.registry._published._clock = lambda: now[0]
        async with falcon.testing.ASGIConductor(made) as conductor:

            async def status(key):
                answer = await conductor.simulate_post("/v1/events", body=json.dumps({"name": "a", "key": key}))
                return answer.status_code

            before = [await status(KEY), await status("wk_new")]
            publish(collector.home.sites_file, [Site(7, "shop.example", "UTC", (WriteKey(hash_key("wk_new")),))])
            now[0] += 2
            return before, [await status(KEY), await status("wk_new")]

    assert asyncio.run(run()) == ([202, 403], [403, 202])


def test_a_key_writes_to_its_own_site_and_reads_nothing(collector):
    both = {"key": "wk_other", "site": "shop.example", "name": "a"}
    assert collector.post(both, PAGE).status_code == 202
    assert [event.site_id for event in collector.events()] == [8]
    for path in ("/v1/events", "/v1/sites", "/v1/keys", "/sites.json"):
        assert collector.get(path, headers={"X-Footfall-Key": KEY}).status_code in {404, 405}
    ready = collector.get("/health/ready", headers={"X-Footfall-Key": KEY}).json
    assert set(ready) == set(collector.get("/health/ready").json)


def limited(collector, **rates):
    off = {"site_events_per_second": 0, "address_requests_per_second": 0}
    collector.options = replace(collector.options, rate_limits=RateLimits(Rates(**off | rates)))
    return collector


def test_too_many_requests_from_an_address_are_429_and_nothing_is_spooled(collector):
    limited(collector, address_requests_per_second=1, address_burst=3)
    post = ("POST", "/v1/events", {"body": json.dumps(EVENT), "headers": PAGE})
    pixel = ("GET", "/v1/pixel.gif", {"query_string": f"key={KEY}"})
    answers = collector.ask(post, pixel, post, post, pixel)
    assert [answer.status_code for answer in answers] == [202, 200, 202, 429, 429]
    assert len(collector.events()) == 3
    refused, image = answers[3:]
    assert refused.json == {"error": "too many requests from this address; try again in 1 s"}
    assert (refused.headers["retry-after"], image.headers["retry-after"]) == ("1", "1")
    assert refused.headers["access-control-expose-headers"] == "Retry-After"  # a page of the site may read when
    assert refused.headers["access-control-allow-origin"] == "*"
    assert image.content.startswith(b"GIF89a")


def test_too_many_events_for_a_site_are_429_from_wherever_they_come(collector):
    limited(collector, site_events_per_second=1, site_burst=10)

    def batch(count, key, peer):
        body = json.dumps({"key": key, "events": [{"name": "a"}] * count})
        return ("POST", "/v1/events", {"body": body, "remote_addr": peer})

    answers = collector.ask(
        batch(8, KEY, "203.0.113.1"), batch(8, KEY, "203.0.113.2"), batch(2, KEY, "203.0.113.3"),
        batch(8, "wk_other", "203.0.113.1"),
    )  # fmt: skip
    assert [answer.status_code for answer in answers] == [202, 429, 202, 202]
    assert answers[1].json == {"error": "too many events for shop.example; try again in 6 s"}
    assert answers[1].headers["retry-after"] == "6"
    assert len(collector.events()) == 18


def test_guessing_keys_is_limited_too(collector):
    limited(collector, address_requests_per_second=1, address_burst=2)
    guess = ("POST", "/v1/events", {"body": json.dumps({"key": "wk_guess", "name": "a"})})
    assert [answer.status_code for answer in collector.ask(guess, guess, guess)] == [403, 403, 429]


@pytest.mark.parametrize(
    ("peer", "trusted", "accepted"),
    [
        pytest.param("203.0.113.5", (PROXY,), 5, id="a stranger who forges a thousand is one"),
        pytest.param(PROXY, (PROXY,), 1000, id="behind a trusted proxy they are a thousand"),
        pytest.param("10.20.30.40", ("10.0.0.0/8",), 1000, id="behind a trusted network"),
    ],
)
def test_forwarded_addresses_count_where_they_are_believed(collector, peer, trusted, accepted):
    limited(collector, address_requests_per_second=1, address_burst=5)
    limits = RateLimits(collector.options.rate_limits.rates, clock=lambda: 0.0)
    collector.options = replace(collector.options, trusted_proxies=trusted, rate_limits=limits)
    body = json.dumps(EVENT)
    answers = collector.ask(
        *(
            ("POST", "/v1/events", {"body": body, "headers": PAGE | {"X-Forwarded-For": forged}, "remote_addr": peer})
            for forged in (f"198.51.{n // 250}.{n % 250}" for n in range(1000))
        )
    )
    assert [answer.status_code for answer in answers].count(202) == accepted
    assert len(collector.events()) == accepted


def test_preflight(collector):
    asked = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
    answer = collector.ask(("OPTIONS", "/v1/events", {"headers": asked}))[0]
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert {"content-type", "x-footfall-key"} <= {
        h.strip().lower() for h in answer.headers["access-control-allow-headers"].split(",")
    }


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ({"name": "a"}, {}),
        ({"key": "wk_wrong", "name": "a"}, {}),
        (EVENT, PAGE | {"Content-Type": "image/png"}),
    ],
    ids=["401", "403", "415"],
)
def test_a_page_may_read_the_refusal(collector, body, headers):
    assert collector.post(body, headers).headers["access-control-allow-origin"] == "*"


def test_a_full_spool_is_503_and_never_an_acknowledgement(collector):
    collector.options = replace(collector.options, spool=SpoolOptions(total_bytes=1))
    answer, pixel, health = collector.ask(
        ("POST", "/v1/events", {"body": json.dumps(EVENT), "headers": PAGE}),
        ("GET", "/v1/pixel.gif", {"query_string": f"key={KEY}"}),
        ("GET", "/health/ready", {}),
    )
    assert (answer.status_code, pixel.status_code) == (503, 503)
    assert int(answer.headers["retry-after"]) > 0
    assert int(pixel.headers["retry-after"]) > 0
    assert "spool" in answer.json["error"]
    assert health.status_code == 200
    assert collector.events() == []


def test_a_spool_that_cannot_be_written_is_503(collector, monkeypatch):
    def broken(fd, data):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "write", broken)
    assert collector.post().status_code == 503


def test_the_pixel_is_a_page_view(collector):
    where = {
        "url": "https://shop.example/p?utm_source=x",
        "title": "Hello & you",
        "referrer": "https://a.example/",
    }
    answer = collector.get("/v1/pixel.gif", params=where | {"site": "shop.example"}, headers={"Referer": where["url"]})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/gif")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.content == base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
    [event] = collector.events()
    assert (event.name, event.url, event.title, event.referrer, event.interactive) == (
        "page_view", where["url"], where["title"], where["referrer"], False,
    )  # fmt: skip


@pytest.mark.parametrize("path", ["/v1/pixel.gif", "/v1/in.gif"])
def test_the_pixel_takes_the_page_from_the_referrer(collector, path):
    page = "https://shop.example/mail"
    assert collector.get(path, params={"site": "shop.example"}, headers={"Referer": page}).status_code == 200
    assert [event.url for event in collector.events()] == [page]


@pytest.mark.parametrize(
    ("query", "headers", "status"),
    [
        ("", {}, 401),
        ("site=shop.example", {}, 403),
        ("site=shop.example", {"Referer": "https://evil.example/"}, 403),
        ("key=wk_wrong", {}, 403),
        (f"key={KEY}&url=nowhere", {}, 400),
        (f"key={KEY}&name={'n' * 200}", {}, 400),
        (f"key={KEY}&name=%ED%A0%80%00%FF", {}, 200),
        (f"key={KEY}&key={KEY}&name=mail_open", {}, 200),
    ],
)
def test_the_pixel_always_answers_with_the_image(collector, query, headers, status):
    answer = collector.get("/v1/pixel.gif", query_string=query, headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "image/gif")
    assert answer.content.startswith(b"GIF89a")
    assert len(collector.events()) == (status == 200)


def test_no_address_reaches_the_disk(collector):
    forwarded = {
        "X-Forwarded-For": "198.51.100.23, 2001:db8::77",
        "X-Real-IP": ADDRESS,
        "Forwarded": f"for={ADDRESS}",
    }
    client = {"site": "other.example", "name": "a", "client_id": "c"}
    collector.ask(
        ("POST", "/v1/events", {"body": json.dumps(EVENT), "headers": PAGE | forwarded}),
        (
            "POST",
            "/v1/events",
            {"body": json.dumps(EVENT), "headers": PAGE | forwarded, "remote_addr": PROXY},
        ),
        (
            "POST",
            "/v1/events",
            {
                "body": json.dumps(client),
                "headers": {"Origin": "https://other.example"},
                "remote_addr": "2001:db8::99",
            },
        ),
        ("GET", "/v1/pixel.gif", {"query_string": f"key={KEY}", "headers": forwarded}),
    )
    assert len(collector.events()) == 4
    files = [path for path in collector.home.root.rglob("*") if path.is_file()]
    assert len(files) > 2
    texts = [ADDRESS, "198.51.100.23", "2001:db8::77", "2001:db8::99", PROXY]
    packed = [bytes(map(int, a.split("."))) for a in (ADDRESS, "198.51.100.23", PROXY)]
    for path in files:
        data = path.read_bytes()
        assert not [text for text in texts if text.encode() in data], path
        assert path.parent.name == "salts" or not [raw for raw in packed if raw in data], path


def test_the_visitor_follows_the_believed_address(collector):
    def visitor(peer, forwarded=None, agent="A"):
        headers = PAGE | {"User-Agent": agent} | ({"X-Forwarded-For": forwarded} if forwarded else {})
        before = {event.event_id for event in collector.events()} if collector.home.spool.exists() else set()
        assert collector.post(headers=headers, remote_addr=peer).status_code == 202
        return next(event.visitor for event in collector.events() if event.event_id not in before)

    plain = visitor(ADDRESS)
    assert visitor(ADDRESS) == plain
    assert visitor(ADDRESS, agent="B") != plain
    assert visitor("203.0.113.78") != plain
    assert visitor(ADDRESS, forwarded="198.51.100.23") == plain
    assert visitor(PROXY, forwarded=ADDRESS) == plain
    assert visitor(PROXY, forwarded=f"198.51.100.23, {ADDRESS}") == plain


def test_sec_gpc_travels_with_the_event(collector):
    collector.ask(
        ("POST", "/v1/events", {"body": json.dumps(EVENT), "headers": PAGE | {"Sec-GPC": "1"}}),
        ("POST", "/v1/events", {"body": json.dumps(EVENT), "headers": PAGE | {"Sec-GPC": "0"}}),
    )
    assert [event.gpc for event in collector.events()] == [True, False]


@pytest.mark.parametrize(("gpc", "counted"), [("1", 0), ("0", 1)])
def test_the_pixel_counts_nobody_who_asks_for_privacy(collector, gpc, counted):
    [answer] = collector.ask(("GET", "/v1/in.gif?site=shop.example", {"headers": PAGE | {"Sec-GPC": gpc}}))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/gif")
    assert len(collector.events()) == counted


def test_a_country_file_that_is_none_is_a_usage_error(collector, tmp_path):
    from sql.core.errors import UsageError

    (tmp_path / "no.mmdb").write_bytes(b"nothing")
    with pytest.raises(UsageError, match=r"no\.mmdb"):
        create_app(replace(collector.options, geoip_file=str(tmp_path / "no.mmdb")))


def test_a_long_user_agent_is_cut(collector):
    assert collector.post(headers=PAGE | {"User-Agent": "x" * 5000}).status_code == 202
    assert [len(event.user_agent) for event in collector.events()] == [512]


@pytest.mark.parametrize("body", [b"rubbish", b"x" * (MAX_BODY + 1), json.dumps(EVENT | {"site": "nobody"}).encode()])
def test_what_is_refused_counts_against_the_address_too(collector, body):
    limited(collector, address_requests_per_second=1, address_burst=5)
    headers = PAGE | {"Content-Type": "application/json"}
    answers = collector.ask(*[("POST", "/v1/events", {"body": body, "headers": headers})] * 20)
    statuses = [answer.status_code for answer in answers]
    assert set(statuses[:5]) <= {400, 403, 413}
    assert statuses.count(429) >= 14

"""JSON logs by the names of their keys."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.imports.layouts.json_lines import JSON
from collector.imports.layouts.json_names import NAMES
from collector.imports.layouts.line import Line
from collector.imports.layouts.line_error import LineError
from collector.imports.layouts.times import Times

AT = int(dt.datetime(2026, 11, 21, 10, 0, 0, tzinfo=dt.UTC).timestamp() * 1000)
ISO = "2026-11-21T10:00:00Z"
RECORDS: dict[str, dict[str, Any]] = {
    "Cloudflare": {
        "ClientIP": "192.0.2.1", "ClientRequestHost": "shop.example", "ClientRequestMethod": "GET",
        "ClientRequestURI": "/a", "ClientRequestReferer": "https://r.example/", "ClientRequestUserAgent": "UA",
        "EdgeResponseStatus": 200, "EdgeStartTimestamp": 1795255200000000000, "EdgeEndTimestamp": 1,
    },
    "Google's load balancer": {
        "httpRequest": {
            "requestMethod": "GET", "requestUrl": "https://shop.example/a", "status": 200, "userAgent": "UA",
            "referer": "https://r.example/", "remoteIp": "192.0.2.1", "latency": "0.1s",
        },
        "insertId": "x", "timestamp": ISO, "receiveTimestamp": "2026-11-21T10:00:09Z",
    },
    "Elastic's common schema": {
        "@timestamp": ISO, "source": {"ip": "192.0.2.1", "address": "x"},
        "url": {"original": "/a", "domain": "shop.example"},
        "http": {"request": {"method": "GET", "referrer": "https://r.example/"}, "response": {"status_code": 200}},
        "user_agent": {"original": "UA", "name": "Firefox"},
    },
    "the same, flat": {
        "@timestamp": ISO, "source.ip": "192.0.2.1", "url.original": "/a", "url.domain": "shop.example",
        "http.request.method": "GET", "http.request.referrer": "https://r.example/", "http.response.status_code": 200,
        "user_agent.original": "UA",
    },
    "Envoy": {
        "start_time": "2026-11-21T10:00:00.000Z", "downstream_remote_address": "192.0.2.1:5000", "method": "GET",
        "path": "/a", "authority": "shop.example", "response_code": 200, "user_agent": "UA",
        "referer": "https://r.example/", "x_forwarded_for": None, "duration": 3,
    },
    "milliseconds, and a list": {
        "ts": AT, "ip": "192.0.2.1", "verb": "GET", "url": "/a", "status_code": "200", "agent": ["UA", "x"],
        "referrer": "https://r.example/", "vhost": "shop.example",
    },
    "Apache's time": {
        "time": "21/Nov/2026:10:00:00 +0000", "remoteIP": "192.0.2.1", "host": "shop.example",
        "request": "GET /a HTTP/1.1", "query": "", "method": "GET", "status": "200", "userAgent": "UA",
        "referer": "https://r.example/",
    },
}  # fmt: skip


def said(record: object) -> Line | None:
    return JSON.reader(Times())(json.dumps(record).encode())


@pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS)
def test_a_record_is_read(record: dict[str, Any]) -> None:
    found = said(record)
    assert found is not None
    at, client, request, status, host, referrer, agent, forwarded = found
    assert (at, client.partition(b":")[0], status, referrer, agent) == (
        AT, b"192.0.2.1", b"200", b"https://r.example/", b"UA",
    )  # fmt: skip
    assert request.startswith(b"GET ")
    assert b"/a HTTP/" in request
    assert host == b"shop.example" or b"//shop.example/" in request
    assert forwarded == b""


WHOLE = {"time": ISO, "remote_addr": "192.0.2.1", "request": "GET / HTTP/1.1", "status": 200}


@pytest.mark.parametrize("key", WHOLE)
@pytest.mark.parametrize("value", [None, {}, [], [[]], True, 1e400, 10**400, "gone"])
def test_values_of_another_type(key: str, value: object) -> None:
    """Nothing but LineError comes out, and a line without what is needed is not read."""
    record = {**WHOLE, key: value}
    if value == "gone":
        del record[key]
    try:
        found = said(record)
    except LineError:
        return
    assert found is None or key == "request"


def test_of_several_names_the_first_of_the_table_counts_whatever_their_order() -> None:
    record = {**WHOLE, "remote_ip": "192.0.2.2", "client_ip": "192.0.2.3", "uri": "/x", "method": "GET"}
    for each in (record, dict(reversed(record.items()))):
        found = said(each)
        assert found is not None
        assert (found[1], found[2]) == (b"192.0.2.3", b"GET / HTTP/1.1")
    empty = said({**WHOLE, "remote_addr": "", "remote_ip": "192.0.2.2"})
    assert empty is not None
    assert empty[1] == b"192.0.2.2"


@pytest.mark.parametrize(("host", "taken"), [("web-01", ""), ("shop.example", "shop.example"), (None, "")])
def test_the_name_of_a_machine_is_not_a_host(host: str | None, taken: str) -> None:
    found = said({**WHOLE, "host": host})
    assert found is not None
    assert found[4] == taken.encode()


def test_names_are_written_as_they_are_compared() -> None:
    for names in NAMES.values():
        assert names == names.lower()
        assert not set(names) & set("-_@$")
    flat = [name for names in NAMES.values() for name in names.split()]
    assert len(flat) == len(set(flat))


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: st.dictionaries(
    st.sampled_from(["request", "headers", "time", "status", "remote_addr", "method", "uri", "url", "x"]) | st.text(),
    inner) | st.lists(inner), max_leaves=12))  # fmt: skip
def test_nothing_else_comes_out_of_any_record(record: object) -> None:
    try:
        found = said(record)
    except LineError:
        return
    assert found is None or len(found) == 8


@pytest.mark.parametrize("line", [b"{", b"{}", b'{"a":', b"{" * 60_000, b'{"a":' * 10_000, b'{"\xff":1}', b"[]", b""])
def test_what_is_not_a_record(line: bytes) -> None:
    assert JSON.reader(Times())(line) is None

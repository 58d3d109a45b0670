"""Format strings of nginx and Apache: what they read, and what cannot be read by them."""

from __future__ import annotations

import datetime as dt

import pytest

from collector.imports.layouts import format_string
from collector.imports.layouts.times import Times
from sql.core.errors import UsageError

AT = int(dt.datetime(2026, 11, 21, 10, 0, 0, tzinfo=dt.UTC).timestamp() * 1000)
LOCAL = "21/Nov/2026:10:00:00 +0000"
MAIN = (
    '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" '
    '"$http_user_agent" "$http_x_forwarded_for"'
)
COMBINED = '%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"'
# Name, format, line, and of it: client, request, status, host, referrer, user agent, forwarded.
READ = [
    (
        "nginx's main",
        MAIN,
        f'192.0.2.1 - john doe [{LOCAL}] "GET /a HTTP/1.1" 200 5 "https://r.example/" "UA" "203.0.113.9, 10.0.0.1"',
        ("192.0.2.1", "GET /a HTTP/1.1", "200", "", "https://r.example/", "UA", "203.0.113.9, 10.0.0.1"),
    ),
    (
        "Apache's combined",
        COMBINED,
        rf'192.0.2.1 - john doe [{LOCAL}] "GET /a\"b HTTP/1.1" 200 5 "-" "a \"q\" \\ b"',
        ("192.0.2.1", 'GET /a"b HTTP/1.1', "200", "", "-", 'a "q" \\ b', ""),
    ),
    (
        "as it is in Apache's configuration",
        r'LogFormat "%v:%p %h %l %u %t \"%r\" %>s %O \"%{Referer}i\" \"%{User-Agent}i\"" vhost_combined',
        f'shop.example:443 192.0.2.1 - - [{LOCAL}] "GET / HTTP/1.1" 304 0 "-" "UA"',
        ("192.0.2.1", "GET / HTTP/1.1", "304", "shop.example", "-", "UA", ""),
    ),
    (
        "as it is in nginx's configuration, in pieces",
        "log_format main escape=json '$remote_addr [$time_local] '\n    '\"$request\" $status \"$http_user_agent\"';",
        rf'192.0.2.1 [{LOCAL}] "GET / HTTP/1.1" 200 "a \"q\" \u0001"',
        ("192.0.2.1", "GET / HTTP/1.1", "200", "", "", 'a "q" \x01', ""),
    ),
    (
        "a template of JSON",
        '{"ip":"$remote_addr","at":"$time_iso8601","req":"$request","code":$status,"ua":"$http_user_agent"}',
        '{"ip":"192.0.2.1","at":"2026-11-21T10:00:00+00:00","req":"GET / HTTP/1.1","code":200,"ua":"x"}',
        ("192.0.2.1", "GET / HTTP/1.1", "200", "", "", "x", ""),
    ),
    (
        "method, host and target apart",
        "$msec $remote_addr $request_method $scheme://$host$request_uri $server_protocol $status",
        "1795255200.000 192.0.2.1 GET https://shop.example/a?b=c HTTP/2.0 200",
        ("192.0.2.1", "GET /a?b=c HTTP/", "200", "shop.example", "", "", ""),
    ),
    (
        "path and query apart, nothing between",
        "$remote_addr $time_local $request_method $uri$is_args$args $status",
        f"192.0.2.1 {LOCAL} GET /a?b=c 200",
        ("192.0.2.1", "GET /a?b=c HTTP/", "200", "", "", "", ""),
    ),
    (
        "path and query of Apache",
        "%a %{%Y-%m-%d %H:%M:%S}t.%{msec_frac}t%{%z}t %m %U%q %>s",
        "192.0.2.1 2026-11-21 10:00:00.000+0000 GET /a?b=c 200",
        ("192.0.2.1", "GET /a?b=c HTTP/", "200", "", "", "", ""),
    ),
    (
        "a bare request",
        "%h %t %r %>s %{sec}t",
        f"192.0.2.1 [{LOCAL}] GET /a HTTP/1.1 200 1795255200",
        ("192.0.2.1", "GET /a HTTP/1.1", "200", "", "", "", ""),
    ),
    (
        "only the forwarded address",
        '$http_x_forwarded_for - $remote_user [$time_local] "$request" $status',
        f'203.0.113.9, 10.0.0.1 - - [{LOCAL}] "GET / HTTP/1.1" 200',
        ("203.0.113.9, 10.0.0.1", "GET / HTTP/1.1", "200", "", "", "", "203.0.113.9, 10.0.0.1"),
    ),
    (
        "of two hosts the first",
        '${host} $remote_addr [$time_local] "$request" $status $server_name',
        f'a.example 192.0.2.1 [{LOCAL}] "GET / HTTP/1.1" 200 b.example',
        ("192.0.2.1", "GET / HTTP/1.1", "200", "a.example", "", "", ""),
    ),
    (
        "tabs, and variables that say nothing of a request",
        r"$time_iso8601\t$request_time\t$upstream_addr\t$remote_addr\t$request\t$status",
        "2026-11-21T11:00:00+01:00\t0.1\t10.0.0.1:80, 10.0.0.2:80\t192.0.2.1\tGET / HTTP/1.1\t200",
        ("192.0.2.1", "GET / HTTP/1.1", "200", "", "", "", ""),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "said"), [case[1:] for case in READ], ids=[case[0] for case in READ])
def test_a_line_is_read_by_its_format(text: str, line: str, said: tuple[str, ...]) -> None:
    found = format_string.layout(text).reader(Times())(line.encode())
    assert found is not None
    assert found[0] == AT
    assert tuple(field.decode() for field in found[1:]) == said


@pytest.mark.parametrize(
    "line",
    [
        "",
        "192.0.2.1",
        f'192.0.2.1 - - {LOCAL} "GET / HTTP/1.1" 200 5 "-" "UA" "-"',
        f'192.0.2.1 - - [{LOCAL}] "GET / HTTP/1.1" ok 5 "-" "UA" "-"',
        f'192.0.2.1 - - [{LOCAL}] "GET / HTTP/1.1" 200 5 "-" "UA',
    ],
)
def test_a_line_of_another_format(line: str) -> None:
    assert format_string.layout(MAIN).reader(Times())(line.encode()) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("$remote_addr", r"misses \$time_local or %t, \$status or %>s, \$request or %r"),
        ("%t %r %>s", r"misses \$remote_addr or %h"),
        ("$remote_addr$time_local $request $status", r"nothing is between \$remote_addr and the next variable"),
        ("100%", "has no variables"),
        ("$remote_addr " * 100, "more than 64 variables"),
        ("%" * 5_000, "longer than 4096 characters"),
    ],
)
def test_a_format_that_cannot_be_read(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        format_string.layout(text)

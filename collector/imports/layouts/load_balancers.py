"""Amazon's load balancers: classic (ELB) and application (ALB). Both begin with a time and an address with its port::

    time name client:port backend:port 3 durations status status received sent "request" ["user agent" cipher protocol]
    type time name client:port target:port 3 durations status status received sent "request" "user agent" …

The request has an absolute URL, so the host is in it. The time is when the answer was sent.
"""

from __future__ import annotations

import re
from functools import partial

from collector.imports.layouts.line import QUOTED, Line, LineLayout, Reader, unescaped
from collector.imports.layouts.times import Times

_NUMBER = rb"-?\d+(?:\.\d+)?"
_TIME = rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z) "
_FIELDS = rb"\S+ (\S+):\d+ (?:\S+:\d+|-) " + b" ".join([_NUMBER] * 3) + rb" (\d{3}|-) (?:\d{1,3}|-) \d+ \d+ " + QUOTED
_TYPE = rb"(?:https?|h2|wss?|grpcs?) "
_CLASSIC = re.compile(_TIME + _FIELDS + rb"(?: " + QUOTED + rb")?")
_APPLICATION = re.compile(_TYPE + _TIME + _FIELDS + rb" " + QUOTED)
_CLASSIC_LOOKS = re.compile(_TIME + rb"\S+ \S+:\d+ ")
_APPLICATION_LOOKS = re.compile(_TYPE + _TIME)


def _reader(pattern: re.Pattern[bytes], times: Times) -> Reader:
    match, iso = pattern.match, times.iso

    def read(line: bytes) -> Line | None:
        found = match(line)
        if found is None:
            return None
        stamp, client, status, request, agent = found.groups(b"-")
        return iso(stamp), client, unescaped(request), status, b"", b"-", unescaped(agent), b""

    return read


def _why(pattern: re.Pattern[bytes], name: str, line: bytes) -> str:
    return f"this looks like the log of {name}, but its fields do not fit" if pattern.match(line) else ""


ELB = LineLayout(
    "elb",
    "Amazon's classic load balancer",
    "2026-11-21T10:00:00.945958Z my-lb 203.0.113.7:2817 10.0.0.1:80 0.000073 0.001048 0.000057 200 200 0 29 "
    '"GET http://shop.example:80/a HTTP/1.1" "Mozilla/5.0" - -',
    partial(_reader, _CLASSIC),
    partial(_why, _CLASSIC_LOOKS, "a classic load balancer"),
)
ALB = LineLayout(
    "alb",
    "Amazon's application load balancer",
    "https 2026-11-21T10:00:00.186641Z app/my-lb/50dc6c495c0c9188 203.0.113.7:2817 10.0.0.1:80 0.086 0.048 0.037 200 "
    '200 0 57 "GET https://shop.example:443/a HTTP/1.1" "Mozilla/5.0" TLS_AES_128_GCM_SHA256 TLSv1.3 -',
    partial(_reader, _APPLICATION),
    partial(_why, _APPLICATION_LOOKS, "an application load balancer"),
)

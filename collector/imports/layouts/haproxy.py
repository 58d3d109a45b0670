"""HAProxy's HTTP log (``option httplog``), with or without what syslog puts before it::

    client:port [time] frontend backend/server timers status bytes cookie cookie flags connections queues
    [{request headers} [{response headers}]] "request"

Its times have no offset. It says nothing of referrer and user agent, whatever headers are captured. Bytes that
cannot be printed are ``#`` and two digits.
"""

from __future__ import annotations

import re

from collector.imports.layouts.line import Line, LineLayout, Reader
from collector.imports.layouts.times import Times

_HEAD = rb"(\S+):\d+ \[(\d\d/[A-Za-z]{3}/\d{4}:\d\d:\d\d:\d\d\.\d{3})\] "
_LINE = re.compile(
    _HEAD + rb"\S+ \S+ (?:[-+]?\d+/){4}\+?\d+ (\d{3}|-1) \+?\d+ \S+ \S+ \S{4} (?:\+?\d+/){4}\+?\d+ \d+/\d+ "
    rb'(?:\{[^}]*+\} ){0,2}"([^"]*+)"?'
)
_LOOKS = re.compile(_HEAD)
_ENCODED = re.compile(rb"#([0-9A-Fa-f]{2})")


def _byte(found: re.Match[bytes]) -> bytes:
    return bytes((int(found[1], 16),))


def _reader(times: Times) -> Reader:
    match, read_time = _LINE.match, times.clf

    def read(line: bytes) -> Line | None:
        found = match(line)
        if found is None:
            return None
        client, stamp, status, request = found.groups()
        return read_time(stamp), client, _ENCODED.sub(_byte, request), status, b"", b"-", b"-", b""

    return read


def why(line: bytes) -> str:
    """What is wrong with a line that begins like one of these."""
    return "this looks like HAProxy's log, but not like its HTTP log (option httplog)" if _LOOKS.match(line) else ""


HAPROXY = LineLayout(
    "haproxy",
    "HTTP log of HAProxy (option httplog)",
    "203.0.113.7:33317 [21/Nov/2026:10:00:00.655] http-in static/srv1 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 "
    '"GET /a HTTP/1.1"',
    _reader,
    why,
)

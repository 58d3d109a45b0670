"""Amazon S3's server access logs::

    owner bucket [time] address requester request-id operation key "request" status error sent size total turnaround
    "referrer" "user agent" version host-id signature cipher authentication host tls …

Only requests for objects are requests for pages; others, such as a list of a bucket, have none.
"""

from __future__ import annotations

import re

from collector.imports.layouts.line import QUOTED, Line, LineLayout, Reader, unescaped
from collector.imports.layouts.times import Times

_HEAD = rb"\S+ \S+ \[([^\]]+)\] (\S+) \S+ \S+ ([A-Z0-9]+\.[A-Z0-9_.]+) \S+ "
_LINE = re.compile(
    _HEAD + rb"(?:" + QUOTED + rb"|-) (\d{3}|-) \S+ \S+ \S+ \S+ \S+ (?:" + QUOTED + rb"|-) (?:" + QUOTED + rb"|-)"
    rb"(?: \S+ \S+ \S+ \S+ \S+ (\S+))?"
)
_LOOKS = re.compile(_HEAD)
_OBJECTS = b".OBJECT"
_OWN_HOST = b".amazonaws.com"


def _reader(times: Times) -> Reader:
    match, clf = _LINE.match, times.clf

    def read(line: bytes) -> Line | None:
        found = match(line)
        if found is None:
            return None
        stamp, client, operation, request, status, referrer, agent, host = found.groups(b"-")
        request = unescaped(request) if operation.endswith(_OBJECTS) else b""
        # A bucket is of one site, and what the storage calls it is not the site's name.
        host = b"" if host.lower().endswith(_OWN_HOST) else host
        return clf(stamp), client, request, status, host, unescaped(referrer), unescaped(agent), b""

    return read


def why(line: bytes) -> str:
    """What is wrong with a line that begins like one of these."""
    return "this looks like an S3 access log, but its fields do not fit" if _LOOKS.match(line) else ""


S3 = LineLayout(
    "s3",
    "server access logs of Amazon S3",
    "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be shop [21/Nov/2026:10:00:00 +0000] 203.0.113.7 - "
    '3E57427F3EXAMPLE WEBSITE.GET.OBJECT a.html "GET /a.html HTTP/1.1" 200 - 113 113 7 6 "-" "Mozilla/5.0" - x - - - '
    "shop.example TLSv1.3 - -",
    _reader,
    why,
)

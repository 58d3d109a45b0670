"""CloudFront's standard logs: W3C with tabs between the fields and percent-encoded values.

A percent sign is encoded too, unless it was part of an encoding: ``%2520`` in a user agent is a space, and in a path it
is what the client sent as ``%20``.
"""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

from collector.imports.layouts import w3c
from collector.imports.layouts.line import Line, LineLayout, Reader
from collector.imports.layouts.times import Times

# The fields of version 1.0 do not change but for new ones at the end, so a file that was cut can be read.
FIELDS = (
    "date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) "
    "cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes time-taken "
    "x-forwarded-for ssl-protocol ssl-cipher x-edge-response-result-type cs-protocol-version fle-status "
    "fle-encrypted-fields c-port time-to-first-byte x-edge-detailed-result-type sc-content-type sc-content-len "
    "sc-range-start sc-range-end"
)
_TWICE = re.compile(rb"%25(?=[0-9A-Fa-f]{2})")
_OWN_HOST = b".cloudfront.net"


def _once(field: bytes) -> bytes:
    return _TWICE.sub(b"%", field) if b"%25" in field else field


def _decoded(field: bytes) -> bytes:
    return unquote_to_bytes(_once(field)) if b"%" in field else field


class _Reader(w3c.FieldsReader):
    def __call__(self, line: bytes) -> Line | None:
        found = super().__call__(line)
        if found is None:
            return None
        at, client, request, status, host, referrer, agent, forwarded = found
        # A distribution is of one site, and its own name is not that of the site.
        host = b"" if host.lower().endswith(_OWN_HOST) else host
        return at, client, _once(request), status, host, _once(referrer), agent, forwarded


def _reader(times: Times) -> Reader:
    return _Reader(times, b"\t", _decoded, bytes, FIELDS.encode())


CLOUDFRONT = LineLayout(
    "cloudfront",
    "standard logs of Amazon CloudFront",
    f"#Fields: {FIELDS}\n"
    "2026-11-21\t10:00:00\tFRA50-C1\t2390\t203.0.113.7\tGET\td111111abcdef8.cloudfront.net\t/a\t200\t-\t"
    "Mozilla/5.0%20(X11;%20Linux)\t-\t-\tHit\tx\tshop.example\thttps\t23\t0.001\t-\tTLSv1.3\tx\tHit\tHTTP/2.0\t-\t-\t"
    "11040\t0.001\tHit\ttext/html\t78\t-\t-",
    _reader,
    w3c.why,
)

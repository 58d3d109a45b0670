"""What one line of an access log says: the layouts that are read, and which requests are page views.

Layouts are Apache's and nginx's *common* and *combined* formats, with or without a virtual host in front::

    [host[:port] ]address ident user [time] "GET /a HTTP/1.1" 200 512[ "referrer" "user agent"]

The host may take the place of ``ident`` too, and a prefix of syslog, Docker or Kubernetes is passed over. The address
is that of the client: an IP address (in brackets or with a port, if need be), a list ``client, proxy, proxy`` as
X-Forwarded-For has it, of which the first counts, or a host's name, as HostnameLookups writes it.

A page view is a GET that was answered with 200 to 299 or 304 and did not ask for a static file: see
``is_static``. The time is like ``17/May/2015:10:05:03 +0000``. A quote inside a quoted field is escaped, by
Apache with a backslash, by nginx as ``\\x22``; both are understood.
"""

from __future__ import annotations

import datetime as dt
import re
from enum import StrEnum

from collector.imports.layouts import LineLayout
from sql.core.addresses import packed
from sql.core.hosts import ascii_host

MAX_LINE = 64 * 1024
# A list of proxies is shorter.
MAX_CLIENT = 1_024


class SkipReason(StrEnum):
    """Why a line is no page view."""

    STATIC = "static"
    METHOD = "method"
    STATUS = "status"
    OTHER_HOST = "other_host"
    NO_REQUEST = "no_request"
    BLANK = "blank"
    BAD_LINE = "bad_line"
    TOO_LONG = "too_long"


# What a person does not read as a page: parts of pages, downloads, and what only machines fetch.
STATIC_EXTENSIONS = frozenset(
    b"css js mjs cjs map wasm webmanifest "
    b"png jpg jpeg gif svg svgz ico cur webp avif bmp tif tiff heic "
    b"woff woff2 ttf otf eot "
    b"mp4 m4v m4a webm mov avi mkv mp3 ogg oga ogv wav flac m3u8 ts vtt "
    b"pdf doc docx xls xlsx ppt pptx odt ods csv tsv epub mobi "
    b"zip gz tgz bz2 xz zst 7z rar tar jar war exe msi dmg pkg deb rpm apk iso bin swf "
    b"xml rss atom rdf xsl json jsonl txt".split()
)
# Feeds without an extension, by the last word of the path.
FEED_NAMES = frozenset({b"feed", b"rss", b"atom"})
# Paths that browsers and machines ask for by themselves.
MACHINE_PREFIX = b"/.well-known/"

# Possessive and atomic groups: what matched once is never tried again, so that no line takes long.
_QUOTED = rb'"([^"\\]*+(?:\\.[^"\\]*+)*+)"'
_TIME = rb"\[(\d\d/[A-Za-z]{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\]"
_ADDRESS = rb"(?:\d+\.\d+\.\d+\.\d+(?::\d+)?|\[?[0-9A-Fa-f]*:[0-9A-Fa-f:.]+(?:%\w+)?(?:\](?::\d+)?)?|unknown(?=,))"
# What is in the place of the address, which may be a list, and the word after it.
_CLIENT = rb"([^\s,]+(?:, ?[^\s,]+)*) (\S+)"
# A user name may hold spaces, so that the time is what ends it.
_START = rb"(?>" + _CLIENT + rb" (?:\S+|.+?) " + _TIME + rb" )"
_ANSWER = rb" (\d{3}|-) (?:\d+|-)"
_REST = _START + _QUOTED + _ANSWER
_READER = rb"(?: " + _QUOTED + rb" " + _QUOTED + rb")"
# Without being told, a first word is a host's name only when an address comes second.
_MAYBE_HOST = rb"(?:([^\s,]+) (?=" + _ADDRESS + rb"[ ,]))?"

_FLAGS = re.DOTALL
# Groups of all four: host, client, the word after it, time, request, status, referrer, user agent.
PATTERNS: dict[LineLayout, re.Pattern[bytes]] = {
    LineLayout.AUTO: re.compile(_MAYBE_HOST + _REST + _READER + rb"?", _FLAGS),
    LineLayout.COMBINED: re.compile(rb"()" + _REST + _READER, _FLAGS),
    LineLayout.COMMON: re.compile(rb"()" + _REST + rb"()()", _FLAGS),
    LineLayout.VHOST: re.compile(rb"(\S+) " + _REST + _READER + rb"?", _FLAGS),
}

_METHOD = re.compile(rb"[A-Za-z][A-Za-z_-]*\Z")
_ESCAPE = re.compile(rb"\\(x[0-9A-Fa-f]{2}|.)", re.DOTALL)
_LETTERS = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"b": b"\b", b"v": b"\v", b"f": b"\f"}
_NAMES = b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec"
_MONTHS = {name: number for number, name in enumerate(_NAMES.split(), 1)}
_EPOCH = dt.date(1970, 1, 1).toordinal()
_HOST = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?\Z")
_NUMERIC_HOST = re.compile(r"\[.*\]|[\d.]+|.*:.*:.*")


# What loggers write before a line: syslog by RFC 3164 (with either kind of time, or none) and RFC 5424, Kubernetes,
# Compose.
_PREFIX = re.compile(
    rb"(?:<\d{1,3}>(?:1 )?)?"
    rb"(?:[A-Z][a-z]{2} [ \d]\d(?: \d{4})? \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT[\d:.]{8,20}(?:Z|[+-]\d\d:?\d\d)) "
    rb"(?:std(?:out|err) [FP] |(?:\S+ )?\S+: |\S+ \S+ \S+ \S+ (?:-|(?:\[[^\]]*\])+) (?:\xef\xbb\xbf)?)"
    rb"|[\w.-]+ [A-Za-z][\w./-]*(?:\[\d+\])?: "
    rb"|[\w.-]+ +\| "
)
# A name with a dot whose last part begins with a letter, so that no date and no number is one.
_CLIENT_NAME = re.compile(r"(?=.{4,253}\Z)(?:[a-z0-9_-]{1,63}\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]\Z")
_SHOWN = 60


class BadTimeError(ValueError):
    """A time that no calendar has."""


def request_of(request: bytes) -> tuple[bytes, bytes] | None:
    """Method and target of a request line; None where it is none (``-``, TLS on a plain port)."""
    method, _, rest = request.partition(b" ")
    target, _, protocol = rest.rpartition(b" ")
    if not protocol.startswith(b"HTTP/"):  # HTTP/0.9 names no version
        target = rest
    return (method, target) if target and _METHOD.match(method) else None


def is_static(target: bytes) -> bool:
    """Whether a request target is no page: a static file, a download, a feed, or for machines only."""
    path = target.partition(b"?")[0]
    name = path[path.rfind(b"/") + 1 :]
    dot = name.rfind(b".")
    if dot >= 0:
        return name[dot + 1 :].lower() in STATIC_EXTENSIONS or path.startswith(MACHINE_PREFIX)
    last = name or path[path.rfind(b"/", 0, -1) + 1 : -1]
    return last in FEED_NAMES or path.startswith(MACHINE_PREFIX)


def text_of(field: bytes) -> str:
    """A quoted field as text: escapes resolved, bytes that are no UTF-8 replaced, ``-`` as nothing."""
    if field == b"-":
        return ""
    if b"\\" in field:
        field = _ESCAPE.sub(_unescaped, field)
    return field.decode("utf-8", "replace")


def _unescaped(found: re.Match[bytes]) -> bytes:
    code = found[1]
    if len(code) == 3:
        return bytes((int(code[1:], 16),))
    return _LETTERS.get(code, code)


def day_of(date: bytes, offset: bytes) -> int:
    """The start of a local day in ms since 1970 UTC: ``17/May/2015``, ``+0200``. Raises BadTimeError."""
    try:
        ordinal = dt.date(int(date[7:]), _MONTHS[date[3:6].title()], int(date[:2])).toordinal()
    except (KeyError, ValueError) as exc:
        raise BadTimeError(f"no such day: {date.decode('ascii', 'replace')}") from exc
    hours, minutes = int(offset[1:3]), int(offset[3:])
    if hours > 15 or minutes > 59:
        raise BadTimeError(f"no such UTC offset: {offset.decode('ascii', 'replace')}")
    east = (hours * 60 + minutes) * (-1 if offset[:1] == b"-" else 1)
    return ((ordinal - _EPOCH) * 1440 - east) * 60_000


def time_of(text: bytes, day_start: int) -> int:
    """ms since 1970 UTC of ``17/May/2015:10:05:03 +0000``, given its ``day_of``. Raises BadTimeError."""
    hour, minute, second = int(text[12:14]), int(text[15:17]), int(text[18:20])
    if hour > 23 or minute > 59 or second > 60:  # 60: a leap second
        raise BadTimeError(f"no such time of day: {text[12:20].decode('ascii', 'replace')}")
    return day_start + (hour * 3600 + minute * 60 + second) * 1000


def host_of(text: str) -> str | None:
    """A host's name, lower case, without port; empty for an address or a placeholder, None if broken."""
    host = ascii_host(text)
    if host in {"", "-", "_", "localhost", "default", "*"} or _NUMERIC_HOST.fullmatch(host):
        return ""
    host = host.partition(":")[0]
    if host in {"_", "localhost", "default"} or _NUMERIC_HOST.fullmatch(host):
        return ""
    return host.rstrip(".") if _HOST.match(host) else None


def without_prefix(line: bytes) -> bytes:
    """A line without what a logger wrote before it."""
    found = _PREFIX.match(line)
    return line[found.end() :] if found else line


def client_of(field: bytes) -> str:
    """The client's address, or its host's name; '' where the field has neither.

    Of a list the first that is one: the client comes first, then the proxies. Without brackets, port and zone.
    """
    for word in field[:MAX_CLIENT].decode("utf-8", "replace").strip('"').split(","):
        text = word.strip().lower()
        bare = text[1:].partition("]")[0] if text[:1] == "[" else text
        bare = (bare.partition(":")[0] if bare.count(":") == 1 else bare).partition("%")[0]
        if packed(bare):
            return bare
        if _CLIENT_NAME.match(text):
            return text
    return ""


def is_name(client: str) -> bool:
    """Whether what ``client_of`` gave is the name of a host."""
    return client.rpartition(".")[2][:1].isalpha() and ":" not in client


def shown(field: bytes) -> str:
    """The start of a field, for a message."""
    text = field[:_SHOWN].decode("utf-8", "replace")
    return "".join(char if char.isprintable() else "\ufffd" for char in text) + ("…" if len(field) > _SHOWN else "")


FORMATS = "common, combined and vhost, as Apache and nginx write them, also behind a syslog prefix"
_OTHERS = (
    (re.compile(rb"\s*\{"), "JSON"),
    (re.compile(rb"#|\d{4}-\d\d-\d\d[ \t]\d\d:\d\d:\d\d[ \t]"), "the W3C format (IIS, CloudFront)"),
    (re.compile(rb"(?:https?|h2|wss?|grpcs?) \d{4}-\d\d-\d\dT"), "the log of an AWS load balancer"),
    (re.compile(rb"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[|\[[A-Z][a-z]{2} [A-Z][a-z]{2} \d"), "an error log"),
)
_MISSING = (
    (re.compile(rb"[^\[]*\[[^\]]*\]"), "not a line of an access log: it has no [17/May/2015:10:05:03 +0000]"),
    (re.compile(rb"(?>.*?" + _TIME + rb")", _FLAGS), "the time does not look like 17/May/2015:10:05:03 +0000"),
    (re.compile(_START, _FLAGS), "there is no address, identity and user before the time"),
    (re.compile(_START + _QUOTED, _FLAGS), "the request has no closing quote"),
    (re.compile(_REST, _FLAGS), "there is no status and size after the request"),
)


def why_bad(line: bytes) -> str:
    """What is wrong with a line that no pattern matches, in words for people."""
    for pattern, name in _OTHERS:
        if pattern.match(line):
            return f"this looks like {name}, which is not supported; supported formats: {FORMATS}"
    for pattern, cause in _MISSING:
        if not pattern.match(line):
            return cause
    return "the referrer or the user agent has no closing quote"

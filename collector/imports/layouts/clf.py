"""Apache's and nginx's *common* and *combined* formats, with or without a virtual host, which is before the address or
in the place of the identity::

    [host[:port] ]address ident user [time] "GET /a HTTP/1.1" 200 512[ "referrer" "user agent"[ …]]

A user name may hold spaces. A third quoted field is X-Forwarded-For, as nginx's own ``main`` format has it.
"""

from __future__ import annotations

import re

from collector.imports.layouts.line import QUOTED, Line, LineLayout, Reader, unescaped
from collector.imports.layouts.times import Times

_TIME = rb"\[(\d\d/[A-Za-z]{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\]"
_ADDRESS = rb"(?:\d+\.\d+\.\d+\.\d+(?::\d+)?|\[?[0-9A-Fa-f]*:[0-9A-Fa-f:.]+(?:%\w+)?(?:\](?::\d+)?)?|unknown(?=,))"
# What is in the place of the address, which may be a list, and the word after it, which is not a logger's.
_CLIENT = rb"([^\s,]+(?:, ?[^\s,]+)*) ((?!\| |\S*: )\S+)"
# The time is what ends the user.
_START = rb"(?>" + _CLIENT + rb" (?:\S+|.+?) " + _TIME + rb" )"
_REST = _START + QUOTED + rb" (\d{3}|-) (?:\d+|-)"
_READER = rb" " + QUOTED + rb" " + QUOTED
_FORWARDED = rb"(?: " + QUOTED + rb")?"
_END = rb"\s*\Z"
# Without being told, a first word is a host's name only if an address comes second.
_MAYBE_HOST = rb"(?:([^\s,]+) (?=" + _ADDRESS + rb"[ ,]))?"
# When told, it is one unless it is an address and the second word is not.
_HOST = rb"(?:(?!" + _ADDRESS + rb" (?!" + _ADDRESS + rb"[ ,]))(\S+) )?"

# Groups of all: host, client, the word after it, time, request, status, referrer, user agent, X-Forwarded-For.
_ANY = re.compile(_MAYBE_HOST + _REST + rb"(?:" + _READER + _FORWARDED + rb"|" + _END + rb")", re.DOTALL)
_COMBINED = re.compile(rb"()" + _REST + _READER + _FORWARDED, re.DOTALL)
_COMMON = re.compile(rb"()" + _REST + rb"()()()", re.DOTALL)
_VHOST = re.compile(_HOST + _REST + rb"(?:" + _READER + _FORWARDED + rb"|" + _END + rb")", re.DOTALL)

MAX_ANSWERS = 16_384
_ANSWER = re.compile(rb" (\d{3}) (?:\d{1,20}|-) \Z")

_MISSING = (
    (re.compile(rb"[^\[]*\[[^\]]*\]"), "not a line of an access log: it has no [17/May/2015:10:05:03 +0000]"),
    (re.compile(rb"(?>.*?" + _TIME + rb")", re.DOTALL), "the time does not look like 17/May/2015:10:05:03 +0000"),
    (re.compile(_START, re.DOTALL), "there is no address, identity and user before the time"),
    (re.compile(_START + QUOTED, re.DOTALL), "the request has no closing quote"),
    (re.compile(_REST, re.DOTALL), "there is no status and size after the request"),
)


def why(line: bytes) -> str:
    """What is wrong with a line that is not one of these."""
    for pattern, cause in _MISSING:
        if not pattern.match(line):
            return cause
    return "the referrer or the user agent has no closing quote"


class _Reader:
    """Reads by a pattern; lines of the usual kind by cutting them at the quotes, which takes a third of the time."""

    def __init__(self, pattern: re.Pattern[bytes], times: Times) -> None:
        self._match = pattern.match
        self._clf = times.clf
        self._statuses: dict[bytes, bytes] = {}

    def __call__(self, line: bytes) -> Line | None:
        try:
            head, request, answer, referrer, between, agent, rest = line.split(b'"', 6)
        except ValueError:
            return self.by_pattern(line)
        status = self._statuses.get(answer) or self._answered(answer)
        client = head[:-34]
        if (
            status
            and client
            and head[-34:-28] == b" - - ["
            and head[-2:] == b"] "
            and between == b" "
            and b" " not in client
            and b"\\" not in line
        ):
            forwarded = _quoted(rest) if rest else b""
            return self._clf(head[-28:-2]), client, request, status, b"", referrer, agent, forwarded
        return self.by_pattern(line)

    def by_pattern(self, line: bytes) -> Line | None:
        """What a line says, whichever words it has."""
        found = self._match(line)
        if found is None:
            return None
        host, client, word, stamp, request, status, referrer, agent, forwarded = found.groups(b"")
        if found[1] is None and b"." in word:
            host = word
        if b"\\" in line:
            request, referrer, agent = unescaped(request), unescaped(referrer), unescaped(agent)
        return self._clf(stamp), client, request, status, host, referrer, agent, forwarded

    def _answered(self, answer: bytes) -> bytes:
        """The status in what is between request and referrer; empty if that is not a status and a size."""
        found = _ANSWER.match(answer)
        if found is None:
            return b""
        if len(self._statuses) >= MAX_ANSWERS:
            self._statuses.clear()
        self._statuses[answer] = found[1]
        return found[1]


def _quoted(rest: bytes) -> bytes:
    """The quoted field at the start of what is after the user agent; empty for none."""
    return rest[2:].partition(b'"')[0] if rest[:2] == b' "' and rest.count(b'"') > 1 else b""


def _reader(pattern: re.Pattern[bytes], times: Times) -> Reader:
    reader = _Reader(pattern, times)
    return reader.by_pattern if pattern is _COMMON else reader


def _layout(name: str, description: str, example: str, pattern: re.Pattern[bytes]) -> LineLayout:
    return LineLayout(name, description, example, lambda times: _reader(pattern, times), why)


COMBINED = _layout(
    "combined",
    "combined of Apache and nginx; nginx's main; Traefik's common",
    '203.0.113.7 - - [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 512 "https://example.org/" "Mozilla/5.0"',
    _COMBINED,
)
COMMON = _layout(
    "common",
    "common (CLF): without referrer and user agent",
    '203.0.113.7 - - [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 512',
    _COMMON,
)
VHOST = _layout(
    "vhost",
    "vhost_combined of Apache; others with the host first or second",
    'shop.example:443 203.0.113.7 - - [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 512 "-" "Mozilla/5.0"',
    _VHOST,
)
# Any of the three; what a first or second word is depends on the others.
ANY = _layout("combined, common or vhost", "any of the three", COMBINED.example, _ANY)

"""The W3C extended log format, as IIS writes it: ``#Fields:`` says what follows, and may say so again midway.

Times are UTC. IIS writes ``+`` for a space, in user agents and in decoded paths.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from collector.imports.layouts.line import PROTOCOL, Line, LineLayout
from collector.imports.layouts.line_error import LineError, shown
from collector.imports.layouts.times import Times

MAX_FIELDS = 256
_DIRECTIVE = re.compile(rb"#(Version|Fields|Software|Date|Start-Date|End-Date|Remark|GMT-Offset):[ \t]*", re.IGNORECASE)
_CLOCK = re.compile(rb"\d\d:\d\d:\d\d")
_DATED = re.compile(rb"\d{4}-\d\d-\d\d[ \t]")
# What is wanted, by the names that fields may have; the first that a log has counts.
NAMES: tuple[tuple[bytes, ...], ...] = (
    (b"date",),
    (b"time",),
    (b"c-ip",),
    (b"sc-status",),
    (b"cs-method",),
    (b"cs-uri-stem", b"cs-uri"),
    (b"cs-uri-query",),
    (b"x-host-header", b"cs-host", b"cs(host)"),
    (b"cs(referer)", b"cs(referrer)"),
    (b"cs(user-agent)",),
    (b"x-forwarded-for", b"cs(x-forwarded-for)"),
)
_NEEDED = {1: "time", 2: "c-ip", 3: "sc-status", 4: "cs-method", 5: "cs-uri-stem"}


def _spaces(field: bytes) -> bytes:
    return field.replace(b"+", b" ")


def _path(field: bytes) -> bytes:
    return field.replace(b"+", b"%20")


class FieldsReader:
    """Reads lines by the fields that a directive names. ``separator`` is between them;
    ``decode`` and ``path`` undo what the server does to texts and to paths."""

    def __init__(
        self,
        times: Times,
        separator: bytes,
        decode: Callable[[bytes], bytes],
        path: Callable[[bytes], bytes],
        fields: bytes = b"",
    ) -> None:
        self._times = times
        self._separator = separator
        self._decode, self._path = decode, path
        self._date = b""
        self._at: tuple[int, ...] = ()
        self._count = 0
        self._missing = ""
        self._learn(fields)

    def directive(self, line: bytes) -> bool:
        """Take note of a line with ``#``; False if it is not a directive."""
        found = _DIRECTIVE.match(line)
        if found is None:
            return False
        name, value = found[1].lower(), line[found.end() :]
        if name == b"fields":
            self._learn(value)
        elif name == b"date":
            self._date = value[:10]
        return True

    def _learn(self, fields: bytes) -> None:
        names = fields.lower().split(None, MAX_FIELDS)[:MAX_FIELDS]
        places = {name: at for at, name in reversed(list(enumerate(names)))}
        self._at = tuple(next((places[name] for name in known if name in places), -1) for known in NAMES)
        self._count = len(names)
        self._missing = ", ".join(name for slot, name in _NEEDED.items() if self._at[slot] < 0)

    def __call__(self, line: bytes) -> Line | None:
        if not self._count or line[:1] == b"#" or (b"\t" in line) != (self._separator == b"\t"):
            return None
        values = line.split(self._separator)
        values.append(b"-")  # what a log does not have is at -1
        if len(values) != self._count + 1 or not _CLOCK.match(values[self._at[1]]):
            return None  # a line of another format can have as many words
        if self._missing:
            raise LineError(f"the #Fields of this log miss {self._missing}")
        date, time, client, status, method, stem, query, host, referrer, agent, forwarded = (
            values[at] for at in self._at
        )
        stamp = b"%b %bZ" % (date if self._at[0] >= 0 else self._date, time)
        target = self._path(stem) if query == b"-" else b"%b?%b" % (self._path(stem), query)
        return (
            self._times.iso(stamp), client, b"%b %b%b" % (method, target, PROTOCOL), status, host,
            referrer, self._decode(agent), self._decode(forwarded),
        )  # fmt: skip


def why(line: bytes) -> str:
    """What is wrong with a line that begins with a date, and so looks like one of these."""
    if not _DATED.match(line):
        return ""
    return f"this looks like the W3C format, but no #Fields line before it has its number of fields: {shown(line)}"


W3C = LineLayout(
    "w3c",
    "W3C extended, by its #Fields lines: IIS and others",
    "#Fields: date time c-ip cs-method cs-uri-stem cs-uri-query sc-status cs(User-Agent) cs(Referer)\n"
    "2026-11-21 10:00:00 203.0.113.7 GET /a - 200 Mozilla/5.0+(X11;+Linux) -",
    lambda times: FieldsReader(times, b" ", _spaces, _path),
    why,
)

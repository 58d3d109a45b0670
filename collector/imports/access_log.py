"""Access logs into events: every line is an event or counted with the reason why it is none.

The visitor is the cookieless one of the live collector, so the address in a line goes no further than
the hash. An event's id is made from its line, so that a file that is imported twice, or a rotated file
that overlaps another, counts once; it is keyed with a secret, or the address could be guessed from it.
"""

from __future__ import annotations

import re
import time
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

from collector.cache import MIB, Cache
from collector.enrich.bots import BotReason
from collector.event import redact
from collector.event.model import PAGE_VIEW, SpooledEvent
from collector.imports.access_lines import (
    FORMATS,
    MAX_LINE,
    PATTERNS,
    BadTimeError,
    SkipReason,
    client_of,
    day_of,
    host_of,
    is_name,
    is_static,
    request_of,
    shown,
    text_of,
    time_of,
    why_bad,
    without_prefix,
)
from collector.imports.layouts import LineLayout
from collector.ingest.visitors import Visitors
from collector.loader.conduct import Refusals
from collector.sites.registry import Site

SHOWN_BAD_LINES = 20
SHOWN_EXAMPLES = 3
MAX_REMEMBERED = 65_536
# The engine's dates end in 2149 and start in 1970; the first web server is younger.
EARLIEST_MS = 631_152_000_000  # 1990-01-01
DAY_MS = MAX_AHEAD_MS = 24 * 3600 * 1000
TOO_LONG = f"longer than {MAX_LINE // 1024} KiB"
ABSOLUTE = re.compile(rb"https?://([^/?#\s]+)", re.IGNORECASE)
UNSAFE = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that cannot be read: where it is (from 1) and why."""

    source: str
    number: int
    cause: str


@dataclass(frozen=True, slots=True)
class Stranger:
    """A file that is not an access log: none of its lines (but blank ones) can be read."""

    source: str
    lines: int
    examples: tuple[BadLine, ...]

    def __str__(self) -> str:
        examples = "".join(f"\n  line {bad.number}: {bad.cause}" for bad in self.examples)
        lines = "its only line is not readable" if self.lines == 1 else f"none of its {self.lines:,} lines is readable"
        return f"{self.source} is not an access log: {lines}{examples}\n  → supported formats: {FORMATS}"


@dataclass(slots=True)
class ImportCounts:
    """What became of the lines: lines = events + all of ``skipped``. ``bad`` holds the first bad ones.

    ``strangers`` are files that cannot be read at all; their lines are not in ``bad``. ``names`` holds the first
    clients that are given by the name of a host instead of an address.
    """

    lines: int = 0
    events: int = 0
    skipped: Counter[SkipReason] = field(default_factory=Counter)
    bad: list[BadLine] = field(default_factory=list)
    strangers: list[Stranger] = field(default_factory=list)
    names: list[str] = field(default_factory=list)


class Occurrences:
    """How often each line of a file came before, exactly: however far apart equal lines are, and however the times of
    lines jump (a log that is written when requests end has the times at which they began).

    An open table of 64-bit hashes, 16 to 32 bytes a line, and the numbers of the lines that came again. Two lines with
    one hash (a chance of 3 in 10^8 for a file of a million) are taken for a repetition, which changes an id only.
    """

    def __init__(self) -> None:
        self._table = array("Q", bytes(8 * 1024))
        self._room = 512
        self._again: dict[int, int] = {}

    def count(self, key: bytes) -> int:
        """The number of this occurrence, from 1. ``key`` is a keyed hash of the line, of at least 8 bytes."""
        hashed = int.from_bytes(key[:8], "little") or 1
        if self._add(hashed):
            return 1
        number = self._again[hashed] = self._again.get(hashed, 1) + 1
        return number

    def _add(self, hashed: int) -> bool:
        """Put a hash into the table; False where it is in it."""
        table, mask = self._table, len(self._table) - 1
        at = hashed & mask
        while found := table[at]:
            if found == hashed:
                return False
            at = (at + 1) & mask
        table[at] = hashed
        self._room -= 1
        if not self._room:
            self._grow()
        return True

    def _grow(self) -> None:
        old = self._table
        self._table = array("Q", bytes(16 * len(old)))
        self._room = len(old)
        for hashed in filter(None, old):
            self._add(hashed)


class AccessLog:
    """Reads access logs of one site. ``counts`` grows while the iterators of ``events`` are drawn from.

    ``keep_static`` takes static files as page views too, ``any_host`` the lines of every virtual host (else
    those of the site's domain and what lies under it). The same ``secret`` (at most 60 bytes) gives a line the
    same event id. ``country_of`` gives a country's code for an address.
    ``clock`` is in seconds since 1970; a line more than a day ahead of it is bad.
    """

    def __init__(
        self,
        site: Site,
        visitors: Visitors,
        secret: bytes,
        *,
        layout: LineLayout = LineLayout.AUTO,
        keep_static: bool = False,
        any_host: bool = False,
        country_of: Callable[[str], str] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.counts = ImportCounts()
        self._site_id = site.site_id
        self._visitors = visitors
        self._pattern = PATTERNS[layout]
        self._keep_static = keep_static
        self._any_host = any_host
        self._country_of = country_of
        self._latest = int(clock() * 1000) + MAX_AHEAD_MS
        self._origin = f"https://{site.domain}"
        self._domain = site.domain.removeprefix("www.")
        self._origins: Cache[str, str | None] = Cache(lambda host: self._judged(host_of(host)), MIB)
        self._days: dict[bytes, int] = {}
        self._last = (b"", 0)
        self._clients: Cache[bytes, str] = Cache(self._client, 4 * MIB)
        self._refusals = Refusals()
        self._pages: Cache[tuple[bytes | None, bytes], str | SkipReason] = Cache(
            lambda asked: self._page(*asked), 16 * MIB
        )
        self._readers: Cache[tuple[str, bytes, int], tuple[int, int, str, str]] = Cache(
            lambda key: self._reader(*key), 16 * MIB
        )
        self._hash = blake2b(digest_size=16, key=secret + site.site_id.to_bytes(4, "little"), person=b"access-log")

    def events(self, lines: Iterable[bytes], source: str = "") -> Iterator[SpooledEvent]:
        """The page views in the lines of one file, in its order. Nothing in a line raises.

        ``source`` is the file's name, for bad lines. Equal lines are told apart within one call only.
        """
        occurrences = Occurrences()
        counts = self.counts
        bad: list[BadLine] = []
        unread = fits = number = 0
        for number, line in enumerate(lines, 1):
            counts.lines += 1
            found = self._read(line, occurrences)
            if isinstance(found, SpooledEvent):
                counts.events += 1
                fits += 1
                yield found
                continue
            reason, cause = (found, "") if isinstance(found, SkipReason) else (SkipReason.BAD_LINE, found)
            counts.skipped[reason] += 1
            if reason is SkipReason.TOO_LONG:
                cause = TOO_LONG
            if cause:
                unread += 1
                if len(bad) < SHOWN_BAD_LINES:
                    bad.append(BadLine(source, number, cause))
            elif reason is not SkipReason.BLANK:
                fits += 1
        if unread and not fits:
            counts.strangers.append(Stranger(source, number, tuple(bad[:SHOWN_EXAMPLES])))
        else:
            counts.bad += bad[: SHOWN_BAD_LINES - len(counts.bad)]

    def _read(self, line: bytes, occurrences: Occurrences) -> SpooledEvent | SkipReason | str:
        """One line: an event, the reason for leaving it out, or (as text) what is wrong with it."""
        if len(line) > MAX_LINE:
            return SkipReason.TOO_LONG
        line = line.rstrip(b"\r\n")
        found = self._pattern.match(line)
        client = self._clients[found[2]] if found else ""
        if not client or (found and found[3].endswith(b":")):  # a logger's tag: its host looks like a client's
            line = without_prefix(line)
            found = self._pattern.match(line)
            client = self._clients[found[2]] if found else ""
        if found is None or not client:
            if not line.strip():
                return SkipReason.BLANK
            return why_bad(line) if found is None else f"not a client address: {shown(found[2])}"
        if found[8] is None and line[found.end() :].strip():
            return why_bad(line)
        return self._request(line, found.groups(), client, occurrences)

    def _request(
        self, line: bytes, fields: Sequence[bytes], client: str, occurrences: Occurrences
    ) -> SpooledEvent | SkipReason | str:
        host, _, word, stamp, request, status, referrer, agent = fields
        if host is None and word != b"-" and b"." in word:
            host = word
        try:
            timestamp = self._time(stamp)
        except BadTimeError as exc:
            return str(exc)
        agent = agent or b"-"
        if status[:1] != b"2" and status != b"304":
            return self._unanswered(request, client, agent, status)
        page = self._pages[host, request]
        if isinstance(page, SkipReason):
            return page
        visitor, previous, text, country = self._readers[client, agent, timestamp // DAY_MS]
        return SpooledEvent(
            event_id=self._id(line, occurrences),
            known=True,
            visitor=visitor,
            previous=previous,
            timestamp=timestamp,
            name=PAGE_VIEW,
            url=page,
            referrer=redact.address(text_of(referrer)) if referrer else "",
            user_agent=text,
            country=country,
            signals=BotReason.SCANNER.value if (client, agent) in self._refusals.scanners else "",
        )

    def _client(self, field: bytes) -> str:
        """The client's address or name; '' for neither, and for the site's own name: the host is first in that line."""
        found = client_of(field)
        if found == self._domain or found.endswith(f".{self._domain}"):
            return ""
        if is_name(found) and len(self.counts.names) < SHOWN_EXAMPLES:
            self.counts.names.append(found)
        return found

    def _page(self, host: bytes | None, request: bytes) -> str | SkipReason:
        """The URL of the page that was asked for, or why it was none."""
        words = request_of(request)
        if words is None:
            return SkipReason.NO_REQUEST
        method, target = words
        if method != b"GET":
            return SkipReason.METHOD
        if target[:1] != b"/":  # what clients send to a proxy, or garbage
            absolute = ABSOLUTE.match(target)
            if absolute is None:
                return SkipReason.NO_REQUEST
            host, target = host or absolute[1], b"/" + target[absolute.end() :].removeprefix(b"/")
        if not self._keep_static and is_static(target):
            return SkipReason.STATIC
        origin = self._origin_of(host) if host else self._origin
        if origin is None:
            return SkipReason.OTHER_HOST
        path = text_of(target)
        if not path.isprintable() or " " in path:
            path = UNSAFE.sub(lambda char: "".join(f"%{byte:02X}" for byte in char[0].encode()), path)
        return redact.address(origin + path)

    def _unanswered(self, request: bytes, client: str, agent: bytes, status: bytes) -> SkipReason:
        words = request_of(request)
        if words is None:
            return SkipReason.NO_REQUEST
        if status[:1] == b"4" and not is_static(words[1]):
            self._refusals.add(client, agent, words[1])
        return SkipReason.STATUS

    def _origin_of(self, host: bytes) -> str | None:
        """``https://`` and the host's name; None for the host of another site."""
        return self._origins[host.decode("utf-8", "replace")]

    def _judged(self, name: str | None) -> str | None:
        if name is None:
            return None
        if not name:
            return self._origin
        ours = name == self._domain or name.endswith(f".{self._domain}")
        return f"https://{name}" if ours or self._any_host else None

    def _time(self, stamp: bytes) -> int:
        """ms since 1970 UTC. Raises BadTimeError."""
        if stamp == self._last[0]:
            return self._last[1]
        day = stamp[:11] + stamp[20:]
        start = self._days.get(day)
        if start is None:
            if len(self._days) > MAX_REMEMBERED:
                self._days.clear()
            start = self._days[day] = day_of(stamp[:11], stamp[21:])
        timestamp = time_of(stamp, start)
        if timestamp < EARLIEST_MS:
            raise BadTimeError(f"before the web existed: {stamp.decode('ascii', 'replace')}")
        if timestamp > self._latest:
            raise BadTimeError(f"in the future: {stamp.decode('ascii', 'replace')}")
        self._last = (stamp, timestamp)
        return timestamp

    def _reader(self, client: str, user_agent: bytes, day: int) -> tuple[int, int, str, str]:
        """The visitor under both salts (``day`` since 1970, UTC), the user agent as text, the country."""
        text = text_of(user_agent)
        visitor, previous = self._visitors.of(self._site_id, client, text, day * DAY_MS)
        country = self._country_of(client) if self._country_of else ""
        return visitor, previous, text, country

    def _id(self, line: bytes, occurrences: Occurrences) -> bytes:
        hashed = self._hash.copy()
        hashed.update(line)
        first = hashed.digest()
        number = occurrences.count(first)
        if number == 1:
            return first
        hashed.update(b"\n%d" % number)  # no line holds a newline, so no other line has this id
        return hashed.digest()

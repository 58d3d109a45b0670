"""Access logs into events: every line is an event or counted with the reason why it is none.

The visitor is the cookieless one of the live collector, so the address in a line goes no further than
the hash. An event's id is made from its line, so that a file that is imported twice, or a rotated file
that overlaps another, counts once; it is keyed with a secret, or the address could be guessed from it.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b

from collector import privacy
from collector.access_lines import (
    MAX_LINE,
    PATTERNS,
    BadTimeError,
    Layout,
    SkipReason,
    day_of,
    host_of,
    is_static,
    request_of,
    text_of,
    time_of,
    why_bad,
)
from collector.cache import MIB, Cache
from collector.model import PAGE_VIEW, SpooledEvent
from collector.sites import Site
from collector.visitors import Visitors

SHOWN_BAD_LINES = 20
REMEMBERED_MS = 5 * 60_000
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


@dataclass(slots=True)
class ImportCounts:
    """What became of the lines: lines = events + all of ``skipped``. ``bad`` holds the first bad ones."""

    lines: int = 0
    events: int = 0
    skipped: Counter[SkipReason] = field(default_factory=Counter)
    bad: list[BadLine] = field(default_factory=list)


class Occurrences:
    """How often a line came before. Equal lines bear the same second, so only the near past is remembered."""

    def __init__(self) -> None:
        self._now: dict[bytes, int] = {}
        self._before: dict[bytes, int] = {}
        self._since = 0

    def count(self, key: bytes, timestamp: int) -> int:
        """The number of this occurrence, from 1; ``timestamp`` is the line's own, in ms."""
        if not -REMEMBERED_MS <= timestamp - self._since <= REMEMBERED_MS or len(self._now) >= MAX_REMEMBERED:
            self._before, self._now, self._since = self._now, {}, timestamp
        number = self._now.get(key) or self._before.get(key, 0)
        self._now[key] = number = number + 1
        return number


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
        layout: Layout = Layout.AUTO,
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
        self._pages: Cache[tuple[bytes | None, bytes], str | SkipReason] = Cache(
            lambda asked: self._page(*asked), 16 * MIB
        )
        self._readers: Cache[tuple[bytes, bytes, int], tuple[int, int, str, str]] = Cache(
            lambda key: self._reader(*key), 16 * MIB
        )
        self._hash = blake2b(digest_size=16, key=secret + site.site_id.to_bytes(4, "little"), person=b"access-log")

    def events(self, lines: Iterable[bytes], source: str = "") -> Iterator[SpooledEvent]:
        """The page views in the lines of one file, in its order. Nothing in a line raises.

        ``source`` is the file's name, for bad lines. Equal lines are told apart within one call only.
        """
        occurrences = Occurrences()
        counts = self.counts
        for number, line in enumerate(lines, 1):
            counts.lines += 1
            found = self._read(line, occurrences)
            if isinstance(found, SpooledEvent):
                counts.events += 1
                yield found
            elif isinstance(found, SkipReason):
                self._skip(found, source, number, TOO_LONG if found is SkipReason.TOO_LONG else "")
            else:
                self._skip(SkipReason.BAD_LINE, source, number, found)

    def _skip(self, reason: SkipReason, source: str, number: int, cause: str) -> None:
        self.counts.skipped[reason] += 1
        if cause and len(self.counts.bad) < SHOWN_BAD_LINES:
            self.counts.bad.append(BadLine(source, number, cause))

    def _read(self, line: bytes, occurrences: Occurrences) -> SpooledEvent | SkipReason | str:
        """One line: an event, the reason for leaving it out, or (as text) what is wrong with it."""
        if len(line) > MAX_LINE:
            return SkipReason.TOO_LONG
        line = line.rstrip(b"\r\n")
        found = self._pattern.match(line)
        if found is None:
            return SkipReason.BLANK if not line.strip() else why_bad(line)
        host, address, stamp, request, status, referrer, user_agent = found.groups()
        if user_agent is None and line[found.end() :].strip():
            return why_bad(line)
        try:
            timestamp = self._time(stamp)
        except BadTimeError as exc:
            return str(exc)
        if status[:1] != b"2" and status != b"304":
            return self._unanswered(request)
        page = self._pages[host, request]
        if isinstance(page, SkipReason):
            return page
        visitor, previous, text, country = self._readers[address, user_agent or b"-", timestamp // DAY_MS]
        return SpooledEvent(
            event_id=self._id(line, timestamp, occurrences),
            known=True,
            visitor=visitor,
            previous=previous,
            timestamp=timestamp,
            name=PAGE_VIEW,
            url=page,
            referrer=privacy.address(text_of(referrer)) if referrer else "",
            user_agent=text,
            country=country,
        )

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
        return privacy.address(origin + path)

    def _unanswered(self, request: bytes) -> SkipReason:
        return SkipReason.STATUS if request_of(request) else SkipReason.NO_REQUEST

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
            raise BadTimeError(f"before the web: {stamp.decode('ascii', 'replace')}")
        if timestamp > self._latest:
            raise BadTimeError(f"in the future: {stamp.decode('ascii', 'replace')}")
        self._last = (stamp, timestamp)
        return timestamp

    def _reader(self, address: bytes, user_agent: bytes, day: int) -> tuple[int, int, str, str]:
        """The visitor under both salts (``day`` since 1970, UTC), the user agent as text, the country."""
        where, text = address.decode("utf-8", "replace"), text_of(user_agent)
        visitor, previous = self._visitors.of(self._site_id, where, text, day * DAY_MS)
        country = self._country_of(where) if self._country_of else ""
        return visitor, previous, text, country

    def _id(self, line: bytes, timestamp: int, occurrences: Occurrences) -> bytes:
        hashed = self._hash.copy()
        hashed.update(line)
        first = hashed.digest()
        number = occurrences.count(first, timestamp)
        if number == 1:
            return first
        hashed.update(b"\n%d" % number)  # no line holds a newline, so no other line has this id
        return hashed.digest()

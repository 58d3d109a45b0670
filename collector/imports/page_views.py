"""From what a line says to a page view, or the reason why it is none.

A page view is a GET that was answered with 200 to 299 or 304 and did not ask for a static file (``targets.is_static``).
The visitor is the cookieless one of the live collector, so the address in a line goes no further than the hash.
"""

from __future__ import annotations

import datetime as dt
import re
import time
from collections.abc import Callable

from collector.cache import MIB, Cache
from collector.enrich.bots import BotReason
from collector.event import redact
from collector.event.model import PAGE_VIEW, SpooledEvent
from collector.imports.clients import ClientAddress, client_of, is_name
from collector.imports.counts import SHOWN_EXAMPLES, SkipReason
from collector.imports.layouts.line import NOTHING, Line
from collector.imports.layouts.line_error import LineError
from collector.imports.targets import host_of, is_static, request_of
from collector.ingest.visitors import Visitors
from collector.loader.conduct import Refusals
from collector.sites.registry import Site

# The engine's dates end in 2149 and start in 1970; the first web server is younger.
EARLIEST_MS = 631_152_000_000  # 1990-01-01
DAY_MS = MAX_AHEAD_MS = 24 * 3600 * 1000
_ABSOLUTE = re.compile(rb"https?://([^/?#\s]+)", re.IGNORECASE)
_UNSAFE = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029]")
_NOT_MODIFIED = b"304"


class PageViews:
    """Knows one site, and what it saw of its visitors. ``names`` are the first clients that are names of hosts.

    ``keep_static`` takes static files as page views too, ``any_host`` the lines of every virtual host (else those of
    the site's domain and what lies under it). ``address`` says whose address counts. ``country_of`` gives a country's
    code for an address. ``clock`` is in seconds since 1970; a line more than a day ahead of it is bad.
    """

    def __init__(
        self,
        site: Site,
        visitors: Visitors,
        *,
        keep_static: bool = False,
        any_host: bool = False,
        address: ClientAddress = ClientAddress.CONNECTION,
        country_of: Callable[[str], str] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.names: list[str] = []
        self.clients: Cache[bytes, str] = Cache(self._client, 4 * MIB)
        """The client's address or name by the field of its line, '' for neither."""
        self.site_id = site.site_id
        self._visitors = visitors
        self._keep_static = keep_static
        self._any_host = any_host
        self._forwarded = address is ClientAddress.FORWARDED
        self._country_of = country_of
        self._clock = clock
        self._latest = 0
        self._origin = f"https://{site.domain}"
        self._domain = site.domain.removeprefix("www.")
        self._origins: Cache[bytes, str | None] = Cache(self._origin_of, MIB)
        self._refusals = Refusals()
        self._pages: Cache[tuple[bytes, bytes], str | SkipReason] = Cache(lambda asked: self._page(*asked), 16 * MIB)
        self._readers: Cache[tuple[str, bytes, int], tuple[int, int, str, str]] = Cache(
            lambda key: self._reader(*key), 16 * MIB
        )

    def address_of(self, line: Line) -> str:
        """Whose line it is, by the rule that was chosen; '' if it does not say."""
        return self.clients[line[1]] or (self.clients[line[7]] if self._forwarded else "")

    def judge(self, line: Line, address: str) -> SpooledEvent | SkipReason:
        """The page view, without an id, or the reason why it is none; ``address`` is that of its client.

        Raises LineError for a time that cannot be.
        """
        at, _, request, status, host, referrer, agent, forwarded = line
        if not EARLIEST_MS <= at <= self._latest:
            self._check_time(at)
        if self._forwarded:
            address = self.clients[forwarded] or address
        if status[:1] != b"2" and status != _NOT_MODIFIED:
            return self._unanswered(request, address, agent, status)
        page = self._pages[host, request]
        if isinstance(page, SkipReason):
            return page
        visitor, previous, text, country = self._readers[address, agent, at // DAY_MS]
        return SpooledEvent(
            known=True,
            visitor=visitor,
            previous=previous,
            timestamp=at,
            name=PAGE_VIEW,
            url=page,
            referrer=redact.address(_text(referrer)) if referrer not in NOTHING else "",
            user_agent=text,
            country=country,
            signals=BotReason.SCANNER.value if (address, agent) in self._refusals.scanners else "",
        )

    def _client(self, field: bytes) -> str:
        """The client's address or name; '' for neither, and for the site's own name: the host is first in that line."""
        found = client_of(field)
        if found == self._domain or found.endswith(f".{self._domain}"):
            return ""
        if is_name(found) and len(self.names) < SHOWN_EXAMPLES:
            self.names.append(found)
        return found

    def _check_time(self, at: int) -> None:
        if at < EARLIEST_MS:
            raise LineError(f"before the web existed: {_shown_time(at)}")
        self._latest = int(self._clock() * 1000) + MAX_AHEAD_MS
        if at > self._latest:
            raise LineError(f"in the future: {_shown_time(at)}")

    def _page(self, host: bytes, request: bytes) -> str | SkipReason:
        """The URL of the page that was asked for, or why it was none."""
        words = request_of(request)
        if words is None:
            return SkipReason.NO_REQUEST
        method, target = words
        if method != b"GET":
            return SkipReason.METHOD
        if target[:1] != b"/":  # what clients send to a proxy, or garbage
            absolute = _ABSOLUTE.match(target)
            if absolute is None:
                return SkipReason.NO_REQUEST
            host, target = host or absolute[1], b"/" + target[absolute.end() :].removeprefix(b"/")
        if not self._keep_static and is_static(target):
            return SkipReason.STATIC
        origin = self._origins[host] if host else self._origin
        if origin is None:
            return SkipReason.OTHER_HOST
        path = target.decode("utf-8", "replace")
        if not path.isprintable() or " " in path:
            path = _UNSAFE.sub(lambda char: "".join(f"%{byte:02X}" for byte in char[0].encode()), path)
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
        name = host_of(host.decode("utf-8", "replace"))
        if name is None:
            return None
        if not name:
            return self._origin
        ours = name == self._domain or name.endswith(f".{self._domain}")
        return f"https://{name}" if ours or self._any_host else None

    def _reader(self, client: str, agent: bytes, day: int) -> tuple[int, int, str, str]:
        """The visitor under both salts (``day`` since 1970, UTC), the user agent as text, the country."""
        text = "" if agent in NOTHING else _text(agent)
        visitor, previous = self._visitors.of(self.site_id, client, text, day * DAY_MS)
        country = self._country_of(client) if self._country_of else ""
        return visitor, previous, text, country


def _text(field: bytes) -> str:
    return field.decode("utf-8", "replace")


def _shown_time(at: int) -> str:
    try:
        return str(dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(milliseconds=at))
    except OverflowError:
        return f"{at} ms since 1970"

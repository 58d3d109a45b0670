"""Access logs into events: every line is an event or counted with the reason why it is none.

An event's id is made from its line and from how often this line came before in its file, so that equal lines of
a file count each, and a file that is imported twice, or a rotated file that overlaps another, counts once. It is
keyed with a secret, or the address could be guessed from it. What loggers put around a line is not part of it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from hashlib import blake2b

from collector.event.model import SpooledEvent
from collector.imports.counts import ImportCounts
from collector.imports.file_reader import FileReader
from collector.imports.layouts.table import AUTO, Detector, chosen
from collector.imports.layouts.times import Times
from collector.imports.page_views import PageViews


class AccessLog:
    """Reads access logs of one site. ``counts`` grows while the iterators of ``events`` are drawn from.

    The same ``secret`` (at most 60 bytes) gives a line the same event id. ``log_format`` is ``auto``, the name of a
    layout or a format string; times without an offset are of ``zone``. Raises UsageError for a format that cannot be.
    """

    def __init__(self, page_views: PageViews, secret: bytes, log_format: str = AUTO, zone: dt.tzinfo = dt.UTC) -> None:
        self.counts = ImportCounts(names=page_views.names)
        self._page_views = page_views
        self._layouts = chosen(log_format)
        self._zone = zone
        key = secret + page_views.site_id.to_bytes(4, "little")
        self._hashed = blake2b(digest_size=16, key=key, person=b"access-log")

    def file(self, source: str) -> FileReader:
        """A reader for the lines of one file; ``source`` is its name, for bad lines."""
        detector = Detector(self._layouts, Times(self._zone))
        return FileReader(source, detector, self._page_views, self._hashed, self.counts)

    def events(self, lines: Iterable[bytes], source: str = "") -> Iterator[SpooledEvent]:
        """The page views in the lines of one file, in its order. Nothing in a line raises."""
        file = self.file(source)
        yield from file.events(lines)
        yield from file.rest()
        file.close()

"""The lines of one file of access logs, one after the other: read, judged, counted, given their ids."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import blake2b

from collector.event.model import SpooledEvent
from collector.imports.counts import (
    SHOWN_BAD_LINES,
    SHOWN_EXAMPLES,
    BadLine,
    ImportCounts,
    SkipReason,
    Stranger,
)
from collector.imports.layouts.line import NOTHING, Line
from collector.imports.layouts.line_error import LineError, shown
from collector.imports.layouts.table import Detector
from collector.imports.layouts.wrapping import Wrapping
from collector.imports.occurrences import Occurrences
from collector.imports.page_views import PageViews

MAX_LINE = 64 * 1024
TOO_LONG = f"longer than {MAX_LINE // 1024} KiB"
_BOM = b"\xef\xbb\xbf"
# Docker's objects begin so; a server's do not.
_DOCKER = b'{"log":"'


class FileReader:
    """Reads one file; ``source`` is its name, for bad lines. ``hashed`` is the keyed start of all ids.

    ``counts`` grows while the iterators are drawn from. Nothing in a line raises.
    """

    def __init__(
        self, source: str, detector: Detector, page_views: PageViews, hashed: blake2b, counts: ImportCounts
    ) -> None:
        self._source = source
        self._detector = detector
        self._page_views = page_views
        self._hashed = hashed
        self._counts = counts
        self._wrapping = Wrapping(MAX_LINE)
        self._wrapped = False
        self._occurrences = Occurrences()
        self._number = 0
        self._fits = False
        self._unread = 0
        self._bad: list[BadLine] = []

    def events(self, lines: Iterable[bytes]) -> Iterator[SpooledEvent]:
        """The page views in some lines, which follow those of the last call."""
        counts, skipped = self._counts, self._counts.skipped
        for line in lines:
            self._number += 1
            found = self._event(line)
            if found is None:
                continue
            counts.lines += 1
            if found.__class__ is SpooledEvent:
                counts.events += 1
                self._fits = True
                yield found
            elif found.__class__ is SkipReason:
                skipped[found] += 1
                self._fits = self._fits or found is not SkipReason.BLANK
            else:
                self._unreadable(found)  # type: ignore[arg-type]

    def rest(self) -> Iterator[SpooledEvent]:
        """What is left when the file has ended: lines whose last piece it does not have."""
        yield from self.events(self._wrapping.rest())

    def close(self) -> None:
        """Tell the bad lines in the counts: a file without a good one is a stranger."""
        if self._unread and not self._fits:
            examples = tuple(self._bad[:SHOWN_EXAMPLES])
            self._counts.strangers.append(Stranger(self._source, self._number, self._unread, examples))
        else:
            self._counts.bad += self._bad[: SHOWN_BAD_LINES - len(self._counts.bad)]

    def _event(self, line: bytes) -> SpooledEvent | SkipReason | str | None:
        """One line: an event, the reason for leaving it out, what is wrong with it, None for a piece of a line."""
        if len(line) > MAX_LINE:
            return TOO_LONG
        line = line.rstrip(b"\r\n")
        try:
            if (self._wrapped and line[:1] != b"{") or line[:8] == _DOCKER:
                return self._inner(line)
            said = self._detector.last(line)
            if said and (address := self._page_views.clients[said[1]]):
                return self._judged(line, said, address)
            return self._inner(line)
        except LineError as exc:
            return str(exc)

    def _inner(self, line: bytes) -> SpooledEvent | SkipReason | str | None:
        """A line that may have something around it. Whether it has does not depend on the lines before it."""
        inner = self._wrapping.inner(line)
        if inner is None:
            return None
        self._wrapped = inner is not line
        said = self._detector.read(inner)
        if not said:
            if said is not None:
                return SkipReason.DIRECTIVE
            return self._detector.why(inner) if inner.strip() else SkipReason.BLANK
        if address := self._page_views.address_of(said):
            return self._judged(inner, said, address)
        return SkipReason.NO_REQUEST if said[2] in NOTHING else f"not a client address: {shown(said[1])}"

    def _judged(self, line: bytes, said: Line, address: str) -> SpooledEvent | SkipReason:
        found = self._page_views.judge(said, address)
        if found.__class__ is SpooledEvent:
            found.event_id = self._id(line)
        return found

    def _unreadable(self, cause: str) -> None:
        self._counts.skipped[SkipReason.TOO_LONG if cause is TOO_LONG else SkipReason.BAD_LINE] += 1
        self._unread += 1
        if len(self._bad) < SHOWN_BAD_LINES:
            self._bad.append(BadLine(self._source, self._number, cause))

    def _id(self, line: bytes) -> bytes:
        hashed = self._hashed.copy()
        hashed.update(line)
        first = hashed.digest()
        number = self._occurrences.count(first)
        if number == 1:
            return first
        hashed.update(b"\n%d" % number)  # no line holds a newline, so no other line has this id
        return hashed.digest()

"""All layouts, and how one file's lines find theirs. Help, documents and errors take names from here."""

from __future__ import annotations

import re
from collections.abc import Sequence

from collector.imports.layouts import clf, format_string
from collector.imports.layouts.cloudfront import CLOUDFRONT
from collector.imports.layouts.haproxy import HAPROXY
from collector.imports.layouts.json_lines import JSON
from collector.imports.layouts.line import Directed, Line, LineLayout
from collector.imports.layouts.line_error import LineError
from collector.imports.layouts.load_balancers import ALB, ELB
from collector.imports.layouts.s3 import S3
from collector.imports.layouts.times import Times
from collector.imports.layouts.w3c import W3C
from sql.core.errors import UsageError

AUTO = "auto"
LAYOUTS = {
    layout.name: layout
    for layout in (clf.COMBINED, clf.COMMON, clf.VHOST, JSON, W3C, CLOUDFRONT, S3, ELB, ALB, HAPROXY)
}
NAMES = ", ".join(LAYOUTS)
# No line fits two of these, so the order decides nothing.
_DETECTED = (clf.ANY, JSON, W3C, CLOUDFRONT, S3, ELB, ALB, HAPROXY)
_ERROR_LOG = re.compile(rb"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[|\[[A-Z][a-z]{2} [A-Z][a-z]{2} \d")


def chosen(text: str) -> tuple[LineLayout, ...]:
    """The layouts that an operator means: by ``auto``, a name, or a format string. Raises UsageError."""
    if text == AUTO:
        return _DETECTED
    if text in LAYOUTS:
        return (LAYOUTS[text],)
    if format_string.is_format(text):
        return (format_string.layout(text),)
    raise UsageError(f"there is no log format {text}", f"{AUTO}, {NAMES}, or a format string of nginx or Apache")


class Detector:
    """Reads the lines of one file, each in whichever of the layouts it has. The one that fitted last is tried first."""

    def __init__(self, layouts: Sequence[LineLayout], times: Times) -> None:
        self._layouts = layouts
        self._readers = [layout.reader(times) for layout in layouts]
        everything: list[object] = list(self._readers)
        self._directed = [reader for reader in everything if isinstance(reader, Directed)]
        self.last = self._readers[0]
        """The reader that fitted last, for those who are in a hurry."""
        self._any_of_clf = any(layout.why is clf.why for layout in layouts)

    def read(self, line: bytes) -> Line | tuple[()] | None:
        """What a line says; () for a line that is about the log itself; None for one of no layout. Raises LineError."""
        return self.last(line) or self._search(line)

    def why(self, line: bytes) -> str:
        """What is wrong with a line of no layout."""
        if _ERROR_LOG.match(line):
            return f"this looks like an error log, which is not supported; supported formats: {NAMES}"
        if other := self._fitting(line):
            return f"this line has the format {other}, not {self._layouts[0].name}"
        found = next(filter(None, (layout.why(line) for layout in self._layouts if layout is not clf.ANY)), "")
        return found or (clf.why(line) if self._any_of_clf else f"not a line of the format {self._layouts[0].name}")

    def _fitting(self, line: bytes) -> str:
        """The format that a line has, where others were chosen; empty for none."""
        if self._layouts is _DETECTED:
            return ""
        others = (layout for layout in _DETECTED if layout not in self._layouts)
        return next((layout.name for layout in others if _fits(layout, line)), "")

    def _search(self, line: bytes) -> Line | tuple[()] | None:
        if line[:1] == b"#":
            noted = [reader.directive(line) for reader in self._directed]  # by each: whose it is, the next line shows
            if any(noted):
                return ()
        for reader in self._readers:
            if reader is not self.last and (found := reader(line)):
                self.last = reader
                return found
        return None


def _fits(layout: LineLayout, line: bytes) -> bool:
    try:
        return layout.reader(Times())(line) is not None
    except LineError:
        return False

"""What loggers put around a line: syslog (RFC 3164 with either kind of time or none, RFC 5424), Docker's JSON files,
Kubernetes, Compose, and collectors that keep the line in a JSON object as ``log`` or ``message``.

Docker and Kubernetes cut long lines into pieces, which are put together again.
"""

from __future__ import annotations

import re

import msgspec

MAX_LAYERS = 3
_PREFIX = re.compile(
    rb"(?:<\d{1,3}>(?:1 )?)?"
    rb"(?:[A-Z][a-z]{2} [ \d]\d(?: \d{4})? \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT[\d:.]{8,20}(?:Z|[+-]\d\d:?\d\d)) "
    rb"(?:std(out|err) ([FP])(?::\S+)? |(?:\S+ )?\S+: |\S+ \S+ \S+ \S+ (?:-|(?:\[[^\]]*\])+) (?:\xef\xbb\xbf)?)"
    rb"|[\w.-]+ [A-Za-z][\w./-]*(?:\[\d+\])?: "
    rb"|[\w.-]+ +\| "
)


class _Record(msgspec.Struct):
    log: str | None = None
    message: str | None = None
    MESSAGE: str | None = None
    stream: str | None = None


_record = msgspec.json.Decoder(_Record).decode


class Wrapping:
    """Takes the lines of one file out of what is around them. At most ``limit`` bytes of a line are kept."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._pieces: dict[bytes, bytes] = {}

    def inner(self, line: bytes) -> bytes | None:
        """The line itself; the same line if nothing is around it; None for a piece that is not the last."""
        for _ in range(MAX_LAYERS):
            found = self._json(line) if line[:1] == b"{" else self._prefixed(line)
            if found is None or found is line:
                return found
            line = found
        return line

    def rest(self) -> list[bytes]:
        """Pieces whose end the file does not have."""
        left, self._pieces = list(self._pieces.values()), {}
        return left

    def _prefixed(self, line: bytes) -> bytes | None:
        found = _PREFIX.match(line)
        if found is None:
            return line
        text = line[found.end() :]
        return text if found[1] is None else self._joined(found[1], text, found[2] == b"F")

    def _json(self, line: bytes) -> bytes | None:
        try:
            record = _record(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return line
        if record.log is None:
            text = record.message or record.MESSAGE
            return text.encode("utf-8", "surrogatepass").rstrip(b"\r\n") if text else line
        text = record.log
        whole = text.endswith("\n") or record.stream is None
        encoded = text.rstrip("\r\n").encode("utf-8", "surrogatepass")
        return self._joined(b"err" if record.stream == "stderr" else b"out", encoded, whole)

    def _joined(self, stream: bytes, text: bytes, whole: bool) -> bytes | None:
        """A piece with those before it; None until the last one."""
        if whole and not self._pieces:
            return text
        text = (self._pieces.pop(stream, b"") + text)[: self._limit + 1]
        if whole:
            return text
        self._pieces[stream] = text
        return None

"""What every layout is, and what it makes of a line."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias, runtime_checkable

from collector.imports.layouts.times import Times

# Time in ms since 1970 UTC, client, request line, status, host, referrer, user agent, X-Forwarded-For. Bytes as the
# client sent them, without the escapes of the log; empty or ``-`` where the line does not say. A plain tuple, because
# a named one takes as long to make as splitting the line.
Line: TypeAlias = tuple[int, bytes, bytes, bytes, bytes, bytes, bytes, bytes]
# None for a line of another layout. Raises LineError.
Reader: TypeAlias = Callable[[bytes], Line | None]

# Possessive: what matched once is never tried again, so that no line takes long.
QUOTED = rb'"([^"\\]*+(?:\\.[^"\\]*+)*+)"'
# A request line for formats that have method and target in fields of their own.
PROTOCOL = b" HTTP/"
# What a field has that says nothing.
NOTHING = (b"", b"-")
_ESCAPE = re.compile(rb"\\(x[0-9A-Fa-f]{2}|u00[0-9A-Fa-f]{2}|.)", re.DOTALL)
_LETTERS = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"b": b"\b", b"v": b"\v", b"f": b"\f"}


@runtime_checkable
class Directed(Protocol):
    """A reader for logs in which lines with ``#`` tell what the others mean."""

    def directive(self, line: bytes) -> bool:
        """Take note of such a line; False if it is not one."""
        ...


@dataclass(frozen=True, slots=True)
class LineLayout:
    """One format. ``reader`` makes a reader for one file; ``why`` says what is wrong with a line that looks like
    this format and cannot be read, and is empty for a line that does not look like it."""

    name: str
    description: str
    example: str
    reader: Callable[[Times], Reader]
    why: Callable[[bytes], str]


def unescaped(field: bytes) -> bytes:
    r"""A field without its escapes: ``\"`` and ``\n`` as Apache writes them, ``\x22`` as nginx does, ``\u0022``."""
    return _ESCAPE.sub(_unescaped, field) if b"\\" in field else field


def _unescaped(found: re.Match[bytes]) -> bytes:
    code = found[1]
    if len(code) > 1:
        return bytes((int(code[-2:], 16),))
    return _LETTERS.get(code, code)

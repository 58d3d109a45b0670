"""Where output goes: standard streams that never end in a traceback, and files that stay what they are."""

from __future__ import annotations

import codecs
import errno
import io
import os
import stat
import sys
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING

from sql.core.errors import StorageError
from sql.core.files import write_atomic

if TYPE_CHECKING:
    from typing_extensions import Buffer

# What stands in for our own signs where the encoding lacks them; those of tables are as wide as what they replace.
_ASCII = {
    "→": "->",
    "–": "-",
    "─": "-",
    "…": "~",
    "·": "-",
    "▲": "+",
    "▼": "-",
    **dict.fromkeys("▏▎▍▌▋▊▉", ":"),
    **dict(zip("▁▂▃▄▅▆▇█", "__..--=#", strict=True)),
}
# Names of what this process has open; other names in /dev may be of files: /dev/shm is memory.
_OWN_STREAMS = ("/dev/stdin", "/dev/stdout", "/dev/stderr", "/dev/fd", "/proc")
_user_umask = 0o022


def prepare() -> None:
    """Make this process's streams safe to write to, and its files its user's own."""
    global _user_umask
    _user_umask = os.umask(0o077)
    codecs.register_error("footfall", _stand_in)
    if sys.stdout is None:  # closed: the first file that is opened must not be taken for it
        _occupy()
    if sys.stdout is None or sys.stdout is sys.__stdout__:
        encoding = sys.stdout.encoding if sys.stdout else "utf-8"
        out = io.BufferedWriter(_StandardOutput(1, "w", closefd=False))
        sys.stdout = io.TextIOWrapper(out, encoding, "footfall", line_buffering=out.isatty())
    if isinstance(sys.stderr, io.TextIOWrapper):
        sys.stderr.reconfigure(errors="footfall")


class _StandardOutput(io.FileIO):
    """Says whose error it is where it cannot be written to."""

    def write(self, data: Buffer, /) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            raise
        except OSError as exc:
            discard()
            raise StorageError(f"cannot write to standard output: {exc.strerror}") from exc


def discard() -> None:
    """Let go of standard output and what it holds."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def write(data: bytes, path: Path) -> None:
    """Write ``data`` to a file: all of it or nothing, as its owner's and with its mode where it is there already.

    Links are followed. What is no regular file (a device, a pipe) is written to, not replaced. Raises StorageError.
    """
    try:
        _write(data, path)
    except OSError as exc:
        hint = {errno.ENOENT: "does its directory exist?", errno.EISDIR: "name a file in it"}.get(exc.errno or 0, "")
        raise StorageError(f"cannot write {path}: {exc.strerror}", hint) from exc


def _write(data: bytes, path: Path) -> None:
    try:
        there = path.stat()
    except FileNotFoundError:
        write_atomic(Path(os.path.realpath(path)), data, 0o666 & ~_user_umask)
        return
    own_stream = any(path.absolute().is_relative_to(place) for place in _OWN_STREAMS)
    if not stat.S_ISREG(there.st_mode) or own_stream:  # appending: /dev/stdout may be a file that others began
        with open(os.open(path, os.O_WRONLY | os.O_APPEND), "wb") as out:  # noqa: PTH123
            out.write(data)
        return
    owner = (there.st_uid, there.st_gid)
    try:
        write_atomic(Path(os.path.realpath(path)), data, stat.S_IMODE(there.st_mode), owner)
    except PermissionError:  # it is somebody else's, or the directory is
        with path.open("wb") as out:
            out.write(data)


def _occupy() -> None:
    while (fd := os.open(os.devnull, os.O_RDONLY)) <= 2:
        pass
    os.close(fd)


def _stand_in(exc: UnicodeError) -> tuple[str, int]:
    if not isinstance(exc, UnicodeEncodeError):
        raise exc
    return "".join(map(_ascii, exc.object[exc.start : exc.end])), exc.end


def _ascii(char: str) -> str:
    if char in _ASCII:
        return _ASCII[char]
    return "??" if unicodedata.east_asian_width(char) in "WF" else "?"

"""Lines of a file or of standard input, plain or compressed, with how far the reading has come."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO

from collector.imports.compression import CHUNK, HEAD, PIECE, DamagedError, kind_of, other_kind, unpacked
from sql.core.errors import StorageError, UsageError

STDIN = "-"
READ_SO_FAR = "everything before that was read"


def cut(rest: bytes, chunk: bytes, limit: int) -> tuple[list[bytes], bytes]:
    """The lines that end in a chunk, ``rest`` being the beginning of the first, and the beginning of the next.

    All without their newline, and none longer than ``limit + 1`` bytes if the chunks before were cut likewise.
    """
    parts = chunk.split(b"\n")
    parts[0] = (rest + parts[0])[: limit + 1]
    rest = parts.pop()
    return parts, rest[: limit + 1]


def check(name: str) -> None:
    """Raises what opening a file would, and takes nothing from a pipe."""
    path = Path(name)
    if name != STDIN and (path.is_file() or path.is_dir() or not path.exists()):
        LogFile(name).close()


class LogFile:
    """One input as lines; a context manager. ``total`` is its size in bytes, None where that is unknown.

    Raises UsageError (no such file, a directory, a compression that is not read), StorageError (unreadable).
    """

    def __init__(self, name: str, stdin: IO[bytes] | None = None) -> None:
        self.name = "standard input" if name == STDIN else name
        self.total: int | None = None
        self.position = 0  # bytes read so far of the file as it lies on disk, compressed or not
        self._owned: IO[bytes] | None = None
        try:
            if name == STDIN:
                if stdin is None and sys.stdin is None:
                    raise UsageError("standard input is closed", "name a file, or pipe one in")
                self._raw = stdin if stdin is not None else sys.stdin.buffer
            else:
                self._raw = self._owned = Path(name).open("rb")  # noqa: SIM115
                self.total = Path(name).stat().st_size or None
            self._head = self._raw.read(HEAD)
        except (FileNotFoundError, IsADirectoryError) as exc:
            self.close()
            message = f"cannot read {self.name}: {(exc.strerror or '').lower()}"
            raise UsageError(message, "name a file, or - for standard input") from exc
        except OSError as exc:
            self.close()
            raise StorageError(f"cannot read {self.name}: {exc.strerror}") from exc
        if kind := other_kind(self._head):
            self.close()
            hint = "decompress it into a pipe and use - as the file"
            raise UsageError(f"{self.name} is {kind}, which is not supported", hint)

    def __enter__(self) -> LogFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file; standard input stays open."""
        if self._owned is not None:
            self._owned.close()

    def lines(self, limit: int, on_read: Callable[[], None] = lambda: None) -> Iterator[bytes]:
        """The lines without their newline, once. One longer than ``limit`` bytes comes cut to ``limit + 1``.

        ``on_read`` is called now and then, when ``position`` has grown.

        Raises StorageError where the file cannot be read on, is damaged or ends early; what came before
        was given.
        """
        rest = b""
        for chunk in self.chunks(on_read):
            parts, rest = cut(rest, chunk, limit)
            yield from parts
        if rest:
            yield rest

    def chunks(self, on_read: Callable[[], None] = lambda: None) -> Iterator[bytes]:
        """The bytes, unpacked, once. ``on_read`` and errors are as for ``lines``."""
        try:
            for chunk in self._chunks():
                on_read()
                yield chunk
        except EOFError as exc:
            raise StorageError(f"{self.name} ends early, after byte {self.position}", READ_SO_FAR) from exc
        except DamagedError as exc:
            raise StorageError(f"{self.name} is damaged near byte {self.position}", READ_SO_FAR) from exc
        except OSError as exc:
            message = f"cannot read {self.name} on, after byte {self.position}: {exc.strerror}"
            raise StorageError(message, READ_SO_FAR) from exc

    def _chunks(self) -> Iterable[bytes]:
        codec = kind_of(self._head)
        return self._pieces(CHUNK) if codec is None else unpacked(self._pieces(PIECE), codec)

    def _pieces(self, size: int) -> Iterator[bytes]:
        """The bytes as they lie on disk, counted."""
        piece, self._head = self._head, b""
        while piece:
            self.position += len(piece)
            yield piece
            piece = self._raw.read(size)

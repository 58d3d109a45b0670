"""Lines of a file or of standard input, plain, gzip or zstd, with how far the reading has come.

The kind is seen in the first bytes, not in the name. Several gzip members or zstd frames after each other
(rotated logs joined with ``cat``) are read as one. Memory is bounded whatever the input holds.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Protocol

import zstandard

from sql.core.errors import StorageError, UsageError

STDIN = "-"
CHUNK = 256 * 1024
# Compressed input goes in by small pieces: what one of them can swell to bounds the memory (zstd: 64 MiB).
PIECE = 2048
GZIP = b"\x1f\x8b"
ZSTD = b"\x28\xb5\x2f\xfd"
ZSTD_SKIPPABLE = b"\x2a\x4d\x18"  # after a byte that numbers the kind of frame
READ_SO_FAR = "everything before that was read"
OTHERS = {b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"PK\x03\x04": "zip", b"\x04\x22\x4d\x18": "lz4"}


class _Codec(Protocol):
    """One gzip member or zstd frame being unpacked."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, /) -> bytes: ...


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
                    raise UsageError("standard input is closed", "name a log file, or pipe one in")
                self._raw = stdin if stdin is not None else sys.stdin.buffer
            else:
                self._raw = self._owned = Path(name).open("rb")  # noqa: SIM115
                self.total = Path(name).stat().st_size or None
            self._head = self._raw.read(6)
        except (FileNotFoundError, IsADirectoryError) as exc:
            self.close()
            message = f"cannot read {self.name}: {(exc.strerror or '').lower()}"
            raise UsageError(message, "name a log file, or - for standard input") from exc
        except OSError as exc:
            self.close()
            raise StorageError(f"cannot read {self.name}: {exc.strerror}") from exc
        for magic, kind in OTHERS.items():
            if self._head.startswith(magic):
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

    def lines(self, limit: int) -> Iterator[bytes]:
        """The lines without their newline, once. One longer than ``limit`` bytes comes cut to ``limit + 1``.

        Raises StorageError where the file cannot be read on, is damaged or ends early; what came before
        was given.
        """
        rest = b""
        try:
            for chunk in self._chunks():
                parts = chunk.split(b"\n")
                parts[0] = rest + parts[0]
                rest = parts.pop()
                if parts:
                    parts[0] = parts[0][: limit + 1]
                yield from parts
                rest = rest[: limit + 1]
        except EOFError as exc:
            raise StorageError(f"{self.name} ends early, after byte {self.position}", READ_SO_FAR) from exc
        except (zlib.error, zstandard.ZstdError) as exc:
            raise StorageError(f"{self.name} is damaged near byte {self.position}", READ_SO_FAR) from exc
        except OSError as exc:
            message = f"cannot read {self.name} on, after byte {self.position}: {exc.strerror}"
            raise StorageError(message, READ_SO_FAR) from exc
        if rest:
            yield rest

    def _chunks(self) -> Iterator[bytes]:
        if self._head.startswith(GZIP):
            return self._unpacked(lambda: zlib.decompressobj(wbits=31))
        if self._head.startswith(ZSTD) or self._head[1:4] == ZSTD_SKIPPABLE:
            return self._unpacked(lambda: zstandard.ZstdDecompressor().decompressobj())
        return self._pieces(CHUNK)

    def _pieces(self, size: int) -> Iterator[bytes]:
        """The bytes as they lie on disk, counted."""
        piece, self._head = self._head, b""
        while piece:
            self.position += len(piece)
            yield piece
            piece = self._raw.read(size)

    def _unpacked(self, codec_of: Callable[[], _Codec]) -> Iterator[bytes]:
        codec: _Codec | None = None
        for piece in self._pieces(PIECE):
            data = piece
            # Zeroes after a member are padding (tapes, block devices); a new member never starts with one.
            while data and (codec is not None or (data := data.lstrip(b"\0"))):
                codec = codec or codec_of()
                if chunk := codec.decompress(data):
                    yield chunk
                data = b""
                if codec.eof:
                    data, codec = codec.unused_data, None
        if codec is not None:
            raise EOFError

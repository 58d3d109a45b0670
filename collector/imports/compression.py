"""Compressed files as bytes: gzip, zstd, bzip2 and xz, told by their first bytes, not by their names.

Several members after each other (rotated logs joined with ``cat``) are read as one. Memory is bounded whatever the
input holds.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

import zstandard

# As many bytes as tell the kind.
HEAD = 6
# Compressed input goes in by small pieces: what one of them can swell to bounds the memory (zstd: 64 MiB). Of bzip2
# and xz no more than a chunk is taken out at once.
PIECE = 2048
CHUNK = 256 * 1024
# The largest dictionary of the xz command takes 65 MiB.
XZ_MEMORY = 128 * 1024 * 1024
ZSTD_SKIPPABLE = b"\x2a\x4d\x18"  # after a byte that numbers the kind of frame


class Codec(Protocol):
    """One member being unpacked."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, /) -> bytes: ...


class DamagedError(Exception):
    """What is compressed cannot be unpacked."""


KINDS: dict[bytes, Callable[[], Codec]] = {
    b"\x1f\x8b": lambda: zlib.decompressobj(wbits=31),
    b"\x28\xb5\x2f\xfd": lambda: zstandard.ZstdDecompressor().decompressobj(),
    b"BZh": bz2.BZ2Decompressor,
    b"\xfd7zXZ\0": lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=XZ_MEMORY),
}
_ZSTD = KINDS[b"\x28\xb5\x2f\xfd"]
OTHERS = {b"PK\x03\x04": "zip", b"\x04\x22\x4d\x18": "lz4"}


def kind_of(head: bytes) -> Callable[[], Codec] | None:
    """What unpacks a file that begins with ``head`` (HEAD bytes); None for one that is not compressed."""
    if head[1:4] == ZSTD_SKIPPABLE:
        return _ZSTD
    return next((codec for magic, codec in KINDS.items() if head.startswith(magic)), None)


def other_kind(head: bytes) -> str:
    """The name of a compression that is not read; '' for none."""
    return next((name for magic, name in OTHERS.items() if head.startswith(magic)), "")


def unpacked(pieces: Iterable[bytes], codec_of: Callable[[], Codec]) -> Iterator[bytes]:
    """What is in the pieces of a compressed file. Raises DamagedError, EOFError where the last member has no end."""
    codec: Codec | None = None
    for piece in pieces:
        data = piece
        # Zeroes after a member are padding (tapes, block devices, xz); a new member never starts with one.
        while data and (codec is not None or (data := data.lstrip(b"\0"))):
            codec = codec or codec_of()
            try:
                yield from _chunks(codec, data)
            except (zlib.error, zstandard.ZstdError, lzma.LZMAError, OSError) as exc:  # OSError: bzip2
                raise DamagedError from exc
            data = b""
            if codec.eof:
                data, codec = codec.unused_data, None
    if codec is not None:
        raise EOFError


def _chunks(codec: Codec, data: bytes) -> Iterator[bytes]:
    if not isinstance(codec, bz2.BZ2Decompressor | lzma.LZMADecompressor):
        yield codec.decompress(data)
        return
    yield codec.decompress(data, CHUNK)
    while not codec.eof and not codec.needs_input:
        yield codec.decompress(b"", CHUNK)

"""The body of a request: bounded in size, as it comes and unpacked."""

from __future__ import annotations

import io
import zlib

import falcon.asgi
import zstandard

from collector.event.decode import Malformed

ENCODINGS = ("gzip", "zstd")
_IDENTITY = frozenset({"", "identity"})
# Frames that ask for a larger window than this are refused, whatever they unpack to.
MAX_WINDOW = 8 * 1024 * 1024


class TooLarge(Exception):
    """The body is larger than allowed, as it comes or unpacked."""


class UnknownEncoding(Exception):
    """The body is packed in a way that is not read here."""


async def read_body(req: falcon.asgi.Request, limit: int) -> bytes:
    """The body, unpacked. Raises TooLarge, UnknownEncoding and Malformed (broken off, or broken packing)."""
    encoding = (req.get_header("Content-Encoding") or "").strip().lower()
    if encoding not in _IDENTITY and encoding not in ENCODINGS:
        raise UnknownEncoding(encoding)
    length = req.content_length
    if length is not None and length > limit:
        raise TooLarge
    body: bytes = await req.stream.read(limit + 1 if length is None else length)
    if length is not None and len(body) < length:
        raise Malformed(f"the body ends after {len(body)} of {length} bytes")
    if len(body) > limit:
        raise TooLarge
    if encoding in _IDENTITY:
        return body
    unpacked = _gzip(body, limit) if encoding == "gzip" else _zstd(body, limit)
    if len(unpacked) > limit:
        raise TooLarge
    return unpacked


def _gzip(body: bytes, limit: int) -> bytes:
    stream = zlib.decompressobj(wbits=31)
    try:
        data = stream.decompress(body, limit + 1)
    except zlib.error as exc:
        raise Malformed(f"not gzip: {exc}") from exc
    if len(data) <= limit and not stream.eof:
        raise Malformed("the gzip body is truncated")
    return data


def _zstd(body: bytes, limit: int) -> bytes:
    reader = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW).stream_reader(io.BytesIO(body))
    try:
        return reader.read(limit + 1)
    except zstandard.ZstdError as exc:
        raise Malformed(f"not zstd: {exc}") from exc

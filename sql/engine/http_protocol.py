"""ClickHouse's HTTP dialect, as text and bytes: which statement this is, which body, which error code.

Source: https://clickhouse.com/docs/interfaces/http, and the answers clickhouse-connect's client expects.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

# URL parameters that steer the transport and are no engine settings.
TRANSPORT = frozenset(
    [
        "query",
        "database",
        "default_format",
        "query_id",
        "session_id",
        "session_timeout",
        "session_check",
        "user",
        "password",
        "quota_key",
        "role",
        "wait_end_of_query",
        "buffer_size",
        "client_protocol_version",
        "compress",
        "decompress",
        "close_session",
        "stacktrace",
    ]
)
# Formats whose blocks can be joined end to end, so that a long answer can be sent while it is made.
STREAMABLE = frozenset({"Native", "TabSeparated", "TSV", "CSV", "RowBinary", "JSONEachRow"})
# How an Arrow stream ends.
ARROW_END = b"\xff\xff\xff\xff\0\0\0\0"

_TARGET = r"(?:`[^`]+`|\"[^\"]+\"|[\w.])+"
_INSERT = re.compile(
    rb"\A\s*(insert\s+into\s+(?:table\s+)?" + _TARGET.encode() + rb"\s*"
    rb"(?:\((?:`[^`]*`|\"[^\"]*\"|[^)`\"])*\)\s*)?(?:settings\s+[^\n]*?)?)"
    rb"\s*\bformat\s+(\w+)[ \t]*;?[ \t]*(?:\r?\n|\Z|(?=\W))",
    re.IGNORECASE,
)
_FORMAT = re.compile(r"\bformat\s+(\w+)\s*;?\s*\Z", re.IGNORECASE)
_RESULT = re.compile(
    r"\A(?:\s|--[^\n]*\n|/\*.*?\*/|\()*(select|with|from|show|describe|desc|explain|exists|check|values)\b",
    re.I | re.S,
)
_SELECT = re.compile(r"\A(?:\s|--[^\n]*\n|/\*.*?\*/|\()*(select|with|from)\b", re.I | re.S)
# Whatever cannot be closed is taken as one sign: the engine says what is wrong with it.
_TOKEN = re.compile(
    r"""(?P<comment>--[^\n]*|\#[ !][^\n]*|/\*.*?\*/)
        |'(?:[^'\\]|\\.)*' | "(?:[^"\\]|\\.)*" | `(?:[^`\\]|\\.)*`
        |(?P<heredoc>\$\w*\$).*?(?P=heredoc)
        |[\w.]+ | \S""",
    re.S | re.X,
)
_CODE = re.compile(r"Code: (\d+)\.")
# HTTP status by ClickHouse error code; everything else is 500.
_STATUS = {
    516: 403,
    497: 403,
    60: 404,
    81: 404,
    47: 400,
    62: 400,
    36: 400,
    115: 400,
    457: 400,
    27: 400,
    216: 409,
}


class Decompressor(Protocol):
    def decompress(self, data: bytes, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Insert:
    """An ``INSERT … FORMAT x`` head, and how many bytes of the text it took."""

    head: str
    fmt: str
    length: int


def first_statement(sql: str) -> tuple[str, bool]:
    """The first statement of a text, without the semicolon that ends it, and whether another follows.

    Semicolons in strings, quoted names and comments end nothing; neither do those in the data of an insert.
    """
    if ";" not in sql or parse_insert(sql.encode("utf-8", "surrogateescape")):
        return sql, False
    ends = [at for at, piece in _tokens(sql) if piece == ";"]
    if not ends:
        return sql, False
    said = [at for at, piece in _tokens(sql) if at > ends[0] and piece not in {";", ""}]
    return sql[: ends[0]], bool(said)


def _tokens(sql: str) -> Iterator[tuple[int, str]]:
    """Where each piece of a text begins: what it is, and an empty text for a comment."""
    for match in _TOKEN.finditer(sql):
        yield match.start(), "" if match["comment"] else match[0]


def parse_insert(text: bytes) -> Insert | None:
    """The insert head at the start of ``text``, if its data follow in a named format; else None."""
    match = _INSERT.match(text)
    return Insert(match[1].decode(), match[2].decode(), match.end()) if match else None


def result_format(sql: str, default: str) -> str | None:
    """The format of the answer, or None for a statement that answers with no rows."""
    if not _RESULT.match(sql):
        return None
    match = _FORMAT.search(sql)
    return match[1] if match else default


def streams(sql: str, fmt: str | None, joined: bool = False) -> bool:
    """Whether the answer can leave block by block; ``joined``: an Arrow stream too, put together of those of blocks."""
    return (fmt in STREAMABLE or (joined and fmt == "ArrowStream")) and _SELECT.match(sql) is not None


def arrow_piece(data: bytes, first: bool = False) -> bytes:
    """A whole Arrow stream without its end, and without its schema where it is not the ``first`` of those to be joined.

    A message is ``FFFFFFFF | length | metadata``; the schema's has nothing after it, and the end's length is 0.
    """
    start = 0 if first else 8 + int.from_bytes(data[4:8], "little")
    return data[start : len(data) - len(ARROW_END)]


def error_code(message: str) -> int:
    """ClickHouse's number for an error text (0 when it has none)."""
    match = _CODE.search(message)
    return int(match[1]) if match else 0


def http_status(code: int) -> int:
    """The HTTP status that ClickHouse gives an error code."""
    return _STATUS.get(code, 500)


def quote(value: str) -> str:
    """``value`` as a SQL string literal, for SET, which cannot bind."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def empty_native(columns: list[tuple[str, str]]) -> bytes:
    """A Native block of no rows: what a server sends where chDB sends nothing at all."""
    out = bytearray(_varint(len(columns)) + _varint(0))
    for name, kind in columns:
        for text in (name.encode(), kind.encode()):
            out += _varint(len(text)) + text
    return bytes(out)


def late_error(tag: str, message: str) -> bytes:
    """An error that comes after the first bytes of an answer have left."""
    body = message.encode()
    return b"\r\n__exception__\r\n%s\r\n%s\n%d %s\r\n__exception__\r\n" % (
        tag.encode(),
        body,
        len(body),
        tag.encode(),
    )


def decompressor(encoding: str) -> Decompressor | None:
    """A streaming decompressor for a Content-Encoding; None for identity. Raises KeyError if unknown."""
    import zlib

    import lz4.frame
    import zstandard

    made: dict[str, Callable[[], Decompressor | None]] = {
        "": lambda: None,
        "identity": lambda: None,
        "gzip": lambda: zlib.decompressobj(31),
        "deflate": lambda: zlib.decompressobj(),
        "lz4": lambda: lz4.frame.LZ4FrameDecompressor(),
        "zstd": lambda: zstandard.ZstdDecompressor().decompressobj(),
    }
    return made[encoding]()


def compress(data: bytes, accept: str) -> tuple[bytes, str]:
    """``data`` in the first encoding of ``accept`` that we speak, and that encoding's name."""
    import gzip

    import lz4.frame
    import zstandard

    made: dict[str, Callable[[bytes], bytes]] = {
        "lz4": lz4.frame.compress,
        "zstd": lambda raw: zstandard.compress(raw),
        "gzip": lambda raw: gzip.compress(raw, 3),
    }
    for name in (part.split(";")[0].strip() for part in accept.split(",")):
        if name in made:
            return made[name](data), name
    return data, ""


def form_fields(content_type: str, body: bytes) -> dict[str, str]:
    """Fields of a multipart form: how clickhouse-connect sends parameters that are too long for a URL.

    Raises ValueError for a file among them (external tables are not supported).
    """
    from email.parser import BytesParser
    from email.policy import HTTP

    message = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body)
    fields = {}
    for part in message.iter_parts():
        if part.get_filename():
            raise ValueError("external tables are not supported by the embedded engine")
        name = part.get_param("name", header="content-disposition")
        fields[str(name)] = bytes(part.get_payload(decode=True)).decode("utf-8", "surrogateescape")
    return fields


def chunked(read_line: Callable[[int], bytes], read: Callable[[int], bytes]) -> Iterator[bytes]:
    """Decode a chunked request body. Raises EOFError where the client went away in the middle."""
    while True:
        line = read_line(1024)
        try:
            size = int(line.split(b";")[0].strip() or b"x", 16)
        except ValueError:
            raise EOFError("the request body ended inside a chunk header") from None
        if size == 0:
            while read_line(65536).strip():
                pass
            return
        yield exactly(read, size)
        if read(2) != b"\r\n":
            raise EOFError("the request body ended inside a chunk")


def exactly(read: Callable[[int], bytes], size: int) -> bytes:
    """``size`` bytes, or EOFError."""
    data = read(size)
    if len(data) != size:
        raise EOFError(f"the request body ended after {len(data)} of {size} bytes")
    return data


def _varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)

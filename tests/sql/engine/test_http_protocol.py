"""ClickHouse's HTTP dialect: statements told apart, bodies taken apart."""

from __future__ import annotations

import gzip
import io
import zlib

import lz4.frame
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from sql.engine import http_protocol


@pytest.mark.parametrize(
    ("text", "head", "fmt", "rest"),
    [
        (b"insert into t format JSONEachRow\n{}", "insert into t", "JSONEachRow", b"{}"),
        (b"INSERT INTO t (`a`, b) FORMAT Native\n\x01\x02", "INSERT INTO t (`a`, b)", "Native", b"\x01\x02"),
        (b"insert into db.t format CSV\r\n1,2", "insert into db.t", "CSV", b"1,2"),
        (b"  insert into table `t 1` format CSV \n", "insert into table `t 1`", "CSV", b""),
        (b'insert into "db"."t" format ArrowStream\n\xff', 'insert into "db"."t"', "ArrowStream", b"\xff"),
        (b"insert into t format Native", "insert into t", "Native", b""),
        (b"insert into t (a) settings x=1 format CSV;\n1", "insert into t (a) settings x=1", "CSV", b"1"),
        (b"insert into t (`format Native`) format CSV\n1", "insert into t (`format Native`)", "CSV", b"1"),
    ],
)
def test_insert_heads(text, head, fmt, rest):
    found = http_protocol.parse_insert(text)
    assert found
    assert (" ".join(found.head.split()), found.fmt) == (head, fmt)
    assert text[found.length :] == rest


@pytest.mark.parametrize(
    "text",
    [
        b"select 1 format CSV",
        b"insert into t select * from u format CSV",
        b"insert into t values (1)",
        b"insert into t select 'x' as format",
        b"create table t (format String)",
        b"",
        b"\xff\xfe",
    ],
)
def test_what_carries_no_data(text):
    assert http_protocol.parse_insert(text) is None


@given(st.binary(max_size=200))
def test_no_bytes_raise(text):
    http_protocol.parse_insert(text)
    http_protocol.parse_insert(b"insert into " + text)


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select 1", "TSV"),
        ("SELECT 1 FORMAT JSON", "JSON"),
        ("select 1 format Native ; \n", "Native"),
        ("-- why\nselect 1", "TSV"),
        ("/* why */ with 1 as x select x", "TSV"),
        ("((select 1))", "TSV"),
        ("show tables", "TSV"),
        ("describe (select 1)", "TSV"),
        ("exists table t", "TSV"),
        ("explain select 1", "TSV"),
        ("insert into t select 1", None),
        ("create table t as select 1", None),
        ("alter table t drop partition id '1'", None),
        ("drop table t", None),
        ("selection", None),
        ("", None),
    ],
)
def test_result_formats(sql, expected):
    assert http_protocol.result_format(sql, "TSV") == expected


@pytest.mark.parametrize(
    ("sql", "fmt", "expected"),
    [
        ("select 1", "Native", True),
        ("with 1 as x select x", "CSV", True),
        ("select 1", "Parquet", False),
        ("select 1", "JSON", False),
        ("show tables", "Native", False),
        ("create table t", None, False),
    ],
)
def test_what_can_be_streamed(sql, fmt, expected):
    assert http_protocol.streams(sql, fmt) is expected


@pytest.mark.parametrize(
    ("message", "code", "status"),
    [
        ("Code: 60. DB::Exception: no table", 60, 404),
        ("Code: 516. DB::Exception: password", 516, 403),
        ("Code: 62. DB::Exception: syntax", 62, 400),
        ("Code: 216. DB::Exception: id", 216, 409),
        ("Code: 241. DB::Exception: memory", 241, 500),
        ("something else", 0, 500),
    ],
)
def test_errors(message, code, status):
    assert http_protocol.error_code(message) == code
    assert http_protocol.http_status(code) == status


@pytest.mark.parametrize(
    ("value", "expected"),
    [("1", "'1'"), ("it's", r"'it\'s'"), ("a\\", r"'a\\'"), (r"\'; drop", r"'\\\'; drop'")],
)
def test_quote(value, expected):
    assert http_protocol.quote(value) == expected


def test_an_empty_native_block_is_what_a_server_sends():
    assert (
        http_protocol.empty_native([("n", "UInt8"), ("ä", "String")]) == b"\x02\x00\x01n\x05UInt8\x02\xc3\xa4\x06String"
    )
    assert http_protocol.empty_native([("x" * 300, "T")])[2:4] == b"\xac\x02"


def test_a_late_error_can_be_found_from_the_end():
    data = b"rows" + http_protocol.late_error("0123456789abcdef", "Code: 1. ä")
    assert data.endswith(b" 0123456789abcdef\r\n__exception__\r\n")
    size = int(data[: -len(b" 0123456789abcdef\r\n__exception__\r\n")].rsplit(b"\n", 1)[1])
    assert size == len("Code: 1. ä".encode())


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("lz4", lz4.frame.compress),
        ("zstd", zstandard.compress),
    ],
)
def test_bodies_are_unpacked_piece_by_piece(encoding, pack):
    data = b"some data " * 10_000
    unpack = http_protocol.decompressor(encoding)
    packed = pack(data)
    pieces = (packed[at : at + 13] for at in range(0, len(packed), 13))
    assert b"".join(unpack.decompress(piece) for piece in pieces) == data


def test_no_encoding_and_unknown_encodings():
    assert http_protocol.decompressor("") is http_protocol.decompressor("identity") is None
    with pytest.raises(KeyError):
        http_protocol.decompressor("br")


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("lz4, gzip", "lz4"), ("br, zstd;q=0.5", "zstd"), ("gzip", "gzip"), ("br", ""), ("", ""), ("identity", ""),
    ],
)  # fmt: skip
def test_compress(accept, chosen):
    data = b"x" * 1000
    packed, encoding = http_protocol.compress(data, accept)
    assert encoding == chosen
    unpack = http_protocol.decompressor(encoding)
    assert (unpack.decompress(packed) if unpack else packed) == data


def chunks(data):
    stream = io.BytesIO(data)
    return b"".join(http_protocol.chunked(stream.readline, stream.read)), stream.read()


@pytest.mark.parametrize(
    ("data", "body"),
    [
        (b"0\r\n\r\n", b""),
        (b"3\r\nabc\r\n0\r\n\r\n", b"abc"),
        (b"A;name=value\r\n0123456789\r\n1\r\n\n\r\n0\r\n\r\n", b"0123456789\n"),
        (b"1\r\nx\r\n0\r\nTrailer: 1\r\n\r\n", b"x"),
    ],
    ids=["empty", "one", "extension", "trailer"],
)
def test_chunked(data, body):
    assert chunks(data + b"NEXT") == (body, b"NEXT")


@pytest.mark.parametrize("cut", range(len(b"3\r\nabc\r\n0\r\n") - 2))
def test_a_body_that_ends_early_is_no_body(cut):
    with pytest.raises(EOFError):
        chunks(b"3\r\nabc\r\n0\r\n\r\n"[:cut])


@pytest.mark.parametrize("data", [b"zz\r\nabc\r\n", b"3\r\nabcd\r\n0\r\n\r\n", b"-1\r\nabc", b"\r\n\r\n"])
def test_chunks_that_are_none(data):
    with pytest.raises(EOFError):
        chunks(data)


def test_exactly():
    assert http_protocol.exactly(io.BytesIO(b"abcd").read, 3) == b"abc"
    with pytest.raises(EOFError, match="2 of 3"):
        http_protocol.exactly(io.BytesIO(b"ab").read, 3)

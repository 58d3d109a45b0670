"""Log files as lines: plain, gzip, zstd, bzip2, xz, in pieces, torn, damaged."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from collector.imports.log_files import CHUNK, STDIN, LogFile
from sql.core.errors import StorageError, UsageError

LINES = [b"line %d of a log, %s" % (number, b"x" * (number % 97)) for number in range(20_000)]
TEXT = b"\n".join(LINES) + b"\n"
HALF = TEXT.index(b"\nline 10000 ") + 1


def zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)


def skippable(data: bytes) -> bytes:
    return b"\x52\x2a\x4d\x18" + len(data).to_bytes(4, "little") + data


KINDS = {
    "plain": TEXT,
    "no last newline": TEXT[:-1],
    "gzip": gzip.compress(TEXT),
    "gzip members": gzip.compress(TEXT[:HALF]) + gzip.compress(b"") + gzip.compress(TEXT[HALF:]),
    "gzip torn inside a line": gzip.compress(TEXT[: HALF + 5]) + gzip.compress(TEXT[HALF + 5 :]),
    "gzip padded": gzip.compress(TEXT) + b"\0" * 5000,
    "bzip2": bz2.compress(TEXT, 1),
    "bzip2 streams": bz2.compress(TEXT[:HALF]) + bz2.compress(b"") + bz2.compress(TEXT[HALF:]),
    "xz": lzma.compress(TEXT),
    "xz streams, padded": lzma.compress(TEXT[:HALF]) + b"\0" * 8 + lzma.compress(TEXT[HALF:]) + b"\0" * 4,
    "xz of the largest kind": lzma.compress(TEXT, preset=9),
    "zstd": zstd(TEXT),
    "zstd frames": zstd(TEXT[:HALF]) + skippable(b"note") + zstd(TEXT[HALF:]),
    "zstd after a skippable frame": skippable(b"index" * 1000) + zstd(TEXT),
}


PACKED = {kind: KINDS[kind] for kind in ("gzip", "zstd", "bzip2", "xz")}


class Drip(io.RawIOBase):
    """A pipe that gives few bytes at a time."""

    def __init__(self, data: bytes, step: int) -> None:
        self.data = io.BytesIO(data)
        self.step = step

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:
        return self.data.readinto(memoryview(buffer)[: self.step])


@pytest.mark.parametrize("data", KINDS.values(), ids=KINDS)
def test_lines_of_every_kind_of_file(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(data)
    with LogFile(str(path)) as file:
        assert list(file.lines(1000)) == LINES
        assert file.position == file.total == len(data)


@pytest.mark.parametrize("step", [1, 3, 1000])
@pytest.mark.parametrize("kind", ["plain", "gzip members", "zstd frames", "bzip2 streams", "xz streams, padded"])
def test_lines_of_a_dripping_pipe(kind: str, step: int) -> None:
    data = KINDS[kind]
    with LogFile(STDIN, io.BufferedReader(Drip(data, step), 8)) as file:
        assert list(file.lines(1000)) == LINES
        assert (file.name, file.total, file.position) == ("standard input", None, len(data))


@pytest.mark.parametrize("kind", ["plain", "gzip", "zstd", "bzip2", "xz"])
def test_position_grows_while_reading(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(KINDS[kind] if kind != "plain" else TEXT * 2)
    with LogFile(str(path)) as file:
        lines = file.lines(1000)
        next(lines)
        assert file.total is not None
        assert 0 < file.position < file.total


@pytest.mark.parametrize("data", PACKED.values(), ids=PACKED)
@pytest.mark.parametrize("keep", [0.5, 0.99])
def test_torn_file_gives_what_is_there_and_says_so(data: bytes, keep: float, tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(data[: int(len(data) * keep)])
    got: list[bytes] = []
    with LogFile(str(path)) as file, pytest.raises(StorageError, match=r"log ends early, after byte \d+"):
        got.extend(file.lines(1000))
    assert got == LINES[: len(got)]
    assert len(got) > 1000


@pytest.mark.parametrize("data", PACKED.values(), ids=PACKED)
def test_damaged_file_says_so(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "log"
    half = len(data) // 2
    path.write_bytes(data[:half] + b"\xff" * 500 + data[half + 500 :])
    with LogFile(str(path)) as file, pytest.raises(StorageError, match="log is damaged near byte"):
        list(file.lines(1000))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x04\x22\x4d\x18rest", "is lz4, which is not supported"),
        (b"PK\x03\x04rest", "is zip, which is not supported"),
    ],
)
def test_other_compressions_are_named(data: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(data)
    with pytest.raises(UsageError, match=message):
        LogFile(str(path))


def test_missing_file_and_directory_are_the_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        LogFile(str(tmp_path / "nothing"))
    with pytest.raises(UsageError, match="is a directory"):
        LogFile(str(tmp_path))


@pytest.mark.parametrize("data", [b"", b"\n"], ids=["empty", "one newline"])
def test_almost_nothing(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(data)
    with LogFile(str(path)) as file:
        assert list(file.lines(10)) == [b""] * len(data)


@pytest.mark.parametrize("length", [11, CHUNK, CHUNK * 3 + 17])
def test_long_line_is_cut_and_the_next_is_whole(length: int, tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"before\n" + b"x" * length + b"\nafter\n" + b"y" * length)
    with LogFile(str(path)) as file:
        assert list(file.lines(10)) == [b"before", b"x" * 11, b"after", b"y" * 11]


@pytest.mark.parametrize(
    ("pack", "most"),
    [(gzip.compress, 20), (zstd, 200), (bz2.compress, 20), (lzma.compress, 20)],
    ids=["gzip", "zstd", "bzip2", "xz"],
)
def test_long_line_takes_no_memory(pack: Callable[[bytes], bytes], most: int, tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"".join([pack(b"x" * 50_000_000)] * 4))
    tracemalloc.start()
    with LogFile(str(path)) as file:
        assert [len(line) for line in file.lines(1000)] == [1001]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < most * 1_000_000


def test_a_dictionary_beyond_the_bound_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(lzma.compress(TEXT, filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 30}]))
    with LogFile(str(path)) as file, pytest.raises(StorageError, match="is damaged"):
        list(file.lines(1000))


@given(st.binary(max_size=400), st.sampled_from([bytes, gzip.compress, zstd, bz2.compress, lzma.compress]))
def test_any_bytes_are_split_as_python_splits_them(data: bytes, pack: object) -> None:
    with LogFile(STDIN, io.BytesIO(pack(b"#" + data))) as file:  # type: ignore[operator]
        expected = (b"#" + data).split(b"\n")
        assert list(file.lines(1000)) == (expected if expected[-1] else expected[:-1])

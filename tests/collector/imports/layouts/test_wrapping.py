"""What loggers put around a line, and pieces of lines."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.imports.layouts.wrapping import Wrapping

LINE = b'192.0.2.1 - - [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 512 "-" "UA"'
CRI = b"2026-11-21T10:00:00.123456789Z "


def docker(text: str, **more: str) -> bytes:
    return json.dumps({"log": text, "stream": "stdout", "time": "2026-11-21T10:00:00Z"} | more).encode()


@pytest.mark.parametrize(
    "line",
    [
        docker(LINE.decode() + "\n"),
        docker(LINE.decode() + "\r\n"),
        json.dumps({"log": LINE.decode(), "kubernetes": {"pod_name": "x"}}).encode(),
        json.dumps({"@timestamp": "x", "message": LINE.decode()}).encode(),
        json.dumps({"MESSAGE": LINE.decode(), "_PID": "1"}).encode(),
        docker("Nov 21 10:00:00 web1 nginx: " + LINE.decode() + "\n"),
        CRI + b"stdout F " + LINE,
        CRI + b"stdout F:tag " + LINE,
        CRI + b"stdout F Nov 21 10:00:00 web1 nginx: " + LINE,
        LINE,
    ],
)
def test_the_line_is_taken_out(line: bytes) -> None:
    assert Wrapping(1000).inner(line) == LINE


@pytest.mark.parametrize("line", [b"", b"{", b"{}", b'{"log": 5}', b'{"a": 1}', b"words", LINE, b'{"message": ""}'])
def test_a_line_with_nothing_around_it_is_the_same_object(line: bytes) -> None:
    assert Wrapping(1000).inner(line) is line


@given(st.lists(st.binary(max_size=30).filter(lambda text: b"\n" not in text and b"\r" not in text), min_size=1))
def test_pieces_are_put_together(pieces: list[bytes]) -> None:
    wrapping = Wrapping(10_000)
    for piece in pieces[:-1]:
        assert wrapping.inner(CRI + b"stdout P " + piece) is None
        assert wrapping.inner(CRI + b"stderr F " + b"between") == b"between"
    assert wrapping.inner(CRI + b"stdout F " + pieces[-1]) == b"".join(pieces)
    assert wrapping.rest() == []


def test_pieces_of_docker_and_a_piece_without_an_end() -> None:
    wrapping = Wrapping(1000)
    assert wrapping.inner(docker("a")) is None
    assert wrapping.inner(docker("x", stream="stderr")) is None
    assert wrapping.inner(docker("b\n")) == b"ab"
    assert wrapping.rest() == [b"x"]
    assert wrapping.rest() == []


def test_pieces_without_end_take_no_memory() -> None:
    wrapping = Wrapping(1000)
    for _ in range(100):
        assert wrapping.inner(docker("x" * 500)) is None
    [piece] = wrapping.rest()
    assert len(piece) == 1001

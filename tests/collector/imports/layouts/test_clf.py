"""Combined lines: cutting them at the quotes says the same as the pattern, whatever is in them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from collector.imports.layouts import clf
from collector.imports.layouts.line import Line
from collector.imports.layouts.line_error import LineError
from collector.imports.layouts.times import Times

TIME = "17/May/2015:10:05:03 +0000"
WORDS = st.sampled_from(
    ["192.0.2.1", "::1", "a.example", "-", "- -", " ", "", "[", "]", '"', "\\", '\\"', "GET / HTTP/1.1", "200", "304 -",
     "200 5", "5", "1.2.3.4, 10.0.0.1", "1.2.3.4,5.6.7.8", "|", "nginx:", TIME, TIME.replace("M", "X"), "é"]
)  # fmt: skip
PATTERNS = [clf._COMBINED, clf._VHOST, clf._ANY]


def said(read: object, line: bytes) -> Line | str | None:
    try:
        return read(line)  # type: ignore[operator, no-any-return]
    except LineError as exc:
        return str(exc)


def agree(line: bytes) -> None:
    for pattern in PATTERNS:
        reader = clf._Reader(pattern, Times())
        assert said(reader, line) == said(reader.by_pattern, line)


@given(WORDS, WORDS, WORDS, WORDS, WORDS, WORDS, WORDS, WORDS)
def test_lines_with_anything_in_their_places(
    client: str, users: str, time: str, request: str, answer: str, referrer: str, agent: str, rest: str
) -> None:
    agree(f'{client} {users} [{time}] "{request}" {answer} "{referrer}" "{agent}"{rest}'.encode())
    agree(f'{client} - - [{TIME}] "{request}" 200 {answer} "{referrer}" "{agent}" "{rest}"'.encode())
    agree(f'{client} - - [{time}] "{request}" {answer} "{referrer}" "{agent}"'.encode())


@given(st.lists(WORDS, max_size=16))
def test_words_in_any_order(words: list[str]) -> None:
    agree(" ".join(words).encode())
    agree('"'.join(words).encode())

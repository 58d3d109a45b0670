"""Following logs: every line once, across rotation, truncation and files that do not exist yet. No waiting: the tests
say when the follower looks."""

from __future__ import annotations

import gzip
import os
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.event.model import SpooledEvent
from collector.imports.access_log import AccessLog
from collector.imports.follow import Follower, follow
from collector.imports.page_views import PageViews
from collector.imports.tail import IDLE_SECONDS, MAX_REPLACED, Pipe, Tail
from collector.ingest.visitors import Salts, Visitors
from collector.sites.registry import Site
from sql.core.errors import UsageError


@pytest.fixture(scope="module")
def visitors(tmp_path_factory: pytest.TempPathFactory) -> Visitors:
    return Visitors(Salts(tmp_path_factory.mktemp("salts")))


def reader(visitors: Visitors) -> AccessLog:
    return AccessLog(PageViews(Site(1, "shop.example", "UTC"), visitors, clock=lambda: 1_800_000_000), b"secret")


def line(path: str) -> bytes:
    return f'192.0.2.1 - - [21/Nov/2026:10:00:00 +0000] "GET /{path} HTTP/1.1" 200 5 "-" "UA"\n'.encode()


def append(path: Path, *pages: str) -> None:
    with path.open("ab") as file:
        file.write(b"".join(map(line, pages)))


def pages(events: Iterable[SpooledEvent]) -> list[str]:
    return [event.url.rpartition("/")[2] for event in events]


def test_lines_come_as_they_are_written(visitors: Visitors, tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    append(path, "a", "b")
    with Follower(reader(visitors), [str(path)]) as follower:
        assert pages(follower.events()) == ["a", "b"]
        assert pages(follower.events()) == []
        with path.open("ab") as file:
            file.write(line("c")[:30])
        assert pages(follower.events()) == []
        with path.open("ab") as file:
            file.write(line("c")[30:] + line("d"))
        assert pages(follower.events()) == ["c", "d"]


def test_a_file_that_appears_later(visitors: Visitors, tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    with Follower(reader(visitors), [str(path)]) as follower:
        assert pages(follower.events()) == []
        append(path, "a")
        assert pages(follower.events()) == ["a"]


def test_rotation_by_renaming(visitors: Visitors, tmp_path: Path) -> None:
    path, old = tmp_path / "access.log", tmp_path / "access.log.1"
    append(path, "a")
    log = reader(visitors)
    with Follower(log, [str(path)]) as follower:
        assert pages(follower.events()) == ["a"]
        append(path, "b")
        path.rename(old)
        assert pages(follower.events()) == ["b"], "no new file yet"
        append(old, "c")
        append(path, "d")
        append(old, "e")
        assert pages(follower.events()) == ["c", "e", "d"], "the server had the old file open"
        append(old, "f")
        append(path, "g")
        assert pages(follower.events()) == ["f", "g"]
    assert log.counts.bad == []


def test_rotation_by_copying_and_truncating(visitors: Visitors, tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    append(path, "a", "b")
    with Follower(reader(visitors), [str(path)]) as follower:
        assert pages(follower.events()) == ["a", "b"]
        os.truncate(path, 0)
        append(path, "c")
        assert pages(follower.events()) == ["c"]
        os.truncate(path, 0)
        append(path, *"defghij")
        assert pages(follower.events()) == list("defghij"), "longer than before, but not the same"


def test_ids_are_those_of_an_import_of_the_whole_file(visitors: Visitors, tmp_path: Path) -> None:
    """So a file that was followed, and is imported again after its rotation, counts once."""
    path = tmp_path / "access.log"
    append(path, "a", "a")
    with Follower(reader(visitors), [str(path)]) as follower:
        followed = [event.event_id for event in follower.events()]
        append(path, "a", "b")
        followed += [event.event_id for event in follower.events()]
    whole = [event.event_id for event in reader(visitors).events(path.read_bytes().splitlines())]
    assert followed == whole
    assert len(set(whole)) == 4
    with Follower(reader(visitors), [str(path)]) as follower:
        assert [event.event_id for event in follower.events()] == whole, "started again"


def test_a_replaced_file_is_let_go_when_nothing_comes(visitors: Visitors, tmp_path: Path) -> None:
    path, now = tmp_path / "access.log", [0.0]
    append(path, "a")
    tail = Tail(str(path), 1000, clock=lambda: now[0])
    [first] = tail.streams()
    assert len(first.lines()) == 1
    path.rename(tmp_path / "access.log.1")
    append(path, "b")
    assert tail.streams()[0] is first
    now[0] += IDLE_SECONDS + 1
    assert first not in tail.streams()
    assert first.over
    for number in range(2 * MAX_REPLACED):
        path.rename(tmp_path / f"old.{number}")
        append(path, "c")
        tail.streams()
    assert len(tail.streams()) == MAX_REPLACED + 1
    tail.close()


def test_a_last_line_without_its_end(visitors: Visitors, tmp_path: Path) -> None:
    """Of a file that was renamed it is a line; of one that goes on it is left for the next time."""
    path = tmp_path / "access.log"
    path.write_bytes(line("a") + line("b")[:-1])
    log = reader(visitors)
    with Follower(log, [str(path)]) as follower:
        assert pages(follower.events()) == ["a"]
    assert log.counts.lines == 1
    log = reader(visitors)
    with Follower(log, [str(path)]) as follower:
        list(follower.events())
        for number in range(MAX_REPLACED + 2):
            path.rename(tmp_path / f"old.{number}")
            append(path, "c")
            list(follower.events())
        assert log.counts.events == 2 + MAX_REPLACED + 2


def test_bad_lines_and_strangers_are_told_at_the_end(visitors: Visitors, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.log", tmp_path / "bad.log"
    good.write_bytes(line("a") + b"nonsense\n")
    bad.write_bytes(b"nonsense\n" * 3)
    log = reader(visitors)
    with Follower(log, [str(good), str(bad), str(good)]) as follower:
        assert pages(follower.events()) == ["a"], "a name that is given twice is one file"
        assert log.counts.bad == []
    assert [(each.source, each.number) for each in log.counts.bad] == [(str(good), 2)]
    assert [each.source for each in log.counts.strangers] == [str(bad)]


def test_what_cannot_be_followed(visitors: Visitors, tmp_path: Path) -> None:
    (tmp_path / "packed.gz").write_bytes(gzip.compress(b"x"))
    for name, cause in (("packed.gz", "is compressed"), ("", "is a directory")):
        with pytest.raises(UsageError, match=f"cannot follow .*: {cause}"):
            Follower(reader(visitors), [str(tmp_path / name)])


def test_trouble_that_comes_later_is_told_and_passes(visitors: Visitors, tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    append(path, "a")
    with Follower(reader(visitors), [str(path)]) as follower:
        assert pages(follower.events()) == ["a"]
        path.unlink()
        path.mkdir()
        list(follower.events())
        assert follower.troubles == [f"cannot read {path}: is a directory"]
        path.rmdir()
        append(path, "b")
        assert pages(follower.events()) == ["b"]
        assert follower.troubles == []


def test_standard_input_is_over_at_its_end(visitors: Visitors) -> None:
    readable, writable = os.pipe()
    pipe = Pipe(1000, readable)
    assert pipe.lines() == []
    os.write(writable, b"a\nb\nc")
    assert pipe.lines() == [b"a", b"b"]
    os.close(writable)
    assert pipe.lines() == []
    assert pipe.over
    assert pipe.last() == [b"c"]
    os.close(readable)


class Taken:
    """A sink that keeps what it gets."""

    bots = 0

    def __init__(self) -> None:
        self.events: list[SpooledEvent] = []
        self.sealed = 0

    def add(self, events: Iterable[SpooledEvent]) -> None:
        self.events += events

    def seal(self) -> None:
        self.sealed += 1

    def finish(self, on_wait: Callable[[int], None]) -> int:
        return len(self.events)


def test_following_ends_when_it_is_told_to(visitors: Visitors, tmp_path: Path) -> None:
    path, stop, sink = tmp_path / "access.log", threading.Event(), Taken()
    append(path, "a")
    looks = 0

    def on_pass() -> None:
        nonlocal looks
        looks += 1
        if looks == 2:
            stop.set()
        append(path, "b")

    with Follower(reader(visitors), [str(path)]) as follower:
        follow(follower, sink, stop, on_pass)
    assert pages(sink.events) == ["a", "b"]
    assert sink.sealed == 2


STEPS = st.lists(st.sampled_from(["write", "write", "write", "torn", "look", "rename", "truncate"]), max_size=40)


@settings(max_examples=60)
@given(STEPS, st.randoms(use_true_random=False))
def test_every_line_comes_once_whatever_happens(
    visitors: Visitors, tmp_path_factory: pytest.TempPathFactory, steps: list[str], rng: random.Random
) -> None:
    """A server that writes, torn at any byte, and a rotation at any moment. What is truncated was looked at before."""
    path = tmp_path_factory.mktemp("log") / "access.log"
    written, seen = Counter[str](), Counter[str]()
    file = path.open("ab", buffering=0)
    number, waiting = 0, b""
    log = reader(visitors)
    with Follower(log, [str(path)]) as follower:
        for step in steps:
            if step in {"write", "torn"}:
                number += 1
                written[str(number)] += 1
                data = waiting + line(str(number))
                cut = rng.randrange(len(data)) if step == "torn" else len(data)
                file.write(data[:cut])
                waiting = data[cut:]
            elif step == "rename":  # the server ends its line in the old file, then opens the new one
                path.rename(path.with_name(f"old.{number}.{rng.random()}"))
                if rng.random() < 0.5:
                    seen.update(pages(follower.events()))
                path.touch()
                if rng.random() < 0.5:
                    seen.update(pages(follower.events()))
                file.write(waiting)
                waiting = b""
                seen.update(pages(follower.events()))
                file.close()
                file = path.open("ab", buffering=0)
            elif step == "truncate":
                file.write(waiting)
                waiting = b""
                seen.update(pages(follower.events()))
                file.truncate(0)
                seen.update(pages(follower.events()))
            else:
                seen.update(pages(follower.events()))
        file.write(waiting)
        seen.update(pages(follower.events()))
    file.close()
    assert seen == written
    assert log.counts.bad == []

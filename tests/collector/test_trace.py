"""The promise, read from system calls: no 202 leaves before the fdatasync that covers its event has returned."""

from __future__ import annotations

import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.process

CLIENTS, EACH = 16, 20
_MARK = re.compile(r"mark-\d+-\d+")
_LINE = re.compile(r"^(\d+) +[\d.]+ (.*)$")
_UNFINISHED = " <unfinished ...>"


def calls(trace: Path) -> Iterator[tuple[str, str]]:
    """Every call in the order in which it was made, and its text; a call that was interrupted once it has returned.

    A sync counts from its return, an answer from its beginning: that is the stricter reading of either.
    """
    open_calls: dict[str, str] = {}
    for line in trace.read_text(errors="replace").splitlines():
        found = _LINE.match(line)
        if not found:
            continue
        pid, text = found.groups()
        name = text.partition("(")[0]
        if text.endswith(_UNFINISHED):
            open_calls[pid] = text.removesuffix(_UNFINISHED)
            if name != "fdatasync":
                yield name, text
        elif text.startswith("<... "):
            begun = open_calls.pop(pid, "")
            if begun.startswith("fdatasync"):
                yield "fdatasync", begun + text.partition("resumed>")[2]
        else:
            yield name, text


def judge(trace: Path) -> tuple[set[str], set[str], int]:
    """Events whose 202 left after their sync, those whose 202 left before it, and the number of syncs."""
    written: dict[str, set[str]] = {}
    durable: set[str] = set()
    good: set[str] = set()
    early: set[str] = set()
    syncs = 0
    for name, text in calls(trace):
        target = text.partition("(")[2].split(">", 1)[0]
        if name == "fdatasync" and text.rstrip().endswith("= 0"):
            syncs += 1
            durable |= written.pop(target, set())
        elif "/spool/open/" in target:
            written.setdefault(target, set()).update(_MARK.findall(text))
        elif "HTTP/1.1 202" in text:
            marks = set(_MARK.findall(text))
            assert marks, text
            good |= marks & durable
            early |= marks - durable
    return good, early, syncs


@pytest.fixture
def traced(alone, tmp_path):
    """Run a collector under strace while clients post events; the trace. The mark of an event is its name and the
    id of its request, so that it is in the record and in the answer."""
    if not shutil.which("strace"):
        pytest.skip("strace is not here: apt install strace")
    if subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True).returncode:
        pytest.skip("strace may not trace here (ptrace is not permitted)")

    def run(durability: str) -> Path:
        trace = tmp_path / "trace"
        collector = alone(workers=1, durability=durability)
        watched = "trace=fdatasync,write,writev,sendto,sendmsg"
        collector.start("strace", "-f", "-y", "-ttt", "-s", "300000", "-e", watched, "-o", str(trace))
        statuses: list[int] = []

        def post(client: int) -> None:
            for number in range(EACH):
                mark = f"mark-{client}-{number}"
                statuses.append(collector.post(mark, **{"X-Request-Id": mark}))

        threads = [threading.Thread(target=post, args=(client,)) for client in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        collector.stop()
        assert statuses == [202] * (CLIENTS * EACH)
        return trace

    return run


def test_no_202_before_its_sync(traced):
    good, early, syncs = judge(traced("fsync"))
    assert (len(good), early) == (CLIENTS * EACH, set())
    assert 0 < syncs < CLIENTS * EACH  # and they shared them


def test_the_trace_shows_where_there_is_no_sync(traced):
    """The same reading finds every answer early where the system's cache is all that is promised."""
    good, early, _ = judge(traced("os"))
    assert (good, len(early)) == (set(), CLIENTS * EACH)

"""A command that is killed at random moments and run again until it ends, held against a run that nobody disturbed.

The real command runs as a process on a copy of a prepared data directory. A moment to kill it is drawn over the work of
the undisturbed run: from when the command takes its first lock or writes its first record, so that no kill is wasted on
Python's imports. Several kills fall on one copy before a run comes to its end. Meanwhile reports are asked, again and
again. The seed is printed, and repeats the draws.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from clickhouse_connect.driver.exceptions import Error as ClickHouseError
from urllib3.exceptions import HTTPError

from collector.lifecycle.verify import verify
from sql.client import opened
from sql.core.data_dir import DataDir
from sql.core.errors import EngineError
from tests.conftest import start_engine

POLL_SECONDS = 0.002
PATIENCE_SECONDS = 120.0
# After so many kills a copy comes to its end, and another one is begun.
MOST_ON_ONE = 10
GONE = (EngineError, ClickHouseError, OSError, HTTPError)


class Victim(StrEnum):
    """What a kill takes: the command next to an engine that lives on, both, or a command that has the engine inside."""

    COMMAND = "command"
    BOTH = "both"
    ALONE = "alone"


Rows = dict[str, list[tuple[Any, ...]]]
Reports = dict[tuple[Any, ...], frozenset[tuple[Any, ...]]]
"""What reports say, in pieces of which each must be as it was or as it will be: such as a question about one month."""


class Ground:
    """A folder with a footfall.toml and a data directory, and an engine on it where one was started."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = DataDir(folder / "data")
        self.url = f"chdb://{self.home.root}"
        self.engine: subprocess.Popen[bytes] | None = None

    def copied(self, to: Path) -> Ground:
        """A copy of the folder, in which no engine runs."""
        assert self.engine is None
        shutil.copytree(self.folder, to, symlinks=True)
        return Ground(to)

    def start(self) -> None:
        """Start an engine, where none runs."""
        if self.engine is None:
            self.engine, _ = start_engine(self.home)

    def stop(self) -> None:
        """End the engine, and wait."""
        if self.engine is not None:
            self.engine.terminate()
            self.engine.wait(40)
            self.engine = None

    def kill_engine(self) -> None:
        """kill -9."""
        engine, self.engine = self.engine, None  # first, so that whoever asks it now knows why it is gone
        assert engine
        engine.kill()
        engine.wait()

    @contextmanager
    def client(self) -> Iterator[Any]:
        """A client on the running engine."""
        with opened(self.url, direct=False) as client:
            yield client

    def launch(self, words: tuple[str, ...]) -> subprocess.Popen[bytes]:
        """Start a command in the folder; what it says goes to a file."""
        with (self.folder / "said").open("wb") as said:
            return subprocess.Popen(
                [sys.executable, "-m", "cli.main", *words],
                cwd=self.folder, stdout=said, stderr=said, stdin=subprocess.DEVNULL, env=os.environ | PATHS,
            )  # fmt: skip

    def said(self) -> str:
        """What the last command said."""
        return (self.folder / "said").read_text()

    def at_work(self, pid: int, records: frozenset[Path]) -> bool:
        """Whether a command holds a lock or has begun a record that was not among ``records``."""
        mark = f"{pid} "
        for path in self.home.root.glob("*.lock"):
            if path != self.home.engine_lock:
                with contextlib.suppress(OSError):
                    if path.read_text().startswith(mark):
                        return True
        return bool(self.records() - records)

    def await_work(self, child: subprocess.Popen[bytes], records: frozenset[Path]) -> None:
        """Wait until a command is at work, or has ended."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while child.poll() is None and not self.at_work(child.pid, records):
            assert time.monotonic() < deadline, self.said()
            time.sleep(POLL_SECONDS)

    def records(self) -> frozenset[Path]:
        """Receipts and records of imports."""
        return frozenset([*self.home.receipts.glob("*.json"), *self.home.imports.glob("*.json")])


PATHS = {"PYTHONPATH": str(Path(__file__).parents[1])}


@dataclass(frozen=True)
class Operation:
    """What is killed: a command's words; what is read of the end, and what reports may say meanwhile.

    ``stored`` and ``reports`` are asked of a client; ``files`` of the folder. ``whole`` raises where the end is not
    whole. ``growing``: reports may say anything from before to after, but never less than they said.
    """

    words: tuple[str, ...]
    stored: Callable[[Any], Rows]
    reports: Callable[[Any], Reports | None]
    files: Callable[[Ground], list[str]]
    whole: Callable[[Ground], None] = lambda ground: None
    meanwhile: Callable[[Ground], None] = lambda ground: None
    """What must be true between any two runs."""
    growing: bool = False


@dataclass(frozen=True)
class Calm:
    """A run that nobody disturbed: how many seconds it worked, what reports said before and after, what was left."""

    seconds: float
    before: Reports
    after: Reports
    rows: Rows
    files: list[str]


@dataclass
class Tally:
    """How many kills fell into the work, by what they took; runs that came to their end; reports that were asked."""

    kills: Counter[Victim] = field(default_factory=Counter)
    late: int = 0
    ends: int = 0
    asked: int = 0
    between: int = 0
    """How many of the reports were as neither before nor after as a whole: some months of each."""

    def __str__(self) -> str:
        by_victim = ", ".join(f"{victim} {count}" for victim, count in sorted(self.kills.items()))
        return (
            f"{self.kills.total()} kills within the work ({by_victim}), {self.late} too late, {self.ends} ends alike, "
            f"{self.asked} reports asked ({self.between} on the way)"
        )


class Reader(threading.Thread):
    """Asks reports while a command is at work; nothing of them may be half."""

    def __init__(self, ground: Ground, look: Callable[[Any], None]) -> None:
        super().__init__(daemon=True)
        self.ground, self.look, self.over = ground, look, threading.Event()
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            with self.ground.client() as client:
                while not self.over.is_set():
                    self.look(client)
                    self.over.wait(0.05)
        except GONE as exc:
            engine = self.ground.engine
            if engine is not None and engine.poll() is None and not self.over.is_set():
                self.failure = exc
        except BaseException as exc:
            self.failure = exc


class Killing:
    """An operation that is killed, and what a calm run of it came to."""

    def __init__(self, operation: Operation, calm: Calm, tally: Tally) -> None:
        self.operation, self.calm, self.tally = operation, calm, tally
        self._least = calm.before

    def attempt(self, ground: Ground, victim: Victim, when: float | None) -> bool:
        """Run it once, killed at that part of its work (None: not killed); whether it came to its end."""
        if victim is Victim.ALONE:
            ground.stop()
            ended = self._run(ground, victim, when)
        else:
            ground.start()
            reader = Reader(ground, self.look)
            reader.start()
            try:
                ended = self._run(ground, victim, when)
            finally:
                reader.over.set()
                reader.join(60)
            if reader.failure is not None:
                raise reader.failure
        ground.start()
        if ended:
            self._check_end(ground)
            self.tally.ends += 1
            self.tally.late += when is not None
        else:
            self.tally.kills[victim] += 1
            with ground.client() as client:
                self.look(client)
            self.operation.meanwhile(ground)
        return ended

    def look(self, client: Any) -> None:
        """Ask reports once, and hold them against what they may say."""
        said = self.operation.reports(client)
        if said is None:
            return
        self.tally.asked += 1
        if self.operation.growing:
            self._least = grown(self.calm.after, self._least, said)
            return
        for key in said.keys() | self.calm.before.keys() | self.calm.after.keys():
            rows = said.get(key, frozenset())
            allowed = [its.get(key, frozenset()) for its in (self.calm.before, self.calm.after)]
            assert rows in allowed, f"{key}: {sorted(rows)[:5]} is neither of {[sorted(its)[:5] for its in allowed]}"
        self.tally.between += said not in (self.calm.before, self.calm.after)

    def _run(self, ground: Ground, victim: Victim, when: float | None) -> bool:
        records = ground.records()
        child = ground.launch(self.operation.words)
        if when is not None:
            ground.await_work(child, records)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(when * self.calm.seconds)
            if child.poll() is None:
                if victim is Victim.BOTH:
                    ground.kill_engine()
                child.kill()
                child.wait()
                return False
        assert child.wait(PATIENCE_SECONDS) == 0, ground.said()
        return True

    def _check_end(self, ground: Ground) -> None:
        with ground.client() as client:
            assert verify(client, ground.home, every_row=True).differences == ()
            same_rows(self.operation.stored(client), self.calm.rows)
            assert self.operation.reports(client) == self.calm.after
        self.operation.whole(ground)
        assert self.operation.files(ground) == self.calm.files


def undisturbed(operation: Operation, ground: Ground, before: Reports | None = None) -> Calm:
    """Run it in peace. ``before``: what reports said, where they cannot be asked of what is prepared."""
    ground.start()
    with ground.client() as client:
        before = operation.reports(client) if before is None else before
    assert before is not None
    records = ground.records()
    child = ground.launch(operation.words)
    ground.await_work(child, records)
    began = time.monotonic()
    assert child.poll() is None, f"it had nothing to do: {ground.said()}"
    assert child.wait(PATIENCE_SECONDS) == 0, ground.said()
    seconds = time.monotonic() - began
    with ground.client() as client:
        after, rows = operation.reports(client), operation.stored(client)
    assert after is not None
    operation.whole(ground)
    return Calm(seconds, before, after, rows, operation.files(ground))


def killed(
    operation: Operation, prepared: Ground, scratch: Path, times: int, seed: int, before: Reports | None = None
) -> Tally:
    """Kill an operation ``times`` within its work, on as many copies of what is prepared as it takes.

    Several kills may fall on one copy before a run on it comes to its end. ``before`` as in ``undisturbed``.
    """
    rng, tally, copies = random.Random(seed), Tally(), itertools.count(1)
    ground = prepared.copied(scratch / "calm")
    try:
        calm = undisturbed(operation, ground, before)
    finally:
        ground.stop()
    while tally.kills.total() < times:
        ground = prepared.copied(scratch / f"copy-{next(copies)}")
        killing, ended = Killing(operation, calm, tally), False
        try:
            before_it = tally.kills.total()
            while not ended:
                kills = tally.kills.total()
                when = rng.random() if kills < times and kills - before_it < MOST_ON_ONE else None
                ended = killing.attempt(ground, rng.choice(list(Victim)), when)
        finally:
            ground.stop()
        shutil.rmtree(ground.folder)
    print(f"{' '.join(operation.words)}: seed {seed}, {calm.seconds:.2f} s undisturbed, {tally}", flush=True)
    return tally


def grown(last: Reports, least: Reports, said: Reports) -> Reports:
    """What reports say now; their rows end in a count: no less than they said, no more than they will in the end."""
    for key in said.keys() | least.keys():
        then, now, end = (dict(each[-2:] for each in its.get(key, ())) for its in (least, said, last))
        assert all(count <= now.get(name, 0) for name, count in then.items()), f"{key}: {then} became {now}"
        assert all(count <= end.get(name, 0) for name, count in now.items()), f"{key}: {now} is more than {end}"
    return said


def same_rows(found: Rows, wanted: Rows) -> None:
    """The same tables with the same rows; what differs is said."""
    assert found.keys() == wanted.keys()
    for name, rows in found.items():
        missing = [row for row in wanted[name] if row not in rows][:3]
        surplus = [row for row in rows if row not in wanted[name]][:3]
        said = f"{name}: {len(rows)} rows instead of {len(wanted[name])}; missing {missing}, too many {surplus}"
        assert rows == wanted[name], said

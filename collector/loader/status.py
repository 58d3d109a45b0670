"""What the loader tells of itself: a small file in the data directory, rewritten every second while it lives."""

from __future__ import annotations

import logging
import os
import threading
import time
from bisect import bisect_left
from contextlib import suppress
from pathlib import Path

import msgspec

from collector.enrich import user_agents
from collector.loader.journal import Journal
from sql.core.data_dir import DataDir
from sql.engine.ping import ping

log = logging.getLogger("footfall.loader")
FILE = "loader.json"
BEAT_SECONDS = 1.0
PING_SECONDS = 5.0
# A loader that has not written for so long does not run, or is stuck.
SILENT_SECONDS = 10.0
# Upper bounds of the insert histogram, in seconds.
INSERT_SECONDS = (0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)


class LoaderState(msgspec.Struct):
    """Times in seconds since 1970 (0: never). ``engine`` is empty where ClickHouse answers, else why not.

    The totals of events are those of the journal and never go back; the rest counts from the loader's start.
    """

    pid: int = 0
    beat: float = 0.0
    last_success: float = 0.0
    engine: str = "not checked yet"
    batches: int = 0
    stored: int = 0
    duplicate: int = 0
    erased: int = 0
    quarantined: int = 0
    inserts: list[int] = msgspec.field(default_factory=lambda: [0] * (len(INSERT_SECONDS) + 1))
    insert_seconds: float = 0.0
    agent_hits: int = 0
    agent_misses: int = 0

    def runs(self, now: float) -> bool:
        """Whether the loader was alive a moment ago."""
        return self.pid > 0 and now - self.beat < SILENT_SECONDS


def read(home: DataDir) -> LoaderState | None:
    """What the loader last told; None where none has run here."""
    try:
        return msgspec.json.decode((home.root / FILE).read_bytes(), type=LoaderState)
    except (OSError, msgspec.MsgspecError):
        return None


class Publisher:
    """Writes the state from a thread of its own, so that a loader that waits for ClickHouse is seen to wait."""

    def __init__(self, home: DataDir, url: str, journal: Journal) -> None:
        self.state = LoaderState(pid=os.getpid())
        before = read(home)
        self.state.last_success = before.last_success if before else 0.0
        self._path = home.root / FILE
        self._url = url
        self._journal = journal
        self._ended = threading.Event()
        self._asked = -1e9
        self._thread = threading.Thread(target=self._run, name="publish", daemon=True)
        self._write()
        self._thread.start()

    def inserted(self, seconds: float) -> None:
        """One batch is in ClickHouse; bringing it there took so long."""
        self.state.inserts[bisect_left(INSERT_SECONDS, seconds)] += 1
        self.state.insert_seconds += seconds
        self.state.last_success = time.time()
        self.state.engine = ""

    def close(self) -> None:
        """Say that the loader has ended."""
        self._ended.set()
        self._thread.join(5.0)  # it may be waiting for a name server
        self.state.pid = 0
        self._write()

    def _run(self) -> None:
        while not self._ended.wait(BEAT_SECONDS):
            if time.monotonic() - self._asked > PING_SECONDS:
                self.state.engine = ping(self._url)
                self._asked = time.monotonic()
            self._write()

    def _write(self) -> None:
        """An atomic rename without a sync: after a power cut nobody asks for it."""
        totals = self._journal.totals
        state = self.state
        state.beat = time.time()
        state.batches, state.stored = totals.batches, totals.stored
        state.duplicate, state.quarantined, state.erased = totals.duplicate, totals.quarantined, totals.erased
        state.agent_hits, state.agent_misses = user_agents.parse.info()  # type: ignore[attr-defined]
        beside = Path(f"{self._path}.new")
        try:
            beside.write_bytes(msgspec.json.encode(state))
            beside.replace(self._path)
        except OSError as exc:  # a full disk must not end the loader
            log.warning("cannot write the loader's status: %s", exc.strerror)
            with suppress(OSError):
                beside.unlink(missing_ok=True)

"""The engine away for minutes while events come in: nothing is lost, all is told, and what waits is soon loaded."""

from __future__ import annotations

import http.client
import json
import os
import signal
import threading
import time
import uuid
from pathlib import Path

import pytest

from collector.sites.admin import set_site
from collector.sites.identity import Identity
from sql.core.files import OwnedLock

BATCH = 100
VISITORS = 5_000
# A loader that waits asks again at the latest after one and a half times 15 s.
PATIENCE = 60.0
MEMORY_MB = 500


class Load(threading.Thread):
    """Posts batches at a steady rate until it is told to end. ``refused`` are answers other than 202."""

    def __init__(self, footfall, rate: int) -> None:
        super().__init__(daemon=True)
        self.footfall, self.rate = footfall, rate
        self.ended = threading.Event()
        self.acknowledged = 0
        self.refused: list[object] = []
        self.slowest = 0.0

    @staticmethod
    def event_id(number: int) -> uuid.UUID:
        return uuid.UUID(int=number + 1)

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.footfall.port, timeout=30)
        began = time.monotonic()
        while not self.ended.wait(max(0.0, began + self.acknowledged / self.rate - time.monotonic())):
            asked = time.monotonic()
            try:
                status = self.footfall.post([self._event(self.acknowledged + n) for n in range(BATCH)], connection)
            except (OSError, http.client.HTTPException) as exc:
                status = exc
            self.slowest = max(self.slowest, time.monotonic() - asked)
            if status != 202:
                self.refused.append(status)
                return
            self.acknowledged += BATCH

    def _event(self, number: int) -> dict:
        name = "purchase" if number % 10 == 9 else "page_view"
        return {
            "name": name,
            "event_id": str(self.event_id(number)),
            "url": f"https://shop.example/p/{number % 50}",
            "timestamp": int(time.time() * 1000),
            "client_id": f"visitor-{number * 7919 % VISITORS}",
        }


def ready(footfall) -> tuple[int, dict]:
    connection = http.client.HTTPConnection("127.0.0.1", footfall.port, timeout=10)
    try:
        connection.request("GET", "/health/ready")
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def peak_mb(pid: int) -> float:
    """The most memory that a process ever had."""
    [line] = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) / 1024


def away(footfall, seconds: float, load: Load) -> list[str]:
    """Keep the engine from running for so long; what /health/ready said, second by second."""
    told = []
    [engine] = footfall.pids("engine")
    # Whoever holds the lock has the directory open: the engines that `serve` starts wait for it, and give up.
    lock = OwnedLock(footfall.home.engine_lock, "a test")
    os.kill(engine, signal.SIGKILL)
    assert lock.acquire(5)
    try:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not load.ended.wait(min(1.0, left)):
            assert not load.refused
            status, body = ready(footfall)
            assert status == 200
            told.append(body["status"])
            if body["status"] == "degraded":
                assert body["checks"]["engine"]["status"] == "degraded"
        return told
    finally:
        lock.release()


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_minutes_without_the_engine(footfall, until, agree):
    """FOOTFALL_SOAK_AWAY sets other seconds, two minutes or more, since a loader that waits pauses for up to 22;
    FOOTFALL_SOAK_RATE other events a second."""
    seconds = float(os.environ.get("FOOTFALL_SOAK_AWAY", "180"))
    rate = int(os.environ.get("FOOTFALL_SOAK_RATE", "2000"))
    with footfall.client() as client:
        set_site(client, footfall.home, "shop.example", {"identity": Identity.FIRST_PARTY})
    load = Load(footfall, rate)
    load.start()
    try:
        until(lambda: footfall.account().totals.stored > 3 * rate, what="some events are loaded")
        [loader] = footfall.pids("loader")
        told = away(footfall, seconds, load)
        began = time.monotonic()
        backlog = footfall.account().pending
        before = footfall.account().totals.stored
        until(lambda: footfall.account().totals.stored > before, PATIENCE, "the loader has asked again")
        first = time.monotonic() - began
        # What is on its way without any backlog: at most what comes in a second or two.
        until(lambda: footfall.account().pending < 2 * rate, PATIENCE + seconds, "the backlog is gone")
        took = time.monotonic() - began
        loaded = footfall.account().totals.stored - before
        until(lambda: ready(footfall)[1]["status"] == "ok", what="all is well again")
    finally:
        load.ended.set()
        load.join(60)
    assert load.refused == []
    assert backlog >= 0.95 * seconds * rate
    degraded = told.index("degraded")
    assert degraded < 15
    assert set(told[degraded:]) == {"degraded"}
    until(lambda: footfall.account().pending == 0, PATIENCE, "nothing waits")
    memory = peak_mb(loader)
    assert footfall.pids("loader") == [loader], "the loader was started again"
    rapid = loaded / took
    print(
        f"\nengine away for {seconds:.0f} s at {rate:,} events/s: backlog {backlog:,}, the first of it loaded after "
        f"{first:.1f} s and all after {took:.1f} s while events went on: {rapid:,.0f} events/s, {rapid / rate:.1f} "
        f"times as fast as they came; loader at most {memory:.0f} MB; slowest answer {load.slowest:.2f} s; degraded "
        f"after {degraded + 1} s; {load.acknowledged:,} acknowledged",
        flush=True,
    )
    assert footfall.account().missing == 0
    with footfall.client() as client:
        wanted = (load.acknowledged, load.acknowledged)
        assert client.query("select count(), uniqExact(event_id) from events").first_row == wanted
        there = {row[0] for row in client.query("select event_id from events").result_rows}
        assert there == {Load.event_id(number) for number in range(load.acknowledged)}
        agree(client)
    assert rapid >= 5 * rate
    assert memory < MEMORY_MB

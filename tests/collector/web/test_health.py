"""Health: what is checked, what is said of it, and that events are taken while what comes after is away."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import threading
import time
import urllib.request
from dataclasses import replace

import falcon.testing
import msgspec
import pytest

from collector.ingest.service import AppOptions
from collector.lifecycle.doctor import _spool
from collector.lifecycle.findings import Level
from collector.loader.journal import Journal
from collector.loader.status import FILE, LoaderState, Publisher, read
from collector.spool.spool import Spool, SpoolOptions, SpoolWriter
from collector.web.app import create_app
from collector.web.health import LOW_DISK, Seen, checks, look, worst
from sql.core.data_dir import DataDir
from sql.engine.ping import ping

RUNNING = LoaderState(pid=1, beat=time.time(), engine="")
WELL = Seen(10, 1000, 0, 0.0, 0.0, 10 * LOW_DISK, "", RUNNING, True)


@pytest.fixture(scope="session")
def engine(embedded):
    """The embedded one, whatever FOOTFALL_TEST_URL says."""
    return embedded


@pytest.mark.parametrize(
    ("seen", "name", "verdict"),
    [
        pytest.param(WELL, None, "ok", id="all is well"),
        pytest.param(replace(WELL, spool_bytes=999), None, "ok", id="a byte of room"),
        pytest.param(replace(WELL, spool_bytes=1000), "spool", "failed", id="full spool"),
        pytest.param(replace(WELL, disk_free=LOW_DISK - 1), "disk", "degraded", id="little disk"),
        pytest.param(replace(WELL, unwritable="Read-only file system"), "disk", "failed", id="read-only disk"),
        pytest.param(replace(WELL, sealed=1, lag_seconds=59.0), None, "ok", id="something waits"),
        pytest.param(replace(WELL, sealed=1, lag_seconds=61.0), "lag", "degraded", id="the loader is late"),
        pytest.param(replace(WELL, loader_runs=False), "loader", "degraded", id="the loader is gone"),
        pytest.param(replace(WELL, loader=None, loader_runs=False), "loader", "degraded", id="no loader ever"),
        pytest.param(replace(WELL, loader=LoaderState(engine="no answer")), "engine", "degraded", id="engine away"),
    ],
)
def test_each_check(seen, name, verdict):
    found = list(checks(seen))
    assert [check.name for check in found] == ["spool", "disk", "lag", "loader", "engine"]
    assert worst(found) == verdict
    assert name is None or {check.name: check.status for check in found}[name] == verdict


@pytest.fixture
def home(tmp_path):
    found = DataDir(tmp_path / "data").make()
    Spool(found.spool).make()
    return found


def ask(options: AppOptions, path: str = "/health/ready"):
    async def run():
        async with falcon.testing.ASGIConductor(create_app(options)) as conductor:
            return await conductor.simulate_get(path)

    return asyncio.run(run())


def test_ready_names_each_check(home):
    answer = ask(AppOptions(home))
    assert (answer.status_code, answer.json["status"]) == (200, "degraded")
    assert {name: check["status"] for name, check in answer.json["checks"].items()} == {
        "spool": "ok",
        "disk": "ok",
        "lag": "ok",
        "loader": "degraded",
        "engine": "degraded",
    }
    assert answer.headers["cache-control"] == "no-store"


def test_a_full_spool_is_alive_and_not_ready(home):
    writer = SpoolWriter(Spool(home.spool), "w")
    writer.commit([b"an event"])
    writer.seal()
    full = AppOptions(home, SpoolOptions(total_bytes=Spool(home.spool).size()))
    answer = ask(full)
    assert (answer.status_code, answer.json["status"]) == (503, "failed")
    assert answer.json["checks"]["spool"]["status"] == "failed"
    assert ask(full, "/health/live").status_code == 200


def test_a_spool_that_is_gone_is_not_ready(home):
    options = AppOptions(home)

    async def run():
        async with falcon.testing.ASGIConductor(create_app(options)) as conductor:
            Spool(home.spool).sealed_dir.rmdir()
            answer = await conductor.simulate_get("/health/ready")
            Spool(home.spool).make()
            return answer

    answer = asyncio.run(run())
    assert (answer.status_code, answer.json["checks"]) == (
        503,
        {"disk": {"status": "failed", "detail": "No such file or directory"}},
    )


def test_there_is_one_way_to_ask(home):
    assert ask(AppOptions(home), "/health").status_code == 404


def test_lag_is_the_age_of_the_oldest_sealed_segment(home):
    spool = Spool(home.spool)
    assert (look(home, 100).lag_seconds, look(home, 100).sealed) == (0.0, 0)
    for age in (30, 90):
        (spool.sealed_dir / f"{time.time_ns() - age * 10**9:020d}~1~w-1-a-000001.seg").write_bytes(b"x")
    seen = look(home, 100)
    assert seen.sealed == 2
    assert 90 <= seen.lag_seconds < 95
    assert seen.lag_seconds == seen.oldest_seconds
    assert seen.spool_bytes == 2


def test_a_disk_that_cannot_be_written_is_told(home):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
        seen = look(home, 100)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert seen.unwritable == "File too large"
    assert look(home, 100).unwritable == ""


def test_the_loader_tells_of_itself(home, engine, engine_home, until):
    journal = Journal(home.root / "journal.jsonl")
    journal.totals.stored = 7
    publisher = Publisher(home, f"chdb://{engine_home.root}", journal)
    assert look(home, 100).loader_runs
    publisher.inserted(0.3)
    until(lambda: (state := read(home)) and state.engine == "" and state.last_success, what="it is written")
    publisher.close()
    state = read(home)
    assert (state.stored, sum(state.inserts), state.insert_seconds) == (7, 1, 0.3)
    assert not look(home, 100).loader_runs
    journal.close()


@pytest.mark.parametrize(
    ("content", "runs"),
    [
        pytest.param(LoaderState(pid=5, beat=time.time() + 3600), True, id="a beat just now"),
        pytest.param(LoaderState(pid=5, beat=time.time() - 11), False, id="killed eleven seconds ago"),
        pytest.param(LoaderState(pid=0, beat=time.time() + 3600), False, id="stopped"),
    ],
)
def test_a_loader_runs_while_it_says_so(home, content, runs):
    (home.root / FILE).write_bytes(msgspec.json.encode(content))
    assert look(home, 100).loader_runs is runs


def test_a_file_that_is_not_the_loaders_is_none(home):
    (home.root / FILE).write_bytes(b'{"pid":')
    assert look(home, 100).loader is None


def test_ping(engine, engine_home, tmp_path):
    assert ping(f"chdb://{engine_home.root}") == ""
    assert ping(f"clickhouse://u:p@127.0.0.1:{engine.port}/d") == ""
    assert ping(f"chdb://{tmp_path}") == "the engine is not running"
    assert ping("http://127.0.0.1:1/") == "no response"
    assert ping(f"https://127.0.0.1:{engine.port}/") == "no response"


def test_doctor_says_the_same(home):
    sealed = Spool(home.spool).sealed_dir / f"{time.time_ns() - 100 * 10**9:020d}~1~w-1-a-000001.seg"
    found = {finding.subject: finding.level for finding in _spool(home, 100, expected=False)}
    assert set(found.values()) == {Level.OK}  # a loader that has nothing to do need not run
    sealed.write_bytes(b"x")
    found = {finding.subject: finding.level for finding in _spool(home, 100, False)}
    assert (found["lag"], found["loader"], found["spool"]) == (Level.NOTE, Level.NOTE, Level.OK)
    (home.root / FILE).write_bytes(msgspec.json.encode(LoaderState(pid=5, beat=time.time())))
    found = {finding.subject: finding.level for finding in _spool(home, 100, False)}
    assert (found["lag"], found["loader"]) == (Level.BAD, Level.OK)
    assert {f.subject: f.level for f in _spool(home, 1, False)}["spool"] is Level.BAD


def test_events_are_taken_while_the_engine_is_away(footfall, until):
    def ready() -> dict:
        with urllib.request.urlopen(f"http://127.0.0.1:{footfall.port}/health/ready", timeout=5) as answer:
            assert answer.status == 200
            return json.load(answer)

    def missed(told: dict) -> bool:
        engine = told["checks"]["engine"]["status"] == "degraded"
        assert (told["status"] == "degraded") is engine
        return engine

    until(lambda: ready()["status"] == "ok", what="all is well")
    [pid] = footfall.pids("engine")
    os.kill(pid, signal.SIGSTOP)
    try:
        until(lambda: missed(ready()), what="the engine is missed")
        assert footfall.post([{"name": "a"}]) == 202
    finally:
        os.kill(pid, signal.SIGCONT)
    until(lambda: ready()["status"] == "ok", what="all is well again")


def test_asking_does_not_hold_up_the_loop(home, monkeypatch):
    """The look at the disk happens beside the loop: a disk that hangs hangs nobody else."""
    from collector.web import health

    gate = threading.Event()

    def hangs(spool: Spool) -> str:
        gate.wait(20)
        return ""

    monkeypatch.setattr(health, "_unwritable", hangs)

    async def run():
        async with falcon.testing.ASGIConductor(create_app(AppOptions(home))) as conductor:
            slow = asyncio.create_task(conductor.simulate_get("/health/ready"))
            await asyncio.sleep(0)
            live = await conductor.simulate_get("/health/live")
            done = slow.done()
            gate.set()
            return live.status_code, done, (await slow).status_code

    assert asyncio.run(run()) == (200, False, 200)

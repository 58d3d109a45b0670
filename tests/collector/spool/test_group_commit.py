"""Group commit: many requests, few syncs; an answer only after the disk's."""

from __future__ import annotations

import asyncio
import errno
import os
import threading

import pytest

from collector.spool import framing
from collector.spool.group_commit import TURNS, GroupCommit
from collector.spool.spool import Durability, Spool, SpoolFull, SpoolOptions, SpoolWriter
from sql.core.errors import StorageError


@pytest.fixture
def folder(tmp_path):
    return Spool(tmp_path / "spool").make()


def commit_of(folder, durability=Durability.FSYNC, **options):
    return GroupCommit(SpoolWriter(folder, "w", SpoolOptions(durability, **options)))


def lines(paths):
    found = [framing.read(path.read_bytes(), framing.key_of(path)) for path in paths]
    return [line for segment in found for payload in segment.payloads for line in payload.splitlines(keepends=True)]


def sealed(folder):
    assert list(folder.open_dir.iterdir()) == []
    return lines(folder.sealed())


async def settled(commit, payloads):
    return await asyncio.gather(*(commit.append(p) for p in payloads), return_exceptions=True)


def test_many_appends_share_few_syncs(folder, monkeypatch):
    real, syncs = os.fdatasync, []

    def counted(fd):
        syncs.append(fd)
        real(fd)

    monkeypatch.setattr(os, "fdatasync", counted)

    async def run():
        commit = commit_of(folder)
        assert set(await settled(commit, [b"%d\n" % n for n in range(500)])) == {None}
        before_close = len(syncs)
        await commit.close()
        return before_close

    assert asyncio.run(run()) <= 2
    assert sealed(folder) == [b"%d\n" % n for n in range(500)]


def test_an_append_returns_only_after_its_sync(folder, monkeypatch):
    synced: list[bytes] = []
    real = os.fdatasync

    def fdatasync(fd):
        real(fd)
        synced[:] = lines(folder.open_dir.glob("*.seg"))

    monkeypatch.setattr(os, "fdatasync", fdatasync)

    async def client(commit, n):
        await commit.append(b"%d\n" % n)
        assert b"%d\n" % n in synced

    async def run():
        commit = commit_of(folder)
        for _ in range(5):
            await asyncio.gather(*(client(commit, n) for n in range(20)))
        await commit.close()

    asyncio.run(run())
    assert len(sealed(folder)) == 100


def test_what_comes_in_the_next_turns_shares_the_sync(folder, monkeypatch):
    calls, real = [], os.fdatasync
    monkeypatch.setattr(os, "fdatasync", lambda fd: (calls.append(fd), real(fd))[1])

    async def run():
        commit = commit_of(folder)
        tasks = []
        for n in range(TURNS):
            tasks.append(asyncio.create_task(commit.append(b"%d\n" % n)))
            await asyncio.sleep(0)
        await asyncio.gather(*tasks)
        assert len(calls) == 1
        await commit.close()

    asyncio.run(run())
    assert sealed(folder) == [b"%d\n" % n for n in range(TURNS)]


@pytest.mark.parametrize("durability", Durability)
def test_an_error_reaches_every_waiter_and_the_next_are_served(folder, monkeypatch, durability):
    real, broken = os.write, [True]

    def write(fd, data):
        if broken:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(fd, data)

    monkeypatch.setattr(os, "write", write)

    async def run():
        commit = commit_of(folder, durability)
        failed = await settled(commit, [b"lost%d" % n for n in range(20)])
        broken.clear()
        served = await settled(commit, [b"kept%d\n" % n for n in range(20)])
        await commit.close()
        return failed, served

    failed, served = asyncio.run(run())
    assert [type(outcome) for outcome in failed] == [SpoolFull] * 20
    assert served == [None] * 20
    assert sealed(folder) == [b"kept%d\n" % n for n in range(20)]


def test_every_outcome_is_an_acknowledgement_or_an_error_of_ours(folder, monkeypatch):
    """Also where sealing fails, which happens behind the back of the request that filled the segment."""
    monkeypatch.setattr(type(folder.root), "rename", lambda self, target: _eio())

    async def run():
        commit = commit_of(folder, segment_bytes=10)
        return await settled(commit, [b"x" * 50] * 3)

    outcomes = asyncio.run(run())
    assert all(outcome is None or isinstance(outcome, StorageError) for outcome in outcomes), outcomes


def _eio():
    raise OSError(errno.EIO, "Input/output error")


def test_a_waiter_that_goes_away_harms_nobody(folder):
    async def run():
        commit = commit_of(folder)
        tasks = [asyncio.create_task(commit.append(b"%d\n" % n)) for n in range(5)]
        await asyncio.sleep(0)
        tasks[2].cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        await commit.close()
        return outcomes

    outcomes = asyncio.run(run())
    assert [o for n, o in enumerate(outcomes) if n != 2] == [None] * 4
    assert isinstance(outcomes[2], asyncio.CancelledError)
    assert {b"0\n", b"1\n", b"3\n", b"4\n"} <= set(sealed(folder))


@pytest.mark.parametrize("durability", Durability)
def test_never_two_steps_of_the_writer_at_once(folder, monkeypatch, durability):
    inside, seen = [], []
    writer = SpoolWriter(folder, "w", SpoolOptions(durability, segment_bytes=400, segment_max_age_seconds=0.001))
    for name in ("commit", "seal_if_old", "seal"):
        real = getattr(writer, name)

        def step(*args, _real=real, _name=name):
            # ``commit`` seals by itself when a segment is full: the same step, the same thread.
            assert not inside or inside == [threading.get_ident()] * len(inside)
            inside.append(threading.get_ident())
            seen.append(_name)
            try:
                return _real(*args)
            finally:
                inside.pop()

        monkeypatch.setattr(writer, name, step)

    async def run():
        commit = GroupCommit(writer)

        async def client(n):
            for m in range(40):
                await commit.append(b"%d-%d\n" % (n, m))
                if m % 5 == 0:
                    await asyncio.sleep(0.001)

        await asyncio.gather(*(client(n) for n in range(8)))
        await commit.close()

    asyncio.run(run())
    assert {"commit", "seal"} <= set(seen)
    assert sorted(sealed(folder)) == sorted(b"%d-%d\n" % (n, m) for n in range(8) for m in range(40))


@pytest.mark.parametrize("durability", Durability)
def test_a_segment_is_sealed_when_it_is_old(folder, durability):
    async def run():
        commit = commit_of(folder, durability, segment_max_age_seconds=0.01)
        await commit.append(b"one\n")
        async with asyncio.timeout(20):
            while not folder.sealed():
                await asyncio.sleep(0.001)
        await commit.append(b"two\n")
        async with asyncio.timeout(20):
            while len(folder.sealed()) < 2:
                await asyncio.sleep(0.001)
        await commit.close()

    asyncio.run(run())
    assert sealed(folder) == [b"one\n", b"two\n"]


def test_a_seal_that_failed_is_tried_again(folder, monkeypatch, caplog):
    real, failures = type(folder.root).rename, [1, 2]

    def rename(self, target):
        if failures:
            failures.pop()
            _eio()
        return real(self, target)

    monkeypatch.setattr(type(folder.root), "rename", rename)

    async def run():
        commit = commit_of(folder, segment_max_age_seconds=0.01)
        await commit.append(b"one\n")
        async with asyncio.timeout(20):
            while not folder.sealed():
                await asyncio.sleep(0.001)
        await commit.close()

    asyncio.run(run())
    assert sealed(folder) == [b"one\n"]
    assert caplog.text.count("retrying") == 2


def test_close_writes_what_waits(folder):
    async def run():
        commit = commit_of(folder)
        tasks = [asyncio.create_task(commit.append(b"%d\n" % n)) for n in range(50)]
        await asyncio.sleep(0)
        await commit.close()
        await asyncio.gather(*tasks)

    asyncio.run(run())
    assert sealed(folder) == [b"%d\n" % n for n in range(50)]


def test_close_of_what_was_never_used(folder):
    asyncio.run(commit_of(folder).close())
    assert sealed(folder) == []


def test_nothing_is_left_running_after_close(folder):
    async def run():
        commit = commit_of(folder, segment_max_age_seconds=0.01)
        task = asyncio.create_task(commit.append(b"one\n"))
        await asyncio.sleep(0)
        await commit.close()
        await task
        async with asyncio.timeout(20):
            while len(asyncio.all_tasks()) > 1:
                await asyncio.sleep(0.001)

    failed = []
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda _, context: failed.append(context))
    try:
        loop.run_until_complete(run())
    finally:
        loop.close()
    assert failed == []

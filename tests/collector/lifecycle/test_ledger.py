"""accepted = stored + duplicate + quarantined + pending: at every step, after every crash, while all is at work."""

from __future__ import annotations

import http.client
import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest

from collector.lifecycle.ledger import take
from collector.loader.journal import Journal
from collector.loader.loader import Loader, LoaderOptions
from collector.spool import framing, segment_files, writer_counts
from collector.spool.lines import encode
from collector.spool.spool import Durability, Spool, SpoolOptions, SpoolWriter
from collector.spool.writer_counts import WriterCounts
from sql.core.data_dir import DataDir

LINE = b"no event\n"


@pytest.fixture
def home(tmp_path):
    return DataDir(tmp_path / "data").make()


@pytest.fixture
def spool(home):
    return Spool(home.spool).make()


def figures(home):
    account = take(home)
    assert account.missing == 0
    return account.accepted, account.open.events, account.sealed.events, account.prepared.events


def test_an_empty_spool(home):
    assert figures(home) == (0, 0, 0, 0)


@pytest.mark.parametrize("durability", Durability)
def test_open_then_sealed(home, spool, durability):
    writer = SpoolWriter(spool, "w", SpoolOptions(durability))
    writer.commit([LINE, LINE])
    assert figures(home) == (2, 2, 0, 0)
    writer.seal()
    assert figures(home) == (2, 0, 2, 0)
    writer.commit([LINE])
    assert figures(home) == (3, 1, 2, 0)
    writer.close()
    assert figures(home) == (3, 0, 3, 0)


def test_what_is_written_and_not_acknowledged_is_not_accepted_until_it_is_adopted(home, spool):
    """A writer that is killed between the disk and the answer."""
    writer = SpoolWriter(spool, "w")
    writer.commit([LINE])
    with writer._path.open("ab") as file:
        file.write(framing.frame(LINE * 2, writer._key, 1))
    assert figures(home) == (1, 1, 0, 0)
    writer._abandon()
    assert figures(home) == (1, 1, 0, 0)
    segment_files.adopt_orphans(spool)
    assert figures(home) == (3, 0, 3, 0)


@pytest.mark.parametrize(
    "behind", [WriterCounts(1, 0, 2), WriterCounts(1, 0, 1), WriterCounts()], ids=["sealed", "within", "never written"]
)
def test_a_tally_that_is_a_segment_behind_after_a_power_cut(home, spool, behind):
    writer = SpoolWriter(spool, "w")
    writer.commit([LINE, LINE])
    writer.seal()
    writer.commit([LINE])
    writer._abandon()
    path = spool.writers_dir / writer._path.stem.rpartition("-")[0]
    known = WriterCounts.read(path)
    assert known == WriterCounts(2, 2, 1)
    with path.open("r+b") as file:
        WriterCounts(1, 0, 2).write(file.fileno())
    segment_files.adopt_orphans(spool)
    assert figures(home) == (3, 0, 3, 0)


def test_acknowledged_events_that_are_not_in_their_segment_are_named(home, spool):
    writer = SpoolWriter(spool, "w")
    for _ in range(5):
        writer.commit([LINE])
    path = writer._path
    writer._abandon()
    os.truncate(path, 2 * len(framing.frame(LINE, 0, 0)))
    assert take(home).missing == 3
    [sealed] = segment_files.adopt_orphans(spool)
    assert segment_files.read(spool, sealed) == ([LINE, LINE], 3)
    assert "3 events" in next(spool.quarantine_dir.glob("*.reason")).read_text()


def test_a_segment_that_is_lost_is_missing(home, spool):
    writer = SpoolWriter(spool, "w")
    writer.commit([LINE, LINE])
    writer.seal()
    spool.sealed()[0].unlink()
    assert take(home).missing == 2


def test_a_failed_sync_is_told_apart_from_what_comes_after(home, spool, monkeypatch):
    writer = SpoolWriter(spool, "w")
    writer.commit([LINE])
    real = os.fdatasync
    monkeypatch.setattr(os, "fdatasync", lambda fd: (_ for _ in ()).throw(OSError(5, "Input/output error")))
    with pytest.raises(Exception, match="Input/output error"):
        writer.commit([LINE, LINE])
    monkeypatch.setattr(os, "fdatasync", real)
    writer.commit([LINE] * 4)
    assert figures(home) == (5, 5, 0, 0)
    segment_files.adopt_orphans(spool)
    assert figures(home) == (7, 4, 3, 0)


def test_a_writer_that_is_gone_is_counted_once(home, spool):
    writer = SpoolWriter(spool, "w")
    writer.commit([LINE, LINE])
    journal = Journal(home.root / "journal.jsonl")
    assert list(writer_counts.finished(spool.writers_dir, spool.open_dir)) == []
    writer.close()
    for _ in range(2):  # killed after the journal's line, before the file is gone
        for path, events in writer_counts.finished(spool.writers_dir, spool.open_dir):
            journal.accept(path.name, events)
        assert figures(home)[0] == 2
        journal.close()
        journal = Journal(home.root / "journal.jsonl")
    assert journal.totals.accepted == 2


def test_a_writer_that_seals_when_asked(home, spool):
    writer = SpoolWriter(spool, "w", SpoolOptions(segment_max_age_seconds=3600))
    writer.commit([LINE])
    writer.seal_if_old()
    assert figures(home) == (1, 1, 0, 0)
    spool.ask_to_seal()
    writer.seal_if_old()
    assert figures(home) == (1, 0, 1, 0)
    writer.commit([LINE])
    writer.seal_if_old()  # it was asked for the segment before
    assert figures(home) == (2, 1, 1, 0)


WRITER = textwrap.dedent("""
    import sys
    from pathlib import Path
    from collector.spool.spool import Durability, Spool, SpoolOptions, SpoolWriter
    writer = SpoolWriter(Spool(Path(sys.argv[1])), "w", SpoolOptions(Durability(sys.argv[2]), segment_bytes=60_000))
    while True:
        writer.commit([b"x" * 30 + b"\\n"] * 3)
        print("+++", end="", flush=True)
""")


@pytest.mark.parametrize("durability", Durability)
def test_the_account_holds_while_writers_are_killed(home, spool, durability):
    """It is asked all the time; at the end nothing acknowledged is uncounted."""
    rng, acknowledged, asked = random.Random(5), 0, 0
    for _ in range(6):
        run = [sys.executable, "-c", WRITER, str(spool.root), durability]
        child = subprocess.Popen(run, stdout=subprocess.PIPE)
        try:
            assert child.stdout
            acknowledged += len(os.read(child.stdout.fileno(), 1))
            until = time.monotonic() + rng.uniform(0.05, 0.3)
            while time.monotonic() < until:
                assert take(home).missing == 0
                asked += 1
        finally:
            os.kill(child.pid, signal.SIGKILL)
            acknowledged += len(child.communicate(timeout=20)[0])
        assert take(home).missing == 0
        segment_files.adopt_orphans(spool)
        assert take(home).missing == 0
    account = take(home)
    assert acknowledged <= account.accepted <= acknowledged + 6 * 3
    assert account.sealed.events == account.accepted
    assert asked > 30


def test_100_000_good_and_1_000_bad_events_are_answered_for_at_every_moment(house, event):
    """900 lines that nothing can be made of, 100 rows that ClickHouse refuses, four writers, one loader."""
    asked, wrong, over = [], [], threading.Event()

    def ask():
        while not over.wait(0.01):
            account = take(house.home)
            asked.append(account.pending)
            if account.missing:
                wrong.append(account)

    def write(which):
        writer = SpoolWriter(house.spool, f"w{which}", SpoolOptions(segment_bytes=400_000))
        for at in range(which * 25_000, which * 25_000 + 25_000, 500):
            writer.commit([encode(1, event(at).timestamp, [event(n, n % 600) for n in range(at, at + 500)])])
            if at % 2500 == 0:
                writer.commit([b"".join(b"torn line %d\n" % n for n in range(22))])
        if which == 0:
            refused = [event(1_000_000 + n, n % 60, title="refuse me" * 8) for n in range(100)]
            writer.commit([encode(1, event(0).timestamp, refused), b"bad\n" * 20])
        writer.close()

    with house.client() as client:
        client.command("alter table events modify column title FixedString(64)")
    try:
        threads = [threading.Thread(target=write, args=(which,)) for which in range(4)]
        asking = threading.Thread(target=ask)
        asking.start()
        for thread in threads:
            thread.start()
        options = LoaderOptions(batch_bytes=2_000_000, backoff_seconds=0.01)
        with Loader(house.home, house.url, options) as loader:
            while any(thread.is_alive() for thread in threads):
                loader.drain()
            loader.drain()
        over.set()
        asking.join()
    finally:
        over.set()
        with house.client() as client:
            client.command("alter table events modify column title String")
    assert wrong == []
    assert len(asked) > 20
    assert max(asked) > 10_000
    account = take(house.home)
    assert (account.accepted, account.pending) == (101_000, 0)
    assert (account.totals.stored, account.totals.duplicate, account.quarantined) == (100_000, 0, 1_000)
    with house.client() as client:
        assert client.query("select count(), uniqExact(event_id) from events").first_row == (100_000, 100_000)


def test_the_account_holds_while_a_whole_footfall_is_killed(footfall, until):
    """Collector workers, loader and engine, at random moments; it is asked all the time."""
    rng, over, sent, wrong = random.Random(3), threading.Event(), [], []

    def post():
        while not over.is_set():
            events = [{"name": "page_view", "url": "https://shop.example/"} for _ in range(50)]
            try:
                sent.append(50 if footfall.post(events) == 202 else 0)
            except (OSError, http.client.HTTPException):
                over.wait(0.05)

    posting = threading.Thread(target=post)
    posting.start()
    try:
        for role in ("worker", "loader", "engine", "worker", "loader", "worker", "loader", "loader"):
            until_then = time.monotonic() + rng.uniform(0.3, 1.2)
            while time.monotonic() < until_then:
                account = footfall.account()
                wrong += [account] if account.missing else []
            footfall.kill(role, rng.choice)
    finally:
        over.set()
        posting.join()
    until(lambda: footfall.account().pending == 0, 60, "all is loaded")
    account = footfall.account()
    assert [account.missing, *wrong] == [0]
    assert sum(sent) <= account.accepted <= sum(sent) + 50 * 8
    with footfall.client() as client:
        assert client.command("select count() from events") == account.totals.stored == account.accepted

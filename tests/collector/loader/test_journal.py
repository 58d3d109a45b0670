"""The loader's journal: whatever is cut off, what was synced is there and counted once."""

from __future__ import annotations

import datetime as dt
import errno
import json
import os
import resource
import threading
import uuid

import pytest

from collector.loader.batches import Manifest
from collector.loader.journal import Journal, Totals


def manifest(rows=3, duplicates=1, quarantined=0):
    day = dt.date(2026, 9, 21)
    return Manifest(uuid.uuid4(), ["1.seg"], rows, duplicates, quarantined, "", day, day, [])


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal.jsonl"


def again(journal):
    journal.close()
    return Journal(journal.path)


def test_intent_then_done(path):
    journal, batch = Journal(path), manifest(5, 2, 1)
    name = str(batch.batch_id)
    journal.intent(batch, "token")
    journal = again(journal)
    assert (journal.intents, journal.done, journal.totals) == ({name: "token"}, set(), Totals())
    journal.finish(batch)
    for known in (journal, again(journal)):
        assert (known.intents, known.done) == ({}, {name})
        assert known.totals == Totals(batches=1, stored=5, duplicate=2, quarantined=1)


def test_rows_that_were_refused_are_quarantined_not_stored(path):
    journal, batch = Journal(path), manifest(5, 2, 1)
    journal.finish(batch, quarantined=2)
    totals = again(journal).totals
    assert totals == Totals(1, stored=3, duplicate=2, quarantined=3)
    assert totals.stored + totals.duplicate + totals.quarantined == batch.accepted


def test_the_last_token_counts(path):
    journal, batch = Journal(path), manifest()
    for token in ("one", "two"):
        journal.intent(batch, token)
    assert list(again(journal).intents.values()) == ["two"]


def test_each_line_is_synced_before_the_next_step(path, monkeypatch):
    journal, batch, sizes, real = Journal(path), manifest(), [], os.fdatasync

    def sync(fd):
        sizes.append(os.fstat(fd).st_size)
        real(fd)

    monkeypatch.setattr(os, "fdatasync", sync)
    journal.intent(batch, "token")
    assert sizes == [path.stat().st_size]
    journal.finish(batch)
    assert sizes[1:] == [path.stat().st_size]


def test_a_torn_tail_has_not_happened(path):
    journal, first, second = Journal(path), manifest(), manifest()
    journal.intent(first, "one")
    whole = path.stat().st_size
    journal.intent(second, "two")
    data = path.read_bytes()
    for cut in range(whole, len(data)):
        path.write_bytes(data[:cut])
        found = Journal(path)
        assert list(found.intents.values()) == ["one"]
        found.intent(second, "again")  # what follows stands on a line of its own
        found = again(found)
        assert list(found.intents.values()) == ["one", "again"]
        found.close()


def test_a_torn_first_line(path):
    path.write_bytes(b'{"op":"inte')
    journal = Journal(path)
    journal.intent(manifest(), "token")
    assert len(again(journal).intents) == 1


def test_compaction_keeps_totals_and_open_intents(path):
    journal, batches, waiting = Journal(path), [manifest() for _ in range(50)], manifest()
    for batch in batches:
        journal.intent(batch, "t")
        journal.finish(batch)
        journal.forget(batch)
    journal.intent(waiting, "open")
    before = path.stat().st_size
    journal.compact()
    assert path.stat().st_size < before / 10
    for known in (journal, again(journal)):
        assert known.totals == Totals(50, 150, 50, 0)
        assert known.intents == {str(waiting.batch_id): "open"}
    journal = Journal(path)
    journal.finish(waiting)
    journal.forget(waiting)
    journal.compact()
    journal.intent(waiting, "written after a compaction")
    assert again(journal).totals == Totals(51, 153, 51, 0)
    assert path.stat().st_mode & 0o777 == 0o600


def test_forget_lets_the_name_go(path):
    journal, batch = Journal(path), manifest()
    journal.finish(batch)
    journal.forget(batch)
    journal.forget(batch)
    assert journal.done == set()
    assert journal.totals.batches == 1


def test_lines_are_json_for_people(path):
    journal, batch = Journal(path), manifest()
    journal.intent(batch, "t")
    journal.finish(batch)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["op"] for line in lines] == ["intent", "done"]
    assert {line["batch"] for line in lines} == {str(batch.batch_id)}


def test_a_line_that_was_written_in_part_is_no_success(path):
    """The kernel says by its return value that the disk took less; what is not whole must not be taken for done."""
    journal, first, second = Journal(path), manifest(), manifest()
    journal.intent(first, "one")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 20, before[1]))
    try:
        with pytest.raises(OSError):
            journal.finish(first)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert journal.totals == Totals()
    journal.intent(second, "two")
    found = again(journal)
    assert found.totals == Totals()
    assert set(found.intents.values()) == {"one", "two"}


@pytest.mark.parametrize("step", ["write", "fdatasync"])
def test_an_intent_that_is_not_on_the_disk_is_none(path, monkeypatch, step):
    journal, batch = Journal(path), manifest()

    def broken(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, step, broken)
        with pytest.raises(OSError):
            journal.intent(batch, "token")
    assert journal.intents == {}
    journal.intent(batch, "token")
    assert again(journal).intents == {str(batch.batch_id): "token"}


def test_a_compaction_that_fails_leaves_the_journal_as_it_was(path, monkeypatch):
    journal, batch = Journal(path), manifest()
    journal.finish(batch)
    journal.forget(batch)

    def broken(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", broken)
        with pytest.raises(OSError):
            journal.compact()
    journal.intent(batch, "after")
    found = again(journal)
    assert (found.totals.stored, list(found.intents.values())) == (3, ["after"])


def test_what_is_done_and_not_gone_is_not_forgotten(path):
    """Its files are still there: a journal without it would have it inserted again."""
    journal, batch = Journal(path), manifest()
    journal.finish(batch)
    journal.compact()
    journal = again(journal)
    assert journal.done == {str(batch.batch_id)}
    journal.forget(batch)
    journal.compact()
    journal = again(journal)
    assert (journal.done, journal.totals.batches) == (set(), 1)


def test_two_threads_and_a_rewriting_lose_no_line(path):
    journal, done = Journal(path), threading.Event()

    def rewrite():
        while not done.is_set():
            journal.compact()

    rewriting = threading.Thread(target=rewrite)
    rewriting.start()
    try:
        for number in range(200):
            journal.accept(f"w{number}", 2)
    finally:
        done.set()
        rewriting.join()
    assert again(journal).totals.accepted == 400


def test_a_compaction_whose_rename_was_not_synced_writes_on_in_the_file_that_has_the_name(path, monkeypatch):
    """Its lines went into a file without a name: a batch that was done came back as one in doubt."""
    journal, batch = Journal(path), manifest()
    journal.finish(batch)
    journal.forget(batch)

    def broken(*_):
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr("sql.core.files.fsync_dir", broken)
        with pytest.raises(OSError):
            journal.compact()
    journal.intent(batch, "token")
    journal.finish(batch)
    found = again(journal)
    assert (found.intents, found.totals.stored) == ({}, 6)

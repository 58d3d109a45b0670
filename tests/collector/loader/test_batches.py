"""Prepared batches: whole or not there, and never other rows than the manifest says."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import uuid
from pathlib import Path

import pyarrow as pa
import pytest

from collector.loader.batches import Batches, Manifest, Move, from_stream, to_stream
from sql.core.errors import StorageError

DAY = dt.date(2026, 9, 21)


@pytest.fixture
def batches(tmp_path):
    return Batches(tmp_path)


def batch(n=3, moves=()):
    data = to_stream(pa.table({"n": pa.array(range(n), pa.uint64()), "s": ["x"] * n}))
    digest = hashlib.sha256(data).hexdigest()
    return Manifest(uuid.uuid4(), ["1.seg", "2.seg"], n, 1, 2, digest, DAY, DAY, list(moves)), data


def test_round_trip(batches):
    manifest, data = batch(moves=[Move(1, 2**64 - 1, 5, 1_790_000_000_000, DAY, DAY)])
    batches.save(manifest, data)
    assert list(batches.waiting()) == [manifest]
    assert batches.read(manifest) == data
    assert manifest.accepted == 6


@pytest.mark.parametrize("rows", [0, 1, 1000])
def test_a_stream_is_one_block(rows):
    table = pa.table({"n": pa.chunked_array([range(rows // 2), range(rows // 2, rows)], pa.uint64())})
    data = to_stream(table)
    assert from_stream(data).equals(table.combine_chunks())
    with pa.ipc.open_stream(data) as reader:
        assert len(list(reader)) <= 1


def test_oldest_first_also_within_a_second(batches):
    saved = [batch() for _ in range(5)]
    for at, (manifest, data) in enumerate(saved):
        batches.save(manifest, data)
        moment = 1_790_000_000_000_000_000 + at
        os.utime(batches.folder / f"{manifest.batch_id}.json", ns=(moment, moment))
    assert list(batches.waiting()) == [manifest for manifest, _ in saved]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda path: path.write_bytes(path.read_bytes()[:-1]), id="cut"),
        pytest.param(lambda path: path.write_bytes(path.read_bytes() + b"\0"), id="longer"),
        pytest.param(lambda path: path.write_bytes(b"\0" + path.read_bytes()[1:]), id="other byte"),
        pytest.param(lambda path: path.write_bytes(b""), id="empty"),
        pytest.param(lambda path: path.unlink(), id="gone"),
    ],
)
def test_rows_that_do_not_match_are_a_storage_error(batches, change):
    manifest, data = batch()
    batches.save(manifest, data)
    change(batches.rows_path(manifest.batch_id))
    with pytest.raises(StorageError, match=str(manifest.batch_id)):
        batches.read(manifest)


def test_rows_without_a_manifest_are_thrown_away(batches):
    manifest, data = batch()
    batches.save(manifest, data)
    stray = batches.rows_path(uuid.uuid4())
    stray.write_bytes(data[:10])
    assert list(batches.waiting()) == [manifest]
    assert not stray.exists()


def test_the_manifest_comes_after_its_rows_are_on_the_disk(batches, monkeypatch):
    manifest, data = batch()
    real, synced = os.fsync, []

    def fsync(fd):
        name = Path(f"/proc/self/fd/{fd}").readlink().name
        synced.append((name.endswith(".arrows"), len(list(batches.folder.glob("*.json")))))
        real(fd)

    monkeypatch.setattr(os, "fsync", fsync)
    batches.save(manifest, data)
    assert synced == [(True, 0), (False, 0), (False, 1)]


def test_a_save_that_fails_leaves_no_manifest(batches, monkeypatch):
    manifest, data = batch()

    def broken(fd):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(OSError):
        batches.save(manifest, data)
    monkeypatch.undo()
    assert list(batches.waiting()) == []
    assert list(batches.folder.iterdir()) == []


def test_retired_twice_is_retired(batches):
    manifest, data = batch()
    other, _ = batch()
    batches.save(manifest, data)
    batches.save(other, data)
    for _ in range(2):
        batches.retire(manifest)
    assert list(batches.waiting()) == [other]
    assert not batches.rows_path(manifest.batch_id).exists()

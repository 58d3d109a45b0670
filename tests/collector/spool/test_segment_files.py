"""Segments whose writer died are adopted, torn tails cut, damage set aside; the living are left alone."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from collector.spool import framing, segment_files
from collector.spool.spool import Durability, Spool, SpoolOptions, SpoolWriter

WRITER = textwrap.dedent("""
    import sys
    from pathlib import Path
    from collector.spool.spool import Durability, Spool, SpoolOptions, SpoolWriter
    writer = SpoolWriter(Spool(Path(sys.argv[1])), "w", SpoolOptions(Durability(sys.argv[2]), segment_bytes=20_000))
    for n in range(10**9):
        writer.commit([f"{n} ".encode() + b"x" * 300 + b"\\n"])
        print(n, flush=True)
""")


NAME = "w-1-000001.seg"


@pytest.fixture
def folder(tmp_path):
    return Spool(tmp_path / "spool").make()


def orphan(folder: Spool, data: bytes, name: str = NAME):
    path = folder.open_dir / name
    path.write_bytes(data)
    return path


def whole(*payloads: bytes, name: str = NAME) -> bytes:
    return b"".join(framing.frame(payload, framing.key_of(Path(name)), at) for at, payload in enumerate(payloads))


@pytest.mark.parametrize("durability", Durability)
@pytest.mark.parametrize("after", [1, 75, 200])
def test_a_writer_killed_at_work_loses_nothing_it_acknowledged(folder, durability, after):
    run = [sys.executable, "-c", WRITER, str(folder.root), durability]
    child = subprocess.Popen(run, stdout=subprocess.PIPE)
    try:
        assert child.stdout
        said = b""
        while said.count(b"\n") < after:
            said += (new := os.read(child.stdout.fileno(), 65536))
            assert new, "the writer died by itself"
            assert segment_files.adopt_orphans(folder) == []
        child.kill()
        said += child.communicate(timeout=20)[0]
    finally:
        child.kill()
        child.wait()
    acknowledged = said.count(b"\n")
    adopted = segment_files.adopt_orphans(folder)
    assert len(adopted) <= 1  # none where it died between two segments
    assert list(folder.open_dir.iterdir()) == []
    found = [payload for path in folder.sealed() for payload in segment_files.read(folder, path)[0]]
    numbers = [int(line.split()[0]) for payload in found for line in payload.splitlines()]
    # One more may be in the file that nobody was told of.
    assert numbers == list(range(len(numbers)))
    assert acknowledged <= len(numbers) <= acknowledged + 1
    assert list(folder.quarantine_dir.iterdir()) == []


def test_a_live_writer_is_never_adopted(folder):
    writer = SpoolWriter(folder, "w")
    writer.commit([b"one\n"])
    assert segment_files.adopt_orphans(folder) == []
    writer.commit([b"two\n"])
    writer.seal()
    assert segment_files.adopt_orphans(folder) == []
    assert [segment_files.read(folder, path) for path in folder.sealed()] == [([b"one\n", b"two\n"], 0)]


def test_a_writer_meets_an_adopter_between_making_and_locking(folder, monkeypatch):
    import fcntl

    real, met = fcntl.flock, []

    def flock(fd, how):
        if not met:
            met.append(None)
            assert segment_files.adopt_orphans(folder) == []  # empty: it is taken away
        real(fd, how)

    monkeypatch.setattr("collector.spool.spool.fcntl.flock", flock)
    writer = SpoolWriter(folder, "w")
    writer.commit([b"one\n"])
    assert met
    writer.seal()
    assert [segment_files.read(folder, path)[0] for path in folder.sealed()] == [[b"one\n"]]


@pytest.mark.parametrize("cut", range(1, framing.HEADER.size + 5))
def test_a_torn_tail_is_cut(folder, cut):
    path = orphan(folder, whole(b"one\n", b"two\n") + whole(b"three\n")[:cut])
    [sealed] = segment_files.adopt_orphans(folder)
    assert not path.exists()
    assert sealed.read_bytes() == whole(b"one\n", b"two\n")
    assert segment_files.read(folder, sealed) == ([b"one\n", b"two\n"], 0)


def test_zeros_at_the_end_are_a_torn_tail(folder):
    orphan(folder, whole(b"one\n") + bytes(4096))
    [sealed] = segment_files.adopt_orphans(folder)
    assert sealed.read_bytes() == whole(b"one\n")


@pytest.mark.parametrize("data", [b"", whole(b"one\n")[:5], bytes(512)], ids=["empty", "torn", "zeros"])
def test_an_orphan_without_a_record_is_removed(folder, data):
    orphan(folder, data)
    assert segment_files.adopt_orphans(folder) == []
    assert list(folder.open_dir.iterdir()) == folder.sealed() == []


def test_a_damaged_record_of_full_length_is_kept(folder):
    """Its end is there, so it may have been acknowledged: the reader sets it aside and counts it."""
    data = bytearray(whole(b"only one\n"))
    data[-1] ^= 1
    orphan(folder, bytes(data))
    [sealed] = segment_files.adopt_orphans(folder)
    assert segment_files.read(folder, sealed) == ([], 1)
    assert [path.stat().st_size for path in folder.quarantine_dir.glob("*.damaged")] == [len(data)]


def test_an_adopted_segment_is_on_the_disk(folder, monkeypatch):
    orphan(folder, whole(b"one\n"))
    real, synced = os.fsync, []

    def fsync(fd):
        synced.append(Path(f"/proc/self/fd/{fd}").readlink().name)
        real(fd)

    monkeypatch.setattr(os, "fsync", fsync)
    segment_files.adopt_orphans(folder)
    assert synced == ["w-1-000001.seg", "sealed"]


def test_several_orphans_keep_their_order(folder):
    for n in (3, 1, 2):
        orphan(folder, whole(b"%d\n" % n, name=f"w-1-00000{n}.seg"), f"w-1-00000{n}.seg")
    adopted = segment_files.adopt_orphans(folder)
    assert [segment_files.read(folder, path)[0] for path in adopted] == [[b"1\n"], [b"2\n"], [b"3\n"]]
    assert folder.sealed() == adopted


def test_damage_before_the_end_is_set_aside_and_the_rest_read(folder):
    data = bytearray(whole(b"one\n", b"two\n", b"three\n"))
    start, end = len(whole(b"one\n")), len(whole(b"one\n", b"two\n"))
    data[end - 1] ^= 1
    orphan(folder, bytes(data) + b"torn")
    [sealed] = segment_files.adopt_orphans(folder)
    assert sealed.read_bytes() == bytes(data)
    assert segment_files.read(folder, sealed) == ([b"one\n", b"three\n"], 1)
    kept = folder.quarantine_dir / f"{sealed.stem}.{start}-{end}.damaged"
    assert kept.read_bytes() == bytes(data[start:end])
    assert kept.stat().st_mode & 0o777 == 0o600
    assert "1 events" in kept.with_suffix(".reason").read_text()


def test_reading_twice_sets_aside_once(folder):
    data = bytearray(whole(b"one\n", b"two\n"))
    data[9] ^= 1
    path = folder.sealed_dir / f"1~2~{NAME}"
    path.write_bytes(data)
    assert segment_files.read(folder, path) == segment_files.read(folder, path)
    assert len(list(folder.quarantine_dir.iterdir())) == 2  # the bytes, and the reason


def test_what_is_no_segment_is_left_alone(folder):
    (folder.open_dir / "notes.txt").write_text("mine")
    (folder.sealed_dir / ".1.seg.tmp").write_text("half")
    assert segment_files.adopt_orphans(folder) == folder.sealed() == []
    assert (folder.open_dir / "notes.txt").exists()


def test_an_orphan_of_a_failed_commit_is_adopted(folder, monkeypatch):
    writer = SpoolWriter(folder, "w", SpoolOptions())
    writer.commit([b"one\n"])
    writer._abandon()
    assert len(segment_files.adopt_orphans(folder)) == 1

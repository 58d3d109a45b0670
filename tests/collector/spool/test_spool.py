"""The spool: what is acknowledged is in a segment, whatever the disk does."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from collector.spool import framing, spool
from collector.spool.segment_files import adopt_orphans
from collector.spool.spool import Durability, Spool, SpoolFull, SpoolOptions, SpoolWriter, events_of
from collector.spool.writer_counts import WriterCounts
from sql.core.errors import StorageError

ONE = b"x" * 87 + b"\n"  # 100 bytes with its frame


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def folder(tmp_path):
    return Spool(tmp_path / "spool").make()


@pytest.fixture
def syncs(monkeypatch):
    """Counts syncs of files and lets them through."""
    real, done = os.fdatasync, []

    def counted(fd):
        done.append(fd)
        real(fd)

    monkeypatch.setattr(os, "fdatasync", counted)
    return done


def records(folder: Spool) -> list[bytes]:
    """Everything that a loader would get, orphans included; nothing may be damaged."""
    adopt_orphans(folder)
    found = [framing.read(path.read_bytes(), framing.key_of(path)) for path in folder.sealed()]
    assert [segment.damaged for segment in found if segment.damaged] == []
    return [line for segment in found for payload in segment.payloads for line in payload.splitlines(keepends=True)]


def failing(monkeypatch, name, number=errno.EIO, when=lambda *args: True):
    """``os.<name>`` fails from now on where ``when`` holds; call the result to repair it."""
    real, broken = getattr(os, name), [True]

    def call(*args, **more):
        if broken and when(*args):
            raise OSError(number, os.strerror(number))
        return real(*args, **more)

    monkeypatch.setattr(os, name, call)
    return broken.clear


@pytest.mark.parametrize("durability", Durability)
def test_round_trip(folder, durability):
    writer = SpoolWriter(folder, "w", SpoolOptions(durability))
    written = [b"%d" % n * (n * 37 + 1) + b"\n" for n in range(200)]
    for at in range(0, 200, 7):
        writer.commit(written[at : at + 7])
    assert folder.sealed() == []
    writer.seal()
    assert not writer.is_open
    assert records(folder) == written
    assert list(folder.open_dir.iterdir()) == []
    assert {p.stat().st_mode & 0o777 for p in folder.sealed()} == {0o600}


def test_sealing_nothing_leaves_nothing(folder):
    writer = SpoolWriter(folder, "w")
    writer.seal()
    writer.seal_if_old()
    assert folder.sealed() == []


def test_sealed_by_size(folder):
    writer = SpoolWriter(folder, "w", SpoolOptions(segment_bytes=300))
    for n in range(7):
        writer.commit([ONE])
        assert len(folder.sealed()) == (n + 1) // 3
    assert writer.is_open


def test_sealed_by_age_of_its_first_record(folder):
    clock = Clock()
    writer = SpoolWriter(folder, "w", SpoolOptions(segment_max_age_seconds=10), clock)
    for _ in range(2):
        clock.now += 100
        writer.commit([ONE])
        clock.now += 8
        writer.commit([ONE])
        writer.seal_if_old()
        assert writer.is_open
        clock.now += 2
        writer.seal_if_old()
        assert not writer.is_open
    assert len(folder.sealed()) == 2


def test_sealed_segments_are_in_the_order_of_their_sealing(folder):
    writers = [SpoolWriter(folder, name, SpoolOptions(segment_bytes=1)) for name in "zyx"]
    for n in range(30):
        writers[n % 3].commit([b"%d" % n])
    assert records(folder) == [b"%d" % n for n in range(30)]


def test_two_writers_of_one_name_at_once(folder):
    program = """
        import sys
        from pathlib import Path
        from collector.spool.spool import Spool, SpoolOptions, SpoolWriter
        writer = SpoolWriter(Spool(Path(sys.argv[1])), "same", SpoolOptions(segment_bytes=2000))
        for n in range(300):
            writer.commit([f"{sys.argv[2]}-{n}".encode()])
        writer.seal()
    """
    run = [sys.executable, "-c", textwrap.dedent(program), str(folder.root)]
    children = [subprocess.Popen([*run, name]) for name in "ab"]
    while any(child.poll() is None for child in children):
        assert adopt_orphans(folder) == []
    assert [child.returncode for child in children] == [0, 0]
    found = records(folder)
    for name in "ab":
        assert [r for r in found if r.startswith(name.encode())] == [f"{name}-{n}".encode() for n in range(300)]
    assert len(found) == 600


def test_fsync_means_one_sync_a_commit(folder, syncs):
    writer = SpoolWriter(folder, "w", SpoolOptions(Durability.FSYNC))
    for n in range(1, 6):
        writer.commit([ONE] * n)
        assert len(syncs) == n


def test_a_commit_is_written_before_it_is_synced(folder, monkeypatch):
    sizes, real = [], os.fdatasync

    def look(fd):
        sizes.append(os.fstat(fd).st_size)
        real(fd)

    monkeypatch.setattr(os, "fdatasync", look)
    writer = SpoolWriter(folder, "w")
    writer.commit([ONE, ONE])
    writer.commit([ONE])
    assert sizes == [188, 288]  # what is committed together has one frame


def test_os_means_no_sync_at_all(folder, syncs, monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda fd: pytest.fail("synced"))
    writer = SpoolWriter(folder, "w", SpoolOptions(Durability.OS, segment_bytes=250))
    for _ in range(5):
        writer.commit([ONE])
    writer.seal()
    assert syncs == []
    assert len(records_without_sync(folder)) == 5


def records_without_sync(folder):
    return [p for path in folder.sealed() for p in framing.read(path.read_bytes(), framing.key_of(path)).payloads]


def test_new_names_are_synced_too(folder, monkeypatch):
    synced = []
    monkeypatch.setattr(spool, "fsync_dir", synced.append)
    writer = SpoolWriter(folder, "w")
    writer.commit([ONE])
    assert synced == [folder.writers_dir, folder.open_dir]
    writer.seal()
    assert synced == [folder.writers_dir, folder.open_dir, folder.sealed_dir]


def test_a_full_spool_says_so_and_recovers(folder):
    writer = SpoolWriter(folder, "w", SpoolOptions(total_bytes=350, segment_bytes=100))
    for _ in range(3):
        writer.commit([ONE])
    for _ in range(2):
        with pytest.raises(SpoolFull) as full:
            writer.commit([ONE])
        assert full.value.hint
    assert len(records(folder)) == 3
    folder.sealed()[0].unlink()  # the loader retired it
    writer.commit([ONE])
    assert len(records(folder)) == 3


def test_what_others_wrote_counts_too(folder):
    (folder.sealed_dir / "1.seg").write_bytes(b"x" * 400)
    with pytest.raises(SpoolFull):
        SpoolWriter(folder, "w", SpoolOptions(total_bytes=450)).commit([ONE])
    SpoolWriter(folder, "w", SpoolOptions(total_bytes=500)).commit([ONE])


def test_a_record_that_is_none_harms_nothing(folder):
    writer = SpoolWriter(folder, "w")
    writer.commit([ONE])
    with pytest.raises(ValueError, match="a record must have"):
        writer.commit([ONE, b"x" * (framing.MAX_PAYLOAD + 1)])
    writer.commit([b"after"])
    writer.seal()
    assert records(folder) == [ONE, b"after"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_no_space_is_a_full_spool(folder, monkeypatch, number):
    writer = SpoolWriter(folder, "w")
    repair = failing(monkeypatch, "write", number)
    with pytest.raises(SpoolFull, match="no disk space"):
        writer.commit([ONE])
    repair()
    writer.commit([b"after"])
    writer.seal()
    assert records(folder) == [b"after"]


def test_a_disk_that_fills_up_keeps_what_it_acknowledged(tmp_path):
    """On a real small disk where one can be mounted, else under the kernel's limit of file sizes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=96k", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True).returncode:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (90_000, before[1]))
            fill(disk, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, before))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        return
    try:
        ballast = disk / "ballast"
        ballast.write_bytes(b"x" * 20_000)
        fill(disk, ballast.unlink)
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def fill(disk: Path, make_room) -> None:
    folder = Spool(disk / "spool")
    writer = SpoolWriter(folder, "w", SpoolOptions(segment_bytes=2**30))
    acknowledged = []

    def send(count):
        for n in range(count):
            record = b"%d-%d-" % (len(acknowledged), n) + b"r" * 1500
            try:
                writer.commit([record])
            except SpoolFull:
                continue
            acknowledged.append(record)

    send(100)
    assert 10 < len(acknowledged) < 70
    full = len(acknowledged)
    send(3)
    make_room()
    send(5)
    assert len(acknowledged) == full + 5
    writer.close()
    assert records(folder) == acknowledged


def test_a_half_written_record_is_taken_back(folder, monkeypatch):
    writer = SpoolWriter(folder, "w")
    writer.commit([b"before"])
    real, calls = os.write, []

    def torn(fd, data):
        calls.append(len(data))
        if len(calls) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(fd, data[:40] if len(calls) == 1 else data)

    monkeypatch.setattr(os, "write", torn)
    with pytest.raises(SpoolFull):
        writer.commit([ONE])
    writer.commit([b"after"])
    writer.seal()
    assert calls[0] == 100
    assert records(folder) == [b"before", b"after"]


def test_short_writes_are_continued(folder, monkeypatch):
    real = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: real(fd, data[:7]))
    writer = SpoolWriter(folder, "w")
    writer.commit([ONE, b"two\n"])
    writer.seal()
    assert records(folder) == [ONE, b"two\n"]


def test_what_cannot_be_taken_back_is_left_to_the_loader(folder, monkeypatch):
    writer = SpoolWriter(folder, "w")
    writer.commit([b"before"])
    real = os.write
    repair = failing(monkeypatch, "ftruncate")
    calls = []

    def half(fd, data):
        calls.append(data)
        if len(calls) > 1:
            raise OSError(errno.EIO, "Input/output error")
        return real(fd, data[:40])

    monkeypatch.setattr(os, "write", half)
    with pytest.raises(StorageError):
        writer.commit([ONE])
    repair()
    monkeypatch.setattr(os, "write", real)
    writer.commit([b"after"])
    writer.seal()
    assert sorted(records(folder)) == [b"after", b"before"]


def test_after_a_failed_sync_the_file_is_not_written_again(folder, monkeypatch):
    writer = SpoolWriter(folder, "w")
    writer.commit([b"before"])
    [first] = folder.open_dir.iterdir()
    repair = failing(monkeypatch, "fdatasync")
    with pytest.raises(StorageError):
        writer.commit([b"doubtful"])
    repair()
    size = first.stat().st_size
    writer.commit([b"after"])
    assert first.stat().st_size == size
    writer.seal()
    found = records(folder)
    assert {b"before", b"after"} <= set(found) <= {b"before", b"doubtful", b"after"}


def test_a_segment_that_cannot_be_made(folder, monkeypatch):
    writer = SpoolWriter(folder, "w")
    repair = failing(monkeypatch, "open", errno.EMFILE)
    with pytest.raises(StorageError):
        writer.commit([ONE])
    repair()
    writer.commit([b"after"])
    writer.seal()
    assert records(folder) == [b"after"]


def test_a_segment_whose_name_cannot_be_synced(folder, monkeypatch):
    """The writer starts anew: neither length nor age of the segment before it count for the next one."""
    clock = Clock()
    writer = SpoolWriter(folder, "w", SpoolOptions(segment_bytes=400, segment_max_age_seconds=10), clock)
    for _ in range(3):
        writer.commit([ONE])
    writer.seal()
    clock.now += 60
    repair = failing(monkeypatch, "fsync")
    with pytest.raises(StorageError):
        writer.commit([b"unsynced"])
    repair()
    real, calls = os.write, []

    def torn(fd, data):
        calls.append(data)
        if len(calls) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(fd, data[:40])

    monkeypatch.setattr(os, "write", torn)
    with pytest.raises(SpoolFull):
        writer.commit([ONE])
    monkeypatch.setattr(os, "write", real)
    writer.commit([ONE])
    writer.seal_if_old()
    assert writer.is_open
    writer.seal()
    assert records(folder) == [ONE] * 4


@pytest.mark.parametrize("step", ["rename", "fsync of the name"])
def test_a_seal_that_fails_within_a_commit_does_not_unsay_it(folder, monkeypatch, step):
    """The record is on the disk: it is acknowledged, or not there, but never refused with an unknown error."""
    writer = SpoolWriter(folder, "w", SpoolOptions(segment_bytes=100))
    acknowledged, real, broken = [], {"rename": Path.rename, "fsync": spool.fsync_dir}, [True]

    def rename(path, target):
        if broken and step == "rename":
            raise OSError(errno.EIO, "Input/output error")
        return real["rename"](path, target)

    def fsync_dir(path):
        if broken and step != "rename" and path == folder.sealed_dir:
            raise OSError(errno.EMFILE, "Too many open files")
        real["fsync"](path)

    monkeypatch.setattr(Path, "rename", rename)
    monkeypatch.setattr(spool, "fsync_dir", fsync_dir)
    for n in range(3):
        record = b"%d" % n + ONE
        try:
            writer.commit([record])
        except StorageError:
            continue
        acknowledged.append(record)
    broken.clear()
    writer.commit([b"after" + ONE])
    writer.seal()
    assert records(folder) == [*acknowledged, b"after" + ONE]


def test_a_sealed_segment_is_never_written_again(folder, monkeypatch):
    """Once it lies in ``sealed/`` the loader reads and deletes it: what is added later would be lost."""
    writer = SpoolWriter(folder, "w")
    writer.commit([b"one"])
    real = spool.fsync_dir

    def fsync_dir(path):
        if path == folder.sealed_dir:
            raise OSError(errno.EMFILE, "Too many open files")
        real(path)

    monkeypatch.setattr(spool, "fsync_dir", fsync_dir)
    with contextlib.suppress(OSError, StorageError):
        writer.seal()
    monkeypatch.setattr(spool, "fsync_dir", real)
    loaded = []
    for path in folder.sealed():  # what a loader does
        loaded += framing.read(path.read_bytes(), framing.key_of(path)).payloads
        path.unlink()
    writer.commit([b"two"])
    writer.seal()
    assert loaded + records(folder) == [b"one", b"two"]


def test_size_is_of_what_waits(folder):
    assert folder.size() == 0
    (folder.open_dir / "a.seg").write_bytes(b"x" * 10)
    (folder.sealed_dir / "b.seg").write_bytes(b"x" * 5)
    (folder.quarantine_dir / "c").write_bytes(b"x" * 100)
    assert folder.size() == 15


def test_folders_are_for_the_owner_alone(folder):
    assert {path.stat().st_mode & 0o777 for path in folder.root.iterdir()} == {0o700}


@pytest.mark.parametrize("broken", ["os.fdatasync", "os.write", "collector.spool.writer_counts.WriterCounts.write"])
def test_an_interruption_at_any_moment_of_a_commit_leaves_the_account_right(tmp_path, monkeypatch, broken):
    """Ctrl-c during an import's sync: the record is in the file, and must be in the count."""
    spool = Spool(tmp_path)
    writer = SpoolWriter(spool, "import")
    writer.commit([b"one\n"])
    real = {
        "os.fdatasync": os.fdatasync,
        "os.write": os.write,
        "collector.spool.writer_counts.WriterCounts.write": WriterCounts.write,
    }[broken]

    def interrupted(*args):
        real(*args)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(broken, interrupted)
        with pytest.raises(KeyboardInterrupt):
            writer.commit([b"two\nthree\n"])
    writer.close()
    adopt_orphans(spool)
    held = sum(events_of(path) or 0 for path in spool.sealed())
    assert held == 3
    assert sum(WriterCounts.read(path).accepted for path in spool.writers_dir.iterdir()) == held


def test_what_is_larger_than_a_record_becomes_several(tmp_path):
    """A batch of 30,000 events is more than 16 MB: it was answered 500, with all that was committed beside it."""
    spool = Spool(tmp_path)
    writer = SpoolWriter(spool, "test", SpoolOptions(segment_bytes=2**30))
    line = b"x" * 999 + b"\n"
    writer.commit([b"before\n", line * 40_000, b"after\n"])
    writer.close()
    (path,) = spool.sealed()
    found = framing.read(path.read_bytes(), framing.key_of(path))
    assert b"".join(found.payloads) == b"before\n" + line * 40_000 + b"after\n"
    assert (found.events, found.damaged) == (40_002, [])
    assert max(map(len, found.payloads)) <= framing.MAX_PAYLOAD

"""Durable files: replaced whole or not at all, and locks that die with their holder."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from sql.core.files import OwnedLock, fsync_dir, write_atomic

HOLDER = """
import sys
from pathlib import Path
from sql.core.files import OwnedLock
lock = OwnedLock(Path(sys.argv[1]), "footfall test")
print(lock.try_acquire(), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "file"


def test_written_and_replaced(path):
    write_atomic(path, b"one", mode=0o600)
    first = path.stat()
    assert (path.read_bytes(), first.st_mode & 0o777) == (b"one", 0o600)
    reader = path.open("rb")
    write_atomic(path, b"two")
    assert path.read_bytes() == b"two"
    assert reader.read() == b"one"  # whoever reads has the old or the new one
    reader.close()
    assert os.listdir(path.parent) == ["file"]  # noqa: PTH208


def test_on_the_disk_before_it_has_its_name(path, monkeypatch):
    real, seen = os.fsync, []

    def fsync(fd):
        seen.append((path.exists(), os.fstat(fd).st_size))
        real(fd)

    monkeypatch.setattr(os, "fsync", fsync)
    write_atomic(path, b"data")
    assert seen[0] == (False, 4)
    assert [exists for exists, _ in seen] == [False, True]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failure_leaves_the_old_one_and_nothing_else(path, monkeypatch, step):
    path.write_bytes(b"old")

    def broken(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(*((os, "fsync") if step == "fsync" else (type(path), "replace")), broken)
    with pytest.raises(OSError, match="space"):
        write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(path.parent) == ["file"]  # noqa: PTH208


def test_fsync_dir_needs_a_directory(path):
    path.touch()
    fsync_dir(path.parent)
    with pytest.raises(NotADirectoryError):
        fsync_dir(path)


def test_one_at_a_time(path):
    one, other = OwnedLock(path, "one"), OwnedLock(path, "other")
    assert one.try_acquire()
    assert not other.try_acquire()
    assert not other.acquire(0.02)
    assert other.holder() == f"process {os.getpid()} (one)"
    one.release()
    one.release()
    assert other.holder() == ""
    assert other.acquire(0)
    other.release()


def test_held(path):
    with OwnedLock(path, "one").held(0) as first, OwnedLock(path, "two").held(0) as second:
        assert (first, second) == (True, False)
    with OwnedLock(path, "three").held(0) as third:
        assert third


def test_one_that_failed_releases_nothing_of_the_holder(path):
    one, other = OwnedLock(path, "one"), OwnedLock(path, "other")
    assert one.try_acquire()
    assert not other.try_acquire()
    other.release()
    assert not other.try_acquire()
    assert other.holder().endswith("(one)")


def test_nobody_holds_what_is_not_there(path):
    assert OwnedLock(path, "x").holder() == ""


def test_the_kernel_lets_go_for_a_killed_holder(path):
    child = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert child.stdout
        assert child.stdout.readline() == "True\n"
        lock = OwnedLock(path, "mine")
        assert not lock.try_acquire()
        assert lock.holder() == f"process {child.pid} (footfall test)"
    finally:
        child.kill()
        child.communicate()
    assert lock.try_acquire()
    assert lock.holder() == f"process {os.getpid()} (mine)"
    lock.release()


def test_a_child_does_not_inherit_the_lock(path):
    lock = OwnedLock(path, "mine")
    assert lock.try_acquire()
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, close_fds=False)
    try:
        lock.release()
        # The kernel lets the parent go on a moment before it closes the files of the new program.
        assert lock.acquire(10)
        lock.release()
    finally:
        child.kill()
        child.communicate()

"""Durable file primitives: an owned lock, an atomic write, a directory sync."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from sql.core.errors import StorageError


def fsync_dir(path: Path) -> None:
    """Make renames and new names inside ``path`` durable."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def write_atomic(path: Path, data: bytes, mode: int = 0o600, owner: tuple[int, int] | None = None) -> None:
    """Replace ``path`` with ``data``: temporary file, fsync, rename, directory fsync.

    ``mode`` is the file's, whatever the umask; ``owner`` user and group, where they are not to be this process's.
    """
    tmp = path.with_name(f".{secrets.token_hex(8)}.tmp")
    fd = os.open(tmp, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(fd, "wb") as out:
            if owner is not None and owner != (os.geteuid(), os.getegid()):
                os.fchown(fd, *owner)
            os.fchmod(fd, mode)
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        tmp.replace(path)
    except BaseException:
        tmp.unlink(missing_ok=True)
        raise
    fsync_dir(path.parent)


class OwnedLock:
    """An advisory file lock that tells who holds it.

    The kernel releases it when the holder dies, so there is no stale lock. The file's text
    (``pid what``) is for people: it names the holder in an error message.
    """

    def __init__(self, path: Path, what: str) -> None:
        self.path = path
        self.what = what
        self.abandoned = False
        """Whether the holder before this one died holding it; known once it is acquired."""
        self._fd: int | None = None

    def try_acquire(self) -> bool:
        """Take the lock if it is free; False when somebody else holds it.

        Raises StorageError where there can be no such file.
        """
        try:
            fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as exc:
            raise StorageError(f"cannot open the lock {self.path}: {exc.strerror}") from exc
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            os.close(fd)
            if isinstance(exc, BlockingIOError):
                return False
            raise StorageError(f"cannot lock {self.path}: {exc.strerror}") from exc
        self._fd = fd
        with contextlib.suppress(OSError):  # on a full disk it is held all the same, by a holder without a name
            self.abandoned = os.fstat(fd).st_size > 0
            os.ftruncate(fd, 0)
            os.pwrite(fd, f"{os.getpid()} {self.what}\n".encode(), 0)
        return True

    def acquire(self, timeout: float, stop: threading.Event | None = None) -> bool:
        """Wait up to ``timeout`` seconds for the lock, or until ``stop`` is set."""
        deadline = time.monotonic() + timeout
        while not self.try_acquire():
            if time.monotonic() >= deadline or (stop is not None and stop.is_set()):
                return False
            time.sleep(0.01)
        return True

    def is_free(self) -> bool:
        """Whether nobody holds it at this moment."""
        try:
            fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return True
        try:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        finally:
            os.close(fd)
        return True

    def release(self) -> None:
        """Let go; safe to call when not held."""
        if self._fd is not None:
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, 0)
            os.close(self._fd)
            self._fd = None

    def abandon(self) -> None:
        """Let go as if this process had died, so that the next holder takes it for ``abandoned`` too."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def holder(self) -> str:
        """``process 123 (footfall serve)``, or an empty string when nobody says."""
        try:
            pid, _, what = self.path.read_text().strip().partition(" ")
        except OSError:
            return ""
        return f"process {pid} ({what})" if pid else ""

    @contextlib.contextmanager
    def held(self, timeout: float) -> Iterator[bool]:
        """Context that yields whether the lock was taken, and releases it."""
        taken = self.acquire(timeout)
        try:
            yield taken
        finally:
            if taken:
                self.release()

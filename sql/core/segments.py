"""While who belongs to segments is written, nobody else writes it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sql.core.data_dir import DataDir
from sql.core.errors import EngineBusy
from sql.core.files import OwnedLock

WAIT = 60.0


@contextmanager
def refreshing(home: DataDir, what: str) -> Iterator[None]:
    """Hold the lock of segments as ``what``: two refreshes at once would find the same changes twice.

    Raises EngineBusy where somebody else holds it for longer than a minute.
    """
    lock = OwnedLock(home.make().segments_lock, what)
    with lock.held(WAIT) as taken:
        if not taken:
            raise EngineBusy(f"segments are being refreshed by {lock.holder() or 'another process'}", "try again")
        yield

"""The partitions, held while stored rows are changed by somebody else than the loader."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from collector.loader.journal import read_state
from sql.core.data_dir import DataDir
from sql.core.errors import EngineBusy, StorageError
from sql.core.files import OwnedLock


@contextmanager
def held(home: DataDir, what: str, wait: float) -> Iterator[None]:
    """The partitions lock, with no batch in doubt: one that was begun is completed by what of it is missing.

    Raises EngineBusy (``wait`` seconds did not do) and StorageError (a batch has not been confirmed).
    """
    lock = OwnedLock(home.partitions_lock, what)
    with lock.held(wait) as taken:
        if not taken:
            raise EngineBusy(f"the partitions are in use by {lock.holder() or 'another process'}", "try again")
        if read_state(home.root).intents:
            raise StorageError("a batch has not been confirmed", "run `footfall flush` first")
        yield

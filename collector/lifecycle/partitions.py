"""The partitions, held while stored rows are changed by somebody else than the loader."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from collector.loader.journal import read_state
from sql.core.data_dir import DataDir
from sql.core.errors import StorageError
from sql.core.files import OwnedLock
from sql.schema.locked import locked

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client


@contextmanager
def held(client: Client, home: DataDir, what: str, wait: float) -> Iterator[None]:
    """The partitions lock, with no batch in doubt: one that was begun is completed by what of it is missing.

    Raises EngineBusy (``wait`` seconds did not do) and StorageError (a batch has not been confirmed).
    """
    with locked(client, OwnedLock(home.partitions_lock, what), wait, "the partitions are in use by {}"):
        if read_state(home.root).intents:
            raise StorageError("a batch has not been confirmed", "run `footfall flush` first")
        yield

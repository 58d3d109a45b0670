"""While who belongs to segments is written, nobody else writes it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sql.core.data_dir import DataDir
from sql.core.files import OwnedLock
from sql.schema.locked import locked

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

WAIT = 60.0


@contextmanager
def refreshing(client: Client, home: DataDir, what: str) -> Iterator[None]:
    """Hold the lock of segments as ``what``: two refreshes at once would find the same changes twice.

    Raises EngineBusy where somebody else holds it for longer than a minute.
    """
    lock = OwnedLock(home.make().segments_lock, what)
    with locked(client, lock, WAIT, "segments are being refreshed by {}"):
        yield

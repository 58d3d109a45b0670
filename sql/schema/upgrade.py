"""Bringing the schema up to date while nobody writes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sql.core.data_dir import DataDir
from sql.core.files import OwnedLock
from sql.schema import migrate
from sql.schema.locked import locked

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client


def bring_up_to_date(
    client: Client,
    home: DataDir,
    on_step: Callable[[migrate.Step], None] = lambda step: None,
    wait: float = 30.0,
) -> list[migrate.Step]:
    """Apply what is pending under the partitions lock; returns it.

    Raises SchemaError, and EngineBusy when a loader or a rebuild holds the lock longer than ``wait`` seconds.
    """
    if not migrate.pending(client):
        return []
    lock = OwnedLock(home.partitions_lock, "footfall schema")
    with locked(client, lock, wait, "{} is writing", "try again in a moment"):
        return migrate.apply(client, on_step)

"""Closing days on request: the same as the loader does while it is idle."""

from __future__ import annotations

from typing import TYPE_CHECKING

from collector.lifecycle.partitions import held
from collector.loader.close import Closing, carry_out
from sql.core.data_dir import DataDir

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client


def close(
    client: Client,
    home: DataDir,
    closings: list[Closing],
    wait: float = 60.0,
) -> None:
    """Carry out ``closings``, the partitions lock held for one month at a time. Safe to interrupt and to run again.

    Raises EngineBusy (no lock within ``wait`` seconds) and StorageError (a batch is in doubt).
    """
    for closing in closings:
        with held(client, home, "footfall close", wait):
            carry_out(client, closing)

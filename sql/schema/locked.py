"""Locks on what is stored: whoever has one finds nothing half done by a holder that was killed or lost its engine.

The kernel frees the locks of a process when it dies, but the engine carries on with the statement that it had sent: a
month could be swapped in over what the next holder has brought in meanwhile. So whoever takes a lock from the dead
first waits until nothing is being written. Then what was about to be swapped in is.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sql.core.errors import EngineBusy
from sql.core.files import OwnedLock
from sql.core.queries import query
from sql.schema import swaps

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_POLL_SECONDS = 0.02
# Which tables a lock is for; all others have the partitions lock.
_TABLES = {
    "definitions.lock": ("definitions", "identity_log", "user_groups"),
    "sites.lock": ("sites", "write_keys"),
    "exports.lock": ("export_members", "exports", "work_export"),
    "segments.lock": ("segment_members", "segment_refreshes", "work_members"),
}
_OF_OTHERS = frozenset(name for names in _TABLES.values() for name in names)


@contextmanager
def locked(client: Client, lock: OwnedLock, wait: float, busy: str, hint: str = "try again") -> Iterator[None]:
    """``lock``, with everything settled that a holder before has left.

    Raises EngineBusy where somebody else holds it longer than ``wait`` seconds (``busy`` takes their name), or where
    the statement of a dead holder runs longer than that.
    """
    with lock.held(wait) as taken:
        if not taken:
            raise EngineBusy(busy.format(lock.holder() or "another process"), hint)
        try:
            settle(client, lock, wait)
        except BaseException:
            lock.abandon()
            raise
        yield


def settle(client: Client, lock: OwnedLock, wait: float) -> None:
    """Wait until what a holder before has sent is over, where it was killed; then finish what it was swapping in.

    Raises EngineBusy after ``wait`` seconds. Whoever gives up then has to ``abandon`` the lock, for the next holder.
    """
    tables = _TABLES.get(lock.path.name, ())
    run = swaps.running(client)
    left = [side for side in swaps.side_tables(run) if _is_of(swaps.owner(side), tables)]
    if lock.abandoned or left:
        deadline = time.monotonic() + wait
        while int(str(client.command(query("engine/writing"), parameters={"tables": list(tables)}))):
            if time.monotonic() >= deadline:
                said = "a statement of a process that was killed is still running"
                raise EngineBusy(said, "try again when it is over")
            time.sleep(_POLL_SECONDS)
        swaps.finish(run, [side for side in swaps.side_tables(run) if _is_of(swaps.owner(side), tables)])
    lock.abandoned = False


def _is_of(table: str, tables: tuple[str, ...]) -> bool:
    return table in tables if tables else table not in _OF_OTHERS

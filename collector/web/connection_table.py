"""The connections of one worker: so many, and so many of one client. When there is no room the one that is missed least
goes: an idle one, the oldest first, then the one that has been sending its request for longest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar


class Connection(Protocol):
    """What the table needs to know. ``client`` names who is at the other end, empty where that must not count."""

    client: bytes
    waiting_since: float | None

    @property
    def idle(self) -> bool:
        """Nothing is being answered, and nothing has come of the next request."""

    def let_go(self) -> None:
        """Close it."""


C = TypeVar("C", bound=Connection)


class ConnectionTable(Generic[C]):
    """At most ``most`` connections, and ``most_of_client`` (0: no bound) of one client."""

    def __init__(self, most: int, most_of_client: int) -> None:
        self.most = most
        self.most_of_client = most_of_client
        self._all: dict[C, None] = {}
        self._of: dict[bytes, dict[C, None]] = {}

    def __iter__(self) -> Iterator[C]:
        return iter(list(self._all))

    def __len__(self) -> int:
        return len(self._all)

    def add(self, connection: C) -> None:
        """One more; another goes, or this one, where there is no room."""
        client = connection.client
        full = self.most_of_client and client and len(self._of.get(client, ())) >= self.most_of_client
        if full and not self._make_room(self._of[client]):
            return connection.let_go()
        if len(self._all) >= self.most and not self._make_room(self._all):
            return connection.let_go()
        self._all[connection] = None
        self._of.setdefault(client, {})[connection] = None
        return None

    def remove(self, connection: C) -> None:
        """It is gone; nothing happens where it was removed before."""
        self._all.pop(connection, None)
        if (its := self._of.get(connection.client)) is not None:
            its.pop(connection, None)
            if not its:
                del self._of[connection.client]

    def _make_room(self, among: dict[C, None]) -> bool:
        gone = next((connection for connection in among if connection.idle), None)
        if gone is None:
            late = [connection for connection in among if connection.waiting_since is not None]
            gone = min(late, key=lambda connection: connection.waiting_since or 0.0, default=None)
        if gone is None:  # all are being answered
            return False
        self.remove(gone)
        gone.let_go()
        return True

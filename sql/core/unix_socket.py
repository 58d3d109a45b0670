"""HTTP over a unix socket in the data directory.

Whoever may not write to that directory can neither connect to the engine nor take its place when it has died: there is
no port that somebody else could listen on.
"""

from __future__ import annotations

import http.client
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from urllib3 import HTTPConnectionPool, PoolManager
from urllib3.connection import HTTPConnection
from urllib3.exceptions import NewConnectionError

# What fits into an address of this kind, in bytes.
_LONGEST = 107


@contextmanager
def address_of(path: Path) -> Iterator[str]:
    """A socket's address, while the context lasts: its path, or where that is too long a way around."""
    if len(os.fsencode(path)) <= _LONGEST:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def connected(path: Path, timeout: float | None = None) -> socket.socket:
    """A socket that is connected to the one at ``path``. Raises OSError where nobody listens."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.settimeout(timeout)
        with address_of(path) as address:
            sock.connect(address)
    except BaseException:
        sock.close()
        raise
    return sock


class PlainConnection(http.client.HTTPConnection):
    """The standard library's connection, to a socket's path."""

    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        """Connect to the path."""
        self.sock = connected(self._path, self.timeout)


class _Connection(HTTPConnection):
    path: Path

    def _new_conn(self) -> socket.socket:
        timeout = self.timeout if isinstance(self.timeout, int | float) else None
        try:
            return connected(self.path, timeout)
        except OSError as exc:
            raise NewConnectionError(self, f"nothing listens at {self.path}: {exc.strerror}") from exc


class SocketPool(PoolManager):
    """urllib3's pools, every connection to the socket at ``path``."""

    def __init__(self, path: Path, **options: Any) -> None:
        super().__init__(**options)
        self._connection = type("Connection", (_Connection,), {"path": path})

    def _new_pool(
        self, scheme: str, host: str, port: int, request_context: dict[str, Any] | None = None
    ) -> HTTPConnectionPool:
        pool = super()._new_pool(scheme, host, port, request_context)
        pool.ConnectionCls = self._connection
        return pool

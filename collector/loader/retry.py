"""A client that waits: while ClickHouse is away or overloaded, try again with backoff and jitter."""

from __future__ import annotations

import logging
import random
import re
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from collector.logs import without_values
from sql.client import connect
from sql.core.errors import EngineError, EngineTooOld
from sql.engine.ping import ping

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

log = logging.getLogger("footfall.loader")
# While nothing answers, how often (seconds) it is looked whether something does.
LOOK_SECONDS = 1.0
# Errors that say something about the statement, the schema or the rights, not about the moment: they pass only when
# somebody does something. Unknown function, column, type, setting, table or database; syntax; not implemented, not
# enabled, not granted.
LASTING = frozenset({46, 47, 48, 50, 60, 62, 81, 115, 344, 497})
_TOO_LONG = re.compile(r"HTTP status 41[34]\b")
T = TypeVar("T")


class Stopped(Exception):
    """Asked to stop or to end while ClickHouse was away; what is open is settled at the next start."""


class RetryingClient:
    """One thread's way to ClickHouse. Pauses in seconds; one ends early where ClickHouse answers that did not before.

    ``stop`` and ``finish`` end the waiting, not the work.
    """

    def __init__(self, url: str, stop: threading.Event, pause: float, longest: float) -> None:
        self.url = url
        self.stop = stop
        self.pause = pause
        self.longest = longest
        self.finish = threading.Event()
        self._client: Client | None = None

    def do(self, work: Callable[[Client], T]) -> T:
        """``work`` with a client, again after every error that may pass. Raises Stopped, and errors of our own."""
        pause = self.pause
        while True:
            try:
                return self.once(work)
            except Exception as exc:
                if not _may_pass(exc):
                    raise
                why = without_values(getattr(exc, "message", exc))
                if lasts(exc):
                    pause = self.longest
                    log.error("ClickHouse rejects the request, and retrying alone will not help: %s", why)
                log.warning("ClickHouse: %s; retrying in about %.1f s", why, pause)
            self._wait(pause * random.uniform(0.5, 1.5))  # noqa: S311 (jitter, not a secret)
            pause = min(pause * 2, self.longest)

    def once(self, work: Callable[[Client], T]) -> T:
        """``work`` with a client, tried once. Raises what it raises."""
        try:
            if self._client is None:
                self._client = connect(self.url, direct=False, wait=1.0)
            return work(self._client)
        except BaseException:
            self.close()
            raise

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        away = bool(ping(self.url))
        while (left := until - time.monotonic()) > 0 and not self.finish.is_set():
            if self.stop.wait(min(left, LOOK_SECONDS)):
                break
            if away and not ping(self.url):
                return
        if self.stop.is_set() or self.finish.is_set():
            raise Stopped

    def close(self) -> None:
        """Let go of the connection; the next ``do`` opens a new one."""
        if self._client is not None:
            self._client.close()
            self._client = None


def lasts(exc: Exception) -> bool:
    """Whether the error will stay until somebody changes the server, its schema, the rights or this program."""
    return getattr(exc, "code", None) in LASTING or bool(_TOO_LONG.search(str(exc)))


def _may_pass(exc: Exception) -> bool:
    """Whether trying again can help: always, unless our own code or data is wrong."""
    if isinstance(exc, EngineTooOld):
        return False
    if isinstance(exc, EngineError | TimeoutError | OSError):
        return True
    return type(exc).__module__.startswith(("clickhouse_connect", "urllib3"))

"""Group commit: all requests that wait for the disk at one moment share one write and one sync."""

from __future__ import annotations

import asyncio
import logging
import queue
import threading

from collector.spool import Durability, SpoolWriter
from sql.errors import StorageError

log = logging.getLogger("footfall.collector")
_Group = list[tuple[bytes, "asyncio.Future[None]"]]


class GroupCommit:
    """Appends for one event loop. ``append`` returns when the record is as durable as the writer's options say.

    With fsync the writer belongs to a thread, so that the loop goes on while the disk works; with durability
    ``os`` it belongs to the loop, since a write to the page cache takes less than the way to a thread and back.
    """

    def __init__(self, writer: SpoolWriter) -> None:
        self.writer = writer
        self._waiting: _Group = []
        self._busy = False
        self._threaded = writer.options.durability is Durability.FSYNC
        self._groups: queue.SimpleQueue[tuple[asyncio.AbstractEventLoop, _Group] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._seal_timer: asyncio.TimerHandle | None = None

    async def append(self, payload: bytes) -> None:
        """Wait until ``payload`` is in the spool. Raises SpoolFull and StorageError."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        self._waiting.append((payload, done))
        if not self._busy:
            # Not at once: what else arrives in this turn of the loop shares the sync.
            self._busy = True
            loop.call_soon(self._dispatch, loop)
        await done

    def _dispatch(self, loop: asyncio.AbstractEventLoop) -> None:
        group, self._waiting = self._waiting, []
        if not self._threaded:
            self._done(loop, group, self._commit(group))
            if self._seal_timer is None:
                self._seal_timer = loop.call_later(self.writer.options.segment_seconds, self._seal_in_loop, loop)
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="spool", daemon=True)
            self._thread.start()
        self._groups.put((loop, group))

    def _done(self, loop: asyncio.AbstractEventLoop, group: _Group, error: Exception | None) -> None:
        for _, done in group:
            if not done.done():
                done.set_exception(error) if error else done.set_result(None)
        self._busy = bool(self._waiting)
        if self._busy:
            self._dispatch(loop)

    def _commit(self, group: _Group) -> Exception | None:
        try:
            self.writer.commit([payload for payload, _ in group])
        except Exception as exc:
            return exc
        return None

    def _work(self) -> None:
        """The writer's thread: groups as they come, and a seal when a segment grows old meanwhile."""
        while True:
            try:
                item = self._groups.get(timeout=self.writer.options.segment_seconds if self.writer.is_open else None)
            except queue.Empty:
                self._seal()
                continue
            if item is None:
                return
            loop, group = item
            error = self._commit(group)
            loop.call_soon_threadsafe(self._done, loop, group, error)
            self._seal()

    def _seal_in_loop(self, loop: asyncio.AbstractEventLoop) -> None:
        self._seal()
        again = self.writer.is_open
        self._seal_timer = (
            loop.call_later(self.writer.options.segment_seconds, self._seal_in_loop, loop) if again else None
        )

    def _seal(self) -> None:
        try:
            self.writer.seal_if_old()
        except StorageError as exc:
            log.warning("cannot seal a segment, trying again: %s", exc)

    async def close(self) -> None:
        """Write what waits, seal, and stop."""
        while self._busy:
            await asyncio.sleep(0.001)
        if self._seal_timer is not None:
            self._seal_timer.cancel()
        if self._thread is not None:
            self._groups.put(None)
            await asyncio.get_running_loop().run_in_executor(None, self._thread.join)
        self.writer.seal()

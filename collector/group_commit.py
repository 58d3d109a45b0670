"""Group commit: all requests that wait for the disk at one moment share one write and one sync."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from collector.spool import Durability, SpoolWriter

log = logging.getLogger("footfall.collector")


class GroupCommit:
    """Appends for one event loop. ``append`` returns when the record is as durable as the writer's options say."""

    def __init__(self, writer: SpoolWriter) -> None:
        self.writer = writer
        self._pool = ThreadPoolExecutor(1, "spool")
        self._waiting: list[tuple[bytes, asyncio.Future[None]]] = []
        self._at_work: asyncio.Task[None] | None = None
        self._sealer: asyncio.Task[None] | None = None

    async def append(self, payload: bytes) -> None:
        """Wait until ``payload`` is in the spool. Raises SpoolFull and StorageError."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        self._waiting.append((payload, done))
        if self._at_work is None:
            self._at_work = loop.create_task(self._work())
        await done

    async def _work(self) -> None:
        try:
            while self._waiting:
                group, self._waiting = self._waiting, []
                error: Exception | None = None
                try:
                    await self._on_writer(self.writer.commit, [payload for payload, _ in group])
                except Exception as exc:
                    error = exc
                for _, done in group:
                    if not done.cancelled():
                        done.set_exception(error) if error else done.set_result(None)
                if self._sealer is None:
                    self._sealer = asyncio.get_running_loop().create_task(self._seal_when_old())
        finally:
            self._at_work = None

    async def _seal_when_old(self) -> None:
        try:
            while self.writer.is_open:
                await asyncio.sleep(self.writer.options.segment_seconds)
                try:
                    await self._on_writer(self.writer.seal_if_old)
                except OSError as exc:
                    log.warning("cannot seal a segment, trying again: %s", exc)
        finally:
            self._sealer = None

    async def _on_writer(self, step: Callable[..., None], *args: Any) -> None:
        """One step of the writer, never two at once: on the loop itself where it only touches the page cache
        (that takes less than the hop to a thread), else in the one thread."""
        if self.writer.options.durability is Durability.OS:
            step(*args)
        else:
            await asyncio.get_running_loop().run_in_executor(self._pool, step, *args)

    async def close(self) -> None:
        """Write what waits, seal, and stop."""
        if self._sealer is not None:
            self._sealer.cancel()
        while self._at_work is not None:
            await self._at_work
        await self._on_writer(self.writer.seal)
        self._pool.shutdown()

"""The loader: takes sealed segments in order, prepares batches, brings each into ClickHouse exactly once.

Two stages run side by side: while one thread commits a batch, the other decodes and enriches the next.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from collector import commit, segments
from collector.batches import Batches, Manifest, to_stream
from collector.journal import Journal
from collector.prepare import Gathered, gather, prepare, set_aside
from collector.sites import Registry
from collector.spool import Spool
from sql.client import boot_of, connect
from sql.errors import EngineBusy, EngineError, EngineUnavailable
from sql.files import OwnedLock
from sql.home import Home

if TYPE_CHECKING:
    import pyarrow as pa
    from clickhouse_connect.driver.client import Client

log = logging.getLogger("footfall.loader")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class LoaderOptions:
    """Bounds. ``batch_bytes`` is segment bytes a batch takes at most (always at least one segment)."""

    batch_bytes: int = 24 * 1024 * 1024
    poll_seconds: float = 0.1
    backoff_seconds: float = 0.2
    backoff_limit: float = 15.0


class Stopped(Exception):
    """The loader was asked to stop while it waited for ClickHouse; what is open is settled at the next start."""


class Loader:
    """The one loader of a data directory. Use it as a context: it holds the leader lock inside.

    Raises EngineBusy on entry when another loader runs.
    """

    def __init__(
        self,
        home: Home,
        url: str,
        options: LoaderOptions | None = None,
        stop: threading.Event | None = None,
        on_batch: Callable[[Manifest], None] = lambda manifest: None,
    ) -> None:
        self.home = home
        self.url = url
        self.options = options or LoaderOptions()
        self.stop = stop or threading.Event()
        self.on_batch = on_batch
        self.spool = Spool(home.spool).make()
        self.batches = Batches(self.spool.prepared_dir)
        self.registry = Registry(home.sites_file)
        self._lock = OwnedLock(home.loader_lock, "footfall loader")
        self._partitions = OwnedLock(home.partitions_lock, "footfall loader")
        self._client: Client | None = None
        self._worker = ThreadPoolExecutor(1, "commit")
        self._in_hand: set[str] = set()

    def __enter__(self) -> Loader:
        if not self._lock.try_acquire():
            raise EngineBusy(f"another loader runs: {self._lock.holder() or 'unknown process'}", "stop it, or let it do the work")
        self.journal = Journal(self.home.root / "journal.jsonl")
        return self

    def __exit__(self, *_: object) -> None:
        self._worker.shutdown(wait=True)
        self.journal.close()
        self._drop_client()
        self._lock.release()

    def run(self) -> None:
        """Load until asked to stop, then finish what was begun."""
        try:
            self.recover()
        except Stopped:
            return
        while not self.stop.is_set():
            if not self.load_waiting():
                self.stop.wait(self.options.poll_seconds)
                segments.adopt_orphans(self.spool)

    def drain(self) -> int:
        """Load everything that is sealed or orphaned; returns how many batches that took."""
        self.recover()
        segments.adopt_orphans(self.spool)
        return self.load_waiting()

    def recover(self) -> None:
        """Bring batches that an earlier loader left to their end."""
        for manifest in self.batches.waiting():
            log.info("batch %s was left by an earlier loader", manifest.batch_id)
            if str(manifest.batch_id) in self.journal.done:
                self._retire(manifest)
            else:
                self._commit_saved(manifest)
        self.journal.compact()

    def load_waiting(self) -> int:
        """Load the segments that are sealed now, and those sealed meanwhile; returns the number of batches."""
        count = 0
        running: Future[None] | None = None
        try:
            while not self.stop.is_set() and (paths := self._next_segments()):
                self._in_hand |= {path.name for path in paths}
                gathered = gather(self.spool, paths, self.registry)
                if running:
                    running.result()
                running = self._worker.submit(self._commit, gathered)
                count += 1
        finally:
            if running:
                running.result()
        return count

    def _next_segments(self) -> list[Path]:
        taken: list[Path] = []
        size = 0
        for path in self.spool.sealed():
            if path.name in self._in_hand:
                continue
            size += path.stat().st_size
            if taken and size > self.options.batch_bytes:
                break
            taken.append(path)
        return taken

    def _commit(self, gathered: Gathered) -> None:
        try:
            with self._partitions_held():
                manifest, data = self._patiently(lambda client: prepare(gathered, client, self.registry))
                self.batches.save(manifest, data)
                self._commit_rows(manifest, data)
        except Stopped:
            log.info("stopped while ClickHouse was away; the segments wait")

    def _commit_saved(self, manifest: Manifest) -> None:
        with self._partitions_held():
            self._commit_rows(manifest, self.batches.read(manifest))

    def _commit_rows(self, manifest: Manifest, data: bytes) -> None:
        """From a durable batch to a retired one. Whatever happened before, it ends counted once."""
        token = self.journal.intents.get(str(manifest.batch_id))
        doubtful = token is not None
        quarantined = 0

        def attempt(client: Client) -> None:
            nonlocal token, doubtful, quarantined
            boot = boot_of(client, self.url)
            if token is None or not token.endswith(boot):
                # Tokens are not trusted across a restart of the engine: this one names its life.
                token = f"{manifest.batch_id}@{boot}"
                self.journal.intent(manifest, token)
            if doubtful:
                quarantined = commit.settle(client, manifest, data, self._quarantine(manifest), token)
                return
            doubtful = True
            commit.insert(client, manifest, data, token)

        self._patiently(attempt)
        self.journal.finish(manifest, quarantined)
        self._retire(manifest)
        self.on_batch(manifest)

    def _quarantine(self, manifest: Manifest) -> Callable[[pa.Table, str], None]:
        def keep(rows: pa.Table, reason: str) -> None:
            name = f"{manifest.batch_id}.row-{rows['batch_seq'][0].as_py()}"
            set_aside(self.spool, name, to_stream(rows), reason)
            log.error("ClickHouse refuses row %s: %s", name, reason)

        return keep

    def _retire(self, manifest: Manifest) -> None:
        for name in manifest.segments:
            (self.spool.sealed_dir / name).unlink(missing_ok=True)
            self._in_hand.discard(name)
        self.batches.retire(manifest)
        self.journal.forget(manifest)

    def _patiently(self, work: Callable[[Client], T]) -> T:
        """Do ``work`` with a client; while ClickHouse is away or overloaded, wait with backoff and jitter."""
        pause = self.options.backoff_seconds
        while True:
            try:
                if self._client is None:
                    self._client = connect(self.url, direct=False, wait=1.0)
                return work(self._client)
            except Exception as exc:
                self._drop_client()
                if not _may_pass(exc):
                    raise
                log.warning("ClickHouse: %s; trying again in about %.1f s", str(exc).split("\n", 1)[0], pause)
            if self.stop.wait(pause * random.uniform(0.5, 1.5)):  # noqa: S311 (jitter, not a secret)
                raise Stopped
            pause = min(pause * 2, self.options.backoff_limit)

    def _drop_client(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def _partitions_held(self) -> _Held:
        return _Held(self._partitions, self.stop)


class _Held:
    """The partitions lock, waited for as long as it takes."""

    def __init__(self, lock: OwnedLock, stop: threading.Event) -> None:
        self.lock = lock
        self.stop = stop

    def __enter__(self) -> None:
        while not self.lock.acquire(1.0):
            if self.stop.is_set():
                raise Stopped
            log.info("waiting for %s, which holds the partitions", self.lock.holder() or "another process")

    def __exit__(self, *_: object) -> None:
        self.lock.release()
        time.sleep(0)


def _may_pass(exc: Exception) -> bool:
    """Whether trying again can help: always, unless our own code or data is wrong."""
    if isinstance(exc, EngineError | EngineUnavailable | TimeoutError | OSError):
        return True
    return type(exc).__module__.startswith(("clickhouse_connect", "urllib3"))

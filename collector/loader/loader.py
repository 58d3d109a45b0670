"""The loader: takes sealed segments in order, prepares batches, brings each into ClickHouse exactly once.

Three stages run side by side: one thread decodes and enriches, one assigns visits and makes the batch durable,
one brings it into ClickHouse. A batch is stitched on what is stored and on the batch before it, which is durable
by then and on its way.
"""

from __future__ import annotations

import datetime as dt
import gc
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from collector.enrich.referrer_spam import SpamHosts
from collector.enrich.versions import versions
from collector.ingest.identity_keys import identity_keys
from collector.loader import close, insert
from collector.loader.batches import Batches, Manifest, to_stream
from collector.loader.conduct import Past
from collector.loader.journal import JOURNAL, Journal
from collector.loader.prepare import SEEN_WINDOWS, Gathered, Prepared, gather, prepare
from collector.loader.retry import RetryingClient, Stopped
from collector.loader.seen_filter import SeenIds
from collector.loader.status import Publisher
from collector.logs import ABOUT, without_values
from collector.settings import LOADER
from collector.sites.event_schema_definitions import EVENT_SCHEMA
from collector.sites.network_definitions import NETWORK
from collector.sites.registry import SiteRegistry
from collector.sites.table import all_sites, changing
from collector.sites.tombstones import Tombstones, publish_tombstones
from collector.spool import segment_files, writer_counts
from collector.spool.spool import Spool, events_of
from sql import definitions
from sql.client import boot_of
from sql.core.data_dir import DataDir
from sql.core.errors import EngineBusy
from sql.core.files import OwnedLock, fsync_dir
from sql.core.queries import query
from sql.schema import closing
from sql.schema.locked import settle

if TYPE_CHECKING:
    import pyarrow as pa
    from clickhouse_connect.driver.client import Client

log = logging.getLogger("footfall.loader")
# How often segments of dead writers are looked for, also while there is other work.
ADOPT_SECONDS = 0.5
NOT_YET = -1e9
# The journal is rewritten as its totals when it has grown so large, in bytes.
JOURNAL_BYTES = 1024 * 1024
# Readers apply what moved visits changed until it is written into the parts: asked for after so many visits.
PATCHED_VISITS = 10_000
# How long (seconds) the statement of a process that was killed is waited for before that is told.
SETTLE_SECONDS = 60.0
# Days of sites of which it is remembered that they were told by which version they are derived.
TOLD_DAYS = 100_000
# How often, while nothing else is to do, days are looked for that are over.
CLOSE_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class LoaderOptions:
    """Bounds. ``batch_bytes`` and ``batch_events`` are what a batch takes of segments at most (always at least one
    segment): memory goes by both, and small events are many. ``idempotency_days`` is how far apart two events of
    one id may lie and still count once."""

    batch_bytes: int = 27 * 1024 * 1024
    batch_events: int = 100_000
    spam_file: Path | None = None
    poll_seconds: float = 0.1
    backoff_seconds: float = 0.2
    backoff_limit: float = 15.0
    idempotency_days: int = LOADER.idempotency_days


class Loader:
    """The one loader of a data directory. Use it as a context: it holds the leader lock inside.

    Raises EngineBusy on entry when another loader runs.
    """

    def __init__(
        self,
        home: DataDir,
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
        self.registry = SiteRegistry(home.sites_file)
        self._lock = OwnedLock(home.loader_lock, "footfall loader")
        self._partitions = OwnedLock(home.partitions_lock, "footfall loader")
        backoff = (self.options.backoff_seconds, self.options.backoff_limit)
        self._asking = RetryingClient(url, self.stop, *backoff)
        self._sending = RetryingClient(url, self.stop, *backoff)
        self._reader = ThreadPoolExecutor(1, "gather")
        self._past = Past()
        self._worker = ThreadPoolExecutor(1, "commit")
        self._window = dt.timedelta(days=self.options.idempotency_days)
        self._seen = SeenIds()
        self._spam = SpamHosts(self.options.spam_file)
        self._versions = dict(versions(self.options.spam_file))
        self._told: set[tuple[int, dt.date]] = set()
        self._tombstones = Tombstones(home.tombstones_file, identity_keys(home).user)
        self._adopted = NOT_YET
        self._in_hand: set[str] = set()
        self._moved = 0
        self._number = 0
        self._looked = NOT_YET
        self._closings: list[close.Closing] = []

    def __enter__(self) -> Loader:
        if not self._lock.try_acquire():
            raise EngineBusy(
                f"another loader is running: {self._lock.holder() or 'unknown process'}",
                "stop it, or let it load the events",
            )
        # A batch makes some hundred thousand tuples at once, none in a cycle: the collector's walks over them
        # took three quarters of the time it takes to build a batch.
        gc.set_threshold(2_000_000, 20, 100)
        self.journal = Journal(self.home.root / JOURNAL)
        self.publisher = Publisher(self.home, self.url, self.journal)
        return self

    def __exit__(self, *_: object) -> None:
        self._reader.shutdown(wait=True)
        self._worker.shutdown(wait=True)
        self.publisher.close()
        self.journal.close()
        self._asking.close()
        self._sending.close()
        self._lock.release()

    def run(self, finish: threading.Event) -> None:
        """Load until ``finish`` is set, then empty the spool and end; ``stop`` ends it with what is begun.

        Where ClickHouse is away when it is told to finish, the spool keeps what waits.
        """
        self._asking.finish = self._sending.finish = finish
        try:
            self._publish()
            self.recover()
            while not finish.is_set() and not self.stop.is_set():
                if not self.load_waiting() and not self._close_days():
                    finish.wait(self.options.poll_seconds)
            self._adopted = NOT_YET
            self.load_waiting()
        except Stopped:
            log.info("stopped while ClickHouse was unavailable; events that are not loaded yet stay in the spool")

    def drain(self) -> int:
        """Load everything that is sealed or orphaned; returns how many batches that took.

        Raises Stopped when ``stop`` was set while ClickHouse was away.
        """
        self._publish()
        self.recover()
        self._adopted = NOT_YET
        return self.load_waiting()

    def _publish(self) -> None:
        """Write the files of sites, event schemas and tombstones, from the tables: a backup may come without them.

        The loader itself dates events by the zones of sites. Tables without a site replace no file.
        """

        def work(client: Client) -> None:
            if all_sites(client):
                with changing(client, self.home):  # at its end sites are published
                    definitions.publish(client, self.home, EVENT_SCHEMA)
                    definitions.publish(client, self.home, NETWORK)
                    publish_tombstones(client, self.home)

        self._asking.do(work)

    def _close_days(self) -> bool:
        """Close the days of one month that are over, where it is time to look; returns whether there were any.

        Loading does not depend on it: what cannot be closed now is left for the next time.
        """
        if self.journal.intents:
            return False
        if not self._closings and time.monotonic() - self._looked > CLOSE_SECONDS:
            self._looked = time.monotonic()
            self._closings = self._asking.do(lambda client: close.plan(client, dt.datetime.now(dt.UTC)))
        if not self._closings:
            return False
        closing_ = self._closings.pop(0)
        self._hold_partitions()
        try:
            self._asking.once(lambda client: self._close(client, closing_))
            log.info("%d days of %d closed in %s", len(closing_.days), closing_.month, closing_.table.name)
        except Exception as exc:
            why = without_values(getattr(exc, "message", exc))
            log.warning("days of %d cannot be closed in %s: %s", closing_.month, closing_.table.name, why)
        finally:
            self._release_partitions()
        return True

    def recover(self) -> None:
        """Bring batches that an earlier loader left to their end."""
        waiting = list(self.batches.waiting())
        self._number = max([self._asking.do(closing.last_batch), *(manifest.number for manifest in waiting)])
        for manifest in waiting:
            log.info("batch %s was left unfinished by an earlier loader", manifest.batch_id)
            if str(manifest.batch_id) in self.journal.done:
                self._retire(manifest)
            else:
                data = self.batches.read(manifest)
                if not manifest.number:  # prepared by a version that did not count
                    self._number += 1
                    days = insert.days_of(manifest, data)
                    manifest = msgspec.structs.replace(manifest, number=self._number, days=days)
                self._bring_in(manifest, data)
        self.journal.done.clear()  # no file of theirs is left
        self._count_writers()
        self.journal.compact()

    def load_waiting(self) -> int:
        """Load the segments that are sealed now, and those sealed meanwhile; returns the number of batches."""
        count = 0
        flight: Prepared | None = None
        landing: Future[None] | None = None
        try:
            gathering = self._gather_next()
            while gathering is not None:
                gathered = gathering.result()
                gathering = self._gather_next()
                if flight and landing and (landing.done() or flight.manifest.moves):
                    # Moves change visits that the next batch may touch: let them be stored first.
                    landing.result()
                    flight = None
                made = self._prepare(gathered, flight)
                if landing:
                    landing.result()
                flight, landing = made, self._worker.submit(self._bring_in, made.manifest, made.data)
                count += 1
        finally:
            if landing:
                landing.result()
        return count

    def _gather_next(self) -> Future[Gathered] | None:
        """Start reading the next segments; None if the spool is empty or the loader is stopping."""
        if self.stop.is_set() or not (paths := self._next_segments()):
            return None
        self._in_hand |= {path.name for path in paths}
        return self._reader.submit(
            gather, self.spool, paths, self.registry, self._spam, self._past.minutes, self._tombstones
        )

    def _prepare(self, gathered: Gathered, flight: Prepared | None) -> Prepared:
        def work(client: Client) -> Prepared:
            if self._seen.full:
                self._seen.load(client, dt.datetime.now(dt.UTC).date() - SEEN_WINDOWS * self._window)
                if flight:  # durable, but perhaps not stored yet
                    self._seen.add(flight.ids)
            made = prepare(gathered, client, self.registry, self._seen, flight, self._window)
            told = msgspec.structs.replace(made.manifest, number=self._number + 1, made_by=self._untold(made.manifest))
            made = replace(made, manifest=told)
            self.batches.save(made.manifest, made.data)
            return made

        made = self._asking.do(work)
        self._number += 1
        self._seen.add(made.ids)
        self._past.add(gathered.minutes)
        return made

    def _untold(self, manifest: Manifest) -> dict[str, str]:
        """The versions that derive a batch, where a day of it was not told of them yet."""
        if self._told.issuperset(manifest.days):
            return {}
        if len(self._told) > TOLD_DAYS:
            self._told.clear()
        self._told.update(manifest.days)
        return self._versions

    def _next_segments(self) -> list[Path]:
        if time.monotonic() - self._adopted > ADOPT_SECONDS:
            segment_files.adopt_orphans(self.spool)
            self._count_writers()
            self._adopted = time.monotonic()
        taken: list[Path] = []
        size = events = 0
        for path in self.spool.sealed():
            if path.name in self._in_hand:
                continue
            try:
                size += path.stat().st_size
            except FileNotFoundError:  # retired while we looked
                continue
            events += events_of(path) or 0
            full = size > self.options.batch_bytes or events > self.options.batch_events
            if taken and (full or path.suffix != taken[0].suffix):
                break
            taken.append(path)
        return taken

    def _count_writers(self) -> None:
        """Take into the journal what writers that are gone have accepted."""
        for path, events in writer_counts.finished(self.spool.writers_dir, self.spool.open_dir):
            self.journal.accept(path.name, events)
            path.unlink()
            fsync_dir(self.spool.writers_dir)
        if self.journal.size > JOURNAL_BYTES:
            self.journal.compact()

    def _bring_in(self, manifest: Manifest, data: bytes) -> None:
        """From a durable batch to a retired one. Whatever happened before, it ends counted once."""
        ABOUT.set({"batch": str(manifest.batch_id)})
        token = self.journal.intents.get(str(manifest.batch_id))
        doubtful = token is not None
        quarantined = 0

        def attempt(client: Client) -> None:
            nonlocal token, doubtful, quarantined
            boot = boot_of(client, self.url)
            if token is None or not token.endswith(boot):
                # Tokens are not trusted across a restart of the engine: this one names its life.
                named = f"{manifest.batch_id}@{boot}"
                self.journal.intent(manifest, named)  # where this fails, nothing was announced
                token = named
            began = time.monotonic()
            settle(client, self._partitions, SETTLE_SECONDS)  # at each try: what the last one was swapping in too
            if doubtful:
                quarantined = insert.reconcile(client, manifest, data, self._quarantine(manifest), token)
            else:
                doubtful = True
                insert.insert(client, manifest, data, token)
            self._moved += len(manifest.moves)
            if self._moved >= PATCHED_VISITS:
                client.command(query("loader/apply_patches"), settings={"mutations_sync": 0})
                self._moved = 0
            self.publisher.inserted(time.monotonic() - began)
            self.journal.finish(manifest, quarantined)  # where this fails, the batch is counted at the next try

        self._hold_partitions()
        try:
            self._sending.do(attempt)
        finally:
            self._release_partitions()
        self._retire(manifest)
        self.on_batch(manifest)

    def _close(self, client: Client, closing_: close.Closing) -> None:
        settle(client, self._partitions, SETTLE_SECONDS)
        close.carry_out(client, closing_)

    def _hold_partitions(self) -> None:
        while not self._partitions.acquire(1.0):
            if self.stop.is_set():
                raise Stopped
            log.info("waiting for %s, which holds the partitions", self._partitions.holder() or "another process")

    def _release_partitions(self) -> None:
        """Let go; where what a dead holder left could not be settled, the next one is to know of it too."""
        if self._partitions.abandoned:
            self._partitions.abandon()
        else:
            self._partitions.release()

    def _quarantine(self, manifest: Manifest) -> Callable[[pa.Table, str], None]:
        def keep(rows: pa.Table, reason: str) -> None:
            name = f"{manifest.batch_id}.row-{rows['batch_seq'][0].as_py()}"
            segment_files.set_aside(self.spool, name, ".bin", to_stream(rows), reason)
            log.error("ClickHouse rejects row %s; see the reason in quarantine", name)

        return keep

    def _retire(self, manifest: Manifest) -> None:
        for name in manifest.segments:
            (self.spool.sealed_dir / name).unlink(missing_ok=True)
            self._in_hand.discard(name)
        # Segments must be gone for good before the batch that answers for them is.
        fsync_dir(self.spool.sealed_dir)
        self.batches.retire(manifest)
        self.journal.forget(manifest)

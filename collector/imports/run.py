"""Imports: events from files go the way of live ones, through the spool and the loader.

What is in the spool is safe: it is loaded now, by the loader that runs or by one of our own, or later, by the
next that runs. The spool is left half free for the collector.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import itertools
import secrets
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from collector.event.model import SpooledEvent
from collector.loader.loader import Loader, LoaderOptions
from collector.spool.framing import MAX_PAYLOAD
from collector.spool.lines import encode
from collector.spool.spool import Spool, SpoolFull, SpoolOptions, SpoolWriter
from sql.client import embedded_home, opened
from sql.core import queries
from sql.core.data_dir import DataDir
from sql.core.errors import EngineBusy, SchemaError
from sql.core.files import write_atomic
from sql.engine import server
from sql.schema import migrate

if TYPE_CHECKING:
    from types import TracebackType

RECORD_EVENTS = 1_000
COMMIT_RECORDS = 10
MAX_SPOOL_BYTES = 512 * 1024 * 1024
POLL_SECONDS = 0.05


def new_import_id(kind: str, now: float) -> str:
    """A name for one import, such as ``access-log-20261101T120000Z-1f2e``; ``now`` in seconds since 1970."""
    return f"{kind}-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(now))}-{secrets.token_hex(2)}"


def import_secret(home: DataDir) -> bytes:
    """The key of imported events' ids, 32 random bytes, made at first use. Without it a second import counts again."""
    path = home.root / "import.key"
    if not path.exists():
        fresh = home.root / f".import.key.{secrets.token_hex(4)}"
        write_atomic(fresh, secrets.token_bytes(32), mode=0o600)
        with contextlib.suppress(FileExistsError):  # another import was first
            path.hardlink_to(fresh)
        fresh.unlink()
    return path.read_bytes()


class Import:
    """One import into one site; a context manager. ``spooled`` counts the events that are safe.

    ``url`` is the database's. Raises SchemaError on entry where the schema is not up to date, EngineBusy and
    EngineUnavailable where the database cannot be reached.
    """

    def __init__(
        self,
        home: DataDir,
        url: str,
        site_id: int,
        import_id: str,
        options: SpoolOptions | None = None,
        loading: LoaderOptions | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        options = options or SpoolOptions()
        self.spooled = 0
        self.bots = 0
        """How many of the stored events are of flagged bots."""
        self.finished = False
        """Whether all is loaded, so that ``stored``, ``bots`` and ``days`` are known."""
        self.stored = 0
        self.days: tuple[dt.date, dt.date] | None = None
        """First and last local day of the stored events; None where nothing was stored."""
        self.import_id = import_id
        self._home = home
        self._url = url
        self._site_id = site_id
        self._clock = clock
        self._loading_options = loading
        self._received_at = 0
        self._spool = Spool(home.spool)
        bound = min(options.total_bytes // 2, MAX_SPOOL_BYTES)
        self._writer = SpoolWriter(self._spool, "import", replace(options, total_bytes=bound), clock)
        self._stop = threading.Event()
        self._loading = threading.Thread(target=self._load, name="import-loader")
        self._error: BaseException | None = None
        self._open = contextlib.ExitStack()

    def __enter__(self) -> Import:
        with contextlib.ExitStack() as opening:
            if (home := embedded_home(self._url)) is not None:
                opening.enter_context(server.alongside(home))
            with opened(self._url, direct=False, what="footfall import") as client:
                if migrate.pending(client):
                    raise SchemaError("the database schema does not match this version", "run `footfall init`")
            self._loading.start()
            self._open = opening.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._writer.close()
        finally:
            self._stop.set()
            self._loading.join()
            self._open.close()

    def add(self, events: Iterable[SpooledEvent], on_commit: Callable[[], None] = lambda: None) -> None:
        """Spool events; ``on_commit`` is called whenever some more are safe.

        Waits while the spool is full. Raises StorageError where it cannot be written.
        """
        source = iter(events)
        while True:
            payloads = []
            count = 0
            for _ in range(COMMIT_RECORDS):
                if not (chunk := list(itertools.islice(source, RECORD_EVENTS))):
                    break
                count += len(chunk)
                payloads += self._records(chunk)
            if not payloads:
                return
            self._commit(payloads)
            self.spooled += count
            on_commit()

    def seal(self) -> None:
        """Let what was added be loaded now. Raises what stopped the loader."""
        self._check()
        self._writer.seal()

    def finish(self, on_wait: Callable[[int], None] = lambda segments: None) -> int:
        """Wait until all is loaded; returns how many events this import stored: others were there before.

        ``on_wait`` is told again and again how many segments are left. Raises what stopped the loader.
        """
        self._writer.seal()
        while left := self._waiting():
            self._check()
            on_wait(left)
            time.sleep(POLL_SECONDS)
        with opened(self._url, direct=False, what="footfall import") as client:
            parameters = {"site": self._site_id, "import_id": self.import_id}
            [row] = client.query(queries.query("events/of_import"), parameters=parameters).result_rows
        self.stored, self.bots, first, last = row
        self.days = (first, last) if self.stored else None
        self.finished = True
        return self.stored

    def _records(self, events: list[SpooledEvent]) -> list[bytes]:
        # Equal times in a file are told apart by arrival, so no record arrives together with the one before.
        self._received_at = max(self._received_at + 1, int(self._clock() * 1000))
        payload = encode(self._site_id, self._received_at, events, self.import_id)
        if len(payload) <= MAX_PAYLOAD or len(events) == 1:
            return [payload]
        half = len(events) // 2  # addresses of tens of kilobytes, one after the other
        return self._records(events[:half]) + self._records(events[half:])

    def _commit(self, payloads: list[bytes]) -> None:
        nothing_waits = False
        while True:
            try:
                self._writer.commit(payloads)
                return self._writer.seal_if_old()
            except SpoolFull:
                self._writer.seal()
                if nothing_waits:  # it is the disk that is full, or the bound is too small
                    raise
                nothing_waits = not self._spool.sealed()  # the loader may have made room just now: try once more
                self._check()
                time.sleep(POLL_SECONDS)

    def _waiting(self) -> int:
        return sum(self._writer.name in path.name for path in self._spool.sealed())

    def _check(self) -> None:
        if self._error is not None:
            raise self._error

    def _load(self) -> None:
        """Load beside the reading, whenever no other loader does."""
        while not self._stop.is_set():
            try:
                with Loader(self._home, self._url, self._loading_options, self._stop) as loader:
                    loader.run(self._stop)
            except EngineBusy:  # it takes ours too; should it end before, we take over
                self._stop.wait(1.0)
            except BaseException as exc:
                self._error = exc
                return

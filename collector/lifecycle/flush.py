"""All that waits, through: segments sealed, then everything that is there loaded, by the loader that runs or here."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from collector.loader.loader import Loader, LoaderOptions
from collector.loader.retry import Stopped
from collector.spool.segment_files import adopt_orphans
from collector.spool.spool import Spool, events_of
from sql.client import embedded_home
from sql.core.data_dir import DataDir
from sql.core.errors import EngineBusy
from sql.core.files import OwnedLock
from sql.engine.server import alongside

POLL_SECONDS = 0.05


def seal(home: DataDir, wait: float) -> list[str]:
    """Ask writers to seal what they have open, adopt what the dead left; returns what is open after ``wait`` seconds.

    Where a loader runs, adopting is its work, and it does it twice a second.
    """
    spool = Spool(home.spool).make()
    asked = {path.name for path in spool.open_dir.glob("*.seg")}
    spool.ask_to_seal()
    deadline = time.monotonic() + wait
    lock = OwnedLock(home.loader_lock, "footfall spool seal")
    while left := asked & {path.name for path in spool.open_dir.glob("*.seg")}:
        if lock.try_acquire():
            try:
                adopt_orphans(spool)
            finally:
                lock.release()
        if time.monotonic() >= deadline:
            break
        time.sleep(POLL_SECONDS)
    return sorted(left)


def flush(
    home: DataDir,
    url: str,
    timeout: float,
    options: LoaderOptions | None = None,
    on_wait: Callable[[int], None] = lambda events: None,
) -> int:
    """Load everything that was accepted when this was called; returns how many events wait after ``timeout`` seconds.

    ``on_wait`` is told again and again how many those are. Raises what stops the loader.
    """
    deadline = time.monotonic() + timeout
    still_open = seal(home, timeout)
    waiting = _Waiting(Spool(home.spool).make())
    while (left := waiting.events()) is not None and time.monotonic() < deadline:
        on_wait(left)
        with contextlib.suppress(EngineBusy):  # another loader does it
            _load(home, url, deadline, options, lambda: on_wait(waiting.events() or 0))
        time.sleep(POLL_SECONDS)
    return (waiting.events() or 0) + len(still_open)


class _Waiting:
    """What was in the spool at one moment."""

    def __init__(self, spool: Spool) -> None:
        self.spool = spool
        self.names = self._present()

    def events(self) -> int | None:
        """How many events of that wait still; None where nothing does."""
        left = [path for path in self._present() if path in self.names]
        return sum(events_of(path) or 0 for path in left) if left else None

    def _present(self) -> set[Path]:
        return {*self.spool.sealed(), *self.spool.prepared_dir.glob("*.json")}


def _load(
    home: DataDir, url: str, deadline: float, options: LoaderOptions | None, on_batch: Callable[[], None]
) -> None:
    stop = threading.Event()
    timer = threading.Timer(max(deadline - time.monotonic(), 0.0), stop.set)
    embedded = embedded_home(url)
    engine: AbstractContextManager[object] = alongside(embedded) if embedded else contextlib.nullcontext()
    timer.start()
    try:
        with Loader(home, url, options, stop, lambda manifest: on_batch()) as loader, engine:
            loader.drain()
    except Stopped:
        pass
    finally:
        timer.cancel()

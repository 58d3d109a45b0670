"""The embedded engine as a process: owns the chDB directory, answers ClickHouse's HTTP interface on loopback.

Start it with spawn or exec, never by fork after chdb was imported (engine-facts, chDB 2).
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from sql.client import Published, running
from sql.errors import EngineBusy, EngineUnavailable
from sql.files import OwnedLock, write_atomic
from sql.home import Home
from sql.process import die_with_parent

log = logging.getLogger("footfall.engine")
DRAIN_SECONDS = 20.0


def serve(home: Home, *, port: int = 0, wait: float = 10.0, stop: threading.Event | None = None) -> None:
    """Open the engine, publish its address, answer until ``stop`` is set (or SIGTERM, SIGINT).

    Raises EngineBusy when another process keeps the directory longer than ``wait`` seconds.
    """
    stop = stop or threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os._exit(1) if stop.is_set() else stop.set())
    home.make()
    lock = OwnedLock(home.engine_lock, "footfall engine")
    if not lock.acquire(wait):
        raise EngineBusy(
            f"the engine directory is in use by {lock.holder() or 'another process'}", "stop that one first"
        )
    try:
        _serve_locked(home, port, stop)
    finally:
        home.engine_file.unlink(missing_ok=True)
        lock.release()


def _serve_locked(home: Home, port: int, stop: threading.Event) -> None:
    from chdb import connect

    from sql.front import Front

    path = str(home.engine_dir.resolve())
    open_connection: Callable[[], Any] = partial(connect, path)
    keeper = open_connection()  # the engine lives while one connection is open
    front = Front(port, secrets.token_urlsafe(24), open_connection)
    thread = threading.Thread(target=front.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    try:
        published = Published(os.getpid(), front.server_address[1], front.password, str(uuid.uuid4()))
        record = {name: getattr(published, name) for name in Published.__slots__}
        write_atomic(home.engine_file, json.dumps(record).encode(), mode=0o600)
        log.info("engine ready on 127.0.0.1:%d", published.port)
        stop.wait()
    finally:
        home.engine_file.unlink(missing_ok=True)
        if not front.drain(DRAIN_SECONDS):
            log.warning("statements still running after %.0f s; stopping all the same", DRAIN_SECONDS)
        keeper.close()


@contextmanager
def alongside(home: Home, *, wait: float = 30.0) -> Iterator[Published]:
    """The running engine, or one started as a child for the time of the context."""
    found = running(home)
    if found is not None:
        yield found
        return
    child = subprocess.Popen([sys.executable, "-m", "sql.engine", str(home.root)], start_new_session=True)
    try:
        yield await_ready(home, wait, lambda: child.poll() is None)
    finally:
        child.terminate()
        try:
            child.wait(DRAIN_SECONDS + 5)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def await_ready(home: Home, wait: float, alive: Callable[[], bool]) -> Published:
    """Poll until an engine answers. Raises EngineUnavailable when it does not in ``wait`` seconds or died."""
    deadline = time.monotonic() + wait
    while time.monotonic() < deadline:
        found = running(home)
        if found is not None:
            return found
        if not alive():
            break
        time.sleep(0.03)
    raise EngineUnavailable("the embedded engine did not start", f"run `footfall engine` to see why ({home.root})")


if __name__ == "__main__":
    from pathlib import Path

    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    die_with_parent()
    serve(Home(Path(sys.argv[1])), wait=30.0)

"""The embedded engine as a process: owns the chDB directory, answers ClickHouse's HTTP interface on a unix socket in
the data directory.

Start it with spawn or exec, never by fork after chdb was imported (engine-facts, chDB 2).
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from sql.client import EngineEndpoint, running
from sql.core.data_dir import DataDir
from sql.core.errors import EngineBusy, EngineUnavailable
from sql.core.files import OwnedLock, write_atomic
from sql.core.process import child_environment, die_with_parent
from sql.core.signals import on_request_to_end
from sql.schema import swaps

log = logging.getLogger("footfall.engine")
DRAIN_SECONDS = 20.0


def serve(home: DataDir, *, wait: float = 10.0, stop: threading.Event | None = None) -> None:
    """Open the engine, publish it, answer until ``stop`` is set (or SIGTERM, SIGINT).

    Raises EngineBusy when another process keeps the directory longer than ``wait`` seconds.
    """
    stop = stop or threading.Event()
    on_request_to_end(lambda: os._exit(1) if stop.is_set() else stop.set())
    home.make()
    lock = OwnedLock(home.engine_lock, "footfall engine")
    if not lock.acquire(wait, stop):
        if stop.is_set():
            return
        raise EngineBusy(f"the engine directory is in use by {lock.holder() or 'another process'}", "stop it first")
    try:
        _serve_locked(home, stop)
    finally:
        _forget(home)
        lock.release()


def _serve_locked(home: DataDir, stop: threading.Event) -> None:
    from chdb import connect

    from sql.engine.http_server import HttpServer

    os.umask(0o077)  # chDB makes its files readable by all
    _forget(home)  # what an engine that was killed has left
    path = str(home.engine_dir.resolve())
    open_connection: Callable[[], Any] = partial(connect, path)
    keeper = open_connection()  # the engine lives while one connection is open
    _finish_swaps(keeper)
    front = HttpServer(home.engine_socket, secrets.token_urlsafe(24), open_connection)
    thread = threading.Thread(target=front.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    try:
        endpoint = EngineEndpoint(os.getpid(), front.password, str(uuid.uuid4()))
        record = {name: getattr(endpoint, name) for name in EngineEndpoint.__slots__}
        write_atomic(home.engine_file, json.dumps(record).encode(), mode=0o600)
        log.info("engine ready on %s", home.engine_socket)
        stop.wait()
    finally:
        _forget(home)
        if not front.drain(DRAIN_SECONDS):
            log.warning("statements are still running after %.0f s; stopping anyway", DRAIN_SECONDS)
        keeper.close()


def _finish_swaps(connection: Any) -> None:
    """Finish what an engine that was killed was swapping in, before anyone reads both old and new."""

    def run(text: str) -> str:
        return str(connection.query(text, "TabSeparated").bytes().decode()).strip()

    try:
        if sides := swaps.side_tables(run):
            swaps.finish(run, sides)
    except Exception:  # the next holder of a lock tries again
        log.exception("a month that was being swapped in could not be finished")


def _forget(home: DataDir) -> None:
    home.engine_file.unlink(missing_ok=True)
    home.engine_socket.unlink(missing_ok=True)


@contextmanager
def alongside(home: DataDir, *, wait: float = 30.0) -> Iterator[EngineEndpoint]:
    """The running engine, or one started as a child for the time of the context."""
    found = running(home)
    if found is not None:
        yield found
        return
    command = [sys.executable, "-m", "sql.engine.server", str(home.root)]
    child = subprocess.Popen(command, env=child_environment(), start_new_session=True)
    try:
        yield await_ready(home, wait, lambda: child.poll() is None)
    finally:
        child.terminate()
        try:
            child.wait(DRAIN_SECONDS + 5)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def await_ready(home: DataDir, wait: float, alive: Callable[[], bool]) -> EngineEndpoint:
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
    serve(DataDir(Path(sys.argv[1])), wait=30.0)

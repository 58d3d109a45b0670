"""``footfall serve``: starts engine, loader and collector, restarts what dies, stops them in the right order."""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from sql.core.data_dir import DataDir
from sql.core.files import OwnedLock
from sql.core.process import child_environment
from sql.core.signals import on_request_to_end

log = logging.getLogger("footfall.serve")
# A child that ran this long did start: when it dies, it is started again at once.
STEADY_SECONDS = 2.0
STOP_SECONDS = {"collector": 20.0, "loader": 40.0, "engine": 25.0}
# Children of a `serve` that was killed are told to end by the kernel, all at once.
PREDECESSOR_SECONDS = max(STOP_SECONDS.values()) + 5.0


@dataclass(slots=True)
class Child:
    """One supervised process."""

    name: str
    command: list[str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    failures: int = 0
    retry_at: float = 0.0

    def start(self) -> None:
        """Start it in a session of its own: ctrl-c at the terminal reaches the supervisor alone."""
        self.process = subprocess.Popen(
            self.command, env=child_environment(), start_new_session=True, stdin=subprocess.DEVNULL
        )
        self.started = time.monotonic()

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self.process is not None and self.process.poll() is None


@dataclass(slots=True)
class Supervisor:
    """Children by name, in the order in which they start. ``ready`` waits until one that others need answers."""

    children: list[Child]
    ready: dict[str, Callable[[Child], None]] = field(default_factory=dict)
    stop: threading.Event = field(default_factory=threading.Event)
    urgent: threading.Event = field(default_factory=threading.Event)

    def run(self, on_ready: Callable[[], None] = lambda: None) -> None:
        """Until SIGINT or SIGTERM; a second signal stops at once."""
        on_request_to_end(self._signalled)
        try:
            for child in self.children:
                if not self.stop.is_set():
                    child.start()
                    if wait := self.ready.get(child.name):
                        wait(child)
            on_ready()
            while not self.stop.wait(0.1):
                for child in self.children:
                    self._look_after(child)
        finally:
            self._stop_all()

    def _signalled(self) -> None:
        if self.stop.is_set():
            self.urgent.set()
        self.stop.set()

    def _look_after(self, child: Child) -> None:
        now = time.monotonic()
        if child.alive:
            return
        if child.process is not None:
            child.failures = 0 if now - child.started > STEADY_SECONDS else child.failures + 1
            pause = min(0.1 * 2**child.failures, 10.0)
            log.warning("%s exited with %s; restarting it in %.1f s", child.name, child.process.returncode, pause)
            child.process, child.retry_at = None, now + pause
        elif now >= child.retry_at:
            child.start()

    def _stop_all(self) -> None:
        """Collector first, so that nothing comes in; then the loader, which empties the spool; the engine last."""
        for child in reversed(self.children):
            if not child.alive or child.process is None:
                continue
            child.process.terminate()
            deadline = time.monotonic() + STOP_SECONDS.get(child.name, 20.0)
            while child.alive and time.monotonic() < deadline and not self.urgent.is_set():
                time.sleep(0.02)
            if child.alive:
                log.warning("%s did not stop in time; killing it (nothing acknowledged is lost)", child.name)
                os.killpg(child.process.pid, signal.SIGKILL)
                child.process.wait()


def cannot_listen(host: str, port: int) -> str:
    """Why nobody can listen there, or an empty string."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as exc:
            return exc.strerror or str(exc)
    return ""


def await_predecessor(home: DataDir, host: str, port: int, say: Callable[[str], None]) -> None:
    """Wait until what a `serve` that was killed had started has ended, for ``PREDECESSOR_SECONDS`` at most.

    ``say`` is told once for whom it waits. What is still there afterwards is met by whoever needs the place.
    """
    locks = [OwnedLock(path, "footfall serve") for path in (home.loader_lock, home.engine_lock)]
    deadline = time.monotonic() + PREDECESSOR_SECONDS
    said = False
    while time.monotonic() < deadline:
        held = [lock.holder() or lock.path.name for lock in locks if not lock.is_free()]
        if cannot_listen(host, port):
            held.append(f"the process that listens on {host}:{port}")
        if not held:
            return
        if not said:
            say(f"an earlier footfall serve was killed; waiting for {', '.join(held)} to end")
            said = True
        time.sleep(0.05)

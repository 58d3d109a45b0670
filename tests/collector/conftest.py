"""A whole Footfall as its own processes, to be killed and asked."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

import pytest

from collector.site_admin import add_site
from collector.spool import Spool
from sql.client import opened
from sql.home import Home
from sql.schema import bring_up_to_date

CONFIG = """
data_dir = "data"
[collector]
port = {port}
segment_seconds = {segment_seconds}
segment_bytes = 262144
site_events_per_second = 0
address_requests_per_second = 0
"""


def wait_until(check: Callable[[], object], seconds: float = 30.0, what: str = "") -> None:
    """Poll ``check`` until it is true."""
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.05)


class Footfall:
    """`footfall serve` in a folder of its own, with one site."""

    def __init__(self, folder: Path, segment_seconds: float = 0.3) -> None:
        self.folder = folder
        self.home = Home(folder / "data")
        self.url = f"chdb://{self.home.root}"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        (folder / "footfall.toml").write_text(CONFIG.format(port=self.port, segment_seconds=segment_seconds))
        self.key = ""
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, wait until it answers, and make the site the first time."""
        command = [sys.executable, "-m", "cli.main", "--config", str(self.folder / "footfall.toml"), "serve"]
        log = (self.folder / "serve.log").open("ab")
        self.process = subprocess.Popen(command, stderr=log, stdout=log)
        wait_until(self.answers, what="the collector answers")
        if not self.key:
            with opened(self.url, direct=False) as client:
                bring_up_to_date(client, self.home)
                _, self.key = add_site(client, self.home, "shop.example", "Europe/Paris")

    def answers(self) -> bool:
        """Whether the collector answers."""
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
            connection.request("GET", "/health")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False

    def post(self, events: list[dict], connection: http.client.HTTPConnection | None = None) -> int:
        """Post a batch; the status."""
        connection = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        headers = {
            "Content-Type": "application/json",
            "X-Footfall-Key": self.key,
            "User-Agent": "Mozilla/5.0 Firefox/130.0",
        }
        connection.request("POST", "/v1/events", json.dumps(events), headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status

    def pids(self, role: str) -> list[int]:
        """Processes of a role: engine, loader, collector (gunicorn's master) or worker."""
        assert self.process
        if role == "worker":
            return [pid for master in self.pids("collector") for pid in children(master)]
        return [pid for pid in children(self.process.pid) if role in command_line(pid)]

    def kill(self, role: str, pick: Callable[[list[int]], int] = lambda pids: pids[0]) -> bool:
        """kill -9 one process of a role; False where none runs at the moment."""
        pids = self.pids(role)
        if not pids:
            return False
        try:
            os.kill(pick(pids), signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True

    def drained(self) -> bool:
        """Whether nothing waits in the spool."""
        spool = Spool(self.home.spool)
        return not (list(spool.open_dir.iterdir()) or spool.sealed() or list(spool.prepared_dir.iterdir()))

    def stop(self) -> None:
        """ctrl-c."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(90)

    @contextmanager
    def client(self):
        """A client on the running engine."""
        with opened(self.url, direct=False) as client:
            yield client


def children(pid: int) -> list[int]:
    """Direct children of a process."""
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [int(word) for word in text.split()]


def command_line(pid: int) -> list[str]:
    """Arguments of a process."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except (FileNotFoundError, ProcessLookupError):
        return []


@pytest.fixture
def footfall(tmp_path: Path):
    """A running Footfall, stopped at the end."""
    running = Footfall(tmp_path)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def until():
    """Poll a condition until it holds: ``until(check, seconds, what)``."""
    return wait_until

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
from collector.sites import Site, WriteKey, hash_key, publish
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
            connection.request("GET", "/health/ready")
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


UNLIMITED = {"site_events_per_second": 0, "address_requests_per_second": 0}


class Alone:
    """The collector as a process of its own, without loader and engine, with one site whose key is `wk_alone`."""

    key = "wk_alone"

    def __init__(self, folder: Path, **settings: object) -> None:
        self.folder = folder
        self.home = Home(folder / "data").make()
        publish(self.home.sites_file, [Site(1, "shop.example", "UTC", (WriteKey(hash_key(self.key)),))])
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        lines = [
            f"{name} = {json.dumps(value)}" for name, value in ({"port": self.port} | UNLIMITED | settings).items()
        ]
        (folder / "footfall.toml").write_text("\n".join(['data_dir = "data"', "[collector]", *lines]))
        self.log = folder / "collector.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *before: str) -> None:
        """Start it, behind the words of another command where any are given, and wait until it answers."""
        command = [*before, sys.executable, "-m", "cli.main", "--config", str(self.folder / "footfall.toml")]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([*command, "collector"], stdout=log, stderr=log)
        wait_until(self.answers, what="the collector answers")

    def answers(self) -> bool:
        """Whether it lives."""
        try:
            return self.get("/health/live")[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def get(self, path: str, **headers: str) -> tuple[int, bytes]:
        """Status and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def post(self, name: str, **headers: str) -> int:
        """Post one event over a connection of its own; the status."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("POST", "/v1/events", json.dumps({"name": name, "key": self.key}), headers)
            return connection.getresponse().status
        finally:
            connection.close()

    def stop(self) -> None:
        """End it and wait."""
        if self.process and self.process.poll() is None:
            os.kill(self.master, signal.SIGTERM)
            self.process.wait(40)

    @property
    def master(self) -> int:
        """The process that starts the workers, also where it runs behind another command."""
        assert self.process
        return next((pid for pid in children(self.process.pid) if children(pid)), self.process.pid)

    def workers(self) -> list[int]:
        """The worker processes."""
        return children(self.master)


@pytest.fixture
def alone(tmp_path: Path):
    """Make a collector of its own: ``alone(workers=1, request_seconds=1.0)``; stopped at the end."""
    made: list[Alone] = []

    def make(**settings: object) -> Alone:
        made.append(Alone(tmp_path, **settings))
        return made[-1]

    yield make
    for collector in made:
        collector.stop()

"""A whole Footfall as its own processes, to be killed and asked."""

from __future__ import annotations

import datetime as dt
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

from collector.event.model import SpooledEvent
from collector.lifecycle.ledger import Account, take
from collector.sites.admin import add_site
from collector.sites.registry import Site, WriteKey, hash_key
from collector.sites.snapshot import publish
from collector.spool.lines import encode
from collector.spool.spool import Spool, SpoolWriter
from sql.client import opened
from sql.core.data_dir import DataDir
from sql.engine.server import alongside
from sql.schema.upgrade import bring_up_to_date

CONFIG = """
data_dir = "data"
[collector]
port = {port}
segment_max_age_seconds = {segment_max_age_seconds}
segment_bytes = 262144
site_events_per_second = 0
address_requests_per_second = 0
"""


def wait_until(check: Callable[[], object], seconds: float = 90.0, what: str = "") -> None:
    """Poll ``check`` until it is true."""
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.05)


# Every derivation said again from raw events, next to what it holds. No rows: they agree. Visitors are counted by the
# same sketch on both sides: of tens of thousands it may take two for one.
DISAGREEMENTS = {
    "visits": """
        with
            raw as (
                select visit_id, count() as events, countIf(name = 'page_view') as pageviews,
                    min(timestamp) as started, max(timestamp) as ended,
                    argMinIf(path, place, name = 'page_view') as entry,
                    argMaxIf(path, place, name = 'page_view') as exit
                from (select *, arrival_order(timestamp, received_at, batch_seq, event_id) as place from events)
                group by visit_id
            ),
            kept as (select visit_id, events, pageviews, started, ended, entry_page, exit_page from visits_merged)
        select * from (select * from raw except select * from kept)
        union all
        select * from (select * from kept except select * from raw)
    """,
    "daily_events": """
        with
            raw as (
                select site_id, local_date, bot, toString(name) as n, count() as c, uniq(visitor_id) as v
                from events group by all
            ),
            kept as (
                select site_id, local_date, bot, toString(name) as n, sum(events) as c, uniqMerge(visitors) as v
                from daily_events group by all
            )
        select * from (select * from raw except select * from kept)
        union all
        select * from (select * from kept except select * from raw)
    """,
    "daily_pages": """
        with
            raw as (
                select local_date, path, count() as c, uniq(visitor_id) as v
                from events where name = 'page_view' group by all
            ),
            kept as (
                select local_date, path, sum(pageviews) as c, uniqMerge(visitors) as v
                from daily_pages group by all
            )
        select * from (select * from raw except select * from kept)
        union all
        select * from (select * from kept except select * from raw)
    """,
    "closed_visits": """
        with
            days as (select site_id, day from closed_days where derived = 'closed_visits'),
            merged as (select * from visits_merged where (site_id, visit_date) in days)
        select visit_id from (
            select * from merged except select * from closed_visits where (site_id, visit_date) in days
        )
        union all
        select visit_id from (
            select * from closed_visits where (site_id, visit_date) in days except select * from merged
        )
        union all
        select visit_id from closed_visits where (site_id, visit_date) in days group by visit_id having count() > 1
    """,
}


class Footfall:
    """`footfall serve` in a folder of its own, with one site."""

    def __init__(self, folder: Path, segment_max_age_seconds: float = 0.3) -> None:
        self.folder = folder
        self.home = DataDir(folder / "data")
        self.url = f"chdb://{self.home.root}"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        (folder / "footfall.toml").write_text(
            CONFIG.format(port=self.port, segment_max_age_seconds=segment_max_age_seconds)
        )
        self.key = ""
        self.tmpdir: Path | None = None
        self.process: subprocess.Popen[bytes] | None = None

    def launch(self) -> None:
        """Start it, and wait for nothing."""
        command = [sys.executable, "-m", "cli.main", "--config", str(self.folder / "footfall.toml"), "serve"]
        env = os.environ | ({"TMPDIR": str(self.tmpdir)} if self.tmpdir else {})
        with (self.folder / "serve.log").open("ab") as log:
            self.process = subprocess.Popen(command, stderr=log, stdout=log, env=env)

    def start(self) -> None:
        """Start it, wait until it answers, and make the site the first time."""
        self.launch()
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
        """kill -9 one process of a role, or `serve` itself; False where none runs at the moment."""
        if role == "serve":
            self.kill_serve()
            return True
        pids = self.pids(role)
        if not pids:
            return False
        try:
            os.kill(pick(pids), signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True

    def kill_serve(self) -> None:
        """kill -9 `serve` itself; what it had started must end without it."""
        assert self.process
        self.process.kill()
        self.process.wait()

    def revive(self) -> bool:
        """Start `serve` again where it has ended, as systemd would; whether it had."""
        assert self.process
        if self.process.poll() is None:
            return False
        self.launch()
        return True

    def everything(self) -> list[int]:
        """Every process of this Footfall, whoever its parent is: all name the same configuration."""
        named = str(self.folder / "footfall.toml")
        pids = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
        return [pid for pid in pids if named in command_line(pid)]

    def log(self) -> str:
        """What the processes said."""
        return (self.folder / "serve.log").read_text()

    def account(self) -> Account:
        """The account of this moment."""
        return take(self.home)

    def drained(self) -> bool:
        """Whether nothing waits in the spool."""
        spool = Spool(self.home.spool)
        return not (list(spool.open_dir.iterdir()) or spool.sealed() or list(spool.prepared_dir.iterdir()))

    def stop(self) -> None:
        """ctrl-c."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(90)

    def end_all(self) -> None:
        """ctrl-c, and the end of what should have ended by itself."""
        self.stop()
        for pid in self.everything():
            os.kill(pid, signal.SIGKILL)

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
def still(tmp_path: Path):
    """A Footfall that was not started yet, stopped at the end."""
    made = Footfall(tmp_path)
    yield made
    made.end_all()


@pytest.fixture
def footfall(still: Footfall):
    """A running Footfall, stopped at the end."""
    still.start()
    return still


@pytest.fixture(scope="module")
def lasting(tmp_path_factory):
    """A running Footfall for all tests of a module that leave it as it is."""
    made = Footfall(tmp_path_factory.mktemp("lasting"))
    made.start()
    yield made
    made.end_all()


class House:
    """A data directory with an engine that runs, and a site, for loaders of the test's own."""

    def __init__(self, home: DataDir) -> None:
        self.home = home
        self.url = f"chdb://{home.root}"
        self.spool = Spool(home.spool).make()

    def put(self, events: list[SpooledEvent], name: str = "test") -> None:
        """Spool events as a segment of a writer of their own."""
        self.put_lines(encode(1, NOON, events) if events else b"", name=name)

    def put_lines(self, *records: bytes, name: str = "test") -> None:
        """Spool records, each committed by itself."""
        writer = SpoolWriter(self.spool, name)
        for record in records:
            writer.commit([record])
        writer.close()

    @contextmanager
    def client(self):
        """A client on the running engine."""
        with opened(self.url, direct=False) as client:
            yield client

    def empty(self) -> None:
        """No event any more."""
        with self.client() as client:
            for table in ("events", "visits", "daily_events", "daily_pages", "sampled_days", "revisions", "closings"):
                client.command(f"truncate table {table}")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The house of a module."""
    home = DataDir(tmp_path_factory.mktemp("house")).make()
    made = House(home)
    with alongside(home):
        with made.client() as client:
            bring_up_to_date(client, home)
        publish(home.sites_file, [Site(1, "shop.example", "Europe/Paris")])
        yield made


@pytest.fixture
def house(built: House):
    """The house, empty: no events, and no figures from before."""
    built.empty()
    (built.home.root / "journal.jsonl").unlink(missing_ok=True)
    for folder in (built.spool.quarantine_dir, built.spool.writers_dir, built.spool.sealed_dir):
        for path in folder.iterdir():
            path.unlink()
    return built


NOON = int(dt.datetime.now(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0).timestamp() * 1000)


def spooled(number: int, minute: float = 0, known: bool = True, **fields: object) -> SpooledEvent:
    """An event with a number for its id, so many minutes into the day."""
    plain = {"visitor": number % 50 + 1, "previous": 0, "name": "page_view", "interactive": False}
    plain |= {"url": f"https://shop.example/{number % 20}"}
    key, at = number.to_bytes(16, "big"), fields.pop("timestamp", NOON + int(minute * 60_000))
    return SpooledEvent(event_id=key, known=known, timestamp=at, **(plain | fields))


@pytest.fixture
def event():
    """``event(number, minute, known, **fields)``: an event as it lies in the spool."""
    return spooled


@pytest.fixture
def agree():
    """``agree(client)``: every derivation says what the raw events say."""

    def check(client) -> None:
        for name, sql in DISAGREEMENTS.items():
            assert client.query(sql).result_rows[:3] == [], name

    return check


@pytest.fixture
def small_disk():
    """``small_disk(folder, megabytes)``: a file system of its own in a folder; gone at the end of the test."""
    mounted = []

    def mount(folder: Path, megabytes: int) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
        made = subprocess.run(command, capture_output=True, text=True)
        if made.returncode:
            pytest.skip(f"no small disk can be mounted here: {made.stderr.strip() or 'mount failed'}")
        mounted.append(folder)
        return folder

    yield mount
    for folder in reversed(mounted):
        subprocess.run(["umount", "-l", str(folder)], check=True)


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
        self.home = DataDir(folder / "data").make()
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

    def launch(self, *before: str) -> None:
        """Start it, behind the words of another command where any are given, and wait for nothing."""
        command = [*before, sys.executable, "-m", "cli.main", "--config", str(self.folder / "footfall.toml")]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([*command, "collector"], stdout=log, stderr=log)

    def start(self, *before: str) -> None:
        """Start it and wait until it answers."""
        self.launch(*before)
        assert self.process
        wait_until(lambda: self.answers() or self.process.poll() is not None, what="the collector answers")
        assert self.process.poll() is None, self.log.read_text()

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

    def post_body(self, body: object) -> int:
        """Post anything, over a connection of its own; the status."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("POST", "/v1/events", json.dumps(body))
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
    """Make a collector of its own: ``alone(workers=1, request_timeout_seconds=1.0)``; stopped at the end."""
    made: list[Alone] = []

    def make(**settings: object) -> Alone:
        made.append(Alone(tmp_path, **settings))
        return made[-1]

    yield make
    for collector in made:
        collector.stop()


@pytest.fixture(scope="module")
def plain_collector(tmp_path_factory):
    """A running collector with one worker, for all tests of a module that leave it as it is."""
    made = Alone(tmp_path_factory.mktemp("plain"), workers=1)
    made.start()
    yield made
    made.stop()

"""The promise under faults: the engine away or overloaded, answers lost, views failing, disks full, bits flipped."""

from __future__ import annotations

import errno
import http.client
import json
import os
import random
import signal
import socket
import threading
import time
import uuid
from pathlib import Path

import pytest

from collector.lifecycle.ledger import take
from collector.loader.journal import read_state
from collector.loader.loader import Loader, LoaderOptions
from collector.spool import framing
from collector.spool.lines import encode
from collector.spool.spool import events_of
from sql.core.unix_socket import address_of, connected

QUICK = LoaderOptions(backoff_seconds=0.02, backoff_limit=0.2, batch_bytes=200_000)


def sent(number, name="page_view", path="/p"):
    at = int(time.time() * 1000) - number % 3_600_000
    key = str(uuid.UUID(int=number + 1))
    return {"name": name, "event_id": key, "url": f"https://shop.example{path}/{number % 30}", "timestamp": at}


def counted(client):
    return client.query("select count(), uniqExact(event_id) from events").first_row


def holds(house, stored, duplicate=0, quarantined=0):
    account = take(house.home)
    totals = account.totals
    assert (totals.stored, totals.duplicate, account.quarantined) == (stored, duplicate, quarantined)
    assert (account.missing, account.pending) == (0, 0)


def test_the_engine_away_while_events_come_in(footfall, until, agree):
    """Stopped for some seconds; then what waits is loaded, once. How fast that goes, test_engine_away.py measures."""
    assert footfall.post([sent(0)]) == 202
    until(footfall.drained, what="warm")
    [engine] = footfall.pids("engine")
    os.kill(engine, signal.SIGSTOP)
    try:
        began, number = time.monotonic(), 1
        connection = http.client.HTTPConnection("127.0.0.1", footfall.port, timeout=10)
        while number < 20_000:
            assert footfall.post([sent(number + n) for n in range(100)], connection) == 202
            number += 100
            time.sleep(max(0.0, began + number / 4_000 - time.monotonic()))  # 4,000 a second
        assert footfall.account().pending >= 20_000
    finally:
        os.kill(engine, signal.SIGCONT)
    until(lambda: footfall.account().pending == 0, what="all is loaded")
    assert footfall.account().missing == 0
    with footfall.client() as client:
        assert counted(client) == (number, number)
        agree(client)


def test_too_many_parts_are_waited_for(house, event, agree, caplog):
    house.put([event(n) for n in range(100)])
    with Loader(house.home, house.url, QUICK) as loader:
        loader.drain()
        with house.client() as client:
            client.command("alter table events modify setting parts_to_throw_insert = 1, parts_to_delay_insert = 1")
        house.put([event(n) for n in range(50, 300)])
        loading = threading.Thread(target=loader.drain)
        loading.start()
        try:
            deadline = time.monotonic() + 20
            while "Too many parts" not in caplog.text:
                assert time.monotonic() < deadline, caplog.text
                time.sleep(0.02)
            assert take(house.home).pending == 250
        finally:
            with house.client() as client:
                client.command("alter table events reset setting parts_to_throw_insert, parts_to_delay_insert")
            loading.join()
    holds(house, 300, 50)
    with house.client() as client:
        assert counted(client) == (300, 300)
        agree(client)


class Proxy:
    """Stands before the engine. The answers to the first ``cuts`` inserts of events are thrown away, and the
    connection with them."""

    def __init__(self, place: Path, target: Path, cuts: int) -> None:
        self.target, self.cuts, self.cut = target, cuts, 0
        self.listener = socket.socket(socket.AF_UNIX)
        with address_of(place) as address:
            self.listener.bind(address)
        self.listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = connected(self.target)
            inserting = threading.Event()
            for one, other, forth in ((client, server, True), (server, client, False)):
                threading.Thread(target=self._pump, args=(one, other, inserting, forth), daemon=True).start()

    def _pump(self, one: socket.socket, other: socket.socket, inserting: threading.Event, forth: bool) -> None:
        try:
            while data := one.recv(65536):
                if forth and b"POST" in data[:10]:
                    inserting.set() if b"insert_deduplication_token" in data else inserting.clear()
                if not forth and inserting.is_set() and self.cut < self.cuts:
                    self.cut += 1
                    break
                other.sendall(data)
        except OSError:
            pass
        for side in (one, other):
            try:
                side.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue


@pytest.fixture
def proxied(house, tmp_path):
    """``proxied(cuts)``: the house as its loader sees it through a proxy, and the proxy."""

    def made(cuts):
        place = house.home.engine_socket
        place.rename(tmp_path / "engine.sock")
        return Proxy(place, tmp_path / "engine.sock", cuts)

    yield made
    (tmp_path / "engine.sock").rename(house.home.engine_socket)


@pytest.mark.parametrize("cuts", [1, 3])
def test_answers_that_are_lost_after_the_commit_double_nothing(house, event, agree, proxied, cuts):
    proxy = proxied(cuts)
    for part in range(4):
        house.put([event(n, n % 700, name=("purchase" if n % 9 == 0 else "page_view")) for n in range(part, 2000, 4)])
    options = LoaderOptions(backoff_seconds=0.02, backoff_limit=0.2, batch_bytes=1)
    with Loader(house.home, house.url, options) as loader:
        assert loader.drain() == 4
    assert proxy.cut == cuts
    holds(house, 2000)
    with house.client() as client:
        assert counted(client) == (2000, 2000)
        agree(client)


def test_a_view_that_fails_in_the_middle_of_a_batch_then_a_crash(footfall, until, agree):
    assert footfall.post([sent(n) for n in range(100)]) == 202
    until(footfall.drained, what="warm")
    with footfall.client() as client:
        client.command("create table fragile (n UInt8) engine = Null")
        client.command(
            "create materialized view daily_fragile_mv to fragile"
            " as select throwIf(startsWith(path, '/fragile'), 'fragile view') as n from events"
        )
        events = [sent(n, path="/fragile" if n == 150 else "/p") for n in range(100, 200)]
        assert footfall.post(events) == 202
        until(lambda: "fragile view" in footfall.log(), what="the view has failed")
        footfall.kill("loader")
        footfall.kill("engine")
    until(lambda: footfall.pids("engine") and footfall.answers(), what="the engine is back")
    with footfall.client() as client:
        client.command("drop view daily_fragile_mv")
    until(footfall.drained, what="all is loaded")
    assert footfall.account().missing == 0
    with footfall.client() as client:
        assert counted(client) == (200, 200)
        agree(client)


def fill(folder: Path) -> Path:
    """Take all room of a disk; deleting the file gives it back."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError as exc:
            assert exc.errno == errno.ENOSPC
    return ballast


def answer_of(footfall, events):
    """Status and Retry-After of a post."""
    connection = http.client.HTTPConnection("127.0.0.1", footfall.port, timeout=10)
    connection.request("POST", "/v1/events", json.dumps(events), {"X-Footfall-Key": footfall.key})
    answer = connection.getresponse()
    answer.read()
    return answer.status, answer.getheader("Retry-After")


def all_are_counted(footfall, acknowledged, until, agree):
    until(lambda: footfall.account().pending == 0, 60, "all is loaded")
    assert footfall.account().missing == 0
    with footfall.client() as client:
        there = {str(row[0]) for row in client.query("select event_id from events").result_rows}
        assert counted(client) == (len(there), len(there))
        assert acknowledged - there == set()
        agree(client)


def test_the_disk_of_the_spool_is_full(still, small_disk, until, agree):
    disk = small_disk(still.home.spool, 4)
    still.start()
    workers, acknowledged = still.pids("worker"), set()

    def post(number):
        events = [sent(number * 100 + n) for n in range(100)]
        status, retry = answer_of(still, events)
        assert (status, retry) in {(202, None), (503, "5")}
        acknowledged.update(event["event_id"] for event in events if status == 202)
        return status

    assert post(0) == 202
    ballast = fill(disk)
    number = 1
    while post(number) == 202:  # a file that is there may have a little room
        number += 1
        fill(disk)
    assert {post(number + more) for more in range(1, 20)} <= {202, 503}
    ballast.unlink()
    until(lambda: post(number + 50) == 202, what="it takes events again")
    assert still.pids("worker") == workers
    all_are_counted(still, acknowledged, until, agree)


def test_the_disk_of_temporary_files_is_full(still, small_disk, until, agree, tmp_path):
    still.tmpdir = small_disk(tmp_path / "temporary", 1)
    still.start()
    fill(still.tmpdir)
    events = [sent(n) for n in range(500)]
    assert answer_of(still, events)[0] == 202
    all_are_counted(still, {event["event_id"] for event in events}, until, agree)


def test_the_disk_of_the_database_is_full(still, small_disk, until, agree):
    disk = small_disk(still.home.engine_dir, 100)
    still.start()
    assert answer_of(still, [sent(0)])[0] == 202
    until(still.drained, what="warm")
    ballast = fill(disk)
    events = [sent(n) for n in range(1, 501)]
    assert answer_of(still, events) == (202, None)
    until(lambda: "not enough space" in still.log() or "No space left" in still.log(), what="the loader has tried")
    assert still.account().pending == 500
    ballast.unlink()
    all_are_counted(still, {event["event_id"] for event in events}, until, agree)


@pytest.mark.parametrize("seed", range(3))
def test_flipped_bits_and_torn_tails(house, event, agree, seed):
    """Whatever is damaged is named and counted in events; the rest is loaded."""
    rng, events, records = random.Random(seed), 0, 20
    for segment in range(4):
        batches = [[event(events + at * 10 + n, at) for n in range(10)] for at in range(records)]
        house.put_lines(*(encode(1, event(0).timestamp, batch) for batch in batches))
        events += records * 10
        path = house.spool.sealed()[segment]
        data = bytearray(path.read_bytes())
        for _ in range(3):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        if segment % 2:
            data = data[: rng.randrange(len(data) // 2, len(data))]
        path.write_bytes(data)
    whole = (
        sum(len(framing.read(path.read_bytes(), framing.key_of(path)).payloads) for path in house.spool.sealed()) * 10
    )
    assert 0 < whole < events == sum(events_of(path) for path in house.spool.sealed())
    with Loader(house.home, house.url, QUICK) as loader:
        loader.drain()
    holds(house, whole, 0, events - whole)
    reasons = [path.read_text() for path in house.spool.quarantine_dir.glob("*.reason")]
    assert sum(int(reason.rsplit(" ", 2)[1]) for reason in reasons) == events - whole
    with house.client() as client:
        assert counted(client) == (whole, whole)
        agree(client)


def test_a_journal_line_that_finds_no_room_is_written_when_there_is(house, event, monkeypatch):
    """The batch is stored and its *done* is not: it is counted, not sent again."""
    really, lines = os.fdatasync, []

    def fdatasync(fd):
        name = Path(f"/proc/self/fd/{fd}").readlink().name
        lines.append(name)
        if lines.count("journal.jsonl") == 3 and name == "journal.jsonl":
            raise OSError(errno.ENOSPC, "No space left on device")
        really(fd)

    house.put([event(n) for n in range(10)])
    with Loader(house.home, house.url, QUICK) as loader:
        monkeypatch.setattr(os, "fdatasync", fdatasync)
        loader.drain()
    holds(house, 10)
    assert read_state(house.home.root).intents == {}
    with house.client() as client:
        assert counted(client) == (10, 10)

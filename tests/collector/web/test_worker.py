"""Connections without end: of one client, of all, and of bytes that are no body."""

from __future__ import annotations

import http.client
import os
import resource
import signal
import socket
import time
from pathlib import Path

import pytest

from collector.web.connection_table import ConnectionTable

HEAD = b"POST /v1/events HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
EVENT = b'{"name":"quick","key":"wk_alone"}'


class Fake:
    """A connection of the table."""

    def __init__(self, client: bytes, idle: bool = True, waiting_since: float | None = None) -> None:
        self.client, self.idle, self.waiting_since, self.gone = client, idle, waiting_since, False

    def let_go(self) -> None:
        self.gone = True


def test_a_client_with_too_many_loses_its_oldest_idle_one():
    table = ConnectionTable(100, 3)
    busy, *mine = Fake(b"a", idle=False), *(Fake(b"a") for _ in range(4))
    others = [Fake(b"b") for _ in range(3)]
    for connection in (busy, *others, *mine):
        table.add(connection)
    assert [connection.gone for connection in mine] == [True, True, False, False]
    assert not busy.gone and not any(other.gone for other in others)
    for connection in list(table):
        table.remove(connection)
    assert len(table) == 0 and not table._of


def test_where_none_is_idle_the_slowest_goes_and_where_all_are_answered_the_new_one():
    table = ConnectionTable(100, 2)
    slow, slower = Fake(b"a", False, 2.0), Fake(b"a", False, 1.0)
    for connection in (slow, slower):
        table.add(connection)
    answered = Fake(b"a", idle=False)
    table.add(answered)
    assert (slow.gone, slower.gone, answered.gone) == (False, True, False)
    slow.waiting_since = None
    refused = Fake(b"a")
    table.add(refused)
    assert refused.gone and not slow.gone and len(table) == 2


def test_proxies_do_not_count_and_no_bound_is_none():
    for table, client in ((ConnectionTable(100, 2), b""), (ConnectionTable(100, 0), b"a")):
        several = [Fake(client) for _ in range(50)]
        for connection in several:
            table.add(connection)
        assert not any(connection.gone for connection in several)


def test_all_together_have_a_bound():
    table = ConnectionTable(10, 0)
    several = [Fake(str(number).encode()) for number in range(50)]
    for connection in several:
        table.add(connection)
    assert [connection.gone for connection in several] == [True] * 40 + [False] * 10


@pytest.mark.parametrize(
    ("proxies", "kept"), [([], 20), (["127.0.0.0/8"], 60)], ids=["of one address", "of a trusted proxy"]
)
def test_idle_connections_of_one_address(alone, until, proxies, kept):
    collector = alone(workers=1, connections_per_address=20, trusted_proxies=proxies)
    collector.start()
    idle = [socket.create_connection(("127.0.0.1", collector.port)) for _ in range(60)]
    until(lambda: sum(not is_closed(client) for client in idle) == kept)
    assert collector.post("quick") == 202
    for client in idle:
        client.close()


def test_few_descriptors_and_many_idle_connections(alone):
    """At a limit of 128 two hundred of them reset everybody for 20 seconds."""
    collector = alone(workers=1, connections_per_address=0)
    collector.start("prlimit", "--nofile=128:128")
    idle = []
    for _ in range(200):
        idle.append(socket.create_connection(("127.0.0.1", collector.port)))
        if len(idle) % 20 == 0:
            assert collector.post("quick") == 202
    began = time.monotonic()
    for _ in range(20):
        assert collector.post("quick") == 202
    assert time.monotonic() - began < 5
    for client in idle:
        client.close()


def test_the_soft_limit_of_descriptors_is_raised_and_no_core_is_written(alone):
    collector = alone(workers=1)
    _, most = resource.getrlimit(resource.RLIMIT_CORE)  # a limit can be lowered by anyone, and raised by root alone
    core = 1_000_000 if most == resource.RLIM_INFINITY else min(most, 1_000_000)
    collector.start("prlimit", "--nofile=128:4096", f"--core={core}")
    for pid in (collector.master, *collector.workers()):
        limits = Path(f"/proc/{pid}/limits").read_text().splitlines()
        of = {line[:25].strip(): line[25:].split()[:2] for line in limits}
        assert of["Max open files"] == ["4096", "4096"]
        assert of["Max core file size"] == ["0", "0"]


def test_connections_wait_while_workers_are_held_up(plain_collector):
    """A queue of 100 made senders wait for whole seconds, up to 17 in a siege, beside workers that were half idle."""
    collector = plain_collector
    (worker,) = collector.workers()
    assert collector.post("quick") == 202
    os.kill(worker, signal.SIGSTOP)
    clients = []
    try:
        for _ in range(1_000):
            clients.append(socket.create_connection(("127.0.0.1", collector.port), timeout=0.5))
    finally:
        os.kill(worker, signal.SIGCONT)
        for client in clients:
            client.close()
    assert len(clients) == 1_000


def test_no_client_is_late_while_the_worker_is_held_up(alone, until):
    collector = alone(workers=1, request_timeout_seconds=2)
    collector.start()
    (worker,) = collector.workers()
    body = b'{"name":"quick","key":"wk_alone"}'
    with socket.create_connection(("127.0.0.1", collector.port), timeout=10) as client:
        client.sendall(b"POST /v1/events HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body) + body[:5])
        time.sleep(0.2)
        os.kill(worker, signal.SIGSTOP)
        time.sleep(5)
        client.sendall(body[5:])
        os.kill(worker, signal.SIGCONT)
        assert client.recv(12) == b"HTTP/1.1 202"


ENDLESS = {
    "a chunk's extension": (b"5;", b"a" * 4096),
    "zeros before a chunk's size": (b"", b"0" * 4096),
    "many extensions": (b"", b"1;" + b"a" * 4000 + b"\r\nx\r\n"),
    "a trailer": (b"1\r\nx\r\n0\r\nX-A: ", b"a" * 4096),
    "many trailers": (b"1\r\nx\r\n0\r\n", b"X-A: aaaaaaaa\r\n" * 300),
}


@pytest.mark.parametrize(("first", "more"), ENDLESS.values(), ids=ENDLESS)
def test_what_comes_with_a_body_and_is_none_of_it_is_bounded(plain_collector, first, more):
    """100 MB of it were kept, in time that grew with the square."""
    collector = plain_collector
    (worker,) = collector.workers()
    before = resident(worker)
    sent = 0
    with socket.create_connection(("127.0.0.1", collector.port), timeout=10) as client:
        began = time.monotonic()
        try:
            client.sendall(HEAD + first)
            while sent < 50_000_000:
                client.sendall(more)
                sent += len(more)
        except OSError:  # it hung up on us
            pass
        assert sent < 5_000_000
        assert time.monotonic() - began < 5
    assert resident(worker) - before < 5_000_000
    assert collector.post("quick") == 202


def test_the_end_of_endless_framing_is_answered(plain_collector):
    collector = plain_collector
    with socket.create_connection(("127.0.0.1", collector.port), timeout=10) as client:
        client.sendall(HEAD + b"5;")
        assert collector.post("quick") == 202  # what comes with the headers is not counted
        client.sendall(b"a" * 70_000)
        assert client.recv(1000).startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_bodies_in_small_chunks_are_taken(plain_collector, size):
    collector = plain_collector
    body = EVENT + b" " * 20_000
    pieces = (body[at : at + size] for at in range(0, len(body), size))
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    with socket.create_connection(("127.0.0.1", collector.port), timeout=10) as client:
        for _ in range(2):
            client.sendall(HEAD + chunks + b"0\r\n\r\n")
            answer = http.client.HTTPResponse(client)
            answer.begin()
            assert (answer.status, answer.read()[:13]) == (202, b'{"accepted":1')


@pytest.mark.parametrize("at_once", [True, False], ids=["in one piece", "while the first is answered"])
def test_a_large_request_right_behind_another_is_taken(plain_collector, at_once):
    """Its bytes are no frame of the first one's body, and it is kept until its turn."""
    collector = plain_collector
    head = HEAD.replace(b"Transfer-Encoding: chunked", b"Content-Length: %d")
    body = b'{"key":"wk_alone","events":[' + b",".join([b'{"name":"quick"}' + b" " * 20_000] * 10) + b"]}"
    first, second = head % len(EVENT) + EVENT, head % len(body) + body
    with socket.create_connection(("127.0.0.1", collector.port), timeout=10) as client:
        for _ in range(20):
            for piece in (first + second,) if at_once else (first, second):
                client.sendall(piece)
            answers = b""
            while b'{"accepted":10,' not in answers:
                more = client.recv(65_536)
                assert more, answers
                answers += more
            assert answers.count(b"HTTP/1.1 202") == 2


def is_closed(client: socket.socket) -> bool:
    client.setblocking(False)
    try:
        return client.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def resident(pid: int) -> int:
    """Bytes of memory of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) * 1024

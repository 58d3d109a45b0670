"""Clients that are slow or broken, by the dozen: everybody else is answered as ever, and they are cut off."""

from __future__ import annotations

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from collector.spool.spool import Spool
from collector.web.server import GRACE_SECONDS

BOUND = 1.0
CLIENTS = 50
HEAD = b"POST /v1/events HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
PIECES = {
    "says nothing": (b"", b""),
    "dribbles its headers": (HEAD, b"X-More: 1\r\n"),
    "dribbles a header without an end": (HEAD + b"X-More: ", b"x"),
    "dribbles its body": (HEAD + b'Content-Length: 5000\r\n\r\n{"name":"a","key":"wk_alone"', b" "),
    "dribbles chunks": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "sends a whole event of a longer body": (HEAD + b'Content-Length: 500\r\n\r\n{"name":"a","key":"wk_alone"}', b""),
    "sends a whole event and no last chunk": (
        HEAD + b'Transfer-Encoding: chunked\r\n\r\n1d\r\n{"name":"a","key":"wk_alone"}\r\n',
        b"",
    ),
    "never sends what it announced": (HEAD + b"Content-Length: 5000\r\n\r\n", b""),
}


@pytest.fixture
def collector(alone):
    running = alone(workers=1, request_timeout_seconds=BOUND)
    running.start()
    return running


@pytest.mark.parametrize(("first", "then"), PIECES.values(), ids=PIECES)
def test_slow_clients_are_cut_off_and_hold_nobody_up(collector, first, then):
    began = time.monotonic()
    slow = [socket.create_connection(("127.0.0.1", collector.port)) for _ in range(CLIENTS)]
    for client in slow:
        client.sendall(first)
    open_ones, longest = set(slow), 0.0
    while open_ones:
        assert time.monotonic() - began < BOUND + 6, f"{len(open_ones)} clients are still connected"
        open_ones = {client for client in open_ones if not is_cut(client, then)}
        asked = time.monotonic()
        assert collector.post("quick") == 202
        longest = max(longest, time.monotonic() - asked)
    assert time.monotonic() - began > BOUND
    assert longest < 1.0
    assert {name_of_event(line) for line in spooled(collector)} == {"quick"}
    for client in slow:
        client.close()


def holds(collector, client: socket.socket) -> bool:
    """Whether the collector still has its end of a connection; what is left of it in the kernel has no owner."""
    ends = [f"{port:04X}" for port in (collector.port, client.getsockname()[1])]
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, remote, *_, inode = line.split()[:10]
        if [end.split(":")[1] for end in (local, remote)] == ends:
            return inode != "0"
    return False


def is_cut(client: socket.socket, piece: bytes) -> bool:
    """Whether the server has closed the connection; sends the next piece where not."""
    client.settimeout(0.001)
    try:
        if client.recv(1000).startswith(b"HTTP/1.1 408"):
            return True
        client.sendall(piece)
    except TimeoutError:
        try:
            client.sendall(piece)
        except OSError:
            return True
    except OSError:
        return True
    return False


def test_a_client_that_takes_its_time_within_the_bound_is_served(collector):
    body = b'{"name":"patient","key":"wk_alone"}'
    with socket.create_connection(("127.0.0.1", collector.port), timeout=10) as client:
        for _ in range(3):  # the bound is for each request, not for the connection
            message = HEAD + f"Content-Length: {len(body)}\r\n\r\n".encode() + body
            for at in range(0, len(message), 20):
                client.sendall(message[at : at + 20])
                time.sleep(BOUND / len(message) * 10)
            assert client.recv(1000).startswith(b"HTTP/1.1 202")


def test_a_connection_that_waits_for_its_next_request_is_kept(collector, until):
    with socket.create_connection(("127.0.0.1", collector.port), timeout=10) as client:
        for _ in range(2):
            client.sendall(b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n")
            assert client.recv(1000).startswith(b"HTTP/1.1 200")
            later = time.monotonic() + BOUND + 1.5
            until(lambda moment=later: time.monotonic() > moment)


def test_a_client_that_never_reads_its_answers_is_cut_off(collector, until):
    with socket.create_connection(("127.0.0.1", collector.port)) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.setblocking(False)
        asked = 0

        def asked_for_more_than_buffers_take() -> bool:
            nonlocal asked
            with suppress(OSError):  # a few at a time: a long row of requests ahead is refused for its own sake
                client.send(b"GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n" * 10)
            asked += 10
            return asked >= 600

        until(asked_for_more_than_buffers_take)
        until(lambda: not holds(collector, client))
    assert collector.post("quick") == 202


def test_a_stop_waits_for_requests_and_not_for_connections(collector, until):
    """What is being sent is taken and answered; who only keeps a connection open is let go of."""
    body = b'{"name":"quick","key":"wk_alone"}'
    silent, kept, busy = (socket.create_connection(("127.0.0.1", collector.port), timeout=10) for _ in range(3))
    with silent, kept, busy, ThreadPoolExecutor(1) as pool:
        kept.sendall(b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n")
        assert kept.recv(1000).startswith(b"HTTP/1.1 200")
        busy.sendall(HEAD + f"Content-Length: {len(body)}\r\n\r\n".encode() + body[:10])
        began = time.monotonic()
        stopping = pool.submit(collector.stop)
        assert silent.recv(1000) == b""
        assert kept.recv(1000) == b""
        busy.sendall(body[10:])
        assert busy.recv(1000).startswith(b"HTTP/1.1 202")
        stopping.result()
    assert time.monotonic() - began < GRACE_SECONDS / 2
    assert {name_of_event(line) for line in spooled(collector)} == {"quick"}


def test_headers_of_ten_megabytes_are_refused(collector):
    line = b"X-More: " + b"x" * 8_000 + b"\r\n"
    sent, answer = 0, b""
    with socket.create_connection(("127.0.0.1", collector.port), timeout=10) as client:
        client.sendall(HEAD)
        try:
            while sent < 10_000_000:
                client.sendall(line)
                sent += len(line)
            answer = client.recv(1000)
        except OSError:  # it hung up on us
            pass
    assert sent < 10_000_000 or answer.startswith(b"HTTP/1.1 431")
    assert collector.post("quick") == 202


@pytest.mark.parametrize("part", [b'{"key":"wk_alone","name":"torn"', b'{"key":"wk_alone","name":"torn"}'])
def test_connections_that_break_in_the_middle_of_a_body_leave_nothing(collector, part):
    for _ in range(CLIENTS):
        with socket.create_connection(("127.0.0.1", collector.port)) as client:
            client.sendall(HEAD + b"Content-Length: 500\r\n\r\n" + part)
    assert collector.post("quick") == 202
    assert {name_of_event(line) for line in spooled(collector)} == {"quick"}


def spooled(collector) -> list[bytes]:
    """The lines that the collector has spooled."""
    from collector.spool import framing

    collector.stop()
    paths = Spool(collector.home.spool).sealed()
    records = [record for path in paths for record in framing.read(path.read_bytes(), framing.key_of(path)).payloads]
    return [line for record in records for line in record.splitlines()]


def name_of_event(line: bytes) -> str:
    """Which of the names that these tests use is in a spooled line."""
    return next(name for name in ("quick", "torn", "a") if f"\x1f{name}\x1f".encode() in line)

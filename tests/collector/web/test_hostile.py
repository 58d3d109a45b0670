"""A hundred thousand hostile bodies to a running collector: no crash, no leak, no 5xx, and it still counts right."""

from __future__ import annotations

import asyncio
import gzip
import json
import random
import re
from collections import Counter
from pathlib import Path

import pytest
import uvloop
import zstandard

BODIES = 100_000
CONNECTIONS = 8
BOMB = gzip.compress(bytes(20 * 1024**2))
ZBOMB = zstandard.ZstdCompressor().compress(bytes(200 * 1024**2))
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n")
ALLOWED = {202, 400, 401, 403, 413, 415}
FINE = {"name": "page_view", "url": "https://shop.example/p", "props": {"plan": "pro", "n": 1}}


def hostile(rng: random.Random) -> tuple[bytes, str]:
    """One body, and how it is packed."""
    depth = rng.choice([10, 500, 20_000])
    text = "".join(chr(rng.randrange(1, 0x2FFF)) for _ in range(rng.randrange(40)))
    good = json.dumps(FINE).encode()
    at = rng.randrange(len(good))
    kinds = [
        lambda: (b"[" * depth + b"]" * depth, ""),
        lambda: (b'{"name":' * depth + b"1" + b"}" * depth, ""),
        lambda: (b'{"name":"a","props":{"x":' + b"9" * rng.choice([20, 400, 5000]) + b"}}", ""),
        lambda: (b'{"name":"a","timestamp":1e' + str(rng.randrange(400)).encode() + b"}", ""),
        lambda: (
            b'{"name":"a","props":{"x":' + rng.choice([b"NaN", b"-Infinity", b"1e999", b"-0", b"0x1"]) + b"}}",
            "",
        ),
        lambda: (b'{"name":"\\ud8' + bytes([rng.randrange(48, 58)]) + b'0"}', ""),
        lambda: (b'{"name":"a\x00b","title":"\\u0000"}', ""),
        lambda: (b'{"name":"a","name":"b","props":{"k":1,"k":"2"}}', ""),
        lambda: (good[:at] + bytes([rng.randrange(256)]) + good[at + 1 :], ""),
        lambda: (good[:at], ""),
        lambda: (rng.randbytes(rng.randrange(300)), ""),
        lambda: (json.dumps({**FINE, "title": text, "props": {text: text}}).encode(), ""),
        lambda: (json.dumps({"name": "a", "revenue": {"amount": "9" * rng.randrange(1, 60)}}).encode(), ""),
        lambda: (json.dumps({"name": "a", "event_id": text, "timestamp": text, "consent": {text: text}}).encode(), ""),
        lambda: (json.dumps({"events": [None, 5, [], {}, {"name": "a"}, "x"] * rng.randrange(30)}).encode(), ""),
        lambda: (json.dumps({"name": "a", "url": "https://" + "a" * rng.randrange(9000)}).encode(), ""),
        lambda: (
            json.dumps({"name": "a", "url": f"https://a/{'%' * rng.randrange(99)}?gclid={'é' * 9}&&=#"}).encode(),
            "",
        ),
        lambda: (rng.choice([BOMB, ZBOMB, rng.randbytes(100)]), rng.choice(["gzip", "zstd"])),
        lambda: (gzip.compress(good)[: rng.randrange(1, 60)], "gzip"),
        lambda: (good, rng.choice(["br", "gzip, gzip", "\t", "compress"])),
        lambda: (b"\xef\xbb\xbf" + good, ""),
        lambda: (b" " * rng.randrange(2000) + b"[]", ""),
    ]
    return rng.choice(kinds)()


def request(key, body, encoding):
    """A body as it is posted."""
    packed = f"Content-Encoding: {encoding}\r\n" if encoding else ""
    head = (
        f"POST /v1/events HTTP/1.1\r\nHost: x\r\nX-Footfall-Key: {key}\r\nUser-Agent: Mozilla/5.0 Firefox/140\r\n"
        f"Content-Type: application/json\r\n{packed}Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def send(port, requests, statuses):
    """Send requests over one connection after the other; what breaks a connection is counted too."""
    reader = writer = None
    for text in requests:
        if writer is None:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(text)
            async with asyncio.timeout(20):
                answer = (await reader.readuntil(b"\r\n\r\n")).lower()
                await reader.readexactly(int(LENGTH.search(answer)[1]))
            statuses[int(answer.split(maxsplit=2)[1])] += 1
            closed = b"\r\nconnection: close\r\n" in answer
        except (asyncio.IncompleteReadError, ConnectionError):
            statuses["closed"] += 1
            closed = True
        if closed:
            writer.close()
            reader = writer = None
    if writer:
        writer.close()


def flood(port, key, count, seed):
    """Statuses of ``count`` hostile bodies over some connections at once."""
    statuses: Counter[object] = Counter()

    async def run():
        rng = random.Random(seed)
        made = [request(key, *hostile(rng)) for _ in range(count // 10)]
        each = [rng.choices(made, k=count // CONNECTIONS) for _ in range(CONNECTIONS)]
        await asyncio.gather(*(send(port, requests, statuses) for requests in each))

    uvloop.run(run())
    return statuses


def memory(pid):
    """Resident memory of a process in MB."""
    [line] = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1]) / 1024


@pytest.mark.timeout(240)
def test_hostile_bodies(footfall, until):
    workers = sorted(footfall.pids("worker"))
    statuses = Counter()
    for seed in range(2):  # caches fill
        statuses += flood(footfall.port, footfall.key, BODIES // 10, seed)
    warm = [memory(pid) for pid in workers]
    for seed in range(2, 10):
        statuses += flood(footfall.port, footfall.key, BODIES // 10, seed)
    assert set(statuses) <= {*ALLOWED, "closed"}, statuses
    assert statuses.total() == BODIES
    assert statuses["closed"] < BODIES // 100
    assert statuses[202] > BODIES // 20 < statuses[400]
    assert sorted(footfall.pids("worker")) == workers, "a worker died"
    assert max(memory(pid) - before for pid, before in zip(workers, warm, strict=True)) < 40
    assert max(map(memory, workers)) < 200
    # All that was accepted is counted, the strange with the plain.
    assert footfall.post([FINE]) == 202
    until(footfall.drained, 60, "everything is loaded")
    with footfall.client() as client:
        assert client.command("select count() > 1000 from events")
    assert list((footfall.home.spool / "quarantine").iterdir()) == []


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nX: " + b"a" * 10_000_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: a\r\n" * 500_000 + b"\r\n",
        b"GET /" + b"a" * 10_000_000 + b" HTTP/1.1\r\n\r\n",
    ],
    ids=["one long header", "many headers", "long path"],
)
def test_ten_megabytes_of_headers(lasting, head):
    workers = sorted(lasting.pids("worker"))
    before = max(map(memory, workers))

    async def run():
        reader, writer = await asyncio.open_connection("127.0.0.1", lasting.port)
        try:
            writer.write(head)
            await writer.drain()
            return await asyncio.wait_for(reader.read(65_536), 20)
        except ConnectionError:
            return b""
        finally:
            writer.close()

    answer = asyncio.run(run())
    assert not answer or 400 <= int(answer.split()[1]) < 500
    assert lasting.post([FINE]) == 202
    assert sorted(lasting.pids("worker")) == workers
    assert max(map(memory, workers)) - before < 40


def test_connections_that_are_over_are_freed(lasting):
    async def one(size):
        reader, writer = await asyncio.open_connection("127.0.0.1", lasting.port)
        head = f"POST /v1/events HTTP/1.1\r\nHost: x\r\nX-Footfall-Key: {lasting.key}\r\nContent-Length: {size + 2}"
        writer.write(head.encode() + b"\r\n\r\n" + b" " * size + b"[]")
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    async def many(count):
        for number in range(0, count, CONNECTIONS):
            await asyncio.gather(*(one(20_000 * (number // CONNECTIONS % 2)) for _ in range(CONNECTIONS)))

    workers = lasting.pids("worker")
    uvloop.run(many(14_000))
    before = sum(map(memory, workers))
    uvloop.run(many(6_000))
    assert sum(map(memory, workers)) - before < 30  # 78 MB where they are not

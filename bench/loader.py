"""Events a second through the loader, from sealed segments to counted, beside a bare chDB insert of the same events.

    python -m bench.loader [--events 800000] [--rounds 3]

The events are a made-up shop's tracker posts. The baseline inserts them as the JSON lines that sites send, with
``INSERT … FORMAT JSONEachRow`` into a plain MergeTree table of chDB in a process of its own, 100,000 rows at a
time. The loader does all of its work (spool frames, enrichment, duplicates, visits, views, rollups, fsync) in a process
of its own too, with the engine in another. Both are warm. Ratios are per round, then the median.
"""

from __future__ import annotations

import argparse
import datetime as dt
import itertools
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.traffic import Post, Traffic
from collector.choices import Durability
from collector.enrich import bots, user_agents
from collector.event.decode import parse
from collector.event.limits import Limits
from collector.ingest.pipeline import IngestContext, Sender, process
from collector.ingest.visitors import Salts, Visitors
from collector.loader import allocators
from collector.loader.loader import Loader
from collector.sites import registry
from collector.sites.snapshot import publish
from collector.spool.lines import FIELDS, encode
from collector.spool.segment_files import read
from collector.spool.spool import Spool, SpoolOptions, SpoolWriter
from sql.client import opened, running
from sql.core.data_dir import DataDir
from sql.engine.server import alongside
from sql.schema.upgrade import bring_up_to_date

SITE = registry.Site(1, "shop.example", "Europe/Berlin")
BARE = """
create table bare (
    name LowCardinality(String), url String, timestamp UInt64, event_id UUID, referrer String, title String,
    screen LowCardinality(String), language LowCardinality(String), client_id String, engagement_ms UInt32,
    scroll_depth UInt8, user_agent LowCardinality(String)
) engine = MergeTree order by (name, timestamp)
"""
WARM = 20_000
# Requests that share a commit when the collector is busy.
GROUP = 20


def posts(count: int, seed: int) -> Iterator[Post]:
    """``count`` events of the last week."""
    traffic = Traffic(seed=seed, until=dt.datetime.now(dt.UTC), days=7, visits=count // 3, site=SITE.domain)
    return itertools.islice(traffic.posts(), count)


def fill_spool(home: DataDir, events: Iterator[Post]) -> int:
    """What the collector writes for these events, one event a request, twenty to a commit; bytes of the spool."""
    writer = SpoolWriter(Spool(home.spool), "bench", SpoolOptions(Durability.OS, total_bytes=1 << 40))
    rules = IngestContext(Limits(), Visitors(Salts(home.salts)))
    now = int(time.time() * 1000)
    while chunk := list(itertools.islice(events, GROUP)):
        payloads = []
        for post in chunk:
            sender = Sender(post.address, post.user_agent, "", False, now)
            judged = process(parse(json.dumps(post.event).encode(), rules.limits.event_bytes), SITE, sender, rules)
            payloads.append(encode(SITE.site_id, now, judged.accepted))
        writer.commit(payloads)
    writer.seal()
    return Spool(home.spool).size()


def copy_spool(home: DataDir, copies: int) -> None:
    """Make the waiting events so many times as many, each copy with ids and visitors of its own."""
    spool = Spool(home.spool)
    originals = [payload for path in spool.sealed() for payload in read(spool, path)[0]]
    writer = SpoolWriter(spool, "bench", SpoolOptions(Durability.OS, total_bytes=1 << 40))
    for number in range(1, copies):
        for payload in originals:
            writer.commit([b"".join(_other(line, number) for line in payload.splitlines(keepends=True))])
    writer.seal()


def _other(line: bytes, number: int) -> bytes:
    *head, _, known, visitor, previous, rest = line.split(b"\x1f", FIELDS.index("previous") + 1)
    fresh = os.urandom(16).hex().encode()
    return b"\x1f".join([*head, fresh, known, b"%d" % (int(visitor) ^ number << 20), previous, rest])


def time_loader(count: int, seed: int, copies: int = 1) -> float:
    """Events a second, for ``copies`` times ``count`` of them."""
    with tempfile.TemporaryDirectory() as folder:
        home = DataDir(Path(folder)).make()
        url = f"chdb://{home.root}"
        publish(home.sites_file, [SITE])
        with alongside(home):
            with opened(url) as client:
                bring_up_to_date(client, home)
            fill_spool(home, posts(WARM, seed + 1000))
            command = [sys.executable, "-m", "bench.loader", "--drain", str(home.root)]
            allocators.return_memory_early()
            with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
                assert child.stdin
                assert child.stdout
                child.stdout.readline()  # it is warm
                fill_spool(home, posts(count, seed))
                copy_spool(home, copies)
                child.stdin.write("go\n")
                child.stdin.flush()
                took, peak = map(float, child.stdout.readline().split())
            with opened(url) as client:
                stored = client.command("select count() from events")
                visits = client.command("select sum(events) from visits")
            assert stored == visits == copies * count + WARM, (stored, visits)
            engine = running(home)
            assert engine
            print(
                f"    loader process {peak:.0f} MB, engine {_peak_mb(str(engine.pid)):.0f} MB at most",
                flush=True,
            )
    return copies * count / took


def drain(root: Path) -> None:
    """The loader itself, in a process of its own: warm up, wait for the word, load; seconds and peak MB."""
    allocators.return_memory_early()  # its environment is set by the process that started this one
    home = DataDir(root)
    user_agents.warm_up()
    bots.warm_up()
    with Loader(home, f"chdb://{root}") as loader:
        loader.drain()
        print("warm", flush=True)
        sys.stdin.readline()
        began = time.perf_counter()
        loader.drain()
        print(time.perf_counter() - began, _peak_mb("self"), flush=True)


def time_bare(count: int, seed: int) -> float:
    """Events a second, measured in a process of its own (chDB must not be forked, nor share ours)."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.loader", "--bare", str(count), str(seed)], check=True, stdout=subprocess.PIPE
    )
    return float(done.stdout)


def bare(count: int, seed: int) -> float:
    """The baseline itself."""
    import chdb

    lines = [json.dumps(post.event | {"user_agent": post.user_agent}).encode() for post in posts(count, seed)]
    chunks = [b"\n".join(lines[at : at + 100_000]) for at in range(0, count, 100_000)]
    with tempfile.TemporaryDirectory() as folder:
        connection = chdb.connect(f"{folder}/db")
        connection.query(BARE)
        connection.query("set input_format_skip_unknown_fields = 1, async_insert = 0")

        def insert(chunk: bytes) -> None:
            with connection.send_insert("insert into bare", "JSONEachRow") as stream:
                stream.append(chunk)
                stream.finish()

        insert(b"\n".join(lines[:WARM]))
        began = time.perf_counter()
        for chunk in chunks:
            insert(chunk)
        took = time.perf_counter() - began
        assert int(connection.query("select count() from bare").bytes()) == count + WARM
        connection.close()
    return count / took


def _peak_mb(pid: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--events", type=int, default=800_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--copies", type=int, default=1, help="how many times to load --events, with new ids and visitors"
    )
    parser.add_argument("--bare", nargs=2, type=int, metavar=("COUNT", "SEED"), help=argparse.SUPPRESS)
    parser.add_argument("--drain", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.drain:
        drain(args.drain)
        return
    if args.bare:
        print(bare(*args.bare))
        return
    rates, ratios = [], []
    for number in range(args.rounds):
        plain, ours = time_bare(args.events, number), time_loader(args.events, number, args.copies)
        rates.append(ours)
        ratios.append(ours / plain)
        print(
            f"round {number + 1}  bare insert {plain:9,.0f} events/s  loader {ours:9,.0f} events/s  {ours / plain:.2f}",
            flush=True,
        )
    print(
        f"loader: median {statistics.median(rates):,.0f} events/s, {statistics.median(ratios):.2f} of the bare insert,"
        f" on {os.cpu_count()} cores"
    )


if __name__ == "__main__":
    main()

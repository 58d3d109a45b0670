"""Requests per second of the collector beside a Falcon app that does nothing, in one run.

    python -m bench.collector [--seconds 5] [--rounds 3] [--connections 64]

Each round measures the no-op app, the collector with fsync and with os durability, in turn, with two gunicorn
ASGI workers each and single-event posts from wrk (Debian package `wrk`). Ratios are per round, then the median.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from collector.sites import registry
from collector.sites.snapshot import publish
from sql.core.data_dir import DataDir

KEY = "wk_bench"
EVENT = {
    "name": "page_view",
    "url": "https://shop.example/products/tea?utm_source=newsletter&utm_medium=email",
    "referrer": "https://www.google.com/",
    "title": "Tea",
    "screen": "1440x900",
    "language": "en-GB",
    "props": {"plan": "basic", "cart": 3},
}
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"


class Noop:
    """Reads the body and answers 202."""

    async def on_post(self, req, resp):  # type: ignore[no-untyped-def]
        await req.stream.read(req.content_length)
        resp.status = 202
        resp.content_type = "application/json"
        resp.data = b'{"accepted":1,"rejected":[]}'


def serve(kind: str, port: int, root: Path) -> None:
    """One server of the comparison, in the foreground."""
    import falcon.asgi

    from collector.choices import Durability
    from collector.ingest.rate_limits import RateLimits, Rates
    from collector.ingest.service import AppOptions
    from collector.spool.spool import SpoolOptions
    from collector.web.app import create_app
    from collector.web.server import Server

    class NoopServer(Server):
        def load(self):  # type: ignore[no-untyped-def]
            app = falcon.asgi.App()
            app.add_route("/v1/events", Noop())
            return app

    durability = Durability.OS if kind == "os" else Durability.FSYNC
    unlimited = RateLimits(Rates(site_events_per_second=0, address_requests_per_second=0))
    spool = SpoolOptions(durability, total_bytes=64 * 1024**3)
    options = AppOptions(DataDir(root).make(), spool, rate_limits=unlimited)
    assert create_app
    (NoopServer if kind == "noop" else Server)(options, "127.0.0.1", port, 2).run()


def measure(kind: str, root: Path, seconds: int, connections: int, pause_ms: int = 0) -> tuple[float, str]:
    """Requests per second, and the p99 latency as wrk prints it; each connection pauses between requests."""
    site = registry.Site(1, "shop.example", "UTC", (registry.WriteKey(registry.hash_key(KEY)),))
    publish(root / "sites.json", [site])
    port = free_port()
    server = subprocess.Popen([sys.executable, "-m", "bench.collector", "--serve", kind, str(port), str(root)])
    try:
        await_answer(port)
        script = root / "post.lua"
        script.write_text(
            'wrk.method = "POST"\n'
            f"wrk.body = [==[{json.dumps(EVENT)}]==]\n"
            'wrk.headers["Content-Type"] = "application/json"\n'
            f'wrk.headers["User-Agent"] = "{AGENT}"\n'
            f'wrk.headers["X-Footfall-Key"] = "{KEY}"\n'
            + (f"function delay() return {pause_ms} end\n" if pause_ms else "")
        )
        url = f"http://127.0.0.1:{port}/v1/events"
        command = ["wrk", "-t1", f"-c{connections}", "--latency", "-s", str(script)]
        subprocess.run([*command, "-d1s", url], check=True, capture_output=True)
        out = subprocess.run([*command, f"-d{seconds}s", url], check=True, capture_output=True, text=True).stdout
    finally:
        server.terminate()
        server.wait(30)
    bad = re.search(r"Non-2xx.*|Socket errors.*", out)
    if bad:
        raise SystemExit(f"{kind}: {bad[0]}")
    rate, p99 = re.search(r"Requests/sec:\s+([\d.]+)", out), re.search(r" 99%\s+(\S+)", out)
    assert rate and p99
    return float(rate[1]), p99[1]


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def await_answer(port: int) -> None:
    """Until the server accepts events."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/events",
        json.dumps(EVENT).encode(),
        {"X-Footfall-Key": KEY, "Content-Type": "application/json"},
    )
    for _ in range(200):
        try:
            with urllib.request.urlopen(request, timeout=2):
                return
        except OSError:
            time.sleep(0.05)
    raise SystemExit("the server did not start")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--serve", nargs=3, metavar=("KIND", "PORT", "ROOT"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        serve(args.serve[0], int(args.serve[1]), Path(args.serve[2]))
        return
    if not shutil.which("wrk"):
        raise SystemExit("wrk was not found; apt-get install wrk")
    ratios: dict[str, list[float]] = {"fsync": [], "os": []}
    full: list[float] = []
    for number in range(args.rounds):
        rates = {}
        for kind in ("noop", "fsync", "os"):
            with tempfile.TemporaryDirectory() as folder:
                rates[kind], p99 = measure(kind, Path(folder), args.seconds, args.connections)
            print(f"round {number + 1}  {kind:6} {rates[kind]:10,.0f} requests/s   p99 {p99}", flush=True)
        for kind, values in ratios.items():
            values.append(rates[kind] / rates["noop"])
        full.append(rates["fsync"])
    with tempfile.TemporaryDirectory() as folder:
        pause = round(1000 * args.connections / (statistics.median(full) / 2))
        rate, p99 = measure("fsync", Path(folder), args.seconds, args.connections, pause)
        print(f"at half load: {rate:,.0f} requests/s   p99 {p99}", flush=True)
    for kind, values in ratios.items():
        shown = " ".join(f"{value:.2f}" for value in values)
        print(f"collector with {kind}: {statistics.median(values):.2f} of the no-op app (rounds: {shown})")


if __name__ == "__main__":
    main()

"""``make demo``: Footfall as a person meets it, in a scratch directory, with a made-up shop's traffic.

Every step is the command that a person would type, and is shown as such. The data stay in ``.demo``.
"""

from __future__ import annotations

import datetime as dt
import itertools
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

from bench.traffic import Traffic
from sql.core.data_dir import DataDir
from sql.core.files import OwnedLock

SITE = "shop.example"
ZONE = "Europe/Paris"
FOLDER = Path(".demo")
FOOTFALL = str(Path(sys.executable).with_name("footfall"))
LIVE_EVENTS = 400
HINTS = (
    "report timeseries --by hour --period 7d",
    "report channels",
    "report overview --raw      # the same figures, counted from raw events",
    "report pages --format csv --limit 100",
    'query "select name, count() from events group by name"',
    f"import access-log .demo/access.log --site {SITE}   # counts once",
    "doctor",
    "serve",
)


def in_use() -> str:
    """Who works in the demo's data directory, or an empty string."""
    home = DataDir(FOLDER / "footfall-data")
    locks = [OwnedLock(path, "make demo") for path in (home.serve_lock, home.loader_lock, home.engine_lock)]
    return next((lock.holder() or "another process" for lock in locks if not lock.is_free()), "")


def main() -> None:
    """The whole walk."""
    began = time.monotonic()
    if FOLDER.exists():
        if holder := in_use():
            sys.exit(f"{FOLDER} is in use by {holder}; stop it first")
        say(f"replacing {FOLDER}")
        shutil.rmtree(FOLDER)
    FOLDER.mkdir()
    os.environ["FOOTFALL_CONFIG"] = str(FOLDER / "footfall.toml")
    # X-Forwarded-For from here is believed, as behind a proxy, so that the posts come from many visitors.
    os.environ["FOOTFALL_COLLECTOR_TRUSTED_PROXIES"] = "127.0.0.1"
    now = dt.datetime.now(dt.UTC)
    log = FOLDER / "access.log"
    traffic = Traffic(seed=7, until=now, days=60, visits=24_000, site=SITE, zone=ZONE)
    log.write_text("".join(f"{line}\n" for line in traffic.lines()))

    run("init", str(FOLDER))
    key = re.search(r"wk_\S+", run("site", "add", SITE, "--timezone", ZONE, "--currency", "EUR", quiet=True))
    assert key
    port = free_port()
    say(f"$ footfall serve --port {port} &")
    server = subprocess.Popen([FOOTFALL, "serve", f"--port={port}"], stderr=(FOLDER / "serve.log").open("w"))
    try:
        await_health(port, server)
        run("import", "access-log", str(log), "--site", SITE, "--format", "table")
        sent = post_live_events(port, key[0], now)
        await_counted(sent)
        run("funnel", "add", "checkout", "/cart", "/checkout/*", "/checkout/thanks", "--site", SITE)
        for report in ("overview", "pages", "sources"):
            run("report", report, "--site", SITE, "--period", "30d", "--format", "table")
        run("report", "funnel", "checkout", "--site", SITE, "--period", "30d", "--format", "table")
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(60)
    say(f"\nStopped after {time.monotonic() - began:.0f} s. The data is in {FOLDER}. Try:\n")
    say(f"  export FOOTFALL_CONFIG=$PWD/{FOLDER}/footfall.toml PATH=$PWD/.venv/bin:$PATH")
    for hint in HINTS:
        say(f"  footfall {hint}")


def run(*args: str, quiet: bool = False) -> str:
    """Run one command as a person would; its standard output."""
    say("$ footfall " + " ".join(f"'{arg}'" if "*" in arg else arg for arg in args))
    done = subprocess.run([FOOTFALL, *args], stdout=subprocess.PIPE, text=True, env=os.environ | {"COLUMNS": "80"})
    if not quiet and done.stdout:
        say(done.stdout)
    if done.returncode:
        raise SystemExit(f"`footfall {' '.join(args)}` ended with {done.returncode}; see {FOLDER}/serve.log")
    return done.stdout


def post_live_events(port: int, key: str, until: dt.datetime) -> int:
    """A few hundred events of the last day, in batches as the tracker sends them; how many."""
    sent = 0
    say(f"$ # posting tracker events to http://127.0.0.1:{port}/v1/events")
    posts = itertools.islice(
        Traffic(seed=11, until=until, days=1, visits=400, site=SITE, zone=ZONE).posts(), LIVE_EVENTS
    )
    for (address, agent), batch in itertools.groupby(posts, lambda post: (post.address, post.user_agent)):
        headers = {"User-Agent": agent, "X-Forwarded-For": address, "Content-Type": "text/plain"}
        body = json.dumps({"key": key, "events": [post.event for post in batch]}).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/events", body, headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            sent += json.load(answer)["accepted"]
    say(f"  {sent} accepted\n")
    return sent


def await_counted(live: int) -> None:
    """Until the live events stand in `events`."""
    sql = "select count() as n from events where import_id = ''"
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        out = subprocess.run([FOOTFALL, "query", sql, "--format", "json"], capture_output=True, text=True, check=True)
        rows: list[dict[str, Any]] = json.loads(out.stdout)
        if rows[0]["n"] >= live:
            return
        time.sleep(0.1)
    raise SystemExit("the events were accepted but not counted within 30 s")


def await_health(port: int, server: subprocess.Popen[bytes]) -> None:
    """Until the collector answers."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=2):
                return
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"footfall serve did not start:\n{(FOLDER / 'serve.log').read_text()}")


def free_port() -> int:
    """8080 if nobody listens there, else any."""
    for port in (8080, 0):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            found: int = probe.getsockname()[1]
            return found
    raise SystemExit("no free port")


def say(text: str) -> None:
    """On the terminal, at once."""
    print(text, flush=True)


if __name__ == "__main__":
    main()

"""Commands beside `serve`, without it, and beside each other: the same figures, and everyone is answered."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from bench.traffic import Traffic

pytestmark = pytest.mark.process

FOOTFALL = str(Path(sys.executable).with_name("footfall"))
REPORTS = ("overview", "pages", "sources", "browsers", "events", "timeseries")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with a site and a made-up week."""
    folder = tmp_path_factory.mktemp("together")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (folder / "footfall.toml").write_text(f'data_dir = "data"\n[collector]\nport = {port}\n')
    until = dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)
    traffic = Traffic(seed=3, until=until, days=7, visits=1500, site="shop.example", zone="Asia/Kolkata")
    (folder / "access.log").write_text("".join(f"{line}\n" for line in traffic.lines()))
    run(folder, "init")
    run(folder, "site", "add", "shop.example", "--timezone", "Asia/Kolkata")
    run(folder, "import", "access-log", "access.log", "--site", "shop.example")
    return folder


@pytest.fixture(scope="module")
def serving(home):
    """`footfall serve`, answering, from the first test that asks for it until the last."""
    server = subprocess.Popen([FOOTFALL, "serve"], cwd=home, stderr=(home / "serve.log").open("w"))
    try:
        port = (home / "footfall.toml").read_text().split("port = ")[1].strip()
        deadline = time.monotonic() + 90
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=2).close()
                break
            except OSError:
                assert server.poll() is None, (home / "serve.log").read_text()
                assert time.monotonic() < deadline
        yield server
    finally:
        if server.poll() is None:
            server.send_signal(signal.SIGINT)
        ended = server.wait(90)
    assert ended == 0


def start(folder, *args):
    env = {name: value for name, value in os.environ.items() if not name.startswith("FOOTFALL_")}
    return subprocess.Popen(
        [FOOTFALL, *args], cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finish(process):
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return out


def run(folder, *args):
    return finish(start(folder, *args))


def test_two_at_once_without_an_engine(home):
    running = [start(home, "report", name, "--period", "7d") for name in ("overview", "pages", "sources")]
    together = [json.loads(finish(process)) for process in running]
    one_by_one = [json.loads(run(home, "report", name, "--period", "7d")) for name in ("overview", "pages", "sources")]
    assert together == one_by_one
    assert all(together)


def test_the_same_figures_while_serving_and_while_not(home, command, request):
    def figures():
        done = {name: command("report", name, "--period", "7d", cwd=home) for name in REPORTS}
        return {name: json.loads(said.stdout) for name, said in done.items()}

    alone = figures()
    assert alone["overview"][0]["pageviews"] > 1000
    request.getfixturevalue("serving")
    assert figures() == alone


def test_many_at_once_with_an_engine(home, serving):
    expected = run(home, "report", "pages", "--period", "7d")
    running = [start(home, "report", "pages", "--period", "7d") for _ in range(6)]
    assert {finish(process) for process in running} == {expected}


def test_a_second_serve_is_refused_in_one_line(home, serving):
    second = start(home, "serve", "--port", "1")
    _, err = second.communicate(timeout=30)
    assert second.returncode != 0
    [line] = err.splitlines()  # of JSON, since nobody sits at a terminal
    assert json.loads(line)["message"].startswith("footfall serve is already running")

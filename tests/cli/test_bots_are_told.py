"""Whatever is left out for being a bot's is said: by an import, and by every report."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from cli.report import RANKED
from collector.sites.admin import add_site
from sql.client import opened
from sql.core.data_dir import DataDir
from sql.engine.server import alongside
from sql.schema.upgrade import bring_up_to_date

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[2]
PERSON = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"
BOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
OCTOBER = ("--period", "2026-10")
NOTE = "Bots excluded: 2 events (2 page views). Add --include-bots to count them."


def run(home, *args, **how):
    command = [sys.executable, "-m", "cli.main", "--data-dir", str(home.root), *args]
    how = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | how
    return subprocess.run(command, text=True, cwd=ROOT, timeout=120, **how)


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bots")
    home, log = DataDir(folder / "data").make(), folder / "access.log"
    line = '192.0.2.%d - - [20/Oct/2026:10:0%d:00 +0000] "GET /%d HTTP/1.1" 200 5 "-" "%s"\n'
    log.write_text("".join(line % (n, n, n, agent) for n, agent in enumerate([PERSON, BOT, BOT])))
    with alongside(home):
        with opened(f"chdb://{home.root}", direct=False) as client:
            bring_up_to_date(client, home)
            add_site(client, home, "shop.example", "UTC")
        yield home, run(home, "import", "access-log", str(log), "--site", "shop.example")


def test_an_import_says_how_many(imported):
    _, done = imported
    assert done.returncode == 0
    assert "3 page views stored, 2 of them by bots (excluded from reports; see --include-bots)\n" in done.stderr


@pytest.mark.parametrize("name", ["overview", "timeseries", "campaigns", "detected", "exit-pages", *RANKED])
def test_every_report_says_so(imported, command, name):
    home, _ = imported
    report = ("--data-dir", home.root, "report", name, *OCTOBER, "--format", "table")
    done = command(*report)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == NOTE
    everyone = command(*report, "--include-bots")
    assert everyone.returncode == 0, everyone.stderr
    assert everyone.stdout
    assert NOTE not in everyone.stdout


@pytest.mark.parametrize("fmt", ["json", "csv"])
def test_data_stay_data(imported, fmt):
    """In a pipe nothing is said; who sits at a terminal reads it there."""
    home, _ = imported
    done = run(home, "report", "pages", *OCTOBER, "--format", fmt)
    assert NOTE not in done.stdout
    assert done.stderr == ""
    ours, theirs = pty.openpty()
    done = run(home, "report", "pages", *OCTOBER, "--format", fmt, stderr=theirs)
    os.close(theirs)
    assert NOTE not in done.stdout
    assert os.read(ours, 1000).decode().strip() == NOTE
    os.close(ours)

"""Lines a second of an access log of a million combined lines, next to what GoAccess takes for the same file.

    python -m bench.imports [--lines 1000000] [--rounds 3] [--against FOLDER]

Three things are timed in turn, each in processes of their own: reading alone (lines to page views, processor time),
``footfall import access-log --dry-run``, and the whole import into an empty database, until every page view is stored.
``--against`` also times the dry run and the whole import of another checkout, with the same interpreter. GoAccess is
timed if it is installed; it keeps counts in memory and stores nothing.
"""

from __future__ import annotations

import argparse
import datetime as dt
import itertools
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bench.traffic import Traffic
from collector.imports.access_log import AccessLog
from collector.imports.file_reader import MAX_LINE
from collector.imports.log_files import LogFile
from collector.imports.page_views import PageViews
from collector.ingest.visitors import Salts, Visitors
from collector.sites.registry import Site

SITE = "shop.example"
HERE = Path(__file__).parents[1]
# Lines that one human visit takes, machines included.
LINES_PER_VISIT = 8


def make_log(path: Path, lines: int) -> None:
    """A made-up shop's log of that many lines, over two months."""
    until = dt.datetime(2026, 10, 1, tzinfo=dt.UTC)
    traffic = Traffic(seed=7, until=until, days=60, visits=lines // LINES_PER_VISIT + 2_000, site=SITE)
    with path.open("w") as file:
        file.writelines(f"{line}\n" for line in itertools.islice(traffic.lines(), lines))


def read(path: Path) -> None:
    """Print the processor seconds of reading a log."""
    with tempfile.TemporaryDirectory() as salts, LogFile(str(path)) as file:
        log = AccessLog(PageViews(Site(1, SITE, "UTC"), Visitors(Salts(Path(salts)))), b"k" * 32)
        began = time.process_time()
        for _ in log.events(file.lines(MAX_LINE)):
            pass
        print(time.process_time() - began)


def footfall(checkout: Path, folder: Path, *words: str) -> None:
    """One command of a checkout."""
    environment = os.environ | {"FOOTFALL_CONFIG": str(folder / "footfall.toml"), "PYTHONPATH": str(checkout)}
    line = [sys.executable, "-m", "cli.main", *words]
    subprocess.run(line, cwd=checkout, env=environment, check=True, capture_output=True)


def imported(checkout: Path, log: Path, *options: str) -> float:
    """Seconds of one import into a new database."""
    with tempfile.TemporaryDirectory() as made:
        footfall(checkout, Path(made), "init", made)
        footfall(checkout, Path(made), "site", "add", SITE)
        began = time.perf_counter()
        footfall(checkout, Path(made), "import", "access-log", str(log), "--site", SITE, *options)
        return time.perf_counter() - began


def reading(log: Path) -> float:
    """Processor seconds of reading alone."""
    line = [sys.executable, "-m", "bench.imports", "--read", str(log)]
    return float(subprocess.run(line, cwd=HERE, check=True, capture_output=True, text=True).stdout)


def goaccess(log: Path) -> float:
    """Seconds that GoAccess takes for a report as JSON."""
    with tempfile.TemporaryDirectory() as made:
        began = time.perf_counter()
        line = ["goaccess", str(log), "--log-format=COMBINED", "--no-progress", "-o", f"{made}/report.json"]
        subprocess.run(line, check=True, capture_output=True)
        return time.perf_counter() - began


def main() -> None:
    """Print lines a second, medians of the rounds."""
    parser = argparse.ArgumentParser(prog="python -m bench.imports")
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--against", type=Path, help="another checkout")
    parser.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.read:
        read(given.read)
        return
    with tempfile.TemporaryDirectory() as made:
        log = Path(made) / "access.log"
        make_log(log, given.lines)
        works: dict[str, Callable[[], float]] = {"reading alone (processor)": lambda: reading(log)}
        for name, checkout in {"": HERE, " of the other": given.against and given.against.resolve()}.items():
            if checkout is not None:
                works[f"dry run{name}"] = partial(imported, checkout, log, "--dry-run")
                works[f"whole import{name}"] = partial(imported, checkout, log)
        if shutil.which("goaccess"):
            works["GoAccess"] = lambda: goaccess(log)
        rounds = [{name: given.lines / work() for name, work in works.items()} for _ in range(given.rounds)]
    for name in works:
        rates = sorted(round_[name] for round_ in rounds)
        against = (
            statistics.median(round_[name] / round_["GoAccess"] for round_ in rounds) if "GoAccess" in works else 0
        )
        ratio = f"   {against:.2f} of GoAccess" if against and name != "GoAccess" else ""
        print(f"{name:32} {statistics.median(rates):9,.0f} lines/s ({rates[0]:,.0f} to {rates[-1]:,.0f}){ratio}")


if __name__ == "__main__":
    main()

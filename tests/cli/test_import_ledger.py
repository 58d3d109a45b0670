"""``footfall import list|show|undo`` from end to end."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from cli import import_
from cli.main import root
from collector.imports import ledger
from collector.imports.ledger import State
from collector.sites.registry import Site
from collector.sites.snapshot import publish
from collector.sites.table import put_site
from sql.client import opened
from sql.core.data_dir import DataDir
from sql.engine.server import alongside
from sql.schema import migrate

AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"
Run = Callable[..., Result]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DataDir]:
    made = DataDir(tmp_path_factory.mktemp("data")).make()
    sites = [Site(number, f"s{number}.example", "UTC") for number in range(1, 9)]
    publish(made.sites_file, sites)
    with alongside(made):
        with opened(f"chdb://{made.root}") as client:
            migrate.apply(client)
            for site in sites:
                put_site(client, site)
        yield made


@pytest.fixture(scope="module")
def run(home: DataDir) -> Run:
    app = typer.Typer()
    app.callback()(root)
    app.add_typer(import_.app, name="import")

    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(app, ["--data-dir", str(home.root), "import", *arguments])

    return invoke


def log(path: Path, *minutes: int) -> Path:
    start = dt.datetime(2026, 10, 31, 23, tzinfo=dt.UTC)
    times = {minute: f"{start + dt.timedelta(minutes=minute):%d/%b/%Y:%H:%M:%S +0000}" for minute in minutes}
    lines = [f'9.9.9.9 - - [{times[minute]}] "GET /{minute} HTTP/1.1" 200 1 "-" "{AGENT}"\n' for minute in minutes]
    path.write_text("".join(lines))
    return path


def counted(result: Result) -> dict[str, int]:
    assert result.exit_code == 0, result.output + repr(result.exception)
    return {row["what"]: row["count"] for row in json.loads(result.stdout)}


def newest(run: Run) -> dict[str, object]:
    return json.loads(run("list", "--limit", "1").stdout)[0]  # type: ignore[no-any-return]


def test_what_was_imported_is_listed_and_shown(run: Run, tmp_path: Path) -> None:
    path = log(tmp_path / "a.log", 0, 10, 90)
    path.write_text(path.read_text() + "nonsense\n")
    counted(run("access-log", str(path), "--site", "s1.example"))
    row = newest(run)
    assert row | {"import": "", "started": ""} == {
        "import": "", "what": "access-log", "site": "s1.example", "state": "done", "started": "", "rows": 4,
        "events": 3, "stored": 3, "duplicates": 0, "first": "2026-10-31", "last": "2026-11-01",
    }  # fmt: skip
    shown = {each["field"]: each["value"] for each in json.loads(run("show", str(row["import"])).stdout)}
    assert shown["rejected: bad_line"] == "1"
    assert shown["bytes"] == f"{path.stat().st_size:,}"
    assert len(shown["sha256"]) == 64
    assert run("show", "x").exit_code != 0


def test_the_same_file_is_told_at_once_and_counts_once(run: Run, tmp_path: Path) -> None:
    path = log(tmp_path / "a.log", 0, 0, 10)
    assert counted(run("access-log", str(path), "--site", "s2.example"))["stored"] == 3
    first = newest(run)["import"]
    copy = path.rename(tmp_path / "b.log")
    again = run("access-log", str(copy), "--site", "s2.example")
    assert f"{copy} was imported on {dt.datetime.now(dt.UTC):%Y-%m-%d} as {first}; it counts once" in again.stderr
    assert counted(again)["duplicates"] == 3
    assert "was imported" not in run("access-log", str(copy), "--site", "s3.example", "--dry-run").stderr
    assert run("undo", str(first), "--yes").exit_code == 0
    new = run("access-log", str(copy), "--site", "s2.example")
    assert "was imported" not in new.stderr
    assert counted(new)["stored"] == 3
    packed = tmp_path / "b.log.gz"
    packed.write_bytes(gzip.compress(copy.read_bytes()))
    assert counted(run("access-log", str(packed), "--site", "s2.example"))["stored"] == 0


def test_undo_says_what_it_would_do_asks_and_counts_again(run: Run, home: DataDir, tmp_path: Path) -> None:
    path = log(tmp_path / "a.log", 0, 10, 90, 100)
    counted(run("access-log", str(path), "--site", "s4.example"))
    name = str(newest(run)["import"])
    dry = run("undo", name, "--dry-run")
    assert [line.split(" of ")[0] for line in dry.stderr.splitlines()] == [
        "would remove events", "would remove events", "would derive visits",
    ]  # fmt: skip
    assert "(2 rows, 2026-10)" in dry.stderr
    assert run("undo", name).exit_code != 0
    assert newest(run)["state"] == "done"
    assert run("undo", name, "--yes").exit_code == 0
    assert newest(run)["state"] == "undone"
    with opened(f"chdb://{home.root}", direct=False) as client:
        for table in ("events", "visits_merged", "daily_events", "daily_pages"):
            assert client.command(f"select count() from {table} where site_id = 4") == 0  # noqa: S608
    assert "nothing of" in run("undo", name, "--yes").stderr
    again = run("access-log", str(path), "--site", "s4.example")
    assert "was imported" not in again.stderr
    assert counted(again)["stored"] == 4


def test_an_import_that_is_killed_is_interrupted_and_goes_on_or_back(run: Run, home: DataDir, tmp_path: Path) -> None:
    path = log(tmp_path / "a.log", *range(43_000))
    given = ["--data-dir", str(home.root), "import", "access-log", str(path), "--site", "s5.example"]
    for _ in range(2):
        process = subprocess.Popen([sys.executable, "-m", "cli.main", *given], stderr=subprocess.PIPE)
        deadline = time.monotonic() + 60
        while process.poll() is None and not _runs(home) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert "is still running" in repr(run("undo", str(newest(run)["import"]), "--yes").exception)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        assert (newest(run)["state"], newest(run)["rows"]) == ("interrupted", None)
    assert run("undo", str(newest(run)["import"]), "--yes").exit_code == 0
    counted(run("access-log", str(path), "--site", "s5.example"))
    with opened(f"chdb://{home.root}", direct=False) as client:
        assert client.command("select count(), uniqExact(event_id) from events where site_id = 5") == ["43000", "43000"]


def _runs(home: DataDir) -> bool:
    return any(run.state is State.RUNNING for run in ledger.every(home))

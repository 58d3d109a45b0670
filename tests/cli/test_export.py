"""`footfall export` as a person runs it."""

from __future__ import annotations

import datetime as dt
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from collector.lifecycle.store import Store
from sql.core.data_dir import DataDir
from sql.core.files import OwnedLock
from tests.object_store import ObjectStore

pytestmark = pytest.mark.process
FOOTFALL = str(Path(sys.executable).with_name("footfall"))
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"
LINE = '192.0.2.%d - - [02/Nov/2026:10:00:0%d +0000] "GET %s HTTP/1.1" 200 5 "-" "' + AGENT + '"\n'


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return DataDir(tmp_path_factory.mktemp("export") / "data")


@pytest.fixture
def footfall(home, command):
    """``footfall(…)``: what a command says on stdout and on stderr."""

    def run(*words: object, code: int = 0) -> tuple[str, str]:
        done = command("--data-dir", home.root, *words)
        assert done.returncode == code, done.stderr
        return done.stdout, done.stderr

    return run


@pytest.fixture
def site(home, footfall, tmp_path):
    if home.root.exists():
        return
    log = tmp_path / "access.log"
    log.write_text("".join(LINE % (who, at, page) for who, at, page in [
        (1, 0, "/?utm_campaign=%3D1%2B1"), (1, 1, "/pricing"), (2, 0, "/pricing"), (3, 0, "/"),
    ]))  # fmt: skip
    footfall("init")
    footfall("site", "add", "shop.example", "--timezone", "UTC")
    footfall("import", "access-log", log, "--site", "shop.example")
    footfall("segment", "add", "lookers", "--where", "did(page=/pricing)")
    footfall("segment", "refresh")


def test_data_as_files(site, footfall, tmp_path):
    out, said = footfall("export", "events", "--period", "2026-11", "-f", "csv")
    assert out.count("\n") == 5 and '"\'=1+1"' in out
    assert "exported 4 rows of shop.example to -" in said
    _, said = footfall("export", "visits", "--period", "2026-11", "-o", tmp_path / "v.parquet", "--dry-run")
    assert "would export 3 rows" in said and not list(tmp_path.glob("v*"))
    footfall("export", "visits", "--period", "2026-11", "-o", tmp_path / "v.parquet")
    assert pl.read_parquet(tmp_path / "v.parquet").height == 3
    assert json.loads((tmp_path / "v.parquet.manifest.json").read_text())["files"][0]["rows"] == 3
    _, said = footfall("export", "rollups", "--table", "daily_pages", "--period", "2026-11", "-o", tmp_path / "p",
                       "--partition-by", "day")  # fmt: skip
    assert sorted(path.name for path in (tmp_path / "p").iterdir()) == ["2026-11-02.csv", "daily_pages.manifest.json"]
    out, _ = footfall("export", "report", "pages", "--period", "2026-11")
    assert out.splitlines()[0] == '"page","visitors","pageviews"'
    query = tmp_path / "q.json"
    query.write_text('{"metrics": ["visits"], "dimensions": ["time:day"]}')
    assert '"2026-11-02",3' in footfall("export", "report", "--query", query, "--period", "2026-11")[0]
    log = json.loads(footfall("export", "log")[0])
    assert {"events.csv", "visits.parquet", "daily_pages.csv", "report.csv"} == {row["export"] for row in log}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["events", "-o", "/nowhere/at/all.csv"], "there is no directory"),
        (["events", "-o", "/"], "is a directory"),
        (["events", "--partition-by", "day"], "needs a directory"),
        (["events", "--where", "nothing=1"], "nothing"),
        (["report"], "name a report or a query"),
        (["report", "nothing"], "no ranked report nothing"),
        (["rollups", "--where", "country=FR"], "export events or visits"),
        (["events", "-o", "nowhere://bucket/a.csv"], "cannot open"),
        (["segment", "nobody", "--to", "x", "-o", "a.csv"], "nobody"),
        (["segment", "lookers", "--to", "x", "-o", "-"], "name a file"),
        (["segment", "lookers", "--to", "x", "-o", "a.csv"], "needs at least 100"),
        (["segment", "lookers", "--to", "x", "-o", "a.csv", "--part", "1"], "needs a --part"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(site, footfall, words, says, tmp_path, monkeypatch):
    code = 1 if says == "cannot open" else 2
    _, said = footfall("export", *words, code=code)
    assert says in said


def test_an_audience(site, footfall, tmp_path):
    _, said = footfall("export", "segment", "lookers", "--to", "meta", "-o", tmp_path / "a.csv", "--dry-run")
    assert "left out: 2 no contact data" in said
    assert "would export 0 rows" in said and "needs at least 100" in said
    footfall("export", "segment", "lookers", "--to", "meta", "-o", tmp_path / "a.csv", "--allow-small")
    assert (tmp_path / "a.csv").read_text().startswith("email,email,email,phone")
    log = json.loads(footfall("export", "log", "lookers.meta")[0])
    assert log[0]["left_out"] == "no contact data 2"


SCHEDULE = """
[[events]]
name = "raw"
every = "1d"
output = "out/{date}.parquet"
period = "2026-11"

[[segment]]
name = "broken"
every = "1h"
segment = "nobody"
to = "x"
output = "out/x.csv"

[[rollups]]
name = "pages"
every = "7d"
table = "daily_pages"
output = "out/pages/"
format = "csv"
partition_by = "month"
period = "2026-11"

[[conversions]]
name = "orders"
every = "1d"
goal = "orders"
to = "microsoft"
output = "out/orders.csv"
since_last = true
"""


def test_exports_of_a_file_by_their_schedule(site, home, footfall, tmp_path):
    file = tmp_path / "exports.toml"
    file.write_text(SCHEDULE)
    out = tmp_path / "out"
    out.mkdir()
    footfall("goal", "add", "orders", "--event", "purchase")
    _, said = footfall("export", "run", file, "--dry-run", code=1)
    assert "raw: would export 4 rows" in said and "failed: broken" in said and not list(out.iterdir())
    _, said = footfall("export", "run", file, code=1)
    assert "broken: " in said and "nobody" in said
    assert "pages: exported 2026-11.csv: 2 rows" in said
    assert sorted(path.name for path in out.iterdir() if path.suffix in (".parquet", ".csv")) == [
        f"{dt.datetime.now(dt.UTC):%Y-%m-%d}.parquet", "orders.csv",
    ]  # fmt: skip
    _, said = footfall("export", "run", file, code=1)
    assert "raw" not in said and "broken" in said
    _, said = footfall("export", "run", file, "raw", "--all")
    assert "raw: exported 4 rows" in said
    log = json.loads(footfall("export", "log")[0])
    assert [(row["export"], row["status"]) for row in log[:2]] == [("raw", "done"), ("broken", "failed")]
    assert [row["status"] for row in log].count("failed") == 2
    lock = OwnedLock(home.schedule_lock, "somebody else")
    assert lock.try_acquire()
    _, said = footfall("export", "run", file)
    assert "(somebody else); nothing to do" in said
    lock.release()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[nothing]]", "unknown kind"),
        ("[events]", "list of tables"),
        ("[[events]]\nevery='1d'", "has no name"),
        ("[[events]]\nname='a'", "how often"),
        ("[[events]]\nname='a'\nevery='often'", "a: not a duration"),
        ("[[events]]\nname='a'\nevery='1d'", "needs output"),
        ("[[events]]\nname='a'\nevery='1d'\noutput='x'\nwhat='visits'\ncolour=1", "no option colour"),
        ("[[events]]\nname='a'\nevery='1d'\noutput='x'\nformat='pdf'", "a: Invalid enum value"),
        ("[[events]]\nname='a'\nevery='1d'\n[[visits]]\nname='a'\nevery='1d'", "a twice"),
        ("events", "is not TOML"),
    ],
)
def test_a_schedule_that_is_wrong_is_named(site, footfall, tmp_path, text, says):
    file = tmp_path / "exports.toml"
    file.write_text(text)
    assert says in footfall("export", "run", file, code=2)[1]


@pytest.fixture
def bucket(monkeypatch):
    """An object store with a bucket, as its clients in this process find it."""
    made = ObjectStore()
    try:
        for name, value in made.env.items():
            monkeypatch.setenv(name, value)
        made.reset()
        yield Store("s3://bucket/exports")
    finally:
        made.close()


def test_files_in_an_object_store(site, footfall, bucket):
    url = "s3://bucket/exports"
    footfall("export", "events", "--period", "2026-11", "-o", f"{url}/a.parquet")
    footfall("export", "visits", "--period", "2026-11", "-o", f"{url}/by-day", "--partition-by", "day", "-f", "csv")
    footfall("export", "segment", "lookers", "--to", "x", "-o", f"{url}/x.csv", "--allow-small", "--since-last")
    assert sorted(bucket.names()) == [
        "a.parquet", "a.parquet.manifest.json", "by-day/2026-11-02.csv", "by-day/visits.manifest.json", "x.csv",
        "x.csv.manifest.json", "x.removals.csv",
    ]  # fmt: skip
    assert pl.read_parquet(bucket.get("a.parquet")).height == 4
    assert "names no file" in footfall("export", "events", "-o", f"{url}/", code=2)[1]


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "terminated"])
def test_interrupted_there_is_no_half_file(site, home, tmp_path, sign):
    out = tmp_path / "big.csv"
    child = subprocess.Popen([FOOTFALL, "--data-dir", home.root, "export", "events", "-o", out, "--period", "all"],
                             stderr=subprocess.PIPE)  # fmt: skip
    deadline = time.monotonic() + 30
    while child.poll() is None and time.monotonic() < deadline and not home.engine_socket.exists():
        pass
    child.send_signal(sign)
    child.wait(30)
    assert not list(tmp_path.glob("*.part"))
    assert not out.exists() or out.read_bytes().count(b"\n") == 5

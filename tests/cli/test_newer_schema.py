"""The database of a newer Footfall is refused by every command of this one, but by those that only look."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from collector.sites.admin import add_site
from collector.spool.spool import Spool, SpoolWriter
from sql.client import opened
from sql.core.data_dir import DataDir
from sql.engine.server import alongside
from sql.schema.upgrade import bring_up_to_date

pytestmark = pytest.mark.process

REFUSED = [
    ("init", "."),
    ("serve",),
    ("loader",),
    ("loader", "--once"),
    ("flush",),
    ("report", "overview"),
    ("report", "events", "--raw"),
    ("funnel", "list"),
    ("funnel", "add", "buy", "page_view", "purchase"),
    ("site", "list"),
    ("site", "add", "other.example"),
    ("key", "add", "shop.example"),
    ("key", "list"),
    ("dedupe", "--dry-run"),
    ("dedupe", "--yes"),
    ("detected", "review"),
    ("event-schema", "list"),
    ("detected", "override", "add", "--kind", "contact", "--text", "x"),
    ("schema", "apply"),
    ("import", "access-log", "access.log", "--site", "shop.example"),
]


@pytest.fixture(scope="module")
def newer(tmp_path_factory):
    """A data directory with a site and an event that waits, whose database knows one step more."""
    folder = tmp_path_factory.mktemp("newer")
    home = DataDir(folder / "data").make()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (folder / "footfall.toml").write_text(f'data_dir = "data"\n[collector]\nport = {port}\n')
    line = '192.0.2.1 - - [20/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "Mozilla/5.0 Firefox/130.0"'
    (folder / "access.log").write_text(line)
    with alongside(home):
        with opened(f"chdb://{home.root}", direct=False) as client:
            bring_up_to_date(client, home)
            add_site(client, home, "shop.example", "UTC")
            client.command("insert into schema_steps (name, kind, checksum) values ('9999_future', 'migration', 'x')")
        yield folder


@pytest.fixture
def run(newer, command):
    """A command; those that Footfall runs as processes of its own set what concerns a whole process."""

    def run(*args):
        words = ("--config", newer / "footfall.toml", *args)
        if args[0] not in {"serve", "loader"}:
            return command(*words, cwd=newer)
        program = [sys.executable, "-m", "cli.main", *map(str, words)]
        return subprocess.run(program, capture_output=True, text=True, cwd=newer, timeout=60)

    return run


def waits(folder):
    spool = Spool(DataDir(folder / "data").spool).make()
    writer = SpoolWriter(spool, "test")
    writer.commit([b"not looked at"])
    writer.close()
    return {path.name for path in spool.sealed()}


@pytest.mark.parametrize("args", REFUSED, ids=" ".join)
def test_it_is_refused(newer, run, args):
    before = waits(newer)
    done = run(*args)
    assert done.returncode == 1, done.stderr
    assert "9999_future, which this version of footfall does not know" in done.stdout + done.stderr
    assert {path.name for path in Spool(DataDir(newer / "data").spool).sealed()} >= before


@pytest.mark.parametrize(("args", "code"), [(("query", "select 1"), 0), (("schema", "status"), 3), (("doctor",), 3)])
def test_who_only_looks_is_not(run, args, code):
    assert run(*args).returncode == code

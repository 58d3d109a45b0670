"""`footfall query`: one statement, and ctrl-c ends it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from contextlib import ExitStack, nullcontext
from pathlib import Path

import pytest

from sql.client import opened
from sql.core.data_dir import DataDir
from sql.engine.http_protocol import first_statement
from sql.engine.server import alongside

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[2]
ENDLESS = "select count() from numbers(100000000000) where not ignore(sipHash64(number))"


@pytest.fixture
def home(tmp_path):
    return DataDir(tmp_path / "data").make()


def command(home, sql):
    return [sys.executable, "-m", "cli.main", "--data-dir", str(home.root), "query", sql, "--format", "csv"]


@pytest.fixture
def start():
    """``start(home, sql, **streams)``: a command that runs; ended at the end, also where a test failed before."""
    with ExitStack() as ends:

        def started(home, sql, **streams):
            process = subprocess.Popen(command(home, sql), cwd=ROOT, **streams)
            ends.callback(process.wait)
            ends.callback(process.kill)
            return process

        yield started


def answer(home, sql):
    done = subprocess.run(command(home, sql), capture_output=True, text=True, cwd=ROOT, timeout=60)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("sql", "first", "more"),
    [
        ("select 1", "select 1", False),
        ("select 1;", "select 1", False),
        ("select 1 ; ; \n", "select 1 ", False),
        ("select 1; -- done; really", "select 1", False),
        ("select 1; /* ; */ # x;\n", "select 1", False),
        ("select ';' as `;`, \"a;b\" -- ;\n", "select ';' as `;`, \"a;b\" -- ;\n", False),
        ("select 'it''s; \\\\'; select 2", "select 'it''s; \\\\'", True),
        ("select '\\';'", "select '\\';'", False),
        ("select $a$ ; $a$", "select $a$ ; $a$", False),
        ("select 1 as a; select 2 as b", "select 1 as a", True),
        ("explain ast select 1; drop table t", "explain ast select 1", True),
        ("insert into t format CSV\n1;2\n", "insert into t format CSV\n1;2\n", False),
        (";", "", False),
    ],
)
def test_the_first_statement(sql, first, more):
    assert first_statement(sql) == (first, more)


@pytest.mark.parametrize("serving", [True, False])
def test_one_statement_at_a_time(home, serving):
    with alongside(home) if serving else nullcontext():
        code, out, said = answer(home, "select 1 as a; select 2 as b")
        assert (code, out) == (2, "")
        assert said.startswith("footfall: one statement at a time\n")
        assert answer(home, "select ';' as a, 2 as b; -- done;") == (0, "a,b\n;,2\n", "")


def test_the_engine_refuses_several_too(home):
    from clickhouse_connect.driver.exceptions import DatabaseError

    with alongside(home), opened(f"chdb://{home.root}", direct=False) as client:
        client.command("create table t (n UInt8) engine = MergeTree order by n")
        for sql in ("select 1; drop table t", "explain ast select 1; drop table t", "drop table t; select 1"):
            with pytest.raises(DatabaseError) as caught:
                client.raw_query(sql)
            assert caught.value.code == 62
        assert client.command("exists table t") == 1


def test_ctrl_c_ends_the_statement_in_the_engine(home, start):
    with alongside(home), opened(f"chdb://{home.root}", direct=False) as client:
        find = "select count() from system.processes where query like {what:String} and query not like '%processes%'"
        running = lambda: client.command(find, parameters={"what": "%sipHash64%"})  # noqa: E731
        asking = start(home, ENDLESS, stderr=subprocess.PIPE)
        deadline = time.monotonic() + 20
        while not running():
            assert time.monotonic() < deadline
        asking.send_signal(signal.SIGINT)
        assert asking.wait(10) == 130
        assert b"Traceback" not in asking.stderr.read()
        deadline = time.monotonic() + 5
        while running():
            assert time.monotonic() < deadline, "the statement goes on"


def test_ctrl_c_ends_the_statement_without_an_engine(home, start):
    said = home.root / "said"
    with said.open("wb") as out:
        asking = start(home, ENDLESS, stderr=out, stdout=out)
    deadline = time.monotonic() + 20
    while "footfall query" not in (home.engine_lock.read_text() if home.engine_lock.exists() else ""):
        assert time.monotonic() < deadline
    time.sleep(2)  # it counts by now, and would for minutes
    began = time.monotonic()
    asking.send_signal(signal.SIGINT)
    assert asking.wait(30) in {130, -signal.SIGINT}
    assert time.monotonic() - began < 3
    assert "Traceback" not in said.read_text()


@pytest.mark.parametrize("serving", [True, False])
def test_a_statement_of_one_site(home, command, serving):
    with alongside(home) if serving else nullcontext():
        assert command("--data-dir", home.root, "schema", "apply").returncode == 0
        for domain in ("a.example", "b.example"):
            done = command("--data-dir", home.root, "site", "add", domain, "--timezone", "UTC")
            assert done.returncode == 0, done.stderr

        def held(sql, *more):
            return command("--data-dir", home.root, "query", "--site", "b.example", sql, "--format", "csv", *more)

        assert held("select domain from sites;").stdout == "domain\nb.example\n"
        refused = held("select domain from default.sites")
        assert (refused.returncode, refused.stdout) == (2, "")
        assert refused.stderr.startswith("footfall: default is a database: name tables alone\n")
        assert held("select toUInt8('x')").returncode == 1
        unknown = command("--data-dir", home.root, "query", "--site", "c.example", "select 1")
        assert unknown.stderr.startswith("footfall: no site c.example\n")
        assert (
            command("--data-dir", home.root, "query", "select count() as n from sites", "-f", "csv").stdout == "n\n2\n"
        )

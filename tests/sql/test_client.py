"""A URL in, a client out: the engine that runs, the directory itself, a server; and what is said where none answers."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import pytest

from sql.client import PINNED, EngineEndpoint, boot_of, connect, embedded_home, first_line, opened, running
from sql.core.data_dir import DataDir
from sql.core.errors import EngineBusy, EngineRefused, EngineUnavailable, FootfallError, UsageError
from sql.core.files import OwnedLock
from sql.engine.ping import ping
from sql.engine.server import alongside

pytestmark = pytest.mark.process

SECRET = "s3cret"
ASK = """
import sys
from sql.client import opened
with opened(sys.argv[1]) as client:
    print(client.command("select 1"))
"""


@pytest.fixture(scope="session")
def engine(embedded):
    """The embedded one, whatever FOOTFALL_TEST_URL says."""
    return embedded


def run(program, *args, check=True):
    """A program of its own: one process opens one engine directory."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), *map(str, args)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert not check or done.returncode == 0, done.stderr
    return done


@pytest.fixture
def home(tmp_path):
    return DataDir(tmp_path / "data").make()


def url_of(home):
    return f"chdb://{home.root}"


@pytest.mark.parametrize(
    ("url", "root"),
    [
        ("chdb:///var/lib/footfall", "/var/lib/footfall"),
        ("chdb://data/dir", "data/dir"),
        ("chdb:data", "data"),
        ("chdb:///with%20space/%23", "/with space/#"),
    ],
)
def test_embedded_urls(url, root):
    home = embedded_home(url)
    assert home
    assert str(home.root) == root


@pytest.mark.parametrize(
    "url",
    ["clickhouse://h", "clickhouses://u:p@h:9/db", "http://h:8123", "https://h", "http://[::1]:8123/db"],
)
def test_urls_of_servers(url):
    assert embedded_home(url) is None


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "not a database URL"),
        ("chdb:", "no directory"),
        ("chdb://", "no directory"),
        ("postgres://u@h/db", "not a database URL"),
        ("data/dir", "not a database URL"),
        ("clickhouse://", "not a database URL"),
        ("http:///db", "not a database URL"),
        ("http://[::1", "not a database URL"),
        ("http://[nonsense]/", "not a database URL"),
        ("clickhouse://h:notaport", "bad port"),
        ("clickhouse://h:99999", "bad port"),
    ],
)
def test_bad_urls_are_usage_errors(url, says):
    with pytest.raises(UsageError, match=says):
        connect(url, wait=0)


@pytest.mark.parametrize(
    "url",
    [
        f"postgres://user:{SECRET}@host/db",
        f"clickhouse://user:{SECRET}@host:99999/db",
        f"clickhouse://user:x{SECRET}/@host/db",
        f"clickhouse://user:x#{SECRET}@host/db",
        f"clickhouse://user:x?{SECRET}@host/db",
        f"clickhouse://user:{SECRET}@@host:bad/db",
        f"postgres://:{SECRET}@host/db",
        f"http://user:{SECRET}@[::1",
    ],
    ids=["scheme", "port", "slash", "hash", "question mark", "at", "no user", "bracket"],
)
def test_a_password_is_in_no_message(url):
    with pytest.raises(FootfallError) as caught:
        connect(url, wait=0)
    assert SECRET not in str(caught.value)


def test_where_nobody_listens():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(EngineUnavailable, match=f"ClickHouse does not respond at 127.0.0.1:{port}") as caught:
        connect(f"clickhouse://user:{SECRET}@127.0.0.1:{port}/db")
    assert SECRET not in str(caught.value)


def test_a_server_that_runs(engine):
    password = quote(engine.password)
    with opened(f"clickhouse://footfall:{password}@127.0.0.1:{engine.port}") as client:
        assert client.command("select 1") == 1
        for name, value in PINNED.items():
            said = client.query(f"select toString(getSetting('{name}'))").result_rows[0][0]
            assert said in {str(value), str(bool(value)).lower()}
        assert client.query("select number from numbers(3)").row_count == 3


def test_a_wrong_password_is_refused(engine):
    with pytest.raises(EngineRefused, match="password") as caught:
        connect(f"http://footfall:{SECRET}@127.0.0.1:{engine.port}")
    assert "check user, password" in caught.value.hint
    assert SECRET not in str(caught.value)


def test_a_database_that_is_not_there_is_refused(engine):
    password = quote(engine.password)
    with pytest.raises(EngineRefused):
        connect(f"http://footfall:{password}@127.0.0.1:{engine.port}/nowhere").command("select 1")


def test_many_statements_at_once_on_one_client(engine_home, engine):
    with opened(url_of(engine_home)) as client:
        answers = []
        threads = [threading.Thread(target=lambda: answers.append(client.command("select 1"))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert answers == [1] * 8


def test_an_engine_that_runs_is_asked(engine_home, engine):
    assert running(engine_home) == EngineEndpoint.read(engine_home) == engine.endpoint
    assert engine_home.engine_file.stat().st_mode & 0o777 == 0o600
    for direct in (True, False):
        with opened(url_of(engine_home), direct=direct) as client:
            assert client.command("select currentUser() != ''") == 1
            assert boot_of(client, url_of(engine_home)) == engine.boot


def test_a_busy_directory_names_its_holder(home):
    lock = OwnedLock(home.engine_lock, "footfall erase")
    assert lock.try_acquire()
    with pytest.raises(EngineBusy, match=rf"in use by process {os.getpid()} \(footfall erase\)") as caught:
        connect(url_of(home), wait=0.05)
    assert "footfall serve" in caught.value.hint
    lock.release()


def test_a_busy_directory_is_waited_for(home):
    program = """
        import sys
        from sql.client import connect
        print("asking", flush=True)
        client = connect(sys.argv[1], wait=30)
        print(client.command("select 1"))
        client.close()
    """
    lock = OwnedLock(home.engine_lock, "footfall query")
    assert lock.try_acquire()
    command = [sys.executable, "-c", textwrap.dedent(program), url_of(home)]
    waiting = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert waiting.stdout
    assert waiting.stdout.readline() == "asking\n"
    assert waiting.poll() is None
    lock.release()
    assert waiting.communicate(timeout=60)[0] == "1\n"


def test_without_an_engine_only_the_willing_open_the_directory(home):
    with pytest.raises(EngineUnavailable, match="not running") as caught:
        connect(url_of(home), direct=False, wait=0.05)
    assert "footfall serve" in caught.value.hint
    assert not home.engine_dir.exists()


def test_two_direct_connections_one_after_the_other(home):
    """In one process, and in the next: closing lets go of the directory and of the lock."""
    program = """
        import sys
        from sql.client import connect
        from pathlib import Path
        from sql.core.files import OwnedLock
        url, lock = sys.argv[1], OwnedLock(Path(sys.argv[1][7:]) / "engine.lock", "x")
        for _ in range(2):
            client = connect(url, what="footfall test")
            assert not lock.try_acquire() and "footfall test" in lock.holder()
            client.command("create table if not exists t (n UInt8) engine = MergeTree order by n")
            client.insert("t", [[1]], column_names=["n"])
            print(client.command("select count() from t"))
            assert client.command("select toUInt8(getSetting('async_insert'))") == 0
            client.close()
            assert lock.try_acquire()
            lock.release()
    """
    assert run(program, url_of(home)).stdout == "1\n2\n"
    assert run(program, url_of(home)).stdout == "3\n4\n"


def test_where_no_engine_runs_its_life_has_no_name(home):
    with pytest.raises(EngineUnavailable, match="stopping"):
        boot_of(None, url_of(home))


def test_two_processes_at_once_take_turns(home):
    program = """
        import sys
        from sql.client import opened
        with opened(sys.argv[1], wait=60) as client:
            client.command("create table if not exists t (n UInt8) engine = MergeTree order by n")
            client.insert("t", [[1]], column_names=["n"])
    """
    run_it = [sys.executable, "-c", textwrap.dedent(program), url_of(home)]
    children = [subprocess.Popen(run_it) for _ in range(3)]
    assert [child.wait(90) for child in children] == [0, 0, 0]
    with_count = ASK.replace("select 1", "select count() from t")
    assert run(with_count, url_of(home)).stdout == "3\n"


class Stranger(BaseHTTPRequestHandler):
    """Some other server that got the port of an engine that died."""

    def do_GET(self):
        self.send_error(404)

    do_POST = do_GET  # noqa: N815

    def log_message(self, *args):
        return


@pytest.mark.parametrize("what", ["nobody", "a stranger", "half a file", "other fields"])
def test_what_a_dead_engine_left_is_not_believed(home, what):
    stranger = ThreadingHTTPServer(("127.0.0.1", 0), Stranger)
    port = stranger.server_address[1]
    if what == "a stranger":
        threading.Thread(target=stranger.serve_forever, daemon=True).start()
    else:
        stranger.server_close()
    record = json.dumps({"pid": 2**22, "port": port, "password": "x", "boot": "b"})
    home.engine_file.write_text({"half a file": record[:20], "other fields": '{"pid": 1}'}.get(what, record))
    done = run(ASK, url_of(home), check=False)
    if what == "a stranger":
        stranger.shutdown()
        stranger.server_close()
    assert (done.returncode, done.stdout) == (0, "1\n"), done.stderr.strip().splitlines()[-1]


def listening_ports(pid):
    """TCP ports on which a process listens."""
    inodes = set()
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            inodes.add(str(fd.readlink())[8:-1])
    tables = [Path(f"/proc/{pid}/net/{name}").read_text() for name in ("tcp", "tcp6")]
    rows = [line.split() for table in tables for line in table.splitlines()]
    return [row[1] for row in rows if row[3] == "0A" and row[9] in inodes]


def test_nobody_else_can_take_the_place_of_a_dead_engine(home):
    """It has no port: it is reached through the data directory, which is its owner's alone."""
    child = subprocess.Popen([sys.executable, "-m", "sql.engine.server", str(home.root)])
    try:
        while running(home) is None:
            assert child.poll() is None
        assert listening_ports(child.pid) == []
        assert home.engine_socket.stat().st_mode & 0o777 in {0o600, 0o700}
        assert home.root.stat().st_mode & 0o777 == 0o700
        assert not [path for path in home.root.rglob("*") if path.lstat().st_mode & 0o077 and not path.is_symlink()]
    finally:
        child.kill()
        child.wait()


def test_a_long_path(tmp_path):
    home = DataDir(tmp_path / ("a" * 100) / ("b" * 100)).make()
    with alongside(home), opened(url_of(home), direct=False) as client:
        assert ping(url_of(home)) == ""
        assert client.command("select 1") == 1


def test_a_killed_engine_leaves_the_directory_to_others(home):
    child = subprocess.Popen([sys.executable, "-m", "sql.engine.server", str(home.root)])
    try:
        while running(home) is None:
            assert child.poll() is None
        child.send_signal(signal.SIGKILL)
        child.wait(20)
    finally:
        child.kill()
        child.wait()
    assert home.engine_file.exists()  # it had no time to take it back
    assert running(home) is None
    assert run(ASK, url_of(home)).stdout == "1\n"


def test_a_directory_that_is_no_engine(home):
    home.engine_dir.write_text("a file")
    program = """
        import sys
        from sql.client import connect
        from sql.core.errors import EngineUnavailable
        from sql.core.files import OwnedLock
        from pathlib import Path
        try:
            connect(sys.argv[1])
        except EngineUnavailable as exc:
            print(exc)
        assert OwnedLock(Path(sys.argv[1][7:]) / "engine.lock", "x").try_acquire()
    """
    assert "cannot open the engine directory" in run(program, url_of(home)).stdout


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Code: 60. DB::Exception: no such table. (UNKNOWN_TABLE)\nStack", "no such table. (UNKNOWN_TABLE)"),
        ("plain\nmore", "plain"),
        ("", ""),
    ],
)
def test_first_line(text, line):
    assert first_line(RuntimeError(text)) == line


def test_a_server_has_one_name_a_life(engine):
    """The embedded engine's front, taken for a server by its URL."""
    from sql.schema import migrate

    url = f"clickhouse://footfall:{engine.password}@127.0.0.1:{engine.port}"
    with opened(url) as client:
        client.command("create database if not exists life")
    with opened(f"{url}/life") as client:
        migrate.apply(client)
        names = {boot_of(client, url) for _ in range(5)}
        client.command("truncate table engine_life")  # what a restart does to it
        assert len(names) == 1
        assert boot_of(client, url) not in names

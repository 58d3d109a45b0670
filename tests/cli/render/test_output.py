"""Output goes where it is told to, leaves files what they are, and no stream ends in a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import polars as pl
import pytest

from cli.render.render import Format, encode
from cli.render.tables import text_of
from cli.render.view import View
from sql.client import opened
from sql.core.data_dir import DataDir
from sql.engine.server import alongside
from sql.schema.upgrade import bring_up_to_date

pytestmark = pytest.mark.process

QUERY = ("query", "select 1 as n")
PATH = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A data directory whose engine runs."""
    home = DataDir(tmp_path_factory.mktemp("output") / "data").make()
    with alongside(home):
        with opened(f"chdb://{home.root}") as client:
            bring_up_to_date(client, home)
        yield home


@pytest.fixture
def ask(data, command):
    """A command in this process, for what needs no streams of its own."""
    return lambda *args: command("--data-dir", data.root, *args)


def run(data, *args, **how):
    """A command as a process of its own."""
    command = [
        sys.executable,
        "-m",
        "cli.main",
        "--data-dir",
        str(data.root),
        *(arg if isinstance(arg, bytes) else str(arg) for arg in args),
    ]
    how = {"stdout": subprocess.PIPE} | how
    return subprocess.run(command, stderr=subprocess.PIPE, cwd=PATH, timeout=60, text=True, **how)


def test_a_file_keeps_its_mode_and_owner(ask, tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("before")
    path.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(path, 4321, 4321)
    before = path.stat()
    assert ask(*QUERY, "-o", path).returncode == 0
    after = path.stat()
    assert path.read_text() == "n\n1\n"
    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)


def test_a_new_file_has_the_users_mode(data, tmp_path):
    path = tmp_path / "x.json"
    assert run(data, *QUERY, "-o", path, umask=0o027).returncode == 0
    assert path.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("there", [True, False])
def test_a_link_is_followed(ask, tmp_path, there):
    target, link = tmp_path / "target", tmp_path / "x.csv"
    if there:
        target.write_text("before")
    link.symlink_to(target)
    assert ask(*QUERY, "-o", link).returncode == 0
    assert link.is_symlink()
    assert target.read_text() == "n\n1\n"


def test_a_pipe_is_written_to(ask, tmp_path):
    path = tmp_path / "pipe.csv"
    os.mkfifo(path)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(path.read_text()), daemon=True)
    reader.start()
    assert ask(*QUERY, "-o", path).returncode == 0
    reader.join(5)
    assert read == ["n\n1\n"]
    assert path.is_fifo()


def test_a_device_stays_one(ask, tmp_path):
    path = tmp_path / "null"
    try:
        os.mknod(path, 0o20666, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("no device can be made here")
    assert ask(*QUERY, "-o", path).returncode == 0
    assert path.is_char_device()


def test_standard_output_by_name_goes_behind_what_is_there(data, tmp_path):
    path = tmp_path / "log"
    path.write_text("before\n")
    with path.open("a") as out:
        assert run(data, *QUERY, "--format", "csv", "-o", "/dev/stdout", stdout=out).returncode == 0
    assert path.read_text() == "before\nn\n1\n"


def test_a_descriptor_of_the_shell(data):
    read, write = os.pipe()
    done = run(data, *QUERY, "--format", "csv", "-o", f"/dev/fd/{write}", pass_fds=[write])
    os.close(write)
    assert done.returncode == 0, done.stderr
    assert os.read(read, 100) == b"n\n1\n"
    os.close(read)


def test_a_directory_is_no_file(ask, tmp_path):
    done = ask(*QUERY, "-o", tmp_path)
    assert done.returncode == 1
    assert "name a file in it" in done.stderr


@pytest.mark.parametrize("rows", [1, 10_000])
@pytest.mark.parametrize("fmt", ["table", "json"])
def test_a_full_standard_output(data, rows, fmt):
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = run(data, "query", QUERY[1] + f" from numbers({rows})", "--format", fmt, stdout=full)
    assert done.returncode == 1
    assert done.stderr == "footfall: cannot write to standard output: No space left on device\n"


@pytest.mark.parametrize("args", [("--version-of-nothing",), QUERY, ("schema", "status"), ("doctor",)])
def test_a_closed_standard_output(data, args):
    done = run(data, *args, stdout=None, preexec_fn=lambda: os.close(1))
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


@pytest.mark.parametrize(
    "args",
    [
        ("query", "-"),
        ("import", "access-log", "-", "--site", "a.example"),
        ("event-schema", "test", "-", "--site", "a.example"),
        ("experiment", "assign", "color", "--variants", "a,b", "-"),
    ],
    ids=["query", "import", "event-schema", "experiment"],
)
def test_a_closed_standard_input(data, args):
    done = run(data, *args, preexec_fn=lambda: os.close(0))
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_a_statement_that_is_not_utf_8(data):
    done = run(data, "query", b"select '\xff' as a")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("footfall: the statement is not UTF-8: byte 8 is 0xff")
    with open(data.root / "latin.sql", "wb+") as file:  # noqa: PTH123
        file.write(b"select '\xff' as a")
        file.seek(0)
        done = run(data, "query", "-", stdin=file)
    assert "the statement is not UTF-8: byte 8 is 0xff" in done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_an_encoding_that_lacks_our_signs(data, encoding):
    sql = "select * from values('path String, visitors UInt8', ('/ブログ', 3), ('/é', 1)) order by visitors desc"
    env = os.environ | {"PYTHONIOENCODING": encoding}
    done = run(data, "query", sql, "--format", "table", env=env, encoding=encoding)
    assert (done.returncode, done.stderr) == (0, "")
    assert "3" in done.stdout.splitlines()[2].split()
    done = run(data, "query", "nonsense", env=env, encoding=encoding)
    assert "Traceback" not in done.stderr


def test_a_full_disk_under_a_lock(tmp_path):
    """The lock is held all the same, by a holder without a name."""
    from sql.core.files import OwnedLock

    full = tmp_path / "full"
    try:
        os.mknod(full, 0o20666, os.makedev(1, 7))
    except PermissionError:  # the device of all, whose lock may be another run's
        full = Path("/dev/full")
    (tmp_path / "engine.lock").symlink_to(full)
    lock = OwnedLock(tmp_path / "engine.lock", "a test")
    assert lock.try_acquire()
    assert not OwnedLock(tmp_path / "engine.lock", "another").try_acquire()
    lock.release()
    assert OwnedLock(tmp_path / "engine.lock", "another").try_acquire()


def test_a_nul_in_a_path(tmp_path, command):
    (tmp_path / "footfall.toml").write_text('data_dir = "a\\u0000b"')
    for options in (("--config", tmp_path / "footfall.toml"), ("--data-dir", tmp_path, "--url", "chdb:///a%00b")):
        done = command(*options, "site", "list")
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
        assert "NUL" in done.stderr
        done = command(*options, "doctor")
        assert (done.returncode, done.stderr) == (3, "")
        assert "NUL" in done.stdout


def test_no_cell_of_a_csv_is_a_formula():
    frame = pl.DataFrame(
        {
            "page": ["=cmd|' /C calc'!A0", "+1", "-1", "@a", "\tx", "/plain", "\n=1", None],
            "=n": [-1, -2, 3, 4, 5, 6, 7, 8],
        }
    )
    rows = encode(frame, View(), Format.CSV).decode().splitlines()
    assert rows[0] == "page,'=n"
    assert rows[1:7] == ["'=cmd|' /C calc'!A0,-1", "'+1,-2", "'-1,3", "'@a,4", "'\tx,5", "/plain,6"]
    assert rows[7:9] == ["\"'", '=1",7']
    assert encode(frame, View(), Format.JSON).decode().count("'=") == 0


@pytest.mark.parametrize("width", [60, 80])
def test_figures_are_whole_beside_wide_characters(width):
    paths = ["/ブログ/とても長い記事の名前がここにあります/続き", "/短い", "/plain"]
    figures = {"visitors": [2400, 1200, 600], "visits": [12_345, 2_222, 3], "pageviews": [123_456, 7_890, 12]}
    text = text_of(pl.DataFrame({"page": paths, **figures}), View(bar="visitors"), width)
    from rich.cells import cell_len

    assert max(map(cell_len, text.splitlines())) <= width
    for figure in (number for column in figures.values() for number in column):
        assert f"{figure:,}" in text


def test_a_directory_that_others_could_read_is_closed(tmp_path):
    root = tmp_path / "data"
    root.mkdir(mode=0o755)
    root.chmod(0o755)
    done = run(DataDir(root), "query", "create table t (n UInt8) engine = MergeTree order by n")
    assert done.returncode == 0, done.stderr
    assert "accessible to other users" in done.stderr
    assert root.stat().st_mode & 0o777 == 0o700
    assert not [path for path in root.rglob("*") if path.lstat().st_mode & 0o077 and not path.is_symlink()]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be refused as root")
@pytest.mark.parametrize("args", [("key", "add", "shop.example"), ("doctor",), ("report", "overview"), ("serve",)])
def test_root_writes_into_nobody_elses_directory(tmp_path, command, args):
    home = DataDir(tmp_path / "data").make()
    os.chown(home.root, 65534, 65534)
    done = command("--data-dir", home.root, *args)
    assert done.returncode == 1
    assert "belongs to user nobody" in done.stderr
    assert "sudo -u nobody footfall" in done.stderr
    assert list(home.root.iterdir()) == []

"""Shared fixtures: a real embedded engine in a directory of its own."""

from __future__ import annotations

import contextlib
import io
import os
import socket
import subprocess
import sys
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

import cli.main
from cli.context import Options, options
from sql.client import EngineEndpoint
from sql.core.data_dir import DataDir
from sql.core.unix_socket import connected
from sql.engine.server import await_ready

# An empty ClickHouse that tests may fill, such as http://default@127.0.0.1:8123: docs/deploy.md.
SERVER = os.environ.get("FOOTFALL_TEST_URL", "").rstrip("/")
SHARED = Path(os.environ.get("FOOTFALL_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))


# Fixtures that start processes. A module that starts its own is marked as a whole.
STARTING = frozenset(
    {
        "alone",
        "built",
        "embedded",
        "engine",
        "folder",
        "footfall",
        "home",
        "house",
        "imported",
        "lasting",
        "newer",
        "plain_collector",
        "run",
        "running",
        "serving",
    }
    | {"still", "world"}
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what starts processes, so that `make check` can leave it out; files of such tests come first.

    They take longest. Where files are run side by side, the short ones at the end keep all busy until then.
    """
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if STARTING & fixtures:
            item.add_marker(pytest.mark.process)
        if fixtures & {"engine", "server"} and "embedded" not in fixtures:
            item.add_marker(pytest.mark.server)
    long = {item.path for item in items if item.get_closest_marker("process") or item.get_closest_marker("hostile")}
    items.sort(key=lambda item: item.path not in long)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real data of others, kept outside the repository."""
    if not SHARED.is_dir():
        pytest.skip(f"real data is not here: {SHARED} (set FOOTFALL_TEST_DATA)")
    return SHARED


def start_engine(home: DataDir) -> tuple[subprocess.Popen[bytes], EngineEndpoint]:
    """An engine process on ``home`` that answers."""
    child = subprocess.Popen([sys.executable, "-m", "sql.engine.server", str(home.root)])
    return child, await_ready(home, 90, lambda: child.poll() is None)


@pytest.fixture(scope="session")
def engine_home(tmp_path_factory: pytest.TempPathFactory) -> DataDir:
    return DataDir(tmp_path_factory.mktemp("engine")).make()


class Loopback:
    """The engine's unix socket as a port on loopback: a stand-in for a server."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            client, _ = self.listener.accept()
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                engine = connected(self.path)
            except OSError:
                client.close()
                continue
            for one, other in ((client, engine), (engine, client)):
                threading.Thread(target=self._pump, args=(one, other), daemon=True).start()

    @staticmethod
    def _pump(one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := one.recv(65536):
                other.sendall(data)
        with contextlib.suppress(OSError):
            other.shutdown(socket.SHUT_WR)


@pytest.fixture(scope="session")
def loopback():
    """``loopback(path)``: a port on loopback that leads to the unix socket at ``path``."""
    return lambda path: Loopback(path).port


@contextlib.contextmanager
def older_engine(home: DataDir, loopback):
    """The oldest server that Footfall takes, or what stands in for it: its URL, without a database."""
    older, root = Path(sys.prefix) / "chdb-25.8", Path(__file__).parents[1]
    if not older.is_dir():
        pytest.fail("no stand-in for an older server here: make .venv/chdb-25.8")
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(older), str(root)])}
    child = subprocess.Popen([sys.executable, str(root / "tests" / "older_engine.py"), str(home.root)], env=env)
    try:
        endpoint = await_ready(home, 60, lambda: child.poll() is None)
        yield f"http://footfall:{endpoint.password}@127.0.0.1:{loopback(home.engine_socket)}"
    finally:
        child.terminate()
        child.wait(30)


@dataclass(frozen=True)
class Done:
    """A command that has ended, as ``subprocess.run`` tells of one; ``output`` is standard output in bytes."""

    returncode: int
    output: bytes
    stderr: str

    @property
    def stdout(self) -> str:
        return self.output.decode()


@pytest.fixture(autouse=True)
def no_options():
    """Root options of a command that a test ran in its process are not those of the next."""
    yield
    for name, value in asdict(Options()).items():
        setattr(options, name, value)


@pytest.fixture
def command(monkeypatch, capfdbinary):
    """``command("report", "overview", cwd=folder, stdin=b"")``: `footfall` in this process, for what it says and does.

    To start one costs a second of processor time: what a process does (signals, streams, its end) is worth that. So is
    what it does to itself, as a loader that gives way.
    """

    def run(*words: object, cwd: Path | None = None, stdin: bytes = b"", **env: str) -> Done:
        niceness = os.getpriority(os.PRIO_PROCESS, 0)
        mask = os.umask(0o077)
        os.umask(mask)
        capfdbinary.readouterr()
        with monkeypatch.context() as patched:
            for name in [name for name in os.environ if name.startswith("FOOTFALL_")]:
                patched.delenv(name)
            for name, value in ({"COLUMNS": "80"} | env).items():
                patched.setenv(name, value)
            patched.chdir(cwd or Path.cwd())
            patched.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin)))
            patched.setattr("sys.argv", ["footfall", *map(str, words)])
            try:
                cli.main.main()
                code = 0
            except SystemExit as exc:
                code = int(exc.code or 0)
            finally:
                os.umask(mask)
        assert os.getpriority(os.PRIO_PROCESS, 0) == niceness, "it has made this process give way: start one for it"
        sys.stderr.flush()
        out, err = capfdbinary.readouterr()
        return Done(code, out, err.decode())

    return run


@dataclass(frozen=True)
class Engine:
    """A ClickHouse that runs: ``how`` a client reaches it."""

    how: dict[str, Any]


@dataclass(frozen=True)
class Embedded(Engine):
    """The embedded engine, reached like a server."""

    endpoint: EngineEndpoint
    port: int
    password: str
    boot: str


@pytest.fixture(scope="session")
def embedded(engine_home: DataDir):
    """One embedded engine for the whole run."""
    child, endpoint = start_engine(engine_home)
    port, password = Loopback(engine_home.engine_socket).port, endpoint.password
    how = {"host": "127.0.0.1", "port": port, "username": "footfall", "password": password}
    yield Embedded(how, endpoint, port, password, endpoint.boot)
    child.terminate()
    child.wait(30)


@pytest.fixture(scope="session")
def engine(request: pytest.FixtureRequest):
    """The server at FOOTFALL_TEST_URL; without one, the embedded engine."""
    if not SERVER:
        return request.getfixturevalue("embedded")
    parts = urlsplit(SERVER)
    user, password = unquote(parts.username or "default"), unquote(parts.password or "")
    secure = parts.scheme in {"https", "clickhouses"}
    how = {"host": parts.hostname, "port": parts.port or 8123, "username": user, "password": password}
    return Engine(how | {"secure": secure})

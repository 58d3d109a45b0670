"""The built wheel, and what importing its parts brings along."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import pytest

from sql.schema.shipped import SchemaKind

pytestmark = pytest.mark.process

PROJECT = Path(__file__).parents[1]
ROOMS = ("aggregations", "cli", "collector", "sql", "tracker")
HEAVY = ("chdb", "clickhouse_connect", "polars", "pyarrow", "numpy")
# What runs and what it reads: everything in a room that is no source of something built.
SHIPPED = {".py", ".sql", ".csv", ".json", ".typed"}
TRACKER = PROJECT / "tracker/dist"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--no-build-isolation",
        str(PROJECT),
        "--no-deps",
        "--quiet",
        "--wheel-dir",
        str(folder),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    [path] = folder.glob("*.whl")
    return zipfile.ZipFile(path)


def inside(wheel):
    return [name for name in wheel.namelist() if ".dist-info/" not in name]


@pytest.mark.parametrize("room", ["aggregations", "cli", "collector", "sql"])
def test_every_file_of_a_room_is_inside(wheel, room):
    names = set(inside(wheel))
    files = [p for p in (PROJECT / room).rglob("*") if p.suffix in SHIPPED and "__pycache__" not in p.parts]
    assert len(files) > 3
    assert [str(p.relative_to(PROJECT)) for p in files if str(p.relative_to(PROJECT)) not in names] == []
    for path in files:
        assert wheel.read(str(path.relative_to(PROJECT))) == path.read_bytes()


def test_the_files_that_code_looks_for_are_inside(wheel):
    names = inside(wheel)
    for folder in ("sql/queries/", *(f"sql/schema/{kind}s/" for kind in SchemaKind)):
        assert [name for name in names if name.startswith(folder) and name.endswith(".sql")]
    assert [name for name in names if name.endswith(".csv")]


def test_of_the_tracker_what_is_built_and_nothing_else(wheel):
    """The script and its modules with their packed forms, the manifest, the ES modules with their types."""
    names = {name for name in inside(wheel) if name.startswith("tracker/")}
    built = [path for path in TRACKER.rglob("*") if path.is_file()]
    assert names == {"tracker/__init__.py"} | {str(path.relative_to(PROJECT)) for path in built}
    for path in built:
        assert wheel.read(str(path.relative_to(PROJECT))) == path.read_bytes()
    manifest = json.loads(wheel.read("tracker/dist/manifest.json"))
    assert "footfall.js" in manifest["files"]
    for name in manifest["files"]:
        assert {f"tracker/dist/{name}{packed}" for packed in ("", ".gz", ".br")} <= names


def test_rooms_and_nothing_else(wheel):
    assert {name.split("/")[0] for name in inside(wheel)} == set(ROOMS)
    for name in wheel.namelist():
        assert not name.endswith((".pyc", ".toml", "~")), name
        assert "node_modules" not in name
        assert "test" not in Path(name).name.lower(), name


def test_the_command_and_the_licence(wheel):
    entry = next(name for name in wheel.namelist() if name.endswith("entry_points.txt"))
    assert "footfall = cli.main:main" in wheel.read(entry).decode()
    assert [name for name in wheel.namelist() if name.endswith("licenses/LICENSE")]
    metadata = wheel.read(next(name for name in wheel.namelist() if name.endswith("/METADATA"))).decode()
    assert "Requires-Python: >=3.11" in metadata


def test_the_wheel_works_where_the_project_is_not(wheel, tmp_path):
    """The installed files alone: imports, statements, the tracker, the help."""
    wheel.extractall(tmp_path / "site")
    program = """
        import sys
        sys.path.insert(0, sys.argv[1])
        import sql, tracker
        from pathlib import Path
        assert Path(sql.__file__).is_relative_to(sys.argv[1]), sql.__file__
        from sql.core import queries
        from sql.schema import shipped
        assert len(list(shipped.texts())) > 6
        for name in queries.names():
            queries.query(name)
        from collector.enrich import bots, channels, sources
        from collector.web import tracker_files
        assert tracker_files.built().files[""].bodies["br"]
        sources.source_of("", "", "www.google.com")
        from cli import commands, main
        commands.tree(main.app)
    """
    run = [sys.executable, "-P", "-c", textwrap.dedent(program), str(tmp_path / "site")]
    done = subprocess.run(run, capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "module", ["collector.web.app", "collector.web.server", "cli.main", "cli.commands", "sql.client"]
)
def test_importing_brings_nothing_heavy(module):
    """chdb does not survive a fork, and help and collectors start quickly."""
    program = f"import sys, {module}; print(*sorted({HEAVY!r} & sys.modules.keys()))".replace(
        repr(HEAVY), repr(set(HEAVY))
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr


def test_a_command_that_has_read_its_options_has_brought_nothing_heavy(tmp_path):
    """typer 0.29 brings pydantic: a fifth of a second of every command, and of every process of `serve`."""
    program = f"""
        import atexit, sys
        import cli.main
        atexit.register(lambda: print(*sorted({{"pydantic", *{HEAVY!r}}} & sys.modules.keys()), file=sys.stderr))
        words = ["--period", "7d", "--where", "country=FR", "--limit", "3", "--format", "json", "--as-json"]
        sys.argv = ["footfall", "report", "pages", *words]
        cli.main.main()
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, timeout=60, cwd=tmp_path
    )
    assert (done.returncode, done.stderr.strip()) == (0, "")
    assert json.loads(done.stdout)["where"] == ["country", "is", ["FR"]]


def test_a_collector_that_has_worked_has_brought_nothing_heavy(tmp_path):
    """Neither the master, which makes the server, nor a worker after its first requests."""
    program = """
        import asyncio, sys
        from pathlib import Path
        import falcon.testing
        from collector.web.app import create_app
        from collector.ingest.service import AppOptions
        from collector.web.server import Server
        from collector.sites.snapshot import publish
        from collector.sites.registry import Site, WriteKey, hash_key
        from sql.core.data_dir import DataDir
        home = DataDir(Path(sys.argv[1])).make()
        publish(home.sites_file, [Site(1, "a.example", "UTC", (WriteKey(hash_key("k")),))])
        server = Server(AppOptions(home), "127.0.0.1", 18080, 1)
        def heavy():
            return sorted({"chdb", "clickhouse_connect", "polars", "pyarrow", "numpy"} & set(sys.modules))
        print("master", *heavy())
        async def work():
            async with falcon.testing.ASGIConductor(server.load()) as asked:
                answer = await asked.simulate_post("/v1/events", json={"name": "a", "key": "k"})
                await asked.simulate_get("/footfall.js")
                await asked.simulate_get("/health/ready")
                return answer.status_code
        print(asyncio.run(work()), *heavy())
    """
    run = [sys.executable, "-c", textwrap.dedent(program), str(tmp_path / "data")]
    done = subprocess.run(run, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "master\n202\n"), done.stderr


def test_nobody_else_in_this_environment_owns_a_rooms_name():
    from importlib.metadata import packages_distributions

    owners = packages_distributions()
    assert {room: owners[room] for room in ROOMS if room in owners and set(owners[room]) != {"footfall"}} == {}

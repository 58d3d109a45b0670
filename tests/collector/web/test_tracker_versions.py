"""Versions of the tracker that were served before: after an upgrade a page gets the very bytes that its tag names."""

from __future__ import annotations

import asyncio
import base64
import errno
import gzip
import hashlib
import http.client
import json
import os
import shutil
from importlib.resources import files
from pathlib import Path

import falcon.testing
import pytest

from collector.ingest.paths import Paths
from collector.ingest.service import AppOptions
from collector.sites.registry import Site
from collector.sites.snapshot import publish
from collector.web import tracker_versions
from collector.web.app import create_app
from collector.web.snippet import Wanted, snippet
from collector.web.tracker_files import CODINGS, TrackerFile, TrackerFiles, built
from collector.web.tracker_versions import KEPT, with_older
from sql.core.data_dir import DataDir
from sql.core.files import OwnedLock

YEAR, HOUR = "public, max-age=31536000, immutable", "public, max-age=3600"
NAMED = Paths("/js/site.js", "/js/notes")
OLD = "0123456789ab"


def integrity(body):
    return f"sha384-{base64.b64encode(hashlib.sha384(body).digest()).decode()}"


def made_up(text):
    """A file as the build makes it; nobody unpacks its Brotli here."""
    plain = text.encode()
    return TrackerFile({"br": b"br" + plain, "gzip": gzip.compress(plain, mtime=0), "": plain}, integrity(plain))


def version(number, *modules):
    name = f"{number:012x}"
    return TrackerFiles(name, {module: made_up(f"// {name} {module}") for module in ("", *modules)})


@pytest.fixture
def home(tmp_path):
    return DataDir(tmp_path / "data").make()


def by_hand(home, name, scripts):
    """A version's folder as an upgrade leaves it."""
    folder = home.tracker / name
    folder.mkdir(parents=True)
    sums = {}
    for script, text in scripts.items():
        for ending, data in {"": text, ".gz": gzip.compress(text), ".br": b"br" + text}.items():
            (folder / f"{script}{ending}").write_bytes(data)
            sums[script + ending] = integrity(data)
    (folder / "manifest.json").write_text(json.dumps({"version": name, "integrity": sums}))
    return folder


def damage(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def got(port, path, coding=""):
    """Status, Cache-Control, coding and bytes, from a real server."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path, headers={"Accept-Encoding": coding})
        answer = connection.getresponse()
        body = answer.read()
        return answer.status, answer.headers["Cache-Control"], answer.headers["Content-Encoding"] or "", body
    finally:
        connection.close()


def test_a_tag_outlives_an_upgrade(alone, tmp_path):
    """A collector with another tracker, then the present one, on the same data directory."""
    earlier = tmp_path / "earlier" / "tracker"
    shutil.copytree(files("tracker") / "dist", earlier / "dist", ignore=shutil.ignore_patterns("esm"))
    (earlier / "__init__.py").touch()
    for module, text in {"": b"// the core of another day", ".retired": b"// a module of another day"}.items():
        (earlier / "dist" / f"footfall{module}.js").write_bytes(text)
        (earlier / "dist" / f"footfall{module}.js.gz").write_bytes(gzip.compress(text))
        (earlier / "dist" / f"footfall{module}.js.br").write_bytes(b"br" + text)
    facts = {
        path.name: {"integrity": integrity(path.read_bytes())}
        for path in (earlier / "dist").iterdir()
        if path.suffix == ".js"
    }
    (earlier / "dist" / "manifest.json").write_text(json.dumps({"version": OLD, "files": facts}))

    collector = alone(script_path="/js/site.js", workers=1)
    tag = f"?v={OLD}"
    core = facts["footfall.js"]["integrity"]
    collector.start("env", "PYTHONSAFEPATH=1", f"PYTHONPATH={earlier.parent}")
    before = got(collector.port, f"/footfall.js{tag}")
    assert (before[:2], integrity(before[3])) == ((200, YEAR), core)
    assert got(collector.port, "/footfall.js")[3] == before[3]
    collector.stop()

    collector.start()
    for script in ("/footfall", "/js/site"):
        for module, name in {"": "footfall.js", ".retired": "footfall.retired.js"}.items():
            status, kept, coding, body = got(collector.port, f"{script}{module}.js{tag}")
            assert (status, kept, coding, integrity(body)) == (200, YEAR, "", facts[name]["integrity"])
            for accepted, unpack in {"gzip": gzip.decompress, "br": lambda data: data.removeprefix(b"br")}.items():
                _, kept, coding, packed = got(collector.port, f"{script}{module}.js{tag}", accepted)
                assert (kept, coding, unpack(packed)) == (YEAR, accepted, body)
        present = built().files[""].bodies[""]
        assert got(collector.port, f"{script}.js") == (200, HOUR, "", present)
        assert got(collector.port, f"{script}.js?v={built().version}") == (200, YEAR, "", present)
        assert got(collector.port, f"{script}.retired.js")[0] == 404
    new = snippet(Wanted("shop.example", "https://shop.example", integrity=True), Paths(), built())
    assert core not in new


def test_a_folder_from_an_upgrade_is_served_by_a_real_collector(alone):
    collector = alone(workers=1)
    old = b"// the core of another day"
    by_hand(collector.home, OLD, {"footfall.js": old})
    collector.start()
    status, kept, _, body = got(collector.port, f"/footfall.js?v={OLD}")
    assert (status, kept, integrity(body)) == (200, YEAR, integrity(old))
    for other in ("000000000000", "..", f"../tracker/{OLD}", f"..%2f..%2ftracker%2f{OLD}", "/etc/passwd", f"{OLD}%00"):
        assert got(collector.port, f"/footfall.js?v={other}")[1:] == (HOUR, "", built().files[""].bodies[""])
    assert sorted(path.name for path in collector.home.tracker.iterdir()) == sorted([OLD, built().version])


@pytest.mark.parametrize("lost", [None, "br", "gzip"])
def test_what_is_served_of_which_version(home, lost):
    """A module that both have, one that only the old one has, one that only the present one has."""
    publish(home.sites_file, [Site(1, "shop.example", "UTC")])
    old = version(1, "retired")
    for file in old.files.values():
        file.bodies.pop(lost, None)

    def ask(path, accepted):
        async def run():
            app = create_app(AppOptions(home, paths=NAMED), older={old.version: old})
            async with falcon.testing.ASGIConductor(app) as conductor:
                return await conductor.simulate_get(path, headers={"Accept-Encoding": accepted})

        return asyncio.run(run())

    tags = set()
    for accepted in CODINGS:
        for path, module in {"/js/site.js": "", "/footfall.js": "", "/js/site.retired.js": "retired"}.items():
            answer = ask(f"{path}?v={old.version}", accepted)
            coding = "" if accepted == lost else accepted
            assert (answer.content, answer.headers.get("content-encoding", "")) == (
                old.files[module].bodies[coding],
                coding,
            )
            assert answer.headers["cache-control"] == YEAR
            tags.add(answer.headers["etag"])
    assert len(tags) == len({(module, coding) for module in old.files for coding in old.files[module].bodies})
    assert ask("/footfall.retired.js?v=000000000000", "").status_code == 404
    assert ask("/footfall.js", "").headers["etag"] not in tags


def test_it_is_kept_once_and_read_as_it_was(home, caplog):
    first, second = version(1, "outbound", "web-vitals"), version(2, "outbound")
    assert with_older(home, first) == {first.version: first}
    entries = {path: path.stat().st_mtime_ns for path in (home.tracker / first.version).iterdir()}
    assert len(entries) == 3 * 3 + 1
    assert with_older(home, first) == {first.version: first}
    assert {path: path.stat().st_mtime_ns for path in (home.tracker / first.version).iterdir()} == entries
    assert with_older(home, second) == {first.version: first, second.version: second}
    assert with_older(home, first) == {first.version: first, second.version: second}
    assert caplog.text == ""


@pytest.mark.parametrize(
    ("name", "left"),
    [
        ("footfall.js", {"outbound": {"br", "gzip", ""}}),
        ("footfall.js.br", {"": {"gzip", ""}, "outbound": {"br", "gzip", ""}}),
        ("footfall.outbound.js", {"": {"br", "gzip", ""}}),
        ("footfall.outbound.js.gz", {"": {"br", "gzip", ""}, "outbound": {"br", ""}}),
    ],
)
def test_damaged_files_are_left_out(home, caplog, name, left):
    old, present = version(1, "outbound"), version(2)
    with_older(home, old)
    damage(home.tracker / old.version / name)
    found = with_older(home, present)
    assert {module: set(file.bodies) for module, file in found[old.version].files.items()} == left
    for module, file in found[old.version].files.items():
        assert file.bodies.items() <= old.files[module].bodies.items()
    assert [record.getMessage() for record in caplog.records] == [
        f"{name} of tracker version {old.version} is ignored: it is damaged"
    ]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": "000000000009", "integrity": {}}', None])
def test_without_its_manifest_a_version_is_left_out(home, caplog, text):
    old, present = version(1), version(2)
    with_older(home, old)
    manifest = home.tracker / old.version / "manifest.json"
    manifest.unlink() if text is None else manifest.write_text(text)
    assert with_older(home, present) == {present.version: present}
    assert "its manifest is damaged" in caplog.text


def test_names_in_a_manifest_lead_nowhere_else(home):
    secret = b"// not the tracker's"
    (home.root / "footfall.js").write_bytes(secret)
    folder = by_hand(home, OLD, {"footfall.js": b"// core"})
    sums = {name: integrity(secret) for name in ("../footfall.js", "../../footfall.js", f"{home.root}/footfall.js")}
    (folder / "manifest.json").write_text(json.dumps({"version": OLD, "integrity": sums}))
    for name in ("..", "0123", "0123456789AB", f"{OLD}.js"):
        (home.tracker / name).mkdir(exist_ok=True)
    assert set(with_older(home, version(2))) == {version(2).version}


def test_the_present_version_is_mended(home):
    present = version(1, "outbound")
    with_older(home, present)
    damage(home.tracker / present.version / "footfall.js")
    assert with_older(home, present) == {present.version: present}
    assert with_older(home, version(2))[present.version] == present
    assert {path.name for path in home.tracker.iterdir()} == {present.version, version(2).version}


def test_what_a_crash_left_is_swept(home):
    left = home.tracker / f".{OLD}.00000000.tmp"
    left.mkdir(parents=True)
    (left / "footfall.js").write_text("// half of it")
    with_older(home, version(1))
    assert {path.name for path in home.tracker.iterdir()} == {version(1).version}


def test_the_oldest_go(home):
    """Oldest by when they were the present one: a version that came back stays."""
    for number in range(KEPT + 5):
        made = version(number)
        with_older(home, made)
        os.utime(home.tracker / made.version, (1_000 + number, 1_000 + number))
    back = version(5)
    with_older(home, back)
    with_older(home, version(100))
    kept = {int(path.name, 16) for path in home.tracker.iterdir()}
    assert kept == {5, 100} | set(range(7, KEPT + 5))
    assert len(kept) == KEPT


def test_a_full_disk_keeps_nobody_from_serving(alone, small_disk, home):
    disk = small_disk(home.tracker, 1)
    with (disk / "ballast").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError as exc:
            assert exc.errno == errno.ENOSPC
    collector = alone(workers=1)
    assert collector.home == home
    collector.start()
    assert got(collector.port, "/footfall.js")[3] == built().files[""].bodies[""]
    assert "cannot save the tracker's files" in collector.log.read_text()
    assert [path.name for path in disk.iterdir()] == ["ballast"]
    collector.stop()
    (disk / "ballast").unlink()
    collector.start()
    assert (disk / built().version / "manifest.json").exists()


def test_where_nothing_can_be_written_older_ones_are_served(home, monkeypatch, caplog):
    """The lock cannot be made, as on a disk that is mounted to be read."""
    old, present = version(1), version(2)
    with_older(home, old)

    def refused(lock):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(OwnedLock, "try_acquire", refused)
    assert with_older(home, present) == {old.version: old, present.version: present}
    assert "cannot save the tracker's files for pages that pin a version: Read-only file system" in caplog.text
    caplog.clear()
    assert with_older(home, old) == {old.version: old}
    assert caplog.text == ""


def test_who_holds_the_folder_is_told(home, monkeypatch, caplog):
    monkeypatch.setattr(tracker_versions, "_WAIT_SECONDS", 0.0)
    with OwnedLock(home.tracker_lock, "footfall collector").held(1):
        assert with_older(home, version(1)) == {version(1).version: version(1)}
    assert f"is in use by process {os.getpid()} (footfall collector)" in caplog.text


def test_a_file_in_the_way_keeps_nobody_from_serving(home, caplog):
    Path(home.tracker).write_text("")
    assert with_older(home, version(1)) == {version(1).version: version(1)}
    assert "File exists" in caplog.text

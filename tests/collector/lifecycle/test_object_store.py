"""Archives and backups in an object store: as in a directory, and nothing that is half there is ever trusted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import moto.settings
import pytest

from collector.lifecycle import archive, backup
from collector.lifecycle.store import Store
from collector.lifecycle.store_errors import told
from collector.lifecycle.verify import verify
from collector.sites.admin import add_site
from sql.client import opened
from sql.core.data_dir import DataDir
from sql.core.errors import StorageError, UsageError
from sql.engine.server import alongside
from sql.retention import Retention
from sql.schema import horizons
from sql.schema.upgrade import bring_up_to_date
from tests.collector.lifecycle.test_retention import SHOP, carried_out, events, figures, filled, keep, planned
from tests.object_store import KEYS, ObjectStore

pytestmark = pytest.mark.process
LARGE = 12_000_000  # of more than one part of an upload


@pytest.fixture(scope="module")
def started():
    made = ObjectStore()
    yield made
    made.close()


@pytest.fixture
def bucket(started, monkeypatch):
    """The object store, as its clients in this process find it."""
    for name, value in started.env.items():
        monkeypatch.setenv(name, value)
    started.reset()
    return started


@pytest.fixture(params=["directory", "bucket"])
def place(request, tmp_path, bucket):
    """A URL of a place to put files."""
    return str(tmp_path / "place") if request.param == "directory" else f"s3://bucket/{tmp_path.name}"


def test_files_are_put_read_listed_and_removed(place):
    store = Store(place)
    large = [os.urandom(LARGE // 3) for _ in range(3)]
    for name, chunks in {"a/b/one": [b"1"], "a/two": [], "c/large": large}.items():
        size, _ = store.put(name, iter(chunks))
        assert size == len(store.get(name)) == len(b"".join(chunks))
    store.put("a/b/one", [b"another"])
    assert store.get("a/b/one") == b"another"
    assert b"".join(store.chunks("c/large")) == b"".join(large)
    assert sorted(store.names()) == ["a/b/one", "a/two", "c/large"]
    assert (list(store.names("a/b")), list(store.names("nothing"))) == (["a/b/one"], [])
    assert (store.folders(), store.has("a/two"), store.has("a")) == (["a", "c"], True, False)
    for _ in range(2):
        store.delete("a/two")
        store.remove("c")
    assert list(store.names()) == ["a/b/one"]
    with pytest.raises(FileNotFoundError):
        store.get("a/two")


def test_a_file_whose_source_fails_is_not_there(place):
    def chunks():
        yield b"x" * LARGE
        raise RuntimeError("the source has failed")

    store = Store(place)
    with pytest.raises(RuntimeError):
        store.put("a/file", chunks())
    assert not store.has("a/file")


@pytest.mark.parametrize("words", [("backup", "list", "--to"), ("archive", "list"), ("backup", "create", "--to")])
def test_a_bucket_that_is_not_there_is_told(bucket, command, tmp_path, words):
    done = command("--data-dir", tmp_path, *words, "s3://slip/footfall", **bucket.env)
    assert done.returncode == 1
    [said, hint] = done.stderr.splitlines()[-2:]
    assert said.endswith(": there is no such bucket") and "s3://slip/footfall" in said
    assert hint == "  → create it, or correct its name"


@pytest.mark.parametrize("words", [("backup", "list", "--to"), ("archive", "verify"), ("backup", "create", "--to")])
def test_credentials_that_are_refused_are_told(bucket, command, tmp_path, words, monkeypatch):
    monkeypatch.setattr(moto.settings, "INITIAL_NO_AUTH_ACTION_COUNT", 0)  # from now on it looks at them
    done = command("--data-dir", tmp_path, *words, "s3://bucket/footfall", **bucket.env)
    assert done.returncode == 1
    [said, hint] = done.stderr.splitlines()[-2:]
    assert said.endswith(": the object store refuses these credentials")
    assert hint.startswith("  → check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")


@pytest.mark.soak  # the SDK tries for twelve seconds
def test_a_store_that_is_away_is_told(bucket, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(StorageError, match=r"cannot write s3://bucket/x/file: nothing answers \(check the network"):
        Store("s3://bucket/x").put("file", [b"1"])


def test_what_the_sdk_says_of_a_store_that_is_away():
    said = (
        "When uploading part: AWS Error NETWORK_CONNECTION during PutObject operation: curlCode: 7, Could not connect"
    )
    with pytest.raises(StorageError, match=r"^cannot write it: nothing answers \(check"), told("write", "it"):
        raise OSError(said)


def test_a_url_with_a_password_is_refused():
    with pytest.raises(UsageError, match="credentials do not belong in the URL of s3://bucket/x") as caught:
        Store("s3://AKIA:secret@bucket/x")
    assert "secret" not in str(caught.value)


@pytest.fixture(scope="module")
def archived(engine, tmp_path_factory):
    client = filled(engine, "object_store", "2026-08-01 00:10:00")
    yield client, DataDir(tmp_path_factory.mktemp("archived") / "data").make()
    client.close()


def test_an_archive_refused_at_any_request_loses_nothing_and_brings_all_back(archived, bucket):
    (client, home), url = archived, "s3://bucket/archive"
    keep(client, home, SHOP, events=Retention(40, url))
    before, rows = figures(client), events(client)
    total = sum(n for n, _ in rows.values())
    for limit in (0, 1, 2, 3, 5, 8, 13, 21, None):
        bucket.requests.clear()
        bucket.before = lambda method, path, limit=limit: limit is None or len(bucket.requests) <= limit
        try:
            carried_out(client, home)
            done = True
        except StorageError:
            done = False
        bucket.before = lambda method, path: True
        left = sum(n for n, _ in events(client).values())
        found = archive.every(url)
        assert [archive.check(url, each) for each in found] == [""] * len(found)
        assert left + sum(each.manifest.rows for each in found) >= total
        assert figures(client) == before
    assert done and planned(client) == [] and len(found) == 3
    for each in reversed(found):
        archive.restore(client, url, each)
        archive.lower_horizon(client, found, SHOP.site_id)
    assert (events(client), figures(client)) == (rows, before)
    assert [day.year for day in horizons.of_events(client).values()] == [1970]
    assert verify(client, home, every_row=True).differences == ()


def test_what_is_damaged_in_an_archive_is_found(archived, bucket):
    (client, home), url = archived, "s3://bucket/damaged"
    keep(client, home, SHOP, events=Retention(40, url))
    carried_out(client, home)
    first, second, *_ = archive.every(url)
    Store(url).put(f"{first.name}.parquet", [b"PAR1"])
    Store(url).delete(f"{second.name}.parquet")
    assert archive.check(url, first) == "its content has changed"
    assert archive.check(url, second) == "it is missing"
    with pytest.raises(StorageError, match="damaged"):
        archive.restore(client, url, first)


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A data directory with a running engine, a site, and a file of more than one part of an upload."""
    home = DataDir(tmp_path_factory.mktemp("house") / "data").make()
    with alongside(home), opened(f"chdb://{home.root}", direct=False) as client:
        bring_up_to_date(client, home)
        add_site(client, home, "shop.example", "UTC")
        (home.root / "quarantine.txt").write_bytes(os.urandom(LARGE))
        yield home


@pytest.fixture
def footfall(house, command, tmp_path):
    """``footfall(*words)``: a command on the house, and a configuration whose ``backup_to`` names an endpoint."""

    def run(*words: object, **env: str):
        return command("--config", tmp_path / "footfall.toml", "backup", *words, **(KEYS | env))

    return run


def configured(folder: Path, house: DataDir, to: str) -> Path:
    (folder / "footfall.toml").write_text(f'data_dir = "{house.root}"\nbackup_to = "{to}"\n')
    return folder / "footfall.toml"


def test_backups_in_a_store_of_ones_own(house, footfall, bucket, tmp_path, monkeypatch):
    """Its endpoint in the URL."""
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    configured(tmp_path, house, f"s3://bucket/own?endpoint_override={bucket.endpoint}&scheme=http")
    names = []
    for _ in range(2):
        done = footfall("create")
        assert done.returncode == 0, done.stderr
        names.append(done.stdout.strip())
    assert [row["backup"] for row in json.loads(footfall("list", "--format", "json").stdout)] == names
    assert footfall("verify").returncode == 0
    done = footfall("restore", names[0], "--as", tmp_path / "restored")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "restored" / "quarantine.txt").read_bytes() == (house.root / "quarantine.txt").read_bytes()
    assert footfall("prune", "--keep", "1d", "--yes").returncode == 0
    assert [row["backup"] for row in json.loads(footfall("list", "--format", "json").stdout)] == names[1:]
    monkeypatch.setenv("AWS_ENDPOINT_URL", bucket.env["AWS_ENDPOINT_URL"])
    Store("s3://bucket/own").put(f"{names[1]}/sites.json", [b"{}"])
    done = footfall("verify")
    assert (done.returncode, "sites.json: its content has changed" in done.stdout) == (3, True)


@pytest.mark.parametrize("to", ["directory", "bucket"])
def test_an_incremental_backup_sends_what_is_new_and_is_whole(house, footfall, bucket, tmp_path, to):
    place = str(tmp_path / "backups") if to == "directory" else "s3://bucket/incremental"
    configured(tmp_path, house, place)
    first = footfall("create").stdout.strip()
    (house.root / "new.txt").write_text("new")
    (house.root / "quarantine.txt").write_bytes((house.root / "quarantine.txt").read_bytes()[::-1])
    done = footfall("create", "--incremental")
    assert "of them shared with the backup before" in done.stderr
    [_, made] = backup.every(place)
    unshared = {file.name for file in made.manifest.files if not file.shared}
    assert {"new.txt", "quarantine.txt"} <= unshared < {file.name for file in made.manifest.files}
    backup.remove(place, backup.find(place, first))
    assert list(backup.check(place, made)) == []
    done = footfall("restore", made.name, "--as", tmp_path / "restored")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "restored" / "new.txt").read_text() == "new"
    (house.root / "new.txt").unlink()
    (house.root / "quarantine.txt").write_bytes((house.root / "quarantine.txt").read_bytes()[::-1])


# When the n-th request whose path ends like this arrives, or was answered.
KILLS = {
    "in an upload": ("before", "/quarantine.txt", 4),
    "before the manifest": ("before", "/manifest.json", 1),
    "after the manifest": ("after", "/manifest.json", 1),
}


@pytest.mark.parametrize("point", KILLS)
def test_a_backup_killed_while_it_uploads(house, footfall, bucket, tmp_path, point):
    moment, ending, number = KILLS[point]
    url = f"s3://bucket/{tmp_path.name}"
    config, seen = configured(tmp_path, house, url), []

    def kill(method: str, path: str) -> bool:
        if method != "HEAD" and path.endswith(ending):
            seen.append(path)
            if len(seen) == number:
                os.kill(child.pid, signal.SIGKILL)
                child.wait(10)
                return False
        return True

    words = [sys.executable, "-m", "cli.main", "--config", str(config), "backup", "create"]
    setattr(bucket, moment, kill)
    child = subprocess.Popen(words, env=os.environ | bucket.env)
    assert child.wait(60) == -signal.SIGKILL
    bucket.reset()
    made = [each.name for each in backup.every(url)]
    assert len(made) == (point == "after the manifest")
    assert Store(url).has(f"{Store(url).folders()[0]}/quarantine.txt") is (ending == "/manifest.json")
    done = footfall("create", **bucket.env)
    assert done.returncode == 0, done.stderr
    made.append(done.stdout.strip())
    assert Store(url).folders() == made, "what was begun is gone"
    for each in backup.every(url):
        assert list(backup.check(url, each)) == []

"""`footfall doctor` says what is wrong, and its exit code too."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from collector.enrich import geo
from collector.enrich.versions import updated, versions
from collector.lifecycle import backup, doctor_lists, doctor_stored
from collector.lifecycle import doctor as checks
from collector.lifecycle.findings import Level
from collector.sites.admin import add_site, begin_removal
from sql import definitions
from sql.client import opened
from sql.core import timezones
from sql.core.data_dir import DataDir
from sql.core.files import OwnedLock
from sql.engine.server import alongside
from sql.retention import RETENTION, Retention
from sql.schema import closing, derived_by, pending
from sql.schema.upgrade import bring_up_to_date

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def schema(tmp_path_factory):
    """A data directory with its schema, nothing running."""
    home = DataDir(tmp_path_factory.mktemp("doctor") / "data").make()
    with alongside(home), opened(f"chdb://{home.root}", direct=False) as client:
        bring_up_to_date(client, home)
    return home


@pytest.fixture
def folder(tmp_path, schema):
    """A configuration and a data directory of the test's own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (tmp_path / "footfall.toml").write_text(f'data_dir = "data"\n[collector]\nport = {port}\n')
    shutil.copytree(schema.root, tmp_path / "data", symlinks=True)
    return tmp_path


@pytest.fixture
def doctor(folder, command):
    return lambda *args: command("--config", folder / "footfall.toml", "doctor", *args, cwd=folder)


def bad(done):
    return {line.split()[1] for line in done.stdout.splitlines() if line.startswith("BAD")}


def test_where_nothing_runs_and_nothing_should(folder, doctor):
    done = doctor()
    assert (done.returncode, done.stderr, bad(done)) == (0, "", set())
    assert done.stdout.splitlines()[0].endswith(str(folder / "footfall.toml"))


def test_the_age_of_lists(tmp_path):
    today = updated() + dt.timedelta(days=365)
    assert [(each.level, each.text) for each in doctor_lists.ages(None, today)] == [
        (Level.OK, f"of sources, bots and spam: of {updated()}, 365 days old")
    ]
    [old] = doctor_lists.ages(None, today + dt.timedelta(days=1))
    assert (old.level, old.hint) == (Level.NOTE, "upgrade Footfall")
    (tmp_path / "no.mmdb").write_text("no")
    assert len(list(doctor_lists.ages(tmp_path / "no.mmdb", today))) == 1  # what is wrong with it is told once


def test_the_age_of_places(shared_data):
    path = shared_data / "geo/GeoLite2-Country-Test.mmdb"
    made = geo.made(path)
    for days, level in ((180, Level.OK), (181, Level.NOTE)):
        _, found = doctor_lists.ages(path, made + dt.timedelta(days=days))
        assert (found.level, found.text) == (level, f"{path.name}: of {made}, {days} days old")


def test_what_older_lists_have_derived(folder, doctor):
    home = DataDir(folder / "data")
    with alongside(home), opened(f"chdb://{home.root}", direct=False) as client:
        add_site(client, home, "a.example", "UTC")
        days = [(1, dt.date(2026, 1, 30) + dt.timedelta(days=at)) for at in range(4)]
        closing.revise(client, 1, days)
        derived_by.record(client, {**versions(), "bots": "2024-05-06 01234567"}, days, whole=True)
        derived_by.record(client, {"channels": "2025-01-02 01234567"}, days[1:2], whole=False)
        found = list(doctor_lists.derived(client, None))
    assert [each.text for each in found] == [
        "bots of 2026-01-30..2026-02-02 were derived by lists of 2024-05-06 (4 days)",
        "channels of 2026-01-31..2026-01-31 were derived by lists of 2025-01-02 (1 days)",
    ]
    assert {each.level for each in found} == {Level.NOTE}
    said = " ".join(doctor().stdout.split())
    assert "footfall backfill bots --from 2026-01-30 --to 2026-02-02 --dry-run" in said


def test_where_something_should_run(folder, doctor):
    done = doctor("--expect-running")
    assert (done.returncode, done.stderr) == (3, "")
    assert bad(done) == {"serve", "engine", "loader", "collector"}


def test_a_serve_whose_parts_are_gone(folder, doctor):
    lock = OwnedLock(DataDir(folder / "data").serve_lock, "footfall serve")
    assert lock.try_acquire()
    done = doctor()
    assert done.returncode == 3
    assert bad(done) == {"engine", "loader", "collector"}


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ('durability = "fsnyc"', "durability must be one of fsync, os, not 'fsnyc'"),
        ("segment_bytes = 0\nworkers = 0", "workers must be a whole number from 1 to 64, not 0"),
        ('geoip_file = "nowhere.mmdb"', "nowhere.mmdb"),
        ('data_centre_file = "nowhere.txt"', "nowhere.txt"),
        ('spam_file = "nowhere.txt"', "nowhere.txt"),
    ],
)
def test_what_keeps_serve_from_starting(folder, doctor, setting, says):
    with (folder / "footfall.toml").open("a") as out:
        out.write(f"{setting}\n")
    done = doctor()
    assert done.returncode == 3
    assert bad(done) == {"settings"}
    assert says in done.stdout


def test_a_port_that_others_have(folder, doctor):
    text = (folder / "footfall.toml").read_text()
    with socket.create_server(("127.0.0.1", int(text.split("port = ")[1]))):
        done = doctor()
    assert (done.returncode, bad(done)) == (3, {"collector"})


def test_a_data_directory_that_cannot_be_made(folder, doctor):
    (folder / "file").write_text("")
    (folder / "footfall.toml").write_text('data_dir = "file/data"')
    done = doctor()
    assert (done.returncode, done.stderr, bad(done)) == (3, "", {"data"})


def test_a_collector_without_a_loader(folder, doctor):
    """It says degraded; so does doctor, with the reason."""
    command = [sys.executable, "-m", "cli.main", "--config", str(folder / "footfall.toml"), "collector"]
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    collector = subprocess.Popen(command, cwd=folder, env=env, stderr=subprocess.DEVNULL)
    try:
        while "degraded" not in (done := doctor()).stdout:
            assert collector.poll() is None
    finally:
        collector.terminate()
        collector.wait(30)
    assert (done.returncode, bad(done)) == (3, {"collector"})
    assert "loader not running" in done.stdout


def test_time_zone_data_of_another_release_is_noted(folder, monkeypatch):
    """Here the package is taken to have other rules for Paris than ClickHouse has."""
    with opened(f"chdb://{folder / 'data'}") as client:
        assert list(checks._zones(client, {"Europe/Paris", "Asia/Kathmandu", "UTC"})) == []
        real = timezones.zone
        monkeypatch.setattr(timezones, "zone", lambda name: real("Asia/Tokyo" if name == "Europe/Paris" else name))
        (found,) = checks._zones(client, {"Europe/Paris", "Asia/Kathmandu"})
    assert found.level is Level.NOTE
    assert "Europe/Paris (around 20" in found.text
    assert "Kathmandu" not in found.text


def lines(done, subject):
    return [line for line in done.stdout.splitlines() if line.split()[1] == subject]


def test_what_is_stored(folder, doctor):
    """Work that was begun, and a column that is not one of this version."""
    home = DataDir(folder / "data")
    with opened(f"chdb://{home.root}") as client:
        add_site(client, home, "ending.example", "UTC")
        begin_removal(client, home, 1)
        pending.mark(client, [(1, dt.date(2026, 10, 1))])
        client.command("alter table sites add column stray UInt8")
        client.command("insert into events (site_id, local_date) values (1, '2026-10-01')")
    done = doctor()
    assert (done.returncode, bad(done)) == (0, set()), done.stdout
    assert "the removal of ending.example is not finished" in done.stdout
    assert "days that wait to be derived again: 1" in done.stdout
    assert lines(done, "parts")[0].startswith("ok    parts       at most ")
    done = doctor("--deep")
    assert (done.returncode, bad(done)) == (3, {"schema"}), done.stderr
    assert "sites: column stray is not one of this version" in done.stdout


def test_retention_that_is_due(folder, doctor):
    home = DataDir(folder / "data")
    today = dt.datetime.now(dt.UTC).date()
    with opened(f"chdb://{home.root}") as client:
        site, _ = add_site(client, home, "kept.example", "UTC")
        definitions.put(client, home, site.site_id, RETENTION, "events", Retention(40, ""))
        for days in (41, 44):
            day = today - dt.timedelta(days=days)
            client.command(
                "insert into events (site_id, local_date) values ({site:UInt32}, {day:Date})",
                parameters={"site": site.site_id, "day": day},
            )
    assert "rows that were to be removed more than 2 days ago: 1" in doctor().stdout


@pytest.mark.parametrize(
    ("days", "done", "level", "says"),
    [
        pytest.param(1, True, "ok", "24 hours old", id="recent"),
        pytest.param(1, False, "note", "a later one was not finished", id="interrupted"),
        pytest.param(3, True, "BAD", "3 days old", id="old"),
        pytest.param(None, False, "note", "none yet", id="never"),
    ],
)
def test_backups(tmp_path, days, done, level, says):
    home = DataDir(tmp_path)
    assert list(doctor_stored.backups(home, "")) == []
    taken = dt.datetime.now(dt.UTC) - dt.timedelta(days=days) if days else None
    home.backup_file.write_bytes(msgspec.json.encode(backup.Last("/backups", "one", done, taken)))
    [found] = doctor_stored.backups(home, "")
    assert (found.level, says in found.text) == (level.lower(), True)

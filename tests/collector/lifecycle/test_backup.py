"""A backup that is made while events come is of one moment: restored, every event acknowledged before counts once."""

from __future__ import annotations

import datetime as dt
import json
import threading
import time

import pytest

from collector.lifecycle import backup, backup_restore
from collector.lifecycle.backup_prune import rules, unwanted
from collector.lifecycle.verify import verify
from sql.core.errors import EngineBusy, StorageError, UsageError
from sql.core.files import OwnedLock
from tests.collector.conftest import Footfall
from tests.collector.test_kill import BATCH, Poster


class Sender(Poster):
    """Posts until it is told to end."""

    def __init__(self, footfall: Footfall, seed: int) -> None:
        super().__init__(footfall, 0, seed)
        self.over = threading.Event()

    def run(self) -> None:
        try:
            while not self.over.wait(0.05):
                self._deliver([self._event() for _ in range(BATCH)], None)
        except BaseException as exc:
            self.failure = exc


def create(footfall: Footfall, to: object) -> backup.Backup:
    with footfall.client() as client:
        return backup.create(client, footfall.url, footfall.home, str(to), footfall.folder / "footfall.toml")


def restored(footfall: Footfall, to: object, made: backup.Backup, folder) -> Footfall:
    """Another Footfall on what a backup holds."""
    folder.mkdir()
    other = Footfall(folder)
    backup_restore.restore(str(to), made, other.home.root)
    other.key = footfall.key
    return other


def acknowledged(posters: list[Sender]) -> set[str]:
    return set().union(*(set(poster.acknowledged) for poster in posters))


@pytest.fixture
def loading(footfall: Footfall, until):
    """A Footfall that is being sent events by several threads, and has stored some."""
    posters = [Sender(footfall, seed) for seed in range(4)]
    for poster in posters:
        poster.start()

    def some() -> bool:
        return footfall.account().totals.stored > 500

    until(some, 60, "events are stored")
    return footfall, posters


def finish(posters: list[Sender]) -> None:
    for poster in posters:
        poster.over.set()
    for poster in posters:
        poster.join(120)
        assert poster.failure is None, poster.failure


def check(footfall: Footfall, before: set[str], sent: set[str], until, agree) -> None:
    footfall.start()
    try:
        until(footfall.drained, 120, "the spool is empty")
        until(lambda: footfall.account().pending == 0, 60, "nothing is pending")
        assert footfall.account().missing == 0
        with footfall.client() as client:
            ids = [str(row[0]) for row in client.query("select event_id from events").result_rows]
            assert len(ids) == len(set(ids)), "an event counts twice"
            assert before - set(ids) == set(), "an event acknowledged before the backup is not there"
            assert set(ids) - sent == set(), "an event that nobody sent"
            assert verify(client, footfall.home, every_row=True).differences == ()
            agree(client)
    finally:
        footfall.end_all()


def test_under_load_every_event_acknowledged_before_is_there_once(loading, until, agree, tmp_path):
    footfall, posters = loading
    to, made = tmp_path / "backups", []
    for _ in range(3):
        before = acknowledged(posters)
        made.append((create(footfall, to), before))
    finish(posters)
    sent = acknowledged(posters)
    assert 0 < len(made[0][1]) < len(sent)
    for number, (each, before) in enumerate(made):
        names = {file.name for file in each.manifest.files}
        assert not any("salts" in name or name.endswith(".lock") or name == "engine.json" for name in names)
        assert {"journal.jsonl", "identity-keys.json", "sites.json", "footfall.toml"} <= names
        assert list(backup.check(str(to), each)) == []
        assert backup_restore.compare(str(to), each) == []
        check(restored(footfall, to, each, tmp_path / f"other-{number}"), before, sent, until, agree)
    assert not footfall.home.backup_held.exists()


def test_moves_that_wait_as_patches_are_in_it(footfall, until, agree, tmp_path):
    """Late events that join two visits: the rows they move are patches until a merge, which FREEZE leaves out."""
    now = int(time.time() * 1000)
    url = "https://shop.example/"
    for minutes in ((100, 60), (80,)):
        events = [{"name": "page_view", "url": url, "timestamp": now - m * 60_000} for m in minutes]
        assert footfall.post(events) == 202
        until(footfall.drained, 60, "the spool is empty")
    with footfall.client() as client:
        assert client.command("select count() from system.parts where active and startsWith(name, 'patch-')") > 0
        assert client.command("select uniqExact(visit_id) from events") == 1
    made = create(footfall, tmp_path / "backups")
    other = restored(footfall, tmp_path / "backups", made, tmp_path / "other")
    other.start()
    try:
        with other.client() as client:
            [row] = client.query("select count(), uniqExact(visit_id) from events").result_rows
            assert row == (3, 1)
            agree(client)
        again = create(other, tmp_path / "backups")  # in whose data directory lies the footfall.toml of before
        assert list(backup.check(str(tmp_path / "backups"), again)) == []
        backup_restore.restore(str(tmp_path / "backups"), again, tmp_path / "third")
    finally:
        other.end_all()


def test_damage_is_found_and_nothing_is_restored_from_it(footfall, command, tmp_path):
    to = tmp_path / "backups"
    words = ["--config", footfall.folder / "footfall.toml", "backup"]
    made = create(footfall, to)
    listed = json.loads(command(*words, "list", "--to", to).stdout)
    assert [row["backup"] for row in listed] == [made.name]
    assert command(*words, "verify", "--to", to, "--open").returncode == 0
    manifest = json.loads((to / made.name / "manifest.json").read_text())
    manifest["rows"]["sites"]["all"] += 1
    (to / made.name / "manifest.json").write_text(json.dumps(manifest))
    told = command(*words, "verify", "--to", to, "--open")
    assert told.returncode == 3
    assert "sites all: 1 rows instead of 2" in told.stderr
    (to / made.name / "journal.jsonl").write_text("{}\n")
    (to / made.name / "sites.json").unlink()
    told = command(*words, "verify", "--to", to, "--format", "json")
    assert told.returncode == 3
    assert {row["problem"] for row in json.loads(told.stdout)} == {
        "journal.jsonl: its content has changed",
        "sites.json: missing or unreadable",
    }
    target = tmp_path / "restored"
    with pytest.raises(StorageError):
        backup_restore.restore(str(to), made, target)
    assert not target.exists()
    with pytest.raises(UsageError, match="is not empty"):
        backup_restore.restore(str(to), made, footfall.home.root)


def test_one_backup_at_a_time(footfall, tmp_path):
    with (
        OwnedLock(footfall.home.backup_lock, "another").held(1.0),
        pytest.raises(EngineBusy, match="another backup is being made"),
    ):
        create(footfall, tmp_path / "backups")


@pytest.mark.parametrize(
    ("keep", "days", "kept"),
    [
        pytest.param("2d", [0, 1, 2, 3], [0, 1], id="days"),
        pytest.param("1d,2w", [0, 1, 7, 8, 15], [0, 7], id="weeks"),
        pytest.param("1d,3m", [0, 1, 40, 41, 70, 200], [0, 40, 70], id="months that have none do not count"),
        pytest.param("1y", [0, 0, 400], [0], id="the last of a period"),
        pytest.param("3d", [0, 10, 20, 30], [0, 10, 20], id="days without a backup do not count"),
    ],
)
def test_what_is_kept(keep, days, kept):
    now = dt.datetime(2026, 11, 29, 12, tzinfo=dt.UTC)  # a Sunday
    backups = []
    for number, day in enumerate(days):
        moment = now - dt.timedelta(days=day, minutes=number)
        manifest = backup.Manifest(1, "1", moment, True, {}, {}, {}, ())
        backups.append(backup.Backup(f"{moment:%Y%m%dT%H%M%S}", manifest))
    gone = {each.name for each in unwanted(backups, rules(keep))}
    left = [(now - each.manifest.taken).days for each in backups if each.name not in gone]
    assert left == kept


@pytest.mark.parametrize("text", ["", "7", "7d,", "0d", "d7", "7h", "٣d"])
def test_rules_that_are_not_rules(text):
    with pytest.raises(UsageError, match="not a rule"):
        rules(text)

"""Events are stored once: checked, and repaired where one is not."""

from __future__ import annotations

import datetime as dt

import pytest

from collector.lifecycle import dedupe
from collector.lifecycle.dedupe import DedupeScope
from collector.loader.batches import Manifest
from collector.loader.journal import Journal
from collector.loader.loader import Loader
from sql.core.errors import EngineBusy, StorageError
from sql.core.files import OwnedLock

WEEK = DedupeScope(7)


@pytest.fixture
def stored(house, event):
    """300 events."""
    house.put([event(n, n, name="purchase" if n % 7 == 0 else "page_view") for n in range(300)])
    with Loader(house.home, house.url) as loader:
        loader.drain()
    return house


def again(client, changes="", where="1"):
    """Insert stored rows a second time, some columns changed."""
    changed = f"select * replace ({changes})" if changes else "select *"
    settings = "settings insert_deduplicate = 0"
    client.command(f"insert into events {settings} {changed} from events where {where}")


def test_nothing_stands_twice(stored):
    with stored.client() as client:
        assert dedupe.find(client, WEEK) == []
        assert dedupe.repair(client, stored.home, WEEK) == []


@pytest.mark.parametrize(
    ("changes", "copies"),
    [
        pytest.param("", 300, id="the very same rows"),
        pytest.param("generateUUIDv4() as batch_id", 300, id="another batch"),
        pytest.param(
            "local_date - 7 as local_date, timestamp - interval 7 day as timestamp", 300, id="within the window"
        ),
        pytest.param(
            "local_date - 8 as local_date, timestamp - interval 8 day as timestamp", 0, id="beyond the window"
        ),
        pytest.param("toUInt32(2) as site_id", 0, id="another site"),
    ],
)
def test_copies_are_found_and_removed(stored, agree, changes, copies):
    with stored.client() as client:
        again(client, changes)
        found = dedupe.find(client, WEEK)
        assert sum(each.copies for each in found) == copies
        assert client.command("select count() from events") == 600
        assert dedupe.repair(client, stored.home, WEEK) == found
        assert client.command("select count() from events") == 600 - copies
        assert dedupe.find(client, WEEK) == []
        assert client.command("select count() from system.tables where name = 'events_rebuild'") == 0
        if copies:
            assert client.command("select uniqExact(event_id) from events") == 300
            agree(client)


def test_only_what_was_asked_for_is_touched(stored):
    today = dt.date.today()
    with stored.client() as client:
        again(client, "toUInt32(2) as site_id")
        again(client, "generateUUIDv4() as batch_id", "site_id = 2")
        again(client, "generateUUIDv4() as batch_id", "site_id = 1")
        assert dedupe.find(client, DedupeScope(7, 1, today + dt.timedelta(days=3))) == []
        assert {each.site_id for each in dedupe.repair(client, stored.home, DedupeScope(7, 2))} == {2}
        assert client.query("select site_id, count() from events group by 1 order by 1").result_rows == [
            (1, 600),
            (2, 300),
        ]


def test_the_first_stays(stored):
    with stored.client() as client:
        again(client, "'later' as title, received_at + interval 1 minute as received_at")
        dedupe.repair(client, stored.home, WEEK)
        assert client.command("select countIf(title = 'later') from events") == 0


def test_slices_find_the_same(stored, monkeypatch):
    with stored.client() as client:
        again(client)
        whole = dedupe.find(client, WEEK)
        monkeypatch.setattr(dedupe, "SLICE_ROWS", 50)
        assert dedupe.find(client, WEEK) == whole


def test_it_waits_for_its_turn(stored):
    lock = OwnedLock(stored.home.partitions_lock, "somebody")
    assert lock.try_acquire()
    with stored.client() as client, pytest.raises(EngineBusy, match="somebody"):
        dedupe.repair(client, stored.home, WEEK, wait=0.05)
    lock.release()


def test_a_batch_in_doubt_comes_first(stored):
    journal, day = Journal(stored.home.root / "journal.jsonl"), dt.date.today()
    import uuid

    manifest = Manifest(uuid.uuid4(), [], 0, 0, 0, "", day, day, [])
    journal.intent(manifest, "token")
    with stored.client() as client, pytest.raises(StorageError, match="has not been confirmed"):
        dedupe.repair(client, stored.home, WEEK)
    journal.finish(manifest)
    journal.close()

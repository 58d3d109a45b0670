"""Which days are over, and the loader that closes them while it has nothing else to do."""

from __future__ import annotations

import datetime as dt
import threading
import time

import pytest

from collector.lifecycle.closing import close
from collector.loader.close import last_over, plan
from collector.loader.loader import Loader
from sql.core.errors import EngineBusy, StorageError
from sql.core.files import OwnedLock

DAY = 86_400_000
NOW = dt.datetime.now(dt.UTC)


@pytest.mark.parametrize(
    ("zone", "now", "last"),
    [
        ("UTC", "2026-11-22T00:00", "2026-11-20"),
        ("UTC", "2026-11-21T23:59", "2026-11-19"),
        ("Asia/Kolkata", "2026-11-21T18:30", "2026-11-20"),
        ("Asia/Kolkata", "2026-11-21T18:29", "2026-11-19"),
        ("America/New_York", "2026-11-02T03:59", "2026-10-30"),
        ("America/New_York", "2026-11-02T04:00", "2026-10-31"),
        ("America/New_York", "2026-11-03T04:59", "2026-10-31"),  # clocks went back on the 1st: it had 25 hours
        ("America/New_York", "2026-11-03T05:00", "2026-11-01"),
    ],
)
def test_a_day_is_over_when_its_last_visit_must_have_ended(zone, now, last):
    at = dt.datetime.fromisoformat(now).replace(tzinfo=dt.UTC)
    assert last_over(zone, at) == dt.date.fromisoformat(last)


def old(house, event, *days: int, name: str = "test"):
    """Events of so many days ago, spooled."""
    noon = event(1).timestamp - 60_000
    house.put([event(1000 * ago + n, timestamp=noon - ago * DAY + n * 60_000) for ago in days for n in range(5)], name)


def load(house):
    with Loader(house.home, house.url) as loader:
        loader.drain()


def site(client):
    client.command("truncate table sites")
    client.command(
        "insert into sites (site_id, domain, timezone, created_at, updated_at) "
        "values (1, 'shop.example', 'Europe/Paris', now64(3), now64(3))"
    )


@pytest.fixture
def client(house):
    with house.client() as client:
        for table in ("revisions", "closings", "closed_visits", "monthly_events", "monthly_pages"):
            client.command(f"truncate table {table}")
        site(client)
        yield client


def test_only_days_that_are_over_are_closed(house, client, event, agree):
    old(house, event, 0, 1, 5, 6)
    load(house)
    found = [day for each in plan(client, NOW) if not each.table.monthly for _, day in each.days]
    assert len(found) == 2
    assert max(found) < NOW.date() - dt.timedelta(days=3)
    close(client, house.home, plan(client, NOW))
    assert [each for each in plan(client, NOW) if not each.table.monthly] == []
    assert client.command("select uniqExact(visit_date) from closed_visits") == 2
    agree(client)


def test_until(house, client, event):
    old(house, event, 5, 6, 7)
    load(house)
    until = NOW.date() - dt.timedelta(days=6)
    assert all(day <= until for each in plan(client, NOW, until) for _, day in each.days)


def test_months_wait_for_their_last_day(house, client, event):
    old(house, event, 3)
    load(house)
    month = (NOW - dt.timedelta(days=3)).date().replace(day=1)
    after = (month + dt.timedelta(days=32)).replace(day=1)
    for days, closes in ((0, False), (2, True)):
        now = dt.datetime(after.year, after.month, after.day, 1, tzinfo=dt.UTC) + dt.timedelta(days=days)
        assert (month in {day for each in plan(client, now) if each.table.monthly for _, day in each.days}) == closes


def test_a_late_event_opens_its_day_and_the_idle_loader_closes_it_again(house, client, event, agree, until):
    old(house, event, 5, 6)
    load(house)
    close(client, house.home, plan(client, NOW))
    old(house, event, 5, name="late")
    house.put([event(99, timestamp=event(1).timestamp - 5 * DAY + 40 * 60_000)], "later")
    finish = threading.Event()
    with Loader(house.home, house.url) as loader:
        thread = threading.Thread(target=loader.run, args=(finish,))
        thread.start()
        try:
            until(lambda: client.command("select count() from events") == 11, 30, "loaded")
            until(lambda: plan(client, NOW) == [], 30, "closed by the loader")
        finally:
            finish.set()
            thread.join(30)
    assert client.command("select sum(events) from closed_visits") == 11
    agree(client)


def test_the_loader_looks_now_and_then(house, client, monkeypatch):
    looked = []
    monkeypatch.setattr("collector.loader.loader.CLOSE_SECONDS", 0.2)
    monkeypatch.setattr("collector.loader.close.plan", lambda client, now: looked.append(time.monotonic()) or [])
    finish = threading.Event()
    with Loader(house.home, house.url) as loader:
        thread = threading.Thread(target=loader.run, args=(finish,))
        thread.start()
        time.sleep(1.0)
        finish.set()
        thread.join(30)
    assert 2 <= len(looked) <= 6


def test_loading_goes_on_where_closing_fails(house, client, event, monkeypatch, until):
    """As with a disk that has no room for another copy of the month."""
    old(house, event, 5, 6)
    load(house)
    tried = []

    def fail(client, closing):
        tried.append(closing)
        client.command("select throwIf(true, 'no room')")

    monkeypatch.setattr("collector.loader.close.carry_out", fail)
    finish = threading.Event()
    with Loader(house.home, house.url) as loader:
        thread = threading.Thread(target=loader.run, args=(finish,))
        thread.start()
        try:
            until(lambda: len(tried) >= 1, 30, "tried to close")
            old(house, event, 4, name="more")
            until(lambda: client.command("select count() from events") == 15, 30, "loaded")
        finally:
            finish.set()
            thread.join(30)
    assert plan(client, NOW) != []


def test_a_batch_in_doubt_is_settled_first(house, client, event):
    old(house, event, 5)
    load(house)
    (house.home.root / "journal.jsonl").write_text('{"op":"intent","batch":"b","token":"t"}\n')
    with pytest.raises(StorageError, match="not been confirmed"):
        close(client, house.home, plan(client, NOW))
    assert client.command("select count() from closed_visits") == 0


def test_the_partitions_are_held(house, client, event):
    old(house, event, 5)
    load(house)
    lock = OwnedLock(house.home.partitions_lock, "somebody")
    assert lock.try_acquire()
    try:
        with pytest.raises(EngineBusy, match="somebody"):
            close(client, house.home, plan(client, NOW), wait=0.05)
    finally:
        lock.release()


def test_batches_are_numbered_without_gaps(house, client, event):
    for number in range(3):
        old(house, event, number, name=f"w{number}")
        load(house)
    assert sorted(client.query("select distinct batch_no from revisions").result_columns[0]) == [1, 2, 3]

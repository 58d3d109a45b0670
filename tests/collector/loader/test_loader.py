"""The loader as a whole, on an engine of its own: batches in flight, duplicates across them, late events."""

from __future__ import annotations

import datetime as dt
import os
import threading
import uuid

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from collector.event.model import SpooledEvent
from collector.loader import insert, loader
from collector.loader.batches import Batches, Manifest, from_stream
from collector.loader.journal import Journal
from collector.loader.loader import Loader, LoaderOptions
from collector.loader.retry import Stopped
from collector.loader.seen_filter import SeenIds
from collector.sites.registry import Site, SiteRegistry
from collector.sites.snapshot import publish
from collector.spool.lines import encode
from collector.spool.spool import Spool, SpoolWriter
from sql.client import opened
from sql.core.data_dir import DataDir
from sql.core.errors import EngineBusy
from sql.engine.server import alongside
from sql.schema.upgrade import bring_up_to_date

NOON = int(dt.datetime.now(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0).timestamp() * 1000)
MINUTE = 60_000


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """(home, url) of an engine with a schema and a site."""
    home = DataDir(tmp_path_factory.mktemp("loader")).make()
    url = f"chdb://{home.root}"
    with alongside(home):
        with opened(url) as client:
            bring_up_to_date(client, home)
        publish(home.sites_file, [Site(1, "shop.example", "Europe/Paris")])
        yield home, url


@pytest.fixture
def client(running):
    with opened(running[1]) as client:
        for table in ("events", "visits", "daily_events", "daily_pages"):
            client.command(f"truncate table {table}")
        yield client


def event(number, minute=0, visitor=7):
    return SpooledEvent(
        uuid.UUID(int=number).bytes,
        True,
        visitor,
        0,
        NOON + minute * MINUTE,
        "page_view",
        False,
        f"https://shop.example/{number}",
    )


def load(running, segments, **options):
    """Load segments, each a batch of its own; the journal's totals of this run."""
    home, url = running
    for events in segments:
        writer = SpoolWriter(Spool(home.spool), "test")
        writer.commit([encode(1, NOON, events)])
        writer.seal()
    with Loader(home, url, LoaderOptions(batch_bytes=1, **options)) as loading:
        before = loading.journal.totals.stored, loading.journal.totals.duplicate
        assert loading.drain() == len(segments)
        return loading.journal.totals.stored - before[0], loading.journal.totals.duplicate - before[1]


@pytest.mark.parametrize(
    ("bound", "sizes"), [(1, [3] * 5), (5, [3] * 5), (6, [6, 6, 3]), (9, [9, 6]), (100, [15])], ids=str
)
def test_a_batch_is_bound_by_events(running, client, bound, sizes):
    home, url = running
    for part in range(5):
        writer = SpoolWriter(Spool(home.spool), "test")
        writer.commit([encode(1, NOON, [event(part * 3 + n) for n in range(3)])])
        writer.seal()
    with Loader(home, url, LoaderOptions(batch_events=bound)) as loading:
        assert loading.drain() == len(sizes)
    found = client.query("select count() as n from events group by batch_id order by min(event_id)").result_rows
    assert [row[0] for row in found] == sizes


@pytest.mark.parametrize("room", [1, 2_000_000], ids=["filter full all the time", "filter with room"])
def test_an_id_counts_once_across_batches_in_flight(running, client, monkeypatch, room):
    monkeypatch.setattr("collector.loader.seen_filter.MIN_IDS", room)
    segments = [[event(1), event(2), event(100 + n)] for n in range(8)]
    assert load(running, segments) == (10, 14)
    assert client.query("select count(), uniqExact(event_id) from events").first_row == (10, 10)


def test_a_filter_loaded_while_a_batch_is_on_its_way_knows_it(running, client, monkeypatch):
    """Each batch is stored only after the filter was loaded anew for the next one."""
    monkeypatch.setattr("collector.loader.seen_filter.MIN_IDS", 1)
    began, really_bring_in, really_prepare = threading.Event(), Loader._bring_in, loader.prepare

    def bring_in(self, manifest, data):
        began.wait(0.5)  # the last batch has none behind it
        began.clear()
        really_bring_in(self, manifest, data)

    def prepare(*args):
        began.set()
        return really_prepare(*args)

    monkeypatch.setattr(Loader, "_bring_in", bring_in)
    monkeypatch.setattr(loader, "prepare", prepare)
    assert load(running, [[event(1)], [event(2)], [event(1)], [event(2)]]) == (2, 2)


def test_late_events_join_visits_across_batches_in_flight(running, client):
    segments = [[event(1, 0), event(2, 100)], [event(3, 50)], [event(4, 25)], [event(5, 75)], [event(6, 200)]]
    load(running, segments)
    visits = client.query("select events, entry_page, exit_page from visits_merged order by started").result_rows
    assert visits == [(5, "/1", "/2"), (1, "/6", "/6")]
    assert client.command("select uniqExact(visit_id) from events") == 2


def test_what_is_loaded_is_gone_from_the_spool(running, client):
    home, _ = running
    load(running, [[event(1)], [event(1)]])
    spool = Spool(home.spool)
    assert spool.sealed() == []
    assert list(spool.prepared_dir.iterdir()) == []


def test_one_loader_at_a_time(running):
    home, url = running
    with Loader(home, url), pytest.raises(EngineBusy, match="another loader is running"), Loader(home, url):
        pass


def test_a_filter_whose_loading_fails_is_of_no_use_until_it_is_loaded_again(running, client, monkeypatch):
    load(running, [[event(1)]])
    known = SeenIds()
    known.load(client, dt.date(2000, 1, 1))
    with monkeypatch.context() as patch, pytest.raises(OSError, match="gone"):
        patch.setattr(SeenIds, "add", lambda self, ids: (_ for _ in ()).throw(OSError("gone")))
        known.load(client, dt.date(2000, 1, 1))
    assert known.full
    assert known.since > dt.date(3000, 1, 1)
    known.load(client, dt.date(2000, 1, 1))
    assert not known.full


def test_an_intent_that_cannot_be_written_is_no_intent(running, client, monkeypatch):
    """The disk is full at the first try: the second announces the batch before it is sent."""
    lines, really = [], Journal._append

    def append(self, record):
        lines.append(record.op)
        if lines == ["intent"]:
            raise OSError(28, "No space left on device")
        really(self, record)

    monkeypatch.setattr(Journal, "_append", append)
    assert load(running, [[event(1)]], backoff_seconds=0.01) == (1, 0)
    assert lines == ["intent", "intent", "done"]


def test_a_segment_that_is_retired_while_the_next_are_chosen(running, client, monkeypatch):
    home, url = running
    with Loader(home, url) as loading:
        monkeypatch.setattr(loading.spool, "sealed", lambda: [home.spool / "sealed" / "gone.seg"])
        assert loading._next_segments() == []


def test_batches_are_recovered_in_the_order_of_their_stitching(tmp_path):
    batches, names = Batches(tmp_path), [uuid.UUID(int=n) for n in (3, 1, 2)]
    day = dt.date(2026, 1, 1)
    for name, after in zip(names, [None, *names], strict=False):
        batches.save(Manifest(name, [], 0, 0, 0, "", day, day, [], after), b"")
    for age, name in enumerate(names):  # the clock stepped back between them
        os.utime(tmp_path / f"{name}.json", (1_000_000 - age, 1_000_000 - age))
    assert [manifest.batch_id for manifest in batches.waiting()] == names


def test_a_site_that_is_new_is_known_when_its_events_come(tmp_path):
    path = tmp_path / "sites.json"
    registry = SiteRegistry(path, clock=lambda: 0.0)
    publish(path, [Site(1, "a.example", "UTC")])
    assert registry.by_id(1)
    publish(path, [Site(1, "a.example", "UTC"), Site(2, "b.example", "America/New_York")])
    found = registry.by_id(2)
    assert found
    assert found.timezone == "America/New_York"


def refusing(monkeypatch, bad):
    """ClickHouse as it answers where it does not like some rows: the real one for all others."""
    really = insert._send

    def send(client, manifest, data, token):
        if set(from_stream(data)["batch_seq"].to_pylist()) & bad:
            raise DatabaseError("Code: 53. DB::Exception: Type mismatch. (TYPE_MISMATCH)", code=53)
        really(client, manifest, data, token)

    monkeypatch.setattr(insert, "_send", send)


def test_rows_that_clickhouse_refuses_are_set_aside_and_the_rest_counts(running, client, monkeypatch):
    home, _ = running
    refusing(monkeypatch, {3, 4, 150})
    before = len(list((home.spool / "quarantine").glob("*.reason")))
    assert load(running, [[event(n, n % 50) for n in range(200)]], backoff_seconds=0.01) == (197, 0)
    assert client.command("select count() from events") == 197
    assert client.command("select sum(events) from visits_merged") == 197
    assert len(list((home.spool / "quarantine").glob("*.reason"))) == before + 3


def test_where_every_row_is_refused_it_is_not_the_rows(running, client, monkeypatch):
    home, url = running
    segments = [[event(n) for n in range(150)]]
    stop = threading.Event()
    tries = []

    def halves(*args):
        tries.append(1)
        if len(tries) == 2:
            stop.set()
        return really(*args)

    really = insert._insert_halves
    monkeypatch.setattr(insert, "_insert_halves", halves)
    with monkeypatch.context() as patch:
        refusing(patch, set(range(150)))
        writer = SpoolWriter(Spool(home.spool), "test")
        writer.commit([encode(1, NOON, segments[0])])
        writer.seal()
        with Loader(home, url, LoaderOptions(backoff_seconds=0.01), stop) as loading, pytest.raises(Stopped):
            loading.drain()
    assert not [path for path in (home.spool / "quarantine").iterdir() if "row-149" in path.name]
    assert load(running, []) == (150, 0)  # nothing was lost

"""The loader as a whole, on an engine of its own: batches in flight, duplicates across them, late events."""

from __future__ import annotations

import datetime as dt
import threading
import uuid

import pytest

from collector import loader, sites
from collector.loader import Loader, LoaderOptions
from collector.model import SpooledEvent, encode
from collector.spool import Spool, SpoolWriter
from sql.client import opened
from sql.engine import alongside
from sql.errors import EngineBusy
from sql.home import Home
from sql.schema import bring_up_to_date

NOON = int(dt.datetime.now(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0).timestamp() * 1000)
MINUTE = 60_000


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """(home, url) of an engine with a schema and a site."""
    home = Home(tmp_path_factory.mktemp("loader")).make()
    url = f"chdb://{home.root}"
    with alongside(home):
        with opened(url) as client:
            bring_up_to_date(client, home)
        sites.publish(home.sites_file, [sites.Site(1, "shop.example", "Europe/Paris", "x")])
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


@pytest.mark.parametrize("room", [1, 2_000_000], ids=["filter full all the time", "filter with room"])
def test_an_id_counts_once_across_batches_in_flight(running, client, monkeypatch, room):
    monkeypatch.setattr("collector.seen.LEAST_IDS", room)
    segments = [[event(1), event(2), event(100 + n)] for n in range(8)]
    assert load(running, segments) == (10, 14)
    assert client.query("select count(), uniqExact(event_id) from events").first_row == (10, 10)


def test_a_filter_loaded_while_a_batch_is_on_its_way_knows_it(running, client, monkeypatch):
    """Each batch is stored only after the filter was loaded anew for the next one."""
    monkeypatch.setattr("collector.seen.LEAST_IDS", 1)
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
    with Loader(home, url), pytest.raises(EngineBusy, match="another loader runs"), Loader(home, url):
        pass

"""The filter of ids that came before: never wrong about "never", seldom about "perhaps"."""

from __future__ import annotations

import datetime as dt
import os
import uuid

import polars as pl
import pytest

from collector.loader.seen_filter import SeenIds
from sql.schema import migrate

SINCE = dt.date(2026, 11, 1)


@pytest.fixture
def client(engine):
    import clickhouse_connect

    made = clickhouse_connect.get_client(**engine.how, autogenerate_session_id=False)
    made.command("drop database if exists seen")
    made.command("create database seen")
    made.database = "seen"
    migrate.apply(made)
    yield made
    made.close()


def ids(values, site=1):
    return pl.DataFrame({"site_id": pl.Series([site] * len(values), dtype=pl.UInt32), "event_id": list(values)})


def random_ids(count):
    return [os.urandom(16) for _ in range(count)]


def in_order(count):
    """Ids as clocks and counters make them: they differ in a few bits."""
    return [uuid.UUID(int=(0x0192 << 112) + n).bytes for n in range(count)]


@pytest.mark.parametrize("make", [random_ids, in_order], ids=["random", "in order"])
def test_what_came_is_never_forgotten_and_little_else_is_remembered(client, make):
    known = SeenIds()
    known.load(client, SINCE)
    every = make(200_000)
    known.add(ids(every[:100_000]))
    assert known.might_contain(ids(every[:100_000])).all()
    assert known.might_contain(ids(every[100_000:])).sum() < 200
    assert known.might_contain(ids(every[:100_000], site=2)).sum() < 200


def test_it_is_filled_from_stored_events(client):
    client.command(
        "insert into events (site_id, local_date, timestamp, event_id, name)"
        " select 3, toDate('2026-11-05') - number % 10, now64(3), generateUUIDv4(number), 'x' from numbers(1000)"
    )
    stored = client.query("select event_id, local_date from events").result_rows
    known = SeenIds()
    assert known.full
    known.load(client, SINCE)
    assert not known.full
    recent = [row[0].bytes for row in stored if row[1] >= SINCE]
    assert 0 < len(recent) < 1000
    assert known.might_contain(ids(recent, site=3)).all()
    assert known.since == SINCE


def test_before_it_is_loaded_everything_must_be_asked_for():
    assert SeenIds().full
    assert SeenIds().since > dt.date(3000, 1, 1)


def test_it_fills_up(client, monkeypatch):
    monkeypatch.setattr("collector.loader.seen_filter.MIN_IDS", 100)
    known = SeenIds()
    known.load(client, SINCE)
    known.add(ids(random_ids(99)))
    assert not known.full
    known.add(ids(random_ids(1)))
    assert known.full


def test_nothing_is_fine(client):
    known = SeenIds()
    known.load(client, SINCE)
    known.add(ids([]))
    assert known.might_contain(ids([])).to_list() == []

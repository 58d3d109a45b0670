"""A late event that joins two visits costs what these visits hold, whatever else the month holds."""

from __future__ import annotations

import os
import re

import pytest

from collector.event.model import SpooledEvent
from collector.loader.loader import Loader, LoaderOptions
from collector.spool.lines import encode
from sql.schema import rebuild

MINUTE = 60_000
# A month of other visitors, on the days on which the tests' events lie.
OTHERS = """
insert into events (site_id, local_date, visitor_id, timestamp, received_at, visit_id, visit_start, visit_date,
    event_id, name, path, batch_id, batch_seq)
select 1, today(), 1000000 + number, toStartOfDay(now('UTC')), now(), 1000000 + number,
    toStartOfDay(now('UTC')), today(), generateUUIDv4(number), 'page_view', '/', generateUUIDv4(), number
from numbers(20000)
"""


@pytest.fixture
def noon(event):
    return event(1).timestamp


@pytest.fixture
def client(house):
    with house.client() as client:
        client.command(OTHERS)
        client.command("system stop merges events")
        yield client
        client.command("system start merges events")


def views(noon: int, visitors: range, minute: float) -> list[SpooledEvent]:
    return [
        SpooledEvent(
            os.urandom(16), True, n, 0, noon + int(minute * MINUTE), "page_view", False, "https://shop.example/"
        )
        for n in visitors
    ]


def load(house, *batches: list[SpooledEvent]) -> None:
    for number, events in enumerate(batches):
        house.put_lines(encode(1, events[0].timestamp + number, events))
    with Loader(house.home, house.url, LoaderOptions(batch_events=1)) as loader:
        loader.drain()


def parts(client) -> set[str]:
    """Parts of `events`, those of changed rows aside."""
    names = client.query(
        "select name from system.parts where active and database = currentDatabase() and table = 'events'"
    ).result_columns
    return {re.sub(r"^(\d+_\d+_\d+_\d+)_\d+$", r"\1", name) for name in names[0] if not name.startswith("patch")}


def others(client) -> tuple:
    """Visits of the other visitors, as they are stored."""
    [row] = client.query(
        "select count(), sum(events), sum(checksum), sum(cityHash64(*)) from visits where visitor_id >= 1000000"
    ).result_rows
    return row


def test_other_visits_are_left_alone(house, client, noon, agree):
    load(house, views(noon, range(1, 2), 0), views(noon, range(1, 2), 50))
    before, rest = parts(client), others(client)
    load(house, views(noon, range(1, 2), 25))
    assert before <= parts(client)
    assert others(client) == rest
    assert client.command("select count() from visits_merged where visitor_id = 1") == 1
    agree(client)


def test_no_visit_is_missed_while_it_is_joined(house, client, noon, agree, monkeypatch):
    load(house, views(noon, range(1, 2), 0), views(noon, range(1, 2), 50))
    kind = type(client)
    real, seen = kind.command, []

    def command(self, sql, *args, **more):
        done = real(self, sql, *args, **more)
        found = client.query("select count(), sum(pageviews) from visits_merged where visitor_id = 1").result_rows
        seen.append(found[0])
        return done

    monkeypatch.setattr(kind, "command", command)
    load(house, views(noon, range(1, 2), 25))
    monkeypatch.undo()
    assert set(seen) == {(2, 2), (2, 3), (1, 3)}
    agree(client)


def test_thousands_of_visits_joined_at_once(house, client, noon, agree):
    many = range(1, 2_501)
    load(house, views(noon, many, 0), views(noon, many, 50), views(noon, many, 25), views(noon, many, 49))
    found = client.query("select pageviews, count() from visits_merged where visitor_id < 1000000 group by 1")
    assert found.result_rows == [(4, 2_500)]
    agree(client)
    rebuild.rebuild_months(client, rebuild.PARTITIONED_BY, rebuild.months(client))
    agree(client)


def test_a_visit_that_begins_earlier_than_was_known(house, client, noon, agree):
    """Its day changes with it."""
    load(house, views(noon, range(1, 40), 5), views(noon, range(1, 40), -20), views(noon, range(1, 40), -40))
    days = client.query("select distinct visit_date from events where visitor_id < 1000000").result_rows
    assert len(days) == 1
    agree(client)


@pytest.mark.parametrize("statement", ["update events", "delete from visits", "insert into visits"])
def test_interrupted_before_a_statement_and_carried_on(house, client, noon, agree, monkeypatch, statement):
    """The batch is in doubt then: the next try counts its rows and derives its months again."""
    load(house, views(noon, range(1, 4), 0), views(noon, range(1, 4), 50))
    kind = type(client)
    real, broken = kind.command, []

    def command(self, sql, *args, **more):
        if statement in sql and not broken:
            broken.append(sql)
            raise OSError("gone")
        return real(self, sql, *args, **more)

    monkeypatch.setattr(kind, "command", command)
    load(house, views(noon, range(1, 4), 25))
    assert broken
    assert client.command("select count() from visits_merged where visitor_id < 1000000") == 3
    agree(client)


def test_what_moved_is_written_into_the_parts(house, client, noon, agree, monkeypatch):
    monkeypatch.setattr("collector.loader.loader.PATCHED_VISITS", 3)
    load(house, views(noon, range(1, 6), 0), views(noon, range(1, 6), 50), views(noon, range(1, 6), 25))
    assert client.command("select count() from system.mutations where command ilike '%apply patches%'") >= 1
    agree(client)

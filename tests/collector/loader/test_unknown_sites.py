"""A loader that does not know an event's site does not guess its time zone."""

from __future__ import annotations

import datetime as dt

import pytest

from collector.choices import SchemaMode
from collector.event.model import Event
from collector.lifecycle import quarantine
from collector.lifecycle.ledger import take
from collector.loader.loader import Loader
from collector.sites.admin import add_site
from collector.sites.event_schema_definitions import EVENT_SCHEMA, EventSchemaBody
from collector.sites.event_schemas import EventSchemas
from collector.sites.registry import Site, SiteRegistry
from collector.sites.snapshot import publish
from collector.spool.lines import encode
from sql import definitions

# 22:30 UTC: the next day in Tokyo.
LATE = int(dt.datetime(2026, 11, 3, 22, 30, tzinfo=dt.UTC).timestamp() * 1000)


@pytest.fixture
def tokyo(house):
    """A site in the tables, and no file that tells of it, as after a restore."""
    with house.client() as client:
        client.command("truncate table sites")
        client.command("truncate table write_keys")
        add_site(client, house.home, "shop.example", "Asia/Tokyo")
        house.home.sites_file.unlink()
        yield client
        client.command("truncate table sites")
        client.command("truncate table write_keys")
    publish(house.home.sites_file, [Site(1, "shop.example", "Europe/Paris")])


def load(house) -> None:
    with Loader(house.home, house.url) as loader:
        loader.drain()


def dates(client) -> list[dt.date]:
    return client.query("select distinct local_date from events").result_columns[0]


def test_a_loader_without_the_files_of_sites_and_schemas_writes_them_from_the_tables(house, tokyo, event):
    definitions.put(tokyo, house.home, 1, EVENT_SCHEMA, "buy", EventSchemaBody(SchemaMode.REJECT, "false"))
    house.home.event_schemas_file.unlink()
    house.put_lines(encode(1, LATE, [event(n, timestamp=LATE) for n in range(3)]))
    load(house)
    assert house.home.sites_file.exists()
    assert EventSchemas(house.home.event_schemas_file).misfit(1, Event("buy"))
    definitions.remove(tokyo, house.home, 1, EVENT_SCHEMA, "buy")
    assert tokyo.command("select count() from events") == 3
    assert dates(tokyo) == [dt.date(2026, 11, 4)]


def test_events_of_an_unknown_site_wait_until_it_is_known(house, tokyo, event):
    known = encode(1, LATE, [event(n, timestamp=LATE) for n in range(3)])
    unknown = encode(2, LATE, [event(n, timestamp=LATE) for n in range(10, 5_010)])
    house.put_lines(known, unknown, known.replace(b"0" * 31, b"f" * 31))
    load(house)
    assert tokyo.command("select count() from events") == 6
    (item,) = quarantine.items(house.spool)
    assert item.events == 5_000
    assert "site 2 is unknown" in item.reason
    assert "site 2 is unknown" in quarantine.why_not(item, SiteRegistry(house.home.sites_file))

    add_site(tokyo, house.home, "other.example", "America/New_York")
    assert quarantine.why_not(item, SiteRegistry(house.home.sites_file)) == ""
    assert quarantine.requeue(house.spool, [item]) == 5_000
    load(house)
    found = "select site_id, count(), any(local_date) from events group by site_id order by site_id"
    assert tokyo.query(found).result_rows == [(1, 6, dt.date(2026, 11, 4)), (2, 5_000, dt.date(2026, 11, 3))]
    assert quarantine.items(house.spool) == []


def test_a_line_beside_it_that_cannot_be_read_costs_no_other(house, tokyo, event):
    unknown = encode(2, LATE, [event(n, timestamp=LATE) for n in range(10, 20)])
    known = encode(1, LATE, [event(n, timestamp=LATE) for n in range(3)])
    house.put_lines(unknown, b"torn\n", known)
    load(house)
    assert tokyo.command("select count() from events") == 3
    assert sorted(item.events for item in quarantine.items(house.spool)) == [1, 10]


def test_a_refused_row_of_a_site_that_is_gone_waits_for_it(house, tokyo, event):
    """It stopped the loader: a row's visit lies on a local day too."""
    site, _ = add_site(tokyo, house.home, "other.example", "America/New_York")
    tokyo.command("alter table events modify column title FixedString(64)")
    try:
        titles = ("x" * 80, "fine", "y" * 80)
        house.put_lines(encode(2, LATE, [event(n, timestamp=LATE, title=titles[n]) for n in range(3)]))
        load(house)
    finally:
        tokyo.command("alter table events modify column title String")
    refused = quarantine.items(house.spool)
    assert [item.kind for item in refused] == [quarantine.Kind.ROW] * 2
    quarantine.requeue(house.spool, refused)
    tokyo.command("alter table sites delete where site_id = 2 settings mutations_sync = 1")
    house.home.sites_file.unlink()
    load(house)
    assert tokyo.command("select count() from events") == 1
    waiting = quarantine.items(house.spool)
    assert [item.kind for item in waiting] == [quarantine.Kind.ROW] * 2
    assert "site 2 is unknown" in waiting[0].reason
    assert "site 2 is unknown" in quarantine.why_not(waiting[0], SiteRegistry(house.home.sites_file))

    again, _ = add_site(tokyo, house.home, "other.example", "America/New_York")
    assert again.site_id == site.site_id == 2
    assert quarantine.why_not(waiting[0], SiteRegistry(house.home.sites_file)) == ""
    quarantine.requeue(house.spool, waiting)
    load(house)
    assert sorted(tokyo.query("select title from events").result_columns[0]) == sorted(titles)
    assert quarantine.items(house.spool) == []
    assert take(house.home).missing == 0

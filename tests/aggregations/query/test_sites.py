"""Which site a report is about."""

from __future__ import annotations

import datetime as dt

import clickhouse_connect
import pytest

from aggregations.query import sites
from aggregations.query.sites import SiteRow
from sql.core.errors import SchemaError, UsageError
from sql.schema import migrate


@pytest.fixture
def empty(engine):
    """A database with nothing in it; ``empty("a.example", …)`` makes the tables and these sites."""
    how = engine.how
    root = clickhouse_connect.get_client(**how)
    root.command("drop database if exists sites_test")
    root.command("create database sites_test")
    client = clickhouse_connect.get_client(**how, database="sites_test")

    def fill(*domains):
        migrate.apply(client)
        for number, domain in enumerate(domains, start=1):
            for zone in ("UTC", "Asia/Kolkata"):  # the newest row counts
                client.command(
                    "insert into sites (site_id, domain, timezone, updated_at) values ({n:UInt32}, {d:String},"
                    " {z:String}, {t:UInt32})",
                    parameters={"n": number, "d": domain, "z": zone, "t": 1 if zone == "UTC" else 2},
                )
        return client

    yield fill, client
    client.close()
    root.command("drop database sites_test")
    root.close()


def test_no_tables_yet(empty):
    with pytest.raises(SchemaError, match="does not have Footfall's tables"):
        sites.find(empty[1])


def test_no_site_yet(empty):
    with pytest.raises(UsageError, match="there are no sites yet"):
        sites.find(empty[0](), "shop.example")


def test_the_only_site_needs_no_name(empty):
    client = empty[0]("shop.example")
    assert sites.find(client) == SiteRow(1, "shop.example", "Asia/Kolkata")
    assert sites.find(client, " Shop.Example ") == SiteRow(1, "shop.example", "Asia/Kolkata")
    assert sites.first_day(client, sites.find(client)) is None


@pytest.mark.parametrize(
    ("named", "says", "hint"),
    [
        (None, "there are several sites", "--site blog.example, shop.example"),
        ("shop.exampel", "no site shop.exampel", "did you mean shop.example?"),
        ("zzz", "no site zzz", "known: blog.example, shop.example"),
    ],
)
def test_several_sites(empty, named, says, hint):
    with pytest.raises(UsageError) as caught:
        sites.find(empty[0]("shop.example", "blog.example"), named)
    assert (caught.value.message, caught.value.hint) == (says, hint)


def test_first_day(world):
    site = world.site("Asia/Kolkata")
    world.events(site, {"at": "2026-05-02T00:10:00"}, {"at": "2026-06-02T10:00:00"})
    assert sites.first_day(world.client, site) == dt.date(2026, 5, 2)

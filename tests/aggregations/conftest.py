"""Given rows: a database of its own in the run's engine, sites in it, and events with what matters stated."""

from __future__ import annotations

import datetime as dt
import itertools
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import clickhouse_connect
import pytest

from aggregations.definitions.funnels import FUNNEL, FunnelBody
from aggregations.query.goals import GOAL
from aggregations.query.periods import Period
from aggregations.query.sites import SiteRow
from sql import definitions
from sql.client import PINNED
from sql.core import timezones
from sql.core.data_dir import DataDir
from sql.schema import migrate
from tests.aggregations.goals import GOALS
from tests.aggregations.questions import FUNNELS
from tests.aggregations.write_path import WritePath

DATABASE, WRITTEN = "aggregations_test", "written_test"
# Made-up traffic: visits of 1 to 4 events from 20 September to 20 November 2026, some across midnight and month's
# end; visitors come back; a tenth of the visits are bots', another tenth has a bot's event within.
TRAFFIC = """
insert into events (
    site_id, local_date, visitor_id, timestamp, received_at, visit_id, visit_start, visit_date, event_id,
    name, interactive, hostname, path, source, channel, utm_campaign, utm_medium,
    country, device, browser, os, bot, engagement_ms, batch_id, batch_seq
)
with
    intDiv(number, 4) as visit, number % 4 as at, sipHash64(visit, {site:UInt32}) as h,
    toDateTime64('2026-09-20 00:00:00', 3, 'UTC') + toIntervalMillisecond(h % (86400000 * 61)) as start,
    start + toIntervalMillisecond(at * (h % 1500000)) as time
select
    {site:UInt32}, toDate(time, {zone:String}), 1 + h % {visitors:UInt64}, time, time, visit + 1,
    start, toDate(start, {zone:String}), generateUUIDv4(number),
    ['page_view', 'page_view', 'signup', 'engagement'][at + 1], at = 2,
    'shop.example', concat('/page/', toString(sipHash64(number) % 40)),
    ['Google', '', 'Bing', 'newsletter'][1 + (h + at) % 4], ['Organic Search', 'Direct', 'Email'][1 + (h + at) % 3],
    ['', 'spring', 'autumn'][1 + h % 3], ['', 'email', 'cpc'][1 + h % 3],
    ['DE', 'FR', ''][1 + h % 3], ['desktop', 'mobile'][1 + h % 2], ['Chrome', 'Firefox', 'Safari'][1 + h % 3],
    ['Linux', 'iOS'][1 + h % 2], h % 10 = 0 or (h % 10 = 1 and at = 1), h % 1000, generateUUIDv4(), number
from numbers({events:UInt64})
where at < 1 + h % 4
"""


@dataclass
class World:
    """A database with Footfall's tables. Every site is new, so that tests do not see each other."""

    client: Any
    numbers: Any = field(default_factory=lambda: itertools.count(1))

    def site(self, zone: str = "Europe/Berlin", domain: str = "") -> SiteRow:
        number = next(self.numbers)
        site = SiteRow(number, domain or f"site{number}.example", zone)
        self.client.command(
            "insert into sites (site_id, domain, timezone, created_at, updated_at) "
            "values ({id:UInt32}, {domain:String}, {zone:String}, now64(3), now64(3))",
            parameters={"id": number, "domain": site.domain, "zone": zone},
        )
        return site

    def events(self, site: SiteRow, *rows: dict[str, Any]) -> None:
        """Insert rows. ``at`` is local time; ``visit`` and ``visitor`` default to 1, ``name`` to page_view.

        A visit starts with the first row that names it.
        """
        zone = timezones.zone(site.timezone)
        starts: dict[int, dt.datetime] = {}
        full = []
        for seq, given in enumerate(rows):
            row = dict(given)
            at = dt.datetime.fromisoformat(row.pop("at"))
            at = at if at.tzinfo else at.replace(tzinfo=zone)
            visit = row.pop("visit", 1)
            start = starts.setdefault(visit, at)
            full.append(
                {
                    "site_id": site.site_id,
                    "local_date": at.astimezone(zone).date(),
                    "visitor_id": row.pop("visitor", 1),
                    "timestamp": at.astimezone(dt.UTC),
                    "visit_id": visit,
                    "visit_start": start.astimezone(dt.UTC),
                    "visit_date": start.astimezone(zone).date(),
                    "event_id": uuid.UUID(int=seq + 1),
                    "name": row.pop("name", "page_view"),
                    **row,
                }
            )
        names = sorted({name for row in full for name in row})
        empty = {"bot": False, "interactive": False, "props": {}, "revenue": 0}
        values = [[row.get(name, empty.get(name, "")) for name in names] for row in full]
        # Neighbours lie in different blocks: figures must not depend on how events came in.
        for block in filter(None, (values[0::2], values[1::2])):
            self.client.insert("events", block, column_names=names)

    def traffic(self, site: SiteRow, events: int, visitors: int) -> None:
        bound = {"site": site.site_id, "zone": site.timezone, "events": events, "visitors": visitors}
        self.client.command(TRAFFIC, parameters=bound)


@dataclass
class Written(World):
    """A world whose events come through the real write path, and whose sites have goals and the funnels."""

    path: WritePath = field(kw_only=True)

    def site(self, zone: str = "Europe/Berlin", domain: str = "") -> SiteRow:
        site = super().site(zone, domain)
        self.define(site)
        return site

    def define(self, site: SiteRow) -> None:
        """The goals and funnels of a site."""
        home = DataDir(self.path.folder)
        for name, (goal, _) in GOALS.items():
            definitions.put(self.client, home, site.site_id, GOAL, name, goal)
        for name, steps in FUNNELS.items():
            definitions.put(self.client, home, site.site_id, FUNNEL, name, FunnelBody(steps))


@contextmanager
def database(engine, name: str):
    """A client of a database of its own, with Footfall's tables."""
    how = engine.how
    with clickhouse_connect.get_client(**how) as made:
        made.command(f"create database if not exists {name}")
    client = clickhouse_connect.get_client(**how, database=name, settings=PINNED, autogenerate_session_id=False)
    migrate.apply(client)
    yield client
    client.close()


@pytest.fixture(scope="session")
def world(engine):
    with database(engine, DATABASE) as client:
        yield World(client)


@pytest.fixture(scope="session")
def written(engine, tmp_path_factory):
    """The world whose events come through the write path."""
    with database(engine, WRITTEN) as client:
        yield Written(client, path=WritePath(client, tmp_path_factory.mktemp("write")))


@pytest.fixture
def days():
    """``days("2026-11-01", "2026-11-03", site)``: a period of local days."""

    def make(first: str, last: str, site: SiteRow) -> Period:
        return Period(dt.date.fromisoformat(first), dt.date.fromisoformat(last), site.timezone)

    return make

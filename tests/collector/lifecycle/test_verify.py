"""Derived tables are proved from raw events: whatever is planted is found, named by site and month, and repaired."""

from __future__ import annotations

import clickhouse_connect
import pytest

from collector.lifecycle.verify import Difference, verify
from sql.client import PINNED
from sql.core.data_dir import DataDir
from sql.core.errors import EngineBusy
from sql.core.files import OwnedLock
from sql.schema import migrate
from sql.schema.rebuild import PARTITIONED_BY

TABLES = tuple(PARTITIONED_BY)
# Two sites, October and November 2026: 400 visits of three events.
TRAFFIC = """
insert into events (
    site_id, local_date, visitor_id, timestamp, received_at, visit_id, visit_start, visit_date, event_id, name,
    interactive, hostname, path, source, revenue, engagement_ms, bot
)
with
    intDiv(number, 3) as visit,
    toDateTime64('2026-10-10 08:00:00', 3, 'UTC') + toIntervalHour(visit * 7 % 960) as begin,
    begin + toIntervalMinute(number % 3) as time
select
    1 + visit % 2, toDate(time), cityHash64(visit % 90), time, time, visit + 1, begin, toDate(begin),
    reinterpret(toUInt128(number + 1), 'UUID'), ['page_view', 'signup', 'page_view'][1 + number % 3], number % 3 = 1,
    'shop.example', concat('/', toString(number % 7)), ['Google', ''][1 + visit % 2], toDecimal64(number % 5, 4),
    1000, visit % 11 = 0
from numbers(1200)
"""
FUNNEL = "insert into funnels values (1, 1, 'buy', [('page_view', ''), ('signup', '')], false, now64(3))"
NOW = {"mutations_sync": 1}


@pytest.fixture
def client(engine, request):
    how = {"host": "127.0.0.1", "port": engine.port, "username": "footfall", "password": engine.password}
    made = clickhouse_connect.get_client(**how, settings=PINNED, autogenerate_session_id=False)
    name = f"verify_{abs(hash(request.node.name))}"
    made.command(f"create database {name}")
    made.database = name
    migrate.apply(made)
    made.command(FUNNEL)
    made.command(TRAFFIC)
    yield made
    made.command(f"drop database {name}")
    made.close()


@pytest.fixture
def home(tmp_path):
    return DataDir(tmp_path)


def test_nothing_differs(client, home):
    found = verify(client, home)
    assert found.differences == ()
    assert found.events == 1200


PLANTED = {
    "a lost batch": ("alter table {table} delete where site_id = 1 and {date} < '2026-10-20'", (1, 202610)),
    "a doubled batch": (
        "insert into {table} select * from {table} where site_id = 2 and {date} >= '2026-11-01'",
        (2, 202611),
    ),
    "a row too many": ("insert into {table} select * replace ({date} + 400 as {date}) from {table} limit 1", None),
}


# A funnel's state that is there twice is the same state.
SAME = ("a doubled batch", "funnel_states")
CASES = [(planted, table) for planted in PLANTED for table in TABLES if (planted, table) != SAME]


@pytest.mark.parametrize(("planted", "table"), CASES)
def test_what_is_planted_in_a_table_is_found_and_repaired(client, home, table, planted):
    text, where = PLANTED[planted]
    client.command(text.format(table=table, date=PARTITIONED_BY[table]), settings=NOW)
    found = verify(client, home).differences
    assert {difference.table for difference in found} == {table}
    if where:
        assert [(difference.site_id, difference.month) for difference in found] == [where]
    assert verify(client, home, repair=True).repaired
    assert verify(client, home).differences == ()


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("visits", "pageviews"), ("visits", "events"), ("visits", "interactions"), ("visits", "engagement_ms"),
        ("visits", "revenue"), ("daily_events", "events"), ("daily_events", "revenue"), ("daily_pages", "pageviews"),
    ],
)  # fmt: skip
def test_a_changed_figure_is_found(client, home, table, column):
    client.command(f"alter table {table} update {column} = {column} + 1 where site_id = 2", settings=NOW)
    found = verify(client, home).differences
    assert {(difference.table, difference.site_id) for difference in found} == {(table, 2)}


def test_a_moved_visit_is_found(client, home):
    """An event that has another visit than visits know."""
    client.command(
        "alter table events update visit_id = 9999 where visit_id = 5 and name = 'signup'", settings=NOW
    )  # fmt: skip
    [found] = verify(client, home).differences
    assert found == Difference("visits", 1, 202610, found.stored, found.stored + 1)


def test_an_event_that_was_lost_is_missed_by_every_rollup(client, home):
    client.command("alter table events delete where event_id = reinterpret(toUInt128(1), 'UUID')", settings=NOW)
    assert {difference.table for difference in verify(client, home).differences} == set(TABLES)


def test_only_months_that_differ_are_rebuilt(client, home):
    client.command("alter table daily_pages delete where local_date < '2026-10-20'", settings=NOW)
    parts = (
        "select name from system.parts where database = currentDatabase() and table = 'daily_pages' and active "
        "and partition = '202611'"
    )
    before = client.query(parts).result_rows
    verify(client, home, repair=True)
    assert client.query(parts).result_rows == before != []


def test_differences_are_looked_at_again_while_nobody_writes(client, home):
    client.command("alter table daily_pages delete where site_id = 1", settings=NOW)
    loader = OwnedLock(home.partitions_lock, "footfall loader")
    assert loader.try_acquire()
    with pytest.raises(EngineBusy, match="footfall loader"):
        verify(client, home, wait=0.05)
    loader.release()
    assert verify(client, home).differences

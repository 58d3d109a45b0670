"""Derived tables are proved from raw events: whatever is planted is found, named by site and month, and repaired."""

from __future__ import annotations

import clickhouse_connect
import pytest

from collector.lifecycle.verify import verify
from sql.client import PINNED
from sql.core.data_dir import DataDir
from sql.core.errors import EngineBusy, StorageError
from sql.core.files import OwnedLock
from sql.schema import closing, migrate
from sql.schema.days import by_month

CLOSED = {table.name: table for table in closing.CLOSED}
DATES = (
    dict.fromkeys(("daily_events", "daily_pages", "sampled_days"), "local_date")
    | {"visits": "visit_date"}
    | {name: table.date for name, table in CLOSED.items()}
)
TABLES = tuple(DATES)
STORED = ("events", *TABLES, "revisions", "closings")
# Two sites, October and November 2026: 400 visits of three events. October is closed.
TRAFFIC = """
insert into events (
    site_id, local_date, visitor_id, timestamp, received_at, visit_id, visit_start, visit_date, event_id, name,
    interactive, hostname, path, source, revenue, engagement_ms, bot, props_number
)
with
    intDiv(number, 3) as visit,
    toDateTime64('2026-10-10 08:00:00', 3, 'UTC') + toIntervalHour(visit * 7 % 960) as begin,
    begin + toIntervalMinute(number % 3) as time
select
    1 + visit % 2, toDate(time), cityHash64(visit % 90), time, time, visit + 1, begin, toDate(begin),
    reinterpret(toUInt128(number + 1), 'UUID'), ['page_view', 'signup', 'page_view'][1 + number % 3], number % 3 = 1,
    'shop.example', concat('/', toString(number % 7)), ['Google', ''][1 + visit % 2], toDecimal64(number % 5, 4),
    1000, visit % 11 = 0, map('sample_weight', 2 + visit % 5)
from numbers(1200)
"""
NOW = {"mutations_sync": 1}


@pytest.fixture(scope="module")
def kept(engine):
    """A database with traffic, of which October is closed, and a copy of each of its tables."""
    how = engine.how
    made = clickhouse_connect.get_client(**how, settings=PINNED, autogenerate_session_id=False)
    made.command("create database if not exists verify_test")
    made.database = "verify_test"
    migrate.apply(made)
    made.command(TRAFFIC)
    days = made.query("select distinct site_id, arrayJoin([local_date, visit_date]) from events").result_rows
    closing.revise(made, 1, days)
    for table in closing.CLOSED:
        for its in by_month([day for day in closing.due(made, table) if day[1].month == 10]).values():
            closing.close(made, table, its)
    for table in STORED:
        made.command(f"create table {table}_kept engine = Memory as select * from {table}")  # noqa: S608
    yield made
    made.close()


@pytest.fixture
def client(kept):
    """As it was, events first: views fill tables from them."""
    for table in STORED:
        kept.command(f"truncate table {table}")
        text = f"insert into {table} select * from {table}_kept"  # noqa: S608
        kept.command(text, settings={"insert_deduplicate": 0})
    return kept


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
        "insert into {table} select * from {table} where site_id = 2 and {date} < '2026-10-20'",
        (2, 202610),
    ),
    "a row too many": ("insert into {table} select * replace (site_id + 6 as site_id) from {table} limit 1", None),
}


@pytest.mark.parametrize("every_row", [False, True], ids=["sums", "rows"])
@pytest.mark.parametrize("planted", PLANTED)
@pytest.mark.parametrize("table", TABLES)
def test_what_is_planted_in_a_table_is_found_and_repaired(client, home, table, planted, every_row):
    text, where = PLANTED[planted]
    if planted == "a row too many" and table in CLOSED:
        text = "insert into {table} select * replace (cityHash64(bot, 1) % 2 = 0 as bot) from {table} limit 1"
    client.command(text.format(table=table, date=DATES[table]), settings=NOW)
    found = verify(client, home, every_row=every_row).differences
    assert {difference.table for difference in found} == {table}
    if where:
        assert [(difference.site_id, difference.month) for difference in found] == [where]
    assert verify(client, home, every_row=every_row, repair=True).repaired
    assert verify(client, home, every_row=every_row).differences == ()
    assert verify(client, home, every_row=True).differences == ()


CHANGED = [
    *((table, column) for table in ("visits", "closed_visits") for column in
      ("pageviews", "events", "interactions", "engagement_ms", "revenue", "checksum")),
    *((table, column) for table in ("daily_events", "monthly_events") for column in ("events", "revenue", "checksum")),
    *((table, column) for table in ("daily_pages", "monthly_pages") for column in ("pageviews", "checksum")),
    *(("sampled_days", column) for column in ("events", "lightest", "heaviest", "checksum")),
]  # fmt: skip


@pytest.mark.parametrize(("table", "column"), CHANGED)
def test_a_changed_figure_is_found(client, home, table, column):
    client.command(f"alter table {table} update {column} = {column} + 1 where site_id = 2", settings=NOW)
    found = verify(client, home).differences
    assert {(difference.table, difference.site_id) for difference in found} == {(table, 2)}


@pytest.mark.parametrize("column", ["source", "entry_page", "duration", "bounce"])
def test_what_sums_do_not_tell_is_found_row_by_row(client, home, column):
    value = {"duration": "duration + 1", "bounce": "1 - bounce"}.get(column, "'changed'")
    client.command(f"alter table closed_visits update {column} = {value} where site_id = 2", settings=NOW)
    assert verify(client, home).differences == ()
    found = verify(client, home, every_row=True).differences
    assert {(difference.table, difference.site_id) for difference in found} == {("closed_visits", 2)}


def test_a_page_under_another_path_is_found(client, home):
    client.command("create table moved engine = Memory as select * from daily_pages where path = '/1'")
    client.command("alter table daily_pages delete where path = '/1'", settings=NOW)
    client.command("insert into daily_pages select * replace ('/other' as path) from moved")
    client.command("drop table moved")
    assert {difference.table for difference in verify(client, home).differences} == {"daily_pages"}


@pytest.mark.parametrize("every_row", [False, True], ids=["sums", "rows"])
def test_a_moved_visit_is_found(client, home, every_row):
    """An event that has another visit than visits know."""
    client.command("alter table events update visit_id = 9999 where visit_id = 5 and name = 'signup'", settings=NOW)
    found = verify(client, home, every_row=every_row).differences
    assert {(each.table, each.site_id, each.month) for each in found} == {
        ("visits", 1, 202610), ("closed_visits", 1, 202610)
    }  # fmt: skip


def test_an_event_that_was_lost_is_missed_by_every_table(client, home):
    client.command("alter table events delete where event_id = reinterpret(toUInt128(1), 'UUID')", settings=NOW)
    assert {difference.table for difference in verify(client, home).differences} == set(TABLES)


def test_open_days_of_a_closed_table_count_for_nothing(client, home):
    """Nobody reads them."""
    client.command("insert into closed_visits select * replace ('2026-11-20' as visit_date) from closed_visits limit 9")
    assert verify(client, home).differences == ()
    assert verify(client, home, every_row=True).differences == ()


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


def test_a_batch_in_doubt_is_settled_first(client, home):
    """What it has brought so far would be taken for all of it."""
    client.command("alter table daily_pages delete where site_id = 1", settings=NOW)
    (home.root / "journal.jsonl").write_text('{"op":"intent","batch":"b","token":"t"}\n')
    with pytest.raises(StorageError, match="not been confirmed"):
        verify(client, home, repair=True)

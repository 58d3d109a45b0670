"""Derived tables are proved from raw events: whatever is planted is found, named by site and month, and repaired."""

from __future__ import annotations

from dataclasses import dataclass

import clickhouse_connect
import pytest

from collector.lifecycle import sums
from collector.lifecycle.verify import verify
from sql.client import PINNED
from sql.core.data_dir import DataDir
from sql.core.errors import EngineBusy, StorageError
from sql.core.files import OwnedLock
from sql.schema import closing, migrate
from sql.schema.days import by_month, write_again

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


def close_october(client):
    for table in closing.CLOSED:
        for its in by_month([day for day in closing.due(client, table) if day[1].month == 10]).values():
            closing.close(client, table, its)


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
    close_october(made)
    for table in STORED:
        made.command(f"create table {table}_kept engine = Memory as select * from {table}")  # noqa: S608
    yield made
    made.close()


@pytest.fixture
def client(kept, home):
    """As it was, where a test before did not mend what it planted. Events first: views fill tables from them."""
    if verify(kept, home).differences:
        for table in STORED:
            kept.command(f"truncate table {table}")
            text = f"insert into {table} select * from {table}_kept"  # noqa: S608
            kept.command(text, settings={"insert_deduplicate": 0})
    close_october(kept)  # what is mended is open until it is closed again
    return kept


@pytest.fixture
def home(tmp_path):
    return DataDir(tmp_path)


def test_nothing_differs(client, home):
    found = verify(client, home)
    assert found.differences == ()
    assert found.events == 1200


@dataclass(frozen=True)
class Planted:
    """A corruption of a table's October: rows that stay (``where``), what becomes of columns, rows that come on top.

    ``found`` are the tables and sites that it is to be found in; by sums too unless it is of a text (``text``).
    """

    table: str
    found: frozenset[tuple[str, int]]
    where: str = "true"
    columns: str = "*"
    more: str = ""
    text: bool = False

    def plant(self, client):
        date = {"events": "local_date"}.get(self.table) or DATES[self.table]
        write_again(client, self.table, date, OCTOBER, self.where, {}, self.columns)
        if self.more:
            client.command(f"insert into {self.table} {self.more} from {self.table} where {date} < '2026-11-01'")


def planted(table, site, **what):
    return Planted(table, frozenset({(table, site)}), **what)


def changed(column, value):
    """A column of site 2."""
    return f"* replace (if(site_id = 2, {value}, {column}) as {column})"


OCTOBER = 202610
OTHER_VISIT = "* replace (if(visit_id = 5 and name = 'signup', 9999, visit_id) as visit_id)"
CORRUPTIONS = {
    "a batch is lost from visits": planted("visits", 1, where="not (site_id = 1 and visit_date < '2026-10-20')"),
    "a batch is lost from daily_events": planted("daily_events", 2, where="site_id != 2 or local_date > '2026-10-20'"),
    "a month is lost from closed_visits": planted("closed_visits", 1, where="site_id != 1"),
    "a batch is doubled in daily_pages": planted("daily_pages", 2, more="select * replace (2 as site_id)"),
    "a month is doubled in monthly_events": planted("monthly_events", 1, more="select * replace (1 as site_id)"),
    "a row is of a site that has no events": planted("sampled_days", 7, more="select * replace (7 as site_id)"),
    "a page is counted under another path": planted(
        "daily_pages", 2, columns="* replace (if(site_id = 2 and path = '/1', '/other', path) as path)"
    ),
    "revenue is changed in daily_events": planted("daily_events", 2, columns=changed("revenue", "revenue + 1")),
    "page views are changed in monthly_pages": planted(
        "monthly_pages", 2, columns=changed("pageviews", "pageviews - 1")
    ),
    "a weight is changed in sampled_days": planted("sampled_days", 2, columns=changed("heaviest", "heaviest + 1")),
    "the source of a visit is changed": planted("closed_visits", 2, columns=changed("source", "'other'"), text=True),
    "an event is moved to another visit": Planted(
        "events", frozenset({("visits", 1), ("closed_visits", 1)}), columns=OTHER_VISIT
    ),
}


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_each_of_twelve_corruptions_is_found_and_mended(client, home, name):
    corruption = CORRUPTIONS[name]
    corruption.plant(client)
    for every_row in (False, True):
        found = verify(client, home, every_row=every_row).differences
        expected = set() if corruption.text and not every_row else {(*each, OCTOBER) for each in corruption.found}
        assert {(each.table, each.site_id, each.month) for each in found} == expected
    assert verify(client, home, every_row=corruption.text, repair=True).repaired
    assert verify(client, home, every_row=True).differences == ()


FIGURES = {
    **dict.fromkeys(
        ("visits", "closed_visits"), ("pageviews", "events", "interactions", "engagement_ms", "revenue", "checksum")
    ),
    **dict.fromkeys(("daily_events", "monthly_events"), ("events", "revenue", "checksum")),
    **dict.fromkeys(("daily_pages", "monthly_pages"), ("pageviews", "checksum")),
    "sampled_days": ("events", "lightest", "heaviest", "checksum"),
}


@pytest.mark.parametrize("table", FIGURES)
def test_a_change_of_any_figure_is_found_by_sums(client, table):
    for column in FIGURES[table]:
        for sign, expected in (("+", {(table, 2, OCTOBER)}), ("-", set())):
            planted(table, 2, columns=changed(column, f"{column} {sign} 1")).plant(client)
            assert {each[:3] for each in sums.differences(client, [table])} == expected, column


def test_a_change_of_any_text_is_found_row_by_row(client, home):
    for column, value in (("entry_page", "'changed'"), ("duration", "duration + 1"), ("bounce", "1 - bounce")):
        planted("closed_visits", 2, columns=changed(column, value)).plant(client)
        assert verify(client, home).differences == ()
        found = verify(client, home, every_row=True, repair=True).differences
        assert {(each.table, each.site_id) for each in found} == {("closed_visits", 2)}, column


def test_an_event_that_was_lost_is_missed_by_every_table(client, home):
    lost = Planted("events", frozenset(), where="event_id != reinterpret(toUInt128(1), 'UUID')")
    lost.plant(client)
    assert {difference.table for difference in verify(client, home).differences} == set(TABLES)


def test_open_days_of_a_closed_table_count_for_nothing(client, home):
    """Nobody reads them."""
    client.command("insert into closed_visits select * replace ('2026-11-20' as visit_date) from closed_visits limit 9")
    assert verify(client, home).differences == ()
    assert verify(client, home, every_row=True).differences == ()


def test_only_months_that_differ_are_rebuilt(client, home):
    planted("daily_pages", 1, where="local_date >= '2026-10-20'").plant(client)
    parts = (
        "select name from system.parts where database = currentDatabase() and table = 'daily_pages' and active "
        "and partition = '202611'"
    )
    before = client.query(parts).result_rows
    verify(client, home, repair=True)
    assert client.query(parts).result_rows == before != []


def test_differences_are_looked_at_again_while_nobody_writes(client, home):
    planted("daily_pages", 1, where="site_id != 1").plant(client)
    loader = OwnedLock(home.partitions_lock, "footfall loader")
    assert loader.try_acquire()
    with pytest.raises(EngineBusy, match="footfall loader"):
        verify(client, home, wait=0.05)
    loader.release()
    assert verify(client, home).differences


def test_a_batch_in_doubt_is_settled_first(client, home):
    """What it has brought so far would be taken for all of it."""
    planted("daily_pages", 1, where="site_id != 1").plant(client)
    (home.root / "journal.jsonl").write_text('{"op":"intent","batch":"b","token":"t"}\n')
    with pytest.raises(StorageError, match="not been confirmed"):
        verify(client, home, repair=True)

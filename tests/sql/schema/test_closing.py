"""Closed days hold what is merged at each reading, whatever interrupts their closing, and open when events come."""

from __future__ import annotations

import datetime as dt

import pytest

from aggregations.query.answer import answer, ask
from aggregations.query.closed import of
from aggregations.query.model import Query
from aggregations.query.periods import Period
from aggregations.query.sites import SiteRow
from sql.schema import closing, migrate
from sql.schema.closing import CLOSED
from sql.schema.days import by_month
from sql.schema.rebuild import compare, rebuild_days, rebuild_months
from tests.sql.schema.test_rebuild import content, database, emptied, load

SITES = (SiteRow(1, "shop.example", "UTC"), SiteRow(2, "blog.example", "UTC"))
PERIOD = Period(dt.date(2026, 9, 20), dt.date(2026, 11, 20), "UTC")
QUESTIONS = (
    Query(metrics=("visits", "visitors", "pageviews", "bounce_rate", "visit_duration"), limit=0),
    Query(metrics=("visits", "revenue"), dimensions=("source", "country", "entry_page"), limit=0),
    Query(metrics=("pageviews", "visitors"), dimensions=("page",), limit=0),
    Query(metrics=("events", "visitors"), dimensions=("event", "time:month"), limit=0),
    Query(metrics=("visits", "events"), dimensions=("time:day",), limit=0),
)
TABLES = {table.name: table for table in CLOSED}


@pytest.fixture(scope="module")
def made(engine):
    client = database(engine, "closing")
    yield client
    client.close()


@pytest.fixture
def client(made):
    """Traffic of September to November, of which nothing is closed."""
    for table in ("revisions", "closings", *TABLES):
        made.command(f"truncate table {table}")
    load(emptied(made))
    days = made.query("select distinct site_id, arrayJoin([local_date, visit_date]) from events").result_rows
    closing.revise(made, 1, days)
    return made


def figures(client):
    return [
        sorted(answer(client, ask(client, query, site, PERIOD)).rows(), key=str)
        for site in SITES
        for query in QUESTIONS
    ]


def close(client, until=dt.date(2099, 1, 1), tables=CLOSED):
    for table in tables:
        for days in by_month([day for day in closing.due(client, table) if day[1] <= until]).values():
            closing.close(client, table, days)


def late(client, batch_no, day):
    """An event of a visitor of its own, as a batch brings it."""
    closing.revise(client, batch_no, [(1, day)])
    at = dt.datetime(day.year, day.month, day.day, 12, tzinfo=dt.UTC)
    names = [
        "site_id",
        "local_date",
        "visitor_id",
        "timestamp",
        "visit_id",
        "visit_start",
        "visit_date",
        "name",
        "path",
    ]
    client.insert("events", [[1, day, 999, at, 90_000 + batch_no, at, day, "page_view", "/late"]], column_names=names)


def columns(client, table):
    return client.query(f"select * from {table} limit 0").column_names  # noqa: S608


def test_typed_visits_have_the_columns_of_merged_ones(client):
    assert columns(client, "closed_visits") == columns(client, "visits_merged")
    for closed, daily in (("monthly_events", "daily_events"), ("monthly_pages", "daily_pages")):
        assert columns(client, closed) == columns(client, daily)


def test_figures_stay_the_same(client):
    before = figures(client)
    for until in (dt.date(2026, 10, 5), dt.date(2026, 10, 20), dt.date(2099, 1, 1)):
        close(client, until)
        assert figures(client) == before
    assert content(client, "visits") == sorted_rows(client, "closed_visits")
    assert closing.due(client, CLOSED[0]) == []


def sorted_rows(client, table):
    text = f"select * from {table} order by site_id, visit_date, visitor_id, visit_id"  # noqa: S608
    return client.query(text).result_rows


def test_a_period_of_closed_days_reads_typed_rows_alone(client):
    close(client)
    for query in QUESTIONS:
        text = ask(client, query, SITES[0], Period(PERIOD.first, dt.date(2026, 11, 5), "UTC")).statement.text
        assert "visits_merged" not in text
    text = ask(
        client, QUESTIONS[2], SITES[0], Period(dt.date(2026, 10, 1), dt.date(2026, 11, 30), "UTC")
    ).statement.text
    assert "monthly_pages" in text


def test_a_late_event_opens_its_day_alone(client):
    close(client)
    day = dt.date(2026, 10, 14)
    late(client, 2, day)
    assert of(client, SITES[0], [PERIOD]).open == (day,)
    assert of(client, SITES[1], [PERIOD]).open == ()
    after = figures(client)
    assert closing.due(client, TABLES["closed_visits"]) == [(1, day)]
    assert closing.due(client, TABLES["monthly_pages"]) == [(1, dt.date(2026, 10, 1))]
    close(client)
    assert of(client, SITES[0], [PERIOD]).open == ()
    assert figures(client) == after
    assert content(client, "visits") == sorted_rows(client, "closed_visits")


def test_a_batch_that_comes_while_a_day_is_closed(client):
    """It waits for the partitions, and its day is open again once it is there."""
    close(client)
    for number in (2, 3):
        late(client, number, dt.date(2026, 10, 14))
    close(client)
    late(client, 4, dt.date(2026, 10, 14))
    [row] = (
        answer(client, ask(client, Query(metrics=("visits",), dimensions=("entry_page",), limit=0), SITES[0], PERIOD))
        .filter(entry_page="/late")
        .rows()
    )
    assert row == ("/late", 3)


def test_what_is_rebuilt_is_open_until_it_is_closed_again(client):
    close(client)
    before = figures(client)
    client.command("alter table visits delete where visit_date = '2026-10-14'", settings={"mutations_sync": 1})
    rebuild_months(client, ["visits"], [202610])
    assert {month for _, month in of_months(client, "closed_visits")} == {9, 11}
    assert figures(client) == before
    close(client)
    assert {month for _, month in of_months(client, "closed_visits")} == {9, 10, 11}


def of_months(client, table):
    text = "select distinct derived, toMonth(day) from closed_days where derived = {t:String}"
    return client.query(text, parameters={"t": table}).result_rows


def test_days_that_differ_are_found_and_only_they_are_rebuilt(client):
    days = [(site, dt.date(2026, 10, day)) for site in (1, 2) for day in range(10, 20)]
    for table, date, change in (
        ("visits", "visit_date", "delete where site_id = 1 and visit_date = '2026-10-14'"),
        (
            "daily_events",
            "local_date",
            "update checksum = checksum + 1 where site_id = 1 and local_date = '2026-10-14'",
        ),
        ("daily_pages", "local_date", "delete where site_id = 1 and local_date = '2026-10-14' and path = '/1'"),
        ("sampled_days", "local_date", "update events = events + 1 where site_id = 2 and local_date = '2026-10-14'"),
    ):
        wrong = (1 if "site_id = 1" in change else 2, dt.date(2026, 10, 14))
        before = content(client, table)
        assert compare(client, table, days) == set()
        client.command(f"alter table {table} {change}", settings={"mutations_sync": 1})
        assert compare(client, table, days) == {wrong}
        # A fault on a day that nobody asked about stays: nothing else is touched.
        client.command(f"alter table {table} delete where {date} = '2026-10-25'", settings={"mutations_sync": 1})
        rebuild_days(client, table, [wrong])
        at = columns(client, table).index(date)
        found = content(client, table)
        assert found == [row for row in before if row[at] != dt.date(2026, 10, 25)]
        rebuild_months(client, [table], [202610])
        assert content(client, table) == before


def test_a_doubled_day_is_found(client):
    client.command("insert into daily_pages select * from daily_pages where site_id = 2 and local_date = '2026-10-20'")
    days = [(2, dt.date(2026, 10, day)) for day in range(18, 23)]
    assert compare(client, "daily_pages", days) == {(2, dt.date(2026, 10, 20))}


def test_a_visit_that_moved_within_its_day_is_found(client):
    """Its events are the same, but not their visit."""
    [(site, day, visit)] = client.query("select site_id, visit_date, visit_id from visits limit 1").result_rows
    change = "alter table events update visit_id = 70000 where visit_id = {visit:UInt64}"
    client.command(change, parameters={"visit": visit}, settings={"mutations_sync": 1})
    assert compare(client, "visits", [(site, day)]) == {(site, day)}


def test_a_changed_rule_opens_all_days(client):
    """Rows of closed days were written by the rule that was."""
    close(client)
    client.command("alter table schema_steps delete where name = 'visits_merged'", settings={"mutations_sync": 1})
    migrate.apply(client)
    assert of_months(client, "closed_visits") == []
    assert of_months(client, "monthly_pages") != []

"""Stored data that is derived again is what it would have been from the start; nothing is lost on the way."""

from __future__ import annotations

import datetime as dt

import clickhouse_connect
import pytest

from collector.lifecycle import backfill, local_dates
from collector.lifecycle.backfill import Range
from collector.lifecycle.rules import rules
from collector.lifecycle.verify import verify
from collector.sites.registry import Site
from sql.client import PINNED
from sql.core import timezones
from sql.core.data_dir import DataDir
from sql.schema import closing, derived_by, migrate, pending, rebuild
from sql.schema.days import by_month, write_again

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
# Two sites, the end of September to the beginning of November 2026: visits of three events, some over midnight and the
# end of a month. What is derived of an event is left empty or wrong.
TRAFFIC = """
insert into events (
    site_id, local_date, visitor_id, timestamp, received_at, visit_id, visit_start, visit_date, event_id, name,
    hostname, path, user_agent, bot, bot_score, bot_reasons, referrer, utm_source, query, source, channel, batch_id,
    batch_seq
)
with
    intDiv(number, 3) as visit,
    toDateTime64('2026-09-28 22:50:00', 3, 'UTC') + toIntervalHour(visit * 5) as begin,
    begin + toIntervalMinute(number % 3 * 25) as time
select
    1 + visit % 2, toDate(time), cityHash64(visit % 20), time, time, visit + 1, begin, toDate(begin),
    reinterpret(toUInt128(number + 1), 'UUID'), 'page_view', 'shop.example', concat('/', toString(number % 7)),
    [{firefox:String}, {googlebot:String}, 'curl/8.0', ''][1 + visit % 4],
    visit % 8 = 0, 0, ['', 'rapid', '', ''][1 + visit % 4],
    ['www.google.com/search', '', 'news.example/story'][1 + visit % 3], ['', 'newsletter', ''][1 + visit % 3],
    if(visit % 7 = 3, 'ref=partner', ''), 'Nowhere', 'Nonsense', toUUID('00000000-0000-0000-0000-000000000001'), number
from numbers(600)
"""
STORED = ("events", *rebuild.PARTITIONED_BY, *(table.name for table in closing.CLOSED), "revisions", "closings")
EVER = Range((1, 2), dt.date(1970, 1, 1), dt.date(2149, 6, 6))
COLUMNS = "site_id, event_id, source, channel, browser, os, device, bot, bot_score, bot_reasons, local_date, visit_date"


@pytest.fixture(scope="module")
def kept(engine):
    """A database with traffic, of which October is closed, and a copy of each of its tables."""
    how = engine.how
    made = clickhouse_connect.get_client(**how, settings=PINNED, autogenerate_session_id=False)
    made.command("create database backfill_test")
    made.database = "backfill_test"
    migrate.apply(made)
    made.command("insert into sites (site_id, domain, updated_at) select number, 'a', now() from numbers(1, 2)")
    made.command(TRAFFIC, parameters={"firefox": FIREFOX, "googlebot": GOOGLEBOT})
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
    kept.command("truncate table pending_days")
    kept.command("truncate table derived_by")
    for table in STORED:
        kept.command(f"truncate table {table}")
        kept.command(f"insert into {table} select * from {table}_kept", settings={"insert_deduplicate": 0})  # noqa: S608
    return kept


@pytest.fixture
def home(tmp_path):
    return DataDir(tmp_path / "data").make()


def rows(client):
    """All events, by their ids."""
    return {row[1]: row for row in client.query(f"select {COLUMNS} from events order by event_id").result_rows}  # noqa: S608


def october_days(client):
    return client.query("select distinct day from revisions where site_id = 2 and toYYYYMM(day) = 202610").result_rows


def derived_again(client, home, name, where=EVER):
    rule = rules()[name]
    for month in backfill.months(client, where):
        backfill.apply(client, home, rule, where, month)


@pytest.mark.parametrize("name", ["channels", "user-agents", "bots"])
def test_columns_become_what_the_rules_make_of_them(client, home, name):
    rule, before = rules()[name], rows(client)
    assert backfill.outdated(client, rule, EVER) == {202609, 202610, 202611}
    told = [each for month in backfill.months(client, EVER) for each in backfill.changes(client, rule, EVER, month)]
    derived_again(client, home, name)
    after = rows(client)
    assert after.keys() == before.keys()
    at = {column: COLUMNS.split(", ").index(column) for column in rule.columns if column in COLUMNS}
    changed = {
        column: sum(before[each][place] != after[each][place] for each in before) for column, place in at.items()
    }
    assert {column: sum(c.events for c in told if c.column == column) for column in at} == changed
    assert any(changed.values())
    assert all(backfill.changes(client, rule, EVER, month) == [] for month in backfill.months(client, EVER))
    assert backfill.outdated(client, rule, EVER) == set()
    assert verify(client, home, every_row=True).differences == ()


def test_what_the_rules_make(client, home):
    for name in rules():
        derived_again(client, home, name)
    found = client.query(
        "select distinct browser, os, device from events where user_agent = {ua:String}", parameters={"ua": FIREFOX}
    ).result_rows
    assert found == [("Firefox", "Linux", "desktop")]
    verdicts = client.query("select distinct user_agent, bot, bot_reasons from events order by 1, 3").result_rows
    assert (GOOGLEBOT, True, "crawler,rapid") in verdicts
    assert ("", False, "") in verdicts  # no user agent is kept, so its verdict stays
    origins = client.query("select distinct referrer, utm_source, query, source, channel from events").result_rows
    assert ("www.google.com/search", "", "", "Google", "Organic Search") in origins
    assert any(row[1] == "newsletter" and row[4] == "Email" for row in origins)
    assert any(row[2] == "ref=partner" and row[3] == "partner" for row in origins)


def test_only_the_site_and_days_that_are_asked_for(client, home):
    where = Range((2,), dt.date(2026, 10, 10), dt.date(2026, 10, 20))
    before = rows(client)
    derived_again(client, home, "channels", where)
    changed = {row for each, row in rows(client).items() if row != before[each]}
    assert changed
    assert {row[0] for row in changed} == {2}
    left = derived_by.outdated(client, {"channels": rules()["channels"].version}, [2], EVER.first, EVER.last)
    october = [each for each in left if each.month == 202610]
    assert [each.days for each in october] == [len(october_days(client)) - 11]
    days = {row[-2] for row in changed}
    assert where.first <= min(days) <= max(days) <= where.last
    assert verify(client, home, every_row=True).differences == ()


def test_what_a_run_that_was_killed_has_left_is_derived_by_the_next(client, home, engine, command):
    """Its columns are all what the rules make of them, so that nothing else tells of it."""
    day = dt.date(2026, 11, 2)
    write_again(client, "daily_events", "local_date", 202611, "local_date != {day:Date}", {"day": day})
    pending.mark(client, [(site, day) for site in (1, 2)])
    assert verify(client, home).differences != ()
    url = "clickhouse{}://{username}:{password}@{host}:{port}/backfill_test".format(
        "s" if engine.how.get("secure") else "", **engine.how
    )
    done = command("--url", url, "--data-dir", home.root, "backfill", "channels", "--yes")
    assert done.returncode == 0, done.stderr
    assert "derived 2 days of an interrupted run" in done.stderr
    assert pending.every(client) == []
    assert verify(client, home, every_row=True).differences == ()


@pytest.mark.parametrize("zone", ["Asia/Kathmandu", "America/New_York", "Australia/Lord_Howe"])
def test_a_site_in_another_zone_is_as_if_made_there(client, home, zone):
    local_dates.apply(client, home, Site(1, "shop.example", zone))
    there, utc = timezones.zone(zone), dt.UTC
    found = client.query("select site_id, timestamp, visit_start, local_date, visit_date from events").result_rows
    assert len(found) == 600
    for site_id, time, start, day, visit_day in found:
        its = there if site_id == 1 else utc
        moments = [moment.replace(tzinfo=utc).astimezone(its).date() for moment in (time, start)]
        assert [day, visit_day] == moments
    assert local_dates.misdated(client, Site(1, "shop.example", zone)) == []
    assert verify(client, home, every_row=True).differences == ()
    for table in closing.CLOSED:
        for its in by_month([day for day in closing.due(client, table) if day[1].month == 10]).values():
            closing.close(client, table, its)
    assert verify(client, home, every_row=True).differences == ()


def test_back_and_forth_it_is_as_it_was(client, home):
    before = rows(client)
    for zone in ("Asia/Kathmandu", "America/New_York", "UTC"):
        local_dates.apply(client, home, Site(1, "shop.example", zone))
    assert rows(client) == before
    assert verify(client, home, every_row=True).differences == ()

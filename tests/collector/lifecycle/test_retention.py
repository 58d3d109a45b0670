"""What is older than a site keeps it goes as planned, what is derived from it stays, an archive brings it back."""

from __future__ import annotations

import datetime as dt
import itertools

import clickhouse_connect
import pytest

from aggregations.query.answer import ask
from aggregations.query.model import Query
from aggregations.query.periods import Period
from aggregations.query.sites import SiteRow
from aggregations.query.where import parse
from collector.lifecycle import archive, retention
from collector.lifecycle.verify import verify
from collector.sites.registry import Site
from collector.sites.table import put_site
from sql import definitions
from sql.client import PINNED
from sql.core.data_dir import DataDir
from sql.core.errors import StorageError, UsageError
from sql.retention import RETENTION, Retention
from sql.schema import closing, horizons, migrate, rebuild
from sql.schema.days import by_month

NOW = dt.datetime(2026, 11, 30, 12, tzinfo=dt.UTC)
SHOP, BLOG = Site(1, "shop.example", "UTC"), Site(2, "blog.example", "UTC")
# Two sites from a month on, to November 2026: a visit of three events every 20 hours, some over midnight.
TRAFFIC = """
insert into events (
    site_id, local_date, visitor_id, timestamp, received_at, visit_id, visit_start, visit_date, event_id, name,
    hostname, path, user_agent, props, revenue, source, batch_id, batch_seq
)
with
    intDiv(number, 3) as visit,
    toDateTime64({since:String}, 3, 'UTC') + toIntervalHour(visit * 20) as begin,
    begin + toIntervalMinute(number % 3 * 9) as time
select
    1 + visit % 2, toDate(time), cityHash64(visit % 50), time, time, visit + 1, begin, toDate(begin),
    reinterpret(toUInt128(number + 1), 'UUID'), ['page_view', 'signup', 'page_view'][1 + number % 3],
    'shop.example', concat('/', toString(number % 7)), 'Firefox', map('plan', 'pro'), toDecimal64(number % 5, 4),
    'Google', generateUUIDv4(1), number
from numbers(intDiv(dateDiff('hour', toDateTime64({since:String}, 3, 'UTC'), toDateTime('2026-11-29', 'UTC')), 20) * 3)
"""
FIGURES = {
    "visits": "select site_id, visit_date, count(), sum(events), sum(duration), sum(bounce), any(source) "
    "from visits_merged group by all order by all",
    "pages": "select site_id, local_date, path, sum(pageviews), uniqMerge(visitors) from daily_pages "
    "group by all order by all",
    "events": "select site_id, local_date, sum(events), sum(revenue), uniqMerge(visitors) from daily_events "
    "group by all order by all",
    "closed": "select site_id, visit_date, count(), sum(checksum) from closed_visits group by all order by all",
    "months": "select site_id, local_date, sum(events) from monthly_events group by all order by all",
}
EVENTS = (
    "select site_id, toYYYYMM(local_date) as month, count(), sum(cityHash64(*)) from events group by all order by all"
)
STORED = ("events", *rebuild.PARTITIONED_BY, *(table.name for table in closing.CLOSED), "revisions", "closings")


def filled(engine, name, since):
    """A database with traffic from a moment on, of which every month that is over is closed."""
    how = engine.how
    made = clickhouse_connect.get_client(**how, settings=PINNED, autogenerate_session_id=False)
    made.command(f"create database {name}")
    made.database = name
    migrate.apply(made)
    made.command(TRAFFIC, parameters={"since": since})
    days = made.query("select distinct site_id, arrayJoin([local_date, visit_date]) from events").result_rows
    closing.revise(made, 1, days)
    for site in (SHOP, BLOG):
        put_site(made, site)
    for table in closing.CLOSED:
        due = [day for day in closing.due(made, table) if day[1] < dt.date(2026, 11, 1)]
        for its in by_month(due).values():
            closing.close(made, table, its)
    return made


@pytest.fixture(scope="module")
def kept(engine):
    """Half a year of traffic, and a copy of each of its tables."""
    made = filled(engine, "retention_test", "2026-05-01 00:10:00")
    for table in STORED:
        made.command(f"create table {table}_kept engine = Memory as select * from {table}")  # noqa: S608
    yield made
    made.close()


@pytest.fixture
def client(kept):
    """As it was, events first: views fill tables from them."""
    for table in STORED:
        kept.command(f"truncate table {table}")
        kept.command(f"insert into {table} select * from {table}_kept", settings={"insert_deduplicate": 0})  # noqa: S608
    for table in ("horizons", "definitions"):
        kept.command(f"truncate table {table}")
    return kept


@pytest.fixture
def home(tmp_path):
    return DataDir(tmp_path / "data").make()


def keep(client, home, site, **days):
    for name, its in days.items():
        body = its if isinstance(its, Retention) else Retention(its)
        definitions.put(client, home, site.site_id, RETENTION, name.replace("__", "."), body)


def planned(client):
    return retention.plan(client, retention.keeping(client, NOW))


def carried_out(client, home):
    for removal in planned(client):
        retention.apply(client, home, removal)


def figures(client):
    return {name: client.query(text).result_rows for name, text in FIGURES.items()}


def events(client):
    return {row[:2]: row[2:] for row in client.query(EVENTS).result_rows}


def test_two_years_the_plan_is_what_is_done_and_an_archive_brings_all_back(engine, home, tmp_path):
    client, url = filled(engine, "retention_two_years", "2024-12-01 00:10:00"), str(tmp_path / "archive")
    keep(client, home, SHOP, events=Retention(100, url))
    keep(client, home, BLOG, events=Retention(400, url))
    before, rows = figures(client), events(client)
    plan = planned(client)
    for removal in plan:
        retention.apply(client, home, removal)
    gone = sum(n for n, _ in rows.values()) - sum(n for n, _ in events(client).values())
    assert sum(removal.rows for removal in plan) == gone
    assert [each.whole for each in plan if each.month < 202510] == [True] * 10
    first = client.query("select min(local_date) from events group by site_id order by site_id").result_columns[0]
    assert all(day >= NOW.date() - dt.timedelta(days=days) for day, days in zip(first, (100, 400), strict=True))
    assert figures(client) == before
    assert verify(client, home).differences == verify(client, home, every_row=True).differences == ()
    assert planned(client) == []
    for each in reversed(archive.every(url)):
        archive.restore(client, url, each)
        archive.lower_horizon(client, archive.every(url), each.manifest.site_id)
    assert set(horizons.of_events(client).values()) == {dt.date(1970, 1, 1)}
    assert (events(client), figures(client)) == (rows, before)
    assert verify(client, home, every_row=True).differences == ()
    client.close()


def test_what_is_derived_stays_when_it_is_derived_again(client, home):
    keep(client, home, SHOP, events=60)
    before = figures(client)
    carried_out(client, home)
    for table in rebuild.PARTITIONED_BY:
        rebuild.install(client, table)
    rebuild.rebuild_months(client, rebuild.PARTITIONED_BY, range(202605, 202608))
    days = [(site, dt.date(2026, month, day)) for site in (1, 2) for month in (7, 9, 10) for day in range(1, 29)]
    for table in rebuild.PARTITIONED_BY:
        rebuild.rebuild_days(client, table, days)
        assert rebuild.compare(client, table, days) == set()
    after = figures(client)
    assert {name: after[name] for name in ("visits", "pages", "events")} == {
        name: before[name] for name in ("visits", "pages", "events")
    }


def test_a_month_that_is_cut_is_repaired_where_it_is_whole(client, home):
    keep(client, home, SHOP, events=60)
    carried_out(client, home)
    before = figures(client)
    client.command("delete from daily_events where toYYYYMM(local_date) = 202610 and local_date >= '2026-10-05'")
    found = verify(client, home, repair=True)
    assert {(each.table, each.month) for each in found.differences} == {("daily_events", 202610)}
    after = figures(client)
    assert after["events"] == before["events"]
    assert verify(client, home).differences == ()


def test_columns_are_cleared_and_events_stay(client, home):
    keep(client, home, SHOP, events__user_agent=30, events__props=60)
    before = figures(client)
    carried_out(client, home)
    texts = "select site_id, notEmpty(user_agent), notEmpty(props), min(local_date), max(local_date) from events"
    found = {row[:3]: row[3:] for row in client.query(f"{texts} group by 1, 2, 3").result_rows}
    cut = {days: NOW.date() - dt.timedelta(days=days) for days in (30, 60)}
    assert found.keys() == {(1, 0, 0), (1, 0, 1), (1, 1, 1), (2, 1, 1)}
    assert found[1, 0, 0][1] < cut[60] <= found[1, 0, 1][0] <= found[1, 0, 1][1] < cut[30] <= found[1, 1, 1][0]
    assert figures(client) == before
    assert verify(client, home).differences == ()
    assert planned(client) == []


def test_visits_and_rollups_go_when_they_are_older(client, home):
    keep(client, home, SHOP, events=60, visits=100, rollups=150)
    carried_out(client, home)
    first = {
        table: client.command(f"select min({column}) from {table} where site_id = 1")  # noqa: S608
        for table, column in {
            "events": "local_date", "visits": "visit_date", "closed_visits": "visit_date", "daily_events": "local_date",
            "daily_pages": "local_date", "monthly_events": "local_date", "monthly_pages": "local_date",
        }.items()
    }  # fmt: skip
    cut = {name: str(NOW.date() - dt.timedelta(days=days)) for name, days in (("v", 100), ("r", 150))}
    assert first["visits"] >= cut["v"] and first["closed_visits"] >= cut["v"] > first["daily_events"]
    assert first["daily_events"] >= cut["r"] and first["daily_pages"] >= cut["r"]
    assert first["monthly_events"] == first["monthly_pages"] == "2026-07-01"  # the month of its cutoff is not over
    assert verify(client, home).differences == ()


def test_an_archive_brings_back_what_was_removed(client, home, tmp_path):
    url = str(tmp_path / "archive")
    keep(client, home, SHOP, events=Retention(60, url))
    before, rows = figures(client), events(client)
    carried_out(client, home)
    assert events(client) != rows
    files = archive.every(url)
    assert [archive.check(url, each) for each in files] == [""] * len(files) and len(files) == 5
    for each in reversed(files):
        archive.restore(client, url, each)
        archive.lower_horizon(client, archive.every(url), SHOP.site_id)
        assert verify(client, home).differences == ()
        assert archive.restore(client, url, each) == 0
    assert events(client) == rows
    assert figures(client) == before
    assert horizons.of_events(client) == {1: dt.date(1970, 1, 1)}
    rebuild.rebuild_months(client, rebuild.PARTITIONED_BY, rebuild.months(client))
    assert figures(client)["visits"] == before["visits"]


def test_a_month_in_the_middle_does_not_count_as_whole(client, home, tmp_path):
    url = str(tmp_path / "archive")
    keep(client, home, SHOP, events=Retention(60, url))
    carried_out(client, home)
    since = horizons.of_events(client)
    middle = archive.every(url)[2]
    assert archive.restore(client, url, middle) == middle.manifest.rows
    archive.lower_horizon(client, archive.every(url), SHOP.site_id)
    assert horizons.of_events(client) == since
    assert verify(client, home).differences == ()


def test_events_go_only_after_they_are_archived(client, home, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("not a directory")
    keep(client, home, SHOP, events=Retention(60, str(blocked / "archive")))
    rows = events(client)
    with pytest.raises(StorageError):
        carried_out(client, home)
    assert events(client) == rows
    assert horizons.every(client) == {}


@pytest.mark.parametrize("damage", [b"", b"PAR1", None], ids=["torn", "cut", "gone"])
def test_a_damaged_file_is_named_and_not_put_back(client, home, tmp_path, damage):
    url = str(tmp_path / "archive")
    keep(client, home, SHOP, events=Retention(60, url))
    carried_out(client, home)
    first = archive.every(url)[0]
    path = tmp_path / "archive" / f"{first.name}.parquet"
    if damage is None:
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:100] + damage)
    assert archive.check(url, first)
    with pytest.raises(StorageError, match="damaged"):
        archive.restore(client, url, first)


def test_interrupted_at_any_statement_it_goes_on(client, home, tmp_path, monkeypatch):
    """The end is the same, whichever statement was the last one; no event is gone that is not archived."""
    url = str(tmp_path / "archive")
    keep(client, home, SHOP, events=Retention(130, url), events__user_agent=120)
    keep(client, home, BLOG, events=Retention(170, url))
    before, ids = figures(client), client.query("select groupUniqArray(event_id) from events").result_rows[0][0]
    kind = type(client)
    for at in itertools.count():
        statements = itertools.count()
        with monkeypatch.context() as patch:

            def broken(name, patch=patch, statements=statements, at=at):
                real = getattr(kind, name)

                def run(self, *args, **more):
                    if next(statements) == at:
                        raise ConnectionError("gone")
                    return real(self, *args, **more)

                patch.setattr(kind, name, run)

            for name in ("command", "insert", "raw_stream"):
                broken(name)
            try:
                carried_out(client, home)
                finished = True
            except ConnectionError:
                finished = False
        left = client.query("select groupUniqArray(event_id) from events").result_rows[0][0]
        archived = sum(each.manifest.rows for each in archive.every(url))
        assert len(left) + archived >= len(ids)
        assert verify(client, home).differences == ()
        assert figures(client) == before
        if finished:
            break
    assert at >= 8
    for each in reversed(archive.every(url)):
        archive.restore(client, url, each)
    assert set(client.query("select groupUniqArray(event_id) from events").result_rows[0][0]) == set(ids)
    assert client.command("select count() = uniqExact(event_id) from events") == 1


def test_a_report_says_what_is_not_kept(client, home):
    keep(client, home, SHOP, events=60, visits=100)
    carried_out(client, home)
    site = SiteRow(SHOP.site_id, SHOP.domain, SHOP.timezone)
    spans = {days: Period(NOW.date() - dt.timedelta(days=days), NOW.date(), "UTC") for days in (30, 90, 150)}
    conditions = {"": None, "page=/1": parse("page=/1")}
    said = {
        (days, exact, where): ask(client, Query(metrics=("visits",), exact=exact, where=its), site, span).kept_note
        for days, span in spans.items()
        for exact in (False, True)
        for where, its in conditions.items()
    }
    raw = {key for key, note in said.items() if "Raw events are kept from 2026-10-01 on" in note}
    assert raw == {(days, exact, where) for days, exact, where in said if days > 30 and (exact or where)}
    visits = {key for key, note in said.items() if "Visits are kept from 2026-08-22 on" in note}
    assert visits == {(150, exact, where) for exact in (False, True) for where in conditions}


@pytest.mark.parametrize(
    ("days", "says"),
    [
        ({"events": 10}, "accepts events of up to 30 days"),
        ({"visits": 200}, "keeps raw events for good"),
        ({"events": 300, "rollups": 200}, "rollups for 200 days only"),
    ],
    ids=["younger than events may be", "visits without events", "rollups before events"],
)
def test_what_does_not_go_together_is_refused(days, says):
    with pytest.raises(UsageError, match=says):
        retention.check(SHOP, days)

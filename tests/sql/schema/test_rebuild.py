"""A rebuild says what the views said, month by month, and nobody reads anything between."""

from __future__ import annotations

import datetime as dt
import threading
import uuid

import clickhouse_connect
import pytest

from sql.client import PINNED
from sql.core.errors import UsageError
from sql.schema import migrate, rebuild
from sql.schema.rebuild import PARTITIONED_BY, rebuild_months

# Blocks of made-up traffic: September to November 2026, two sites, visits over midnight and over a month's end. The
# tracker of the second site sends one in four.
TRAFFIC = """
insert into events (
    site_id, local_date, visitor_id, timestamp, visit_id, visit_start, visit_date, event_id, name, interactive,
    hostname, path, source, utm_source, country, language, bot, engagement_ms, revenue, props, props_number
)
with
    intDiv(number, 3) as visit,
    cityHash64(visit, 7) as mixed,
    toDateTime64('2026-09-29 00:00:00', 3, 'UTC') + toIntervalMinute(mixed % (40 * 1440)) as begin,
    begin + toIntervalMinute((number % 3) * (mixed % 29)) as time
select
    1 + visit % 2, toDate(time), mixed % 60, time, visit + 1, begin, toDate(begin),
    reinterpret(toUInt128(number + 1), 'UUID'),
    ['page_view', 'signup', 'page_view'][1 + number % 3], number % 3 = 1,
    'shop.example', concat('/', toString(cityHash64(number) % 9)), ['', 'Google'][1 + mixed % 2],
    ['', 'a', 'ä'][1 + mixed % 3], ['DE', ''][1 + mixed % 2], 'de', mixed % 11 = 0, mixed % 5000,
    toDecimal64((number % 7) / 4, 4), map('k', 'v'),
    if(visit % 2 = 1, map('sample_weight', 4.), cast(map(), 'Map(String, Float64)'))
from numbers({first:UInt64}, {count:UInt64})
"""
# What a reader of each table sees.
CONTENT = {
    "visits": "select * from visits_merged order by site_id, visit_date, visitor_id, visit_id",
    "daily_events": "select site_id, local_date, bot, name, sum(events), sum(revenue), uniqMerge(visitors) "
    "from daily_events group by 1, 2, 3, 4 order by 1, 2, 3, 4",
    "daily_pages": "select site_id, local_date, bot, hostname, path, sum(pageviews), uniqMerge(visitors) "
    "from daily_pages group by 1, 2, 3, 4, 5 order by 1, 2, 3, 4, 5",
    "sampled_days": "select site_id, local_date, sum(events), min(lightest), max(heaviest) "
    "from sampled_days group by 1, 2 order by 1, 2",
}
MONTHS = [202609, 202610, 202611]


class Interrupted(Exception):
    pass


class Cut:
    def __init__(self, client, left):
        self.client, self.left = client, left

    def __getattr__(self, name):
        return getattr(self.client, name)

    def command(self, *args, **more):
        if not self.left:
            raise Interrupted
        self.left -= 1
        return self.client.command(*args, **more)


def database(engine, name):
    how = engine.how
    client = clickhouse_connect.get_client(**how, settings=PINNED, autogenerate_session_id=False)
    client.command(f"create database if not exists {name}")
    client.database = name
    migrate.apply(client)
    return client


def emptied(client):
    for table in ("events", *PARTITIONED_BY):
        client.command(f"truncate table {table}")
    return client


@pytest.fixture(scope="module")
def few(engine):
    client = database(engine, "derivations_few")
    yield client
    client.close()


@pytest.fixture
def client(few):
    return emptied(few)


@pytest.fixture(scope="module")
def loaded(engine):
    """A database with traffic, and what its tables held when it had just come in."""
    client = database(engine, "derivations_traffic")
    pristine = load(client)
    yield client, pristine
    client.close()


@pytest.fixture
def traffic(loaded):
    client, pristine = loaded
    if everything(client) != pristine:
        assert load(emptied(client)) == pristine
    return client


def load(client):
    for first in (0, 1501):
        client.command(TRAFFIC, parameters={"first": first, "count": 1501})
    return everything(client)


def content(client, table):
    return client.query(CONTENT[table]).result_rows


def everything(client):
    return {table: content(client, table) for table in PARTITIONED_BY}


def column(client, table):
    """Where the day that a table is partitioned by stands in a row of its content."""
    return client.query(CONTENT[table]).column_names.index(PARTITIONED_BY[table])


def event(**fields):
    base = {"site_id": 1, "visitor_id": 1, "visit_id": 1, "event_id": uuid.uuid4(), "name": "page_view"}
    time = fields.pop("at", dt.datetime(2026, 9, 21, 10, tzinfo=dt.UTC))
    start = fields.pop("start", time)
    times = {"timestamp": time, "local_date": time.date(), "visit_start": start, "visit_date": start.date()}
    return base | times | fields


def insert(client, *events):
    for row in events:
        client.insert("events", [list(row.values())], column_names=list(row))


@pytest.mark.parametrize("table", PARTITIONED_BY)
def test_a_rebuild_equals_the_views(traffic, table):
    before = everything(traffic)
    assert len(before[table]) > 30
    assert rebuild.months(traffic) == MONTHS
    rebuild_months(traffic, [table], MONTHS)
    assert everything(traffic) == before
    rebuild_months(traffic, [table], MONTHS)
    assert everything(traffic) == before


@pytest.mark.parametrize("table", PARTITIONED_BY)
def test_a_rebuild_mends_what_was_lost_and_what_was_doubled(traffic, table):
    before = everything(traffic)
    traffic.command(f"insert into {table} select * from {table}")  # noqa: S608
    rebuild_months(traffic, [table], MONTHS)
    assert everything(traffic) == before
    traffic.command(f"truncate table {table}")
    rebuild_months(traffic, [table], MONTHS)
    assert everything(traffic) == before


@pytest.mark.parametrize("table", PARTITIONED_BY)
def test_one_month_leaves_the_others_alone(traffic, table):
    before = content(traffic, table)
    traffic.command(f"truncate table {table}")
    rebuild_months(traffic, [table], [202610])
    at = column(traffic, table)
    assert content(traffic, table) == [row for row in before if row[at].month == 10]
    rebuild_months(traffic, [table], [202609, 202611])
    assert content(traffic, table) == before


def test_an_empty_month_is_dropped(traffic):
    before = everything(traffic)
    # Visits that began in September may go on in October: they go as well.
    traffic.command(
        "alter table events delete where toYYYYMM(local_date) = 202609 or toYYYYMM(visit_date) = 202609",
        settings={"mutations_sync": 1},
    )
    for months in ([202609], [202609, 209901]):
        rebuild_months(traffic, PARTITIONED_BY, months)
        for table in PARTITIONED_BY:
            at = column(traffic, table)
            assert content(traffic, table) == [row for row in before[table] if row[at].month != 9]


@pytest.mark.parametrize("table", PARTITIONED_BY)
def test_interrupted_anywhere_readers_see_one_or_the_other(traffic, table):
    before = content(traffic, table)
    for left in range(20):
        try:
            rebuild_months(Cut(traffic, left), [table], [202610])
            break
        except Interrupted:
            assert content(traffic, table) == before
    assert left > 3
    traffic.command(f"insert into {table} select * from {table}")  # noqa: S608
    rebuild_months(traffic, [table], MONTHS)
    assert content(traffic, table) == before
    assert traffic.command(f"exists table {table}_rebuild") == 0


def test_what_an_interrupted_rebuild_left_is_not_taken_over(traffic):
    before = content(traffic, "daily_pages")
    with pytest.raises(Interrupted):
        rebuild_months(Cut(traffic, 3), ["daily_pages"], [202609])
    traffic.command("insert into daily_pages_rebuild select * from daily_pages")
    rebuild_months(traffic, ["daily_pages"], MONTHS)
    assert content(traffic, "daily_pages") == before


def test_whoever_reads_meanwhile_never_sees_a_part(traffic, engine):
    question = "select sum(pageviews) from daily_pages"
    expected, answers, over = traffic.command(question), [], threading.Event()

    def read():
        with clickhouse_connect.get_client(
            **engine.how,
            database="derivations_traffic",
        ) as reader:  # fmt: skip
            while not over.is_set():
                answers.append(reader.command(question))

    thread = threading.Thread(target=read)
    thread.start()
    try:
        for _ in range(2):
            rebuild_months(traffic, ["daily_pages"], MONTHS)
    finally:
        over.set()
        thread.join(20)
    assert len(answers) > 3
    assert set(answers) == {expected}


def test_a_visit_over_the_end_of_a_month_lies_in_the_month_of_its_start(client):
    start = dt.datetime(2026, 9, 30, 12, tzinfo=dt.UTC)
    rows = [event(at=start + dt.timedelta(hours=h), start=start, event_id=uuid.UUID(int=h + 1)) for h in (0, 12, 24)]
    insert(client, *rows)
    [before] = content(client, "visits")
    rebuild_months(client, PARTITIONED_BY, [202609, 202610])
    [after] = content(client, "visits")
    assert before == after
    assert client.query("select pageviews, duration, toString(visit_date) from visits_merged").result_rows == [
        (3, 86400.0, "2026-09-30")
    ]


def test_a_visit_over_the_end_of_a_month_and_a_day_of_23_hours(client):
    """Asunción, 2023: from half past eleven, 24 hours later it is the day after the next."""
    start = dt.datetime(2023, 10, 1, 3, 30, tzinfo=dt.UTC)
    first = event(at=start, local_date=dt.date(2023, 9, 30), visit_date=dt.date(2023, 9, 30))
    last = event(at=start + dt.timedelta(hours=24), start=start, local_date=dt.date(2023, 10, 2))
    insert(client, first, last | {"visit_date": dt.date(2023, 9, 30)})
    before = content(client, "visits")
    assert len(before) == 1
    rebuild_months(client, ["visits"], [202309, 202310])
    assert content(client, "visits") == before


def test_the_first_event_of_a_visit_decides_whatever_came_first(client):
    at = dt.datetime(2026, 9, 21, 10, tzinfo=dt.UTC)
    late = event(at=at + dt.timedelta(minutes=5), start=at, path="/late", source="Bing")
    first = event(at=at, path="/first", source="Google")
    insert(client, late, first)
    question = "select source, entry_page, exit_page from visits_merged"
    for _ in range(2):
        assert client.query(question).result_rows == [("Google", "/first", "/late")]
        rebuild_months(client, ["visits"], [202609])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("source", "a\x1fb"), ("utm_source", "a\x1f"), ("utm_campaign", "\x1f\x1f"), ("language", "de\x1fXX"),
        ("language", "de\0"), ("referrer", "\\x1f'"), ("utm_term", "日本"),
    ],
)  # fmt: skip
def test_no_value_of_a_visit_moves_into_another_field(client, field, value):
    """The fields of a first event travel as one text; what a stranger sends must not shift them."""
    fields = {"hostname": "shop.example", "country": "DE", "channel": "Direct"} | {field: value}
    insert(client, event(**fields))
    wanted = ["channel", "country", "hostname", field]
    columns = ", ".join(wanted)
    found = client.query(f"select {columns} from visits_merged").result_rows  # noqa: S608
    assert found == [tuple(fields[n] for n in wanted)]


def test_installed_again_it_holds_the_same_and_goes_on(traffic):
    before = everything(traffic)
    traffic.command("truncate table visits")
    rebuild.install(traffic, "visits")
    assert everything(traffic) == before
    traffic.command(TRAFFIC, parameters={"first": 9000, "count": 30})
    after = everything(traffic)
    assert len(after["visits"]) > len(before["visits"])
    rebuild_months(traffic, PARTITIONED_BY, MONTHS)
    assert everything(traffic) == after


@pytest.mark.parametrize("name", ["events; drop table events", "Visits", ""])
def test_names_that_are_none(client, name):
    with pytest.raises(UsageError):
        rebuild_months(client, [name], [202609])


def test_months_of_nothing(client):
    assert rebuild.months(client) == []
    rebuild_months(client, PARTITIONED_BY, [])

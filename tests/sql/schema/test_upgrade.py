"""A database that the version before filled is brought up to date, and gives the same figures.

`version_before` holds that version's functions, views and derivations; migrations are those up to its last.
"""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from pathlib import Path

import pytest

from aggregations.definitions.funnels import FUNNEL
from aggregations.definitions.overrides import OVERRIDE, OverrideBody
from aggregations.query.answer import answer, ask
from aggregations.query.model import Query
from aggregations.reports.detected import Detected
from aggregations.reports.funnel_steps import FunnelStep
from collector.choices import SchemaMode
from collector.lifecycle.verify import verify
from collector.sites.event_schema_definitions import EVENT_SCHEMA, EventSchemaBody, newest
from collector.sites.event_schemas import EventSchema
from sql import definitions
from sql.core.data_dir import DataDir
from sql.schema import closing, horizons, migrate, shipped
from sql.schema.days import by_month
from sql.schema.shipped import SchemaKind
from tests.sql.schema.test_closing import PERIOD, SITES
from tests.sql.schema.test_rebuild import TRAFFIC, Cut, Interrupted

BEFORE = Path(__file__).parent / "version_before"
LAST = "0012_write_keys"
BY_SOURCE = """
select {site:UInt32}, source, count(), sum(pageviews), sum(events), sum(bounce), sum(revenue)
from (select *, tupleElement(first, 'source') as source from visits_merged)
where site_id = {site:UInt32} and not bot
group by source order by source
"""
# How many an event of each site stands for, which that version did not look at.
WEIGHTS = {1: 1, 2: 4}
# Written with everything that a pattern escapes.
ODD = ('purchase:/a%_\\*"/*', "page_view:*.html")
# Clicks and forms of all kinds, some with what JSON escapes.
CLICKS = """
insert into events (
    site_id, local_date, visitor_id, timestamp, visit_id, visit_start, visit_date, event_id, name, hostname, path,
    props, props_number
)
with toDateTime64('2026-10-05 10:00:00', 3, 'UTC') + toIntervalMinute(number) as time
select
    1 + number % 2, toDate(time), 1000 + number % 20, time, 90000 + number % 40, time, toDate(time),
    reinterpret(toUInt128(900000 + number), 'UUID'), ['click', 'form_submit'][1 + intDiv(number, 2) % 2],
    'shop.example', '/',
    map(
        'kind', ['contact', 'other'][1 + number % 3 % 2], 'confidence', ['low', 'high'][1 + number % 2],
        'rule', concat('r', toString(number % 3)), 'selector', concat('a[href="/\\\\', toString(number % 5), '"]'),
        'text', ['', 'Kauf’s\\n\\tjetzt', 'Go'][1 + number % 3]
    ),
    map('sample_weight', [1., 4.][1 + number % 2])
from numbers(300)
"""
# What moves overrides and event schemas, with the number of places to interrupt it: before each statement, before it is
# recorded, and after that.
MOVING = {"0018_definitions_of_events": 5, "0019_drop_definitions_of_events": 4}
SLASH = 'a[href="/\\%d"]'
# Each as kind, criteria and when it was removed (0: never); the clock was set back before the fourth.
OVERRIDES = [
    ("purchase", {"selector": SLASH % 1}, 0),
    ("share", {"selector": SLASH % 1, "text": ""}, 0),
    ("none", {"rule": "r2"}, 7_000),
    ("search", {"text": "Kauf’s\n\tjetzt"}, 0),
    *(("download", {"selector": SLASH % 2}, 0), ("log_in", {"text": "Go", "name": "click"}, 0)),
    *(("contact", {"rule": "r0"}, 0) for _ in range(6)),
]
SCHEMA = json.dumps({"title": 'Ä "/"', "properties": {"url": {"pattern": "^https://shop\\.example/"}}}, indent=1)
SCHEMAS = [(1, "buy", 1, "warn", "{}"), (1, "buy", 2, "reject", SCHEMA), (2, "buy", 1, "off", "true")]
VERDICTS = "select site_id, event_id, kind, confidence, {override} from detected_events order by event_id"
ASKED = Query(metrics=("visits", "pageviews", "events", "bounce_rate", "revenue"), dimensions=("source",), limit=0)


@pytest.fixture
def as_before(monkeypatch):
    """``as_before()``: the schema that is shipped is the earlier version's, until it is undone."""

    def names(kind):
        if kind is SchemaKind.MIGRATION:
            return [name for name in shipped_names(kind) if name <= LAST]
        return sorted(path.stem for path in (BEFORE / f"{kind}s").glob("*.sql"))

    def read(kind, name):
        if kind is SchemaKind.MIGRATION:
            return shipped_read(kind, name)
        return (BEFORE / f"{kind}s" / f"{name}.sql").read_text()

    shipped_names, shipped_read = shipped.names, shipped.read
    monkeypatch.setattr(shipped, "names", names)
    monkeypatch.setattr(shipped, "read", read)
    monkeypatch.setattr(closing, "reopen", lambda *_: None)  # which that version did not know, nor this
    monkeypatch.setattr(horizons, "every", lambda _: {})
    yield monkeypatch


@pytest.fixture
def filled(engine, as_before):
    """A database of the version before with traffic, what it said of it, and the version of today."""
    import clickhouse_connect

    from sql.client import PINNED

    how = engine.how
    client = clickhouse_connect.get_client(**how, settings=PINNED, autogenerate_session_id=False)
    client.command("drop database if exists upgraded")
    client.command("create database upgraded")
    client.database = "upgraded"
    migrate.apply(client)
    assert not client.command("exists table closed_visits")
    client.command(
        "insert into funnels (site_id, funnel_id, name, steps, deleted, updated_at) "
        "select 1, 1, 'buy', [('page_view', ''), ('signup', '/%')], false, now64(3) union all "
        "select 1, 2, 'gone', [('page_view', ''), ('signup', '/%')], true, now64(3) union all "
        "select 1, 3, 'odd', {odd:Array(Tuple(String, String))}, false, now64(3)",
        parameters={"odd": [(step.name, step.path) for step in map(FunnelStep.parse, ODD)]},
    )
    for first in (0, 1501):
        client.command(TRAFFIC, parameters={"first": first, "count": 1501})
    define(client)
    client.command(CLICKS)
    said = {site.site_id: client.query(BY_SOURCE, parameters={"site": site.site_id}).result_rows for site in SITES}
    numbers = VERDICTS.format(override="if(override_id = 0, '', toString(override_id))")
    verdicts = client.query(numbers).result_rows
    as_before.undo()
    yield client, said, verdicts
    client.command("drop database upgraded")
    client.close()


def define(client):
    """Overrides and event schemas, written as that version wrote them."""
    columns = ["override_id", "site_id", "kind", "name", "rule", "selector", "text", "created_by", "created_at",
               "removed_by", "removed_at", "updated_at"]  # fmt: skip
    rows = []
    for number, (kind, asked, removed) in enumerate(OVERRIDES, 1):
        created = moment(number * 1_000 if number < 4 else number * 10)
        criteria = [asked.get(name) for name in ("name", "rule", "selector", "text")]
        rows.append([number, 1, kind, *criteria, f"user{number}", created, "", None, created])
        if removed:
            rows.append([*rows[-1][:-3], "remover", moment(removed), moment(removed)])
    client.insert("event_overrides", rows, column_names=columns)
    columns = ["site_id", "name", "version", "mode", "schema", "created_at"]
    rows = [[*each, moment(1_000 * each[2])] for each in SCHEMAS]
    client.insert("event_schemas", rows, column_names=columns)


def moment(seconds: int) -> dt.datetime:
    return dt.datetime(2026, 10, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=seconds)


def read(seconds: int) -> dt.datetime:
    """The same as the store's reader has it."""
    return moment(seconds).replace(tzinfo=None)


def same(client, said, verdicts):
    assert client.query(VERDICTS.format(override="override")).result_rows == verdicts
    assert newest(client) == [
        EventSchema(site, name, version, SchemaMode(mode), schema) for site, name, version, mode, schema in SCHEMAS[1:]
    ]
    for site in SITES:
        rows = sorted(answer(client, ask(client, ASKED, site, PERIOD)).rows())
        expected = said[site.site_id]
        weight = WEIGHTS[site.site_id]
        assert [row[:4] for row in rows] == [
            (source, *(weight * count for count in counts[:3])) for _, source, *counts in expected
        ]
        for (*_, visits, _, _, rate, revenue), (*_, bounces, sold) in zip(
            [(row[0], *row[1:]) for row in rows], expected, strict=True
        ):
            assert round(rate * visits) == weight * bounces
            assert revenue == weight * float(sold)


def kept(client, verdicts):
    """Overrides and event schemas are definitions, with everything that was known of them."""
    decided = {override for *_, override in verdicts}
    assert decided == {"", "1", "2", "4", "5", "6", "12"}
    for number, (kind, asked, removed) in enumerate(OVERRIDES, 1):
        told = definitions.history(client, 1, OVERRIDE, str(number))
        assert [(each.version, each.removed) for each in told] == [(2, True), (1, False)][not removed :]
        event = Detected(asked["name"]) if "name" in asked else None
        rest = {name: value for name, value in asked.items() if name != "name"}
        assert OVERRIDE.decode(told[-1].body) == OverrideBody(kind, event, **rest)
        assert (told[-1].by, told[-1].at) == (f"user{number}", read(min(number, 3) * 1_000))
        assert not removed or (told[0].by, told[0].at, told[0].body) == ("remover", read(removed), "")
    for site, name, version, mode, schema in SCHEMAS:
        told = definitions.history(client, site, EVENT_SCHEMA, name)[-version]
        assert EVENT_SCHEMA.decode(told.body) == EventSchemaBody(SchemaMode(mode), schema)
        assert (told.version, told.by, told.at) == (version, "", read(1_000 * version))
    for table in ("event_schemas", "event_overrides"):
        assert not client.command(f"exists table {table}")


def test_the_same_figures(filled, tmp_path):
    client, said, verdicts = filled
    assert sum(count for rows in said.values() for _, _, count, *_ in rows) > 500
    migrate.apply(client)
    assert migrate.pending(client) == []
    migrate.refuse_newer(client)
    same(client, said, verdicts)
    assert [(each.name, each.body.steps) for each in definitions.every(client, 1, FUNNEL)] == [
        ("buy", ("page_view", "signup:/*")),
        ("odd", ODD),
    ]
    kept(client, verdicts)
    assert verify(client, DataDir(tmp_path), every_row=True).differences == ()
    for table in closing.CLOSED:
        days = closing.due(client, table)
        assert days
        for its in by_month(days).values():
            closing.close(client, table, its)
    same(client, said, verdicts)
    assert client.command("select uniqExact(visit_id) = count() and count() > 500 from closed_visits") == 1
    assert verify(client, DataDir(tmp_path), every_row=True).differences == ()


def test_interrupted_anywhere_and_carried_on(filled):
    client, said, verdicts = filled
    for left in range(0, 200, 3):
        try:
            migrate.apply(Cut(client, left))
            break
        except Interrupted:
            continue
    assert left > 20
    assert migrate.pending(client) == []
    same(client, said, verdicts)
    kept(client, verdicts)


def test_what_is_moved_is_moved_once_wherever_it_is_interrupted(filled):
    client, said, verdicts = filled

    def reached(step):
        if step.name in MOVING:
            raise Interrupted

    with pytest.raises(Interrupted):
        migrate.apply(client, reached)
    cuts, left = Counter(), 1
    while (at := migrate.pending(client)[0].name) in MOVING:
        with pytest.raises(Interrupted):
            migrate.apply(Cut(client, left))
        cuts[at] += 1
        left = left + 1 if migrate.pending(client)[0].name == at else 1
    assert cuts == MOVING
    migrate.apply(client)
    same(client, said, verdicts)
    kept(client, verdicts)

"""A database that the version before filled is brought up to date, and gives the same figures.

`version_before` holds that version's functions, views and derivations; migrations are those up to its last.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from aggregations.definitions.funnels import FUNNEL
from aggregations.query.answer import answer, ask
from aggregations.query.model import Query
from aggregations.reports.funnel_steps import FunnelStep
from collector.lifecycle.verify import verify
from sql import definitions
from sql.core.data_dir import DataDir
from sql.schema import closing, migrate, shipped
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
    monkeypatch.setattr(closing, "reopen", lambda *_: None)  # which that version did not know
    yield monkeypatch


@pytest.fixture
def filled(engine, as_before):
    """A database of the version before with traffic, what it said of it, and the version of today."""
    import clickhouse_connect

    from sql.client import PINNED

    how = {"host": "127.0.0.1", "port": engine.port, "username": "footfall", "password": engine.password}
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
    said = {site.site_id: client.query(BY_SOURCE, parameters={"site": site.site_id}).result_rows for site in SITES}
    as_before.undo()
    yield client, said
    client.command("drop database upgraded")
    client.close()


def same(client, said):
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


def test_the_same_figures(filled, tmp_path):
    client, said = filled
    assert sum(count for rows in said.values() for _, _, count, *_ in rows) > 500
    migrate.apply(client)
    assert migrate.pending(client) == []
    migrate.refuse_newer(client)
    same(client, said)
    assert [(each.name, each.body.steps) for each in definitions.every(client, 1, FUNNEL)] == [
        ("buy", ("page_view", "signup:/*")),
        ("odd", ODD),
    ]
    assert verify(client, DataDir(tmp_path), every_row=True).differences == ()
    for table in closing.CLOSED:
        days = closing.due(client, table)
        assert days
        for its in by_month(days).values():
            closing.close(client, table, its)
    same(client, said)
    assert client.command("select uniqExact(visit_id) = count() and count() > 500 from closed_visits") == 1
    assert verify(client, DataDir(tmp_path), every_row=True).differences == ()


def test_interrupted_anywhere_and_carried_on(filled):
    client, said = filled
    for left in range(0, 200, 3):
        try:
            migrate.apply(Cut(client, left))
            break
        except Interrupted:
            continue
    assert left > 20
    assert migrate.pending(client) == []
    same(client, said)

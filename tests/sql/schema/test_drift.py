"""What a database is and what it should be are compared as the engine says them; migrations go back where they can."""

from __future__ import annotations

import datetime as dt

import clickhouse_connect
import pytest

from sql.client import PINNED
from sql.core.errors import SchemaError, UsageError
from sql.schema import blueprint, horizons, migrate, rollback, shipped
from sql.schema.cluster import single
from sql.schema.drift import drift
from sql.schema.migrate import State
from sql.schema.shipped import SchemaKind


@pytest.fixture
def client(engine):
    how = engine.how
    made = clickhouse_connect.get_client(**how, settings=PINNED, autogenerate_session_id=False)
    made.database = None
    made.command("drop database if exists drift_test")
    made.command("create database drift_test")
    made.database = "drift_test"
    migrate.apply(made)
    yield made
    made.command("drop database drift_test")
    made.close()


def told(client):
    return [(each.name, each.why) for each in drift(client)]


def mended(client):
    for each in drift(client):
        for statement in filter(None, each.statement.split(";\n")):
            client.command(statement)


def test_a_current_database_does_not_differ(client):
    before = client.query("show databases").result_rows
    assert drift(client) == []
    assert client.query("show databases").result_rows == before
    assert client.database == "drift_test"


HARMS = {
    "alter table events drop column title": ("events", "column title is missing"),
    "alter table daily_pages modify column path LowCardinality(String)": (
        "daily_pages",
        "column path is LowCardinality",
    ),
    "drop table revisions": ("revisions", "table is missing"),
    "drop view closed_days": ("closed_days", "view is missing"),
    "create or replace view raw_horizons as select 1 as sites": ("raw_horizons", "view differs"),
    "drop view daily_pages_mv": ("daily_pages_mv", "materialized view is missing"),
}
OF_FUNCTIONS = {
    "create or replace function is_bounce as (a, b) -> a = 2": ("is_bounce", "function differs"),
    "drop function local_hour": ("local_hour", "function is missing"),
}


@pytest.mark.parametrize("harms", [HARMS, OF_FUNCTIONS], ids=["tables and views", "functions"])
def test_differences_are_named_and_their_statements_mend_them(client, harms):
    for harm in harms:
        client.command(harm)
    found = told(client)
    assert [next((why for its, why in found if its == name), "") for name, _ in harms.values()] == [
        next((why for its, why in found if its == name and why.startswith(says)), says) for name, says in harms.values()
    ]
    assert len(found) == len(harms)
    mended(client)
    assert drift(client) == []


def test_what_is_not_of_this_version_is_left_to_a_person(client):
    client.command("create table notes (x UInt8) engine = Memory")
    client.command("alter table sites add column colour String")
    found = drift(client)
    assert [(each.name, each.why, each.statement) for each in found] == [
        ("notes", "table is not one of this version", ""),
        ("sites", "column colour is not one of this version", ""),
    ]


def test_steps_that_are_pending_are_told(client):
    migrate.done(client, "0013_closing", SchemaKind.MIGRATION, migrate.GONE)
    assert told(client) == [("0013_closing", "migration is pending")]


def test_migrations_are_taken_back_and_applied_again(client):
    taken = rollback.plan(client, "0020")
    assert [step.name for step in taken] == sorted((step.name for step in taken), reverse=True)
    assert "0021_horizons" in [step.name for step in taken]
    for step in taken:
        rollback.take_back(client, step)
        rollback.take_back(client, step)
    states = {step.name: step.state for step in migrate.steps(client)}
    assert states["0021_horizons"] is states["raw_horizons"] is State.PENDING
    assert "horizons" not in blueprint.standing(client)
    migrate.apply(client)
    assert drift(client) == []


def test_what_would_lose_data_is_not_taken_back(client):
    horizons.move(client, 1, "events", dt.date(2026, 1, 1))
    [step] = [each for each in rollback.plan(client, "0020") if each.name == "0021_horizons"]
    with pytest.raises(Exception, match="retention has removed raw events"):
        rollback.take_back(client, step)
    assert drift(client) == []


@pytest.mark.parametrize(
    ("to", "error", "says"),
    [("0010", SchemaError, "cannot be taken back"), ("nope", UsageError, "not the number of a migration")],
)
def test_what_cannot_be_taken_back(client, to, error, says):
    with pytest.raises(error, match=says):
        rollback.plan(client, to)


def test_a_way_back_belongs_to_a_migration():
    names = set(shipped.names(SchemaKind.MIGRATION))
    assert {name for name in names if shipped.down(name)} >= {"0021_horizons", "0022_backfill"}


def test_the_export_makes_the_same_database(client):
    with blueprint.built(client) as made:
        statements = list(single(made, blueprint.shipped_functions(client)))
    client.command("create database drift_export")
    client.database = "drift_export"
    try:
        for statement in statements:
            if not statement.startswith("CREATE FUNCTION"):
                client.command(statement)
        assert [(name, why) for name, why in told(client) if "is pending" not in why] == []
    finally:
        client.database = "drift_test"
        client.command("drop database drift_export")

"""SQL of the operator's own."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

from aggregations.query.console import run
from sql.core.errors import EngineRefused, UsageError


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1", 1),
        ("'it''s; --'", "it's; --"),
        ("toDateTime('2026-01-02 03:04:05', 'UTC')", dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)),
        ("toDate('2026-01-02')", dt.date(2026, 1, 2)),
        ("toNullable(toIPv4('192.0.2.1'))", "192.0.2.1"),
        ("toIPv6('2001:db8::1')", "2001:db8::1"),
        ("cast('b', 'Enum8(\\'a\\' = -1, \\'b\\' = 2)')", "b"),
        ("toUUID('00000000-0000-0000-0000-00000000002a')", "00000000-0000-0000-0000-00000000002a"),
        ("toInt128('-170141183460469231731687303715884105728')", "-170141183460469231731687303715884105728"),
        ("toFixedString('ab', 4)", "ab"),
        ("unhex('61FF62')", "a\ufffdb"),
        ("toUInt64(18446744073709551615)", 2**64 - 1),
        ("[1, 2]", [1, 2]),
        ("toUInt32(7)", 7),
        ("toLowCardinality('x')", "x"),
    ],
)
def test_types_come_back_as_what_they_are(world, expression, expected):
    got = run(world.client, f"-- a comment\nselect {expression} as x;")
    assert got["x"].to_list() == [expected]


def test_a_column_of_nothing(embedded, world):
    """Of the embedded engine: ClickHouse 25.8 has no Arrow type for it."""
    assert run(world.client, "select null as x")["x"].to_list() == [None]


def test_local_times_keep_their_zone(world):
    got = run(world.client, "select toDateTime(0, 'Asia/Kolkata') as x")
    assert got.schema["x"] == pl.Datetime("ms", "Asia/Kolkata")
    assert str(got["x"][0]) == "1970-01-01 05:30:00+05:30"


def test_statements_without_rows_and_own_formats(world):
    assert run(world.client, "create table if not exists scratch (a Int8) engine = Memory") is None
    assert run(world.client, "drop table scratch") is None
    assert run(world.client, "select 1 as a format CSVWithNames") == b'"a"\n1\n'
    assert run(world.client, "select 1 as a where 0").rows() == []


def test_columns_of_the_same_name_are_told_apart(world):
    got = run(world.client, "select 1, toIPv4('192.0.2.1') as x, 1, 1")
    assert (got.columns, got.row(0)) == (["1", "x", "1_2", "1_3"], (1, "192.0.2.1", 1, 1))


@pytest.mark.parametrize("sql", ["show create table sites", "explain select 1", "describe sites", "exists table sites"])
def test_what_is_no_select_answers_too(world, sql):
    assert run(world.client, sql).height > 0


@pytest.mark.parametrize("sql", ["", " ; ", "\n"])
def test_nothing_to_run(world, sql):
    with pytest.raises(UsageError, match="no SQL"):
        run(world.client, sql)


@pytest.mark.parametrize(
    ("sql", "says"),
    [("selec 1", "Syntax error"), ("select x from nowhere", "nowhere"), ("select 1 + 'a'", "argument")],
)
def test_the_engines_own_line(world, sql, says):
    with pytest.raises(EngineRefused, match=says) as caught:
        run(world.client, sql)
    assert "\n" not in caught.value.message
    assert "Expected one of" not in caught.value.message

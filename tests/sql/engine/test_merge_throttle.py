"""Merges of events wait while large inserts follow each other, and for nothing else."""

from __future__ import annotations

import time

import clickhouse_connect
import pyarrow as pa
import pytest

from sql.engine import merge_throttle
from sql.engine.merge_throttle import HOLD_SECONDS, LARGE, Merges


@pytest.fixture
def client(engine):
    made = clickhouse_connect.get_client(
        host="127.0.0.1", port=engine.port, username="footfall", password=engine.password, autogenerate_session_id=False
    )
    for table in ("events", "others"):
        made.command(f"create or replace table {table} (n UInt64) engine = MergeTree order by n")
    yield made
    for table in ("events", "others"):
        made.command(f"drop table {table}")
    made.close()


def insert(client, table: str, rows: int) -> None:
    client.insert_arrow(table, pa.table({"n": pa.array(range(rows), pa.uint64())}))


def parts(client, table: str) -> int:
    asked = "select count() from system.parts where active and database = currentDatabase() and table = {table:String}"
    return client.command(asked, parameters={"table": table})


def await_merge(client, seconds: float) -> None:
    """Wait until parts of events have become one."""
    deadline = time.monotonic() + seconds
    while parts(client, "events") >= 20:
        assert time.monotonic() < deadline, "nothing was merged"
        time.sleep(0.02)


def test_they_wait_for_large_inserts_and_go_on_by_themselves(client):
    for _ in range(20):
        insert(client, "events", LARGE)
    assert parts(client, "events") == 20
    await_merge(client, HOLD_SECONDS + 20)


def test_small_inserts_and_other_tables_do_not_stop_them(client):
    for _ in range(20):
        insert(client, "events", 10)
    insert(client, "others", LARGE)
    await_merge(client, HOLD_SECONDS * 0.8)


def test_mutations_do_not_wait(client):
    for _ in range(3):
        insert(client, "events", LARGE)
    client.command("alter table events delete where n = 1", settings={"mutations_sync": 1, "max_execution_time": 10})
    assert client.command("select count() from events where n = 1") == 0


class Recording:
    """An engine that says how often it was asked, and fails at the statements that are named."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.failing: list[str] = []

    def query(self, statement: str, fmt: str) -> Recording:
        self.said.append(statement.split("\n")[0])
        if any(name in statement for name in self.failing):
            raise RuntimeError("out of memory")
        return self

    def bytes(self) -> bytes:
        return b"5"

    def close(self) -> None:
        """Nothing to do."""


def test_an_insert_that_is_stored_never_fails_for_their_sake():
    engine = Recording()
    engine.failing = ["system"]
    Merges(lambda: engine).inserted(LARGE)
    assert engine.said


def test_where_they_cannot_go_on_it_is_tried_again(monkeypatch):
    monkeypatch.setattr(merge_throttle, "HOLD_SECONDS", 0.05)
    engine = Recording()
    engine.failing = ["start merges"]
    Merges(lambda: engine).inserted(LARGE)
    deadline = time.monotonic() + 10
    while engine.said.count("system start merges events") < 2:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    engine.failing = []
    seen = len(engine.said)
    while len(engine.said) == seen:
        assert time.monotonic() < deadline
        time.sleep(0.01)

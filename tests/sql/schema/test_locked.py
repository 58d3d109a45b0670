"""Whoever has a lock on what is stored finds nothing half done by a holder that was killed."""

from __future__ import annotations

import threading

import clickhouse_connect
import pytest

from sql.client import PINNED
from sql.core.errors import EngineBusy
from sql.core.files import OwnedLock
from sql.core.queries import query
from sql.schema.locked import locked

SLOW = "insert into slow select number + sleepEachRow(0.05) from numbers(20) settings max_block_size = 1"


@pytest.fixture(scope="module")
def connect(engine):
    """``connect()``: a client on a database of its own."""

    def made():
        client = clickhouse_connect.get_client(**engine.how, settings=PINNED, autogenerate_session_id=False)
        client.command("create database if not exists locked_test")
        client.database = "locked_test"
        return client

    client = made()
    client.command("create table slow (n UInt64) engine = MergeTree order by n")
    return made


@pytest.fixture
def running(connect):
    """A client next to a statement that takes a second."""
    client = connect()
    client.command("truncate table slow")
    thread = threading.Thread(target=lambda: connect().command(SLOW))
    thread.start()
    while not writing(client):
        pass
    yield client
    thread.join()


@pytest.fixture
def lock(tmp_path):
    return OwnedLock(tmp_path / "lock", "test")


def writing(client):
    return client.command(query("engine/writing"), parameters={"tables": []})


def dead(lock):
    """What a holder that was killed leaves."""
    lock.path.write_text("4711 footfall backfill\n")


def test_the_statement_of_a_dead_holder_is_waited_for(running, lock):
    dead(lock)
    with locked(running, lock, 30, "in use by {}"):
        assert running.command("select count() from slow") == 20


def test_nothing_is_waited_for_where_the_holder_let_go(running, lock):
    with locked(running, lock, 30, "in use by {}"):
        assert writing(running) == 1


def test_who_gives_up_waiting_leaves_it_to_the_next(running, lock):
    dead(lock)
    with pytest.raises(EngineBusy, match="still running"), locked(running, lock, 0.1, "in use by {}"):
        pass
    assert lock.is_free()
    with locked(running, lock, 30, "in use by {}"):
        assert running.command("select count() from slow") == 20
    with locked(running, lock, 0, "in use by {}"):
        assert not lock.abandoned


def test_a_lock_of_some_tables_does_not_wait_for_statements_about_others(running, tmp_path):
    lock = OwnedLock(tmp_path / "definitions.lock", "test")
    dead(lock)
    with locked(running, lock, 0, "in use by {}"):
        assert writing(running) == 1


@pytest.fixture
def months(connect):
    """A month of ten rows, and a table of five that is to take its place."""
    client = connect()
    for table in ("months", "months_rebuild"):
        client.command(f"drop table if exists {table} sync")
        client.command(
            f"create table {table} (d Date, n UInt64) engine = MergeTree partition by toYYYYMM(d) order by n"
        )
    client.command("insert into months select '2026-10-01', number from numbers(10)")
    client.command("insert into months_rebuild select '2026-10-01', 100 + number from numbers(5)")
    client.command("rename table months_rebuild to months_swap_202610_rebuild")
    return client


@pytest.mark.parametrize("came", ["nothing", "both", "all of it", "nothing is to be left"])
def test_a_month_that_was_being_swapped_in_is(months, lock, came):
    """Whatever an engine that was killed had done of it."""
    ready = "months_swap_202610_rebuild"
    if came == "both":
        months.command(f"alter table months attach partition id '202610' from {ready}")
    elif came == "all of it":
        months.command(f"alter table months replace partition id '202610' from {ready}")
    elif came == "nothing is to be left":
        months.command(f"truncate table {ready}")
    with locked(months, lock, 5, "in use by {}"):
        found = months.query("select n from months order by n").result_columns
        assert (found[0] if found else []) == ([] if came == "nothing is to be left" else [100, 101, 102, 103, 104])
        assert not months.command(f"exists table {ready}")


def test_a_lock_of_other_tables_leaves_it_alone(months, tmp_path):
    with locked(months, OwnedLock(tmp_path / "definitions.lock", "test"), 5, "in use by {}"):
        assert months.command("exists table months_swap_202610_rebuild")
        assert months.command("select count() from months") == 10


def test_one_that_is_held_says_by_whom(connect, lock, tmp_path):
    other = OwnedLock(lock.path, "another")
    assert other.try_acquire()
    with (
        pytest.raises(EngineBusy, match=r"in use by process \d+ \(another\)"),
        locked(connect(), lock, 0, "in use by {}"),
    ):
        pass
    other.release()

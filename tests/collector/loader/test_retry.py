"""A loader that waits for ClickHouse: it goes on when ClickHouse is back, and ends when it is told to."""

from __future__ import annotations

import contextlib
import threading
import time

import pytest

from collector.loader.retry import RetryingClient, Stopped
from sql.core.data_dir import DataDir
from sql.engine.server import alongside

PAUSE = 60.0


@pytest.fixture
def home(tmp_path):
    return DataDir(tmp_path / "data").make()


def waiting(client: RetryingClient, until, caplog):
    """``client`` in a thread, in its pause; what came of it."""
    outcome: list[object] = []

    def ask() -> None:
        try:
            outcome.append(client.do(lambda engine: engine.command("select 1")))
        except Stopped as exc:
            outcome.append(exc)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    until(lambda: "retrying" in caplog.text, what="it waits")
    return thread, outcome


def test_it_goes_on_when_the_engine_is_back(home, until, caplog):
    client = RetryingClient(f"chdb://{home.root}", threading.Event(), PAUSE, PAUSE)
    thread, outcome = waiting(client, until, caplog)
    with alongside(home):
        thread.join(8)
        assert outcome == [1]
        client.close()


@pytest.mark.parametrize("event", ["stop", "finish"])
def test_it_ends_when_it_is_told_to(home, until, caplog, event):
    client = RetryingClient(f"chdb://{home.root}", threading.Event(), PAUSE, PAUSE)
    thread, outcome = waiting(client, until, caplog)
    began = time.monotonic()
    getattr(client, event).set()
    thread.join(5)
    assert [type(each) for each in outcome] == [Stopped]
    assert time.monotonic() - began < 3


@pytest.mark.parametrize(
    ("statement", "bound"),
    [("select no_such_column", {}), ("insert into function null('a String') select {a:String}", {"a": "x" * 70_000})],
    ids=["unknown", "too long for an address"],
)
def test_what_waiting_does_not_cure_is_said(home, until, caplog, statement, bound):
    client = RetryingClient(f"chdb://{home.root}", threading.Event(), PAUSE / 1000, PAUSE)
    with alongside(home):
        ask = threading.Thread(target=_swallow, args=(client, statement, bound))
        ask.start()
        until(lambda: "retrying alone will not help" in caplog.text, what="it says so")
        until(lambda: "retrying in about 60.0 s" in caplog.text, what="it tries all the same, but seldom")
        client.finish.set()
        ask.join(10)
    assert not ask.is_alive()


def _swallow(client: RetryingClient, statement: str, bound: dict[str, str]) -> None:
    with contextlib.suppress(Stopped):
        client.do(lambda engine: engine.command(statement, parameters=bound))

"""A loader that waits for ClickHouse: it goes on when ClickHouse is back, and ends when it is told to."""

from __future__ import annotations

import threading
import time

import pytest

from collector.patience import PatientClient, Stopped
from sql.engine import alongside
from sql.home import Home

PAUSE = 60.0


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "data").make()


def waiting(client: PatientClient, until, caplog):
    """``client`` in a thread, in its pause; what came of it."""
    outcome: list[object] = []

    def ask() -> None:
        try:
            outcome.append(client.do(lambda engine: engine.command("select 1")))
        except Stopped as exc:
            outcome.append(exc)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    until(lambda: "trying again" in caplog.text, what="it waits")
    return thread, outcome


def test_it_goes_on_when_the_engine_is_back(home, until, caplog):
    client = PatientClient(f"chdb://{home.root}", threading.Event(), PAUSE, PAUSE)
    thread, outcome = waiting(client, until, caplog)
    with alongside(home):
        thread.join(8)
        assert outcome == [1]
        client.close()


@pytest.mark.parametrize("event", ["stop", "finish"])
def test_it_ends_when_it_is_told_to(home, until, caplog, event):
    client = PatientClient(f"chdb://{home.root}", threading.Event(), PAUSE, PAUSE)
    thread, outcome = waiting(client, until, caplog)
    began = time.monotonic()
    getattr(client, event).set()
    thread.join(5)
    assert [type(each) for each in outcome] == [Stopped]
    assert time.monotonic() - began < 3

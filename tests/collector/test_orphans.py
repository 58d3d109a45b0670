"""`serve` killed at any moment: what it started ends too, and the next one comes up."""

from __future__ import annotations

import time

import pytest

# Seconds after the start of `serve`: while it imports, while children start, while all run.
MOMENTS = (0.05, 0.5, 1.0, 1.5, 2.0, 2.5, 3.5)
# How soon whatever is left must have ended. A worker looks once a second for its parent.
GONE_SECONDS = 8.0


def gone(footfall, until) -> None:
    until(lambda: not footfall.everything(), GONE_SECONDS, "nothing is left")


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_killed_serve_leaves_nobody_behind(still, until, moment):
    still.launch()
    time.sleep(moment)  # the moment is what is tested
    still.kill_serve()
    gone(still, until)


@pytest.mark.parametrize("role", ["engine", "loader", "collector", "worker"])
def test_a_child_that_has_just_begun_ends_with_serve(still, until, role):
    """The moment that is easily missed: the child has not asked yet to be told."""
    for later in (0.0, 0.03, 0.1):
        still.launch()
        while not still.pids(role):
            assert still.process.poll() is None
            time.sleep(0.001)  # it leaves the processor to what is to begin
        time.sleep(later)
        still.kill_serve()
        gone(still, until)


def test_the_next_serve_comes_up_at_once(still, until):
    """Without a pause between kill and start: it has to wait for those whom the one before left."""
    still.start()
    for moment in (0.0, 0.4, 0.9, 1.3, 1.8, 2.4, 3.2):
        time.sleep(moment)
        still.kill_serve()
        still.launch()
    until(lambda: still.pids("loader") and still.pids("engine") and still.pids("worker"), 90, "all of the last one run")
    until(still.answers, what="the collector answers")
    assert still.process.poll() is None
    assert still.post([{"name": "page_view", "url": "https://shop.example/"}]) == 202
    until(lambda: still.account().totals.stored == 1, 90, "the event is loaded")
    still.stop()
    assert still.everything() == []


def test_a_collector_that_is_stopped_in_its_first_second_ends_at_once(alone):
    for moment in (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2, 1.5):
        collector = alone()
        collector.launch()
        time.sleep(moment)
        began = time.monotonic()
        collector.process.terminate()
        collector.process.wait(30)
        assert time.monotonic() - began < 4, moment

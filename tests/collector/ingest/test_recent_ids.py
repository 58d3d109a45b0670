"""Ids of late: known while they are remembered, the oldest forgotten first."""

from __future__ import annotations

import time

from collector.event.model import SpooledEvent
from collector.ingest.recent_ids import RecentIds


def ids(*numbers, known=True):
    return [SpooledEvent(event_id=n.to_bytes(16, "big"), known=known) for n in numbers]


def test_remembered_and_forgotten():
    recent = RecentIds(room=6)
    recent.add(1, ids(*range(7)))
    held = [n for n in range(9) if recent.holds(1, n.to_bytes(16, "big"))]
    assert held == [3, 4, 5, 6]
    recent.add(1, ids(*range(7, 100)))
    held = [n for n in range(100) if recent.holds(1, n.to_bytes(16, "big"))]
    assert held == list(range(100 - len(held), 100))
    assert 3 <= len(held) <= 6


def test_forgetting_costs_no_more_than_remembering():
    """The oldest of 50,000 was found in 20 us, by a walk over what had been forgotten before."""

    def seconds(first: int) -> float:
        began = time.process_time()
        for start in range(first, first + 50_000, 50):
            recent.add(1, ids(*range(start, start + 50)))
        return time.process_time() - began

    recent = RecentIds()
    filling = min(seconds(0), seconds(0))
    assert min(seconds(n * 50_000) for n in range(1, 4)) < 3 * filling


def test_ids_are_of_their_site_and_given_by_clients():
    recent = RecentIds()
    recent.add(1, ids(1))
    recent.add(1, ids(2, known=False))
    assert not recent.holds(2, (1).to_bytes(16, "big"))
    assert not recent.holds(1, (2).to_bytes(16, "big"))

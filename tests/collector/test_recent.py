"""Ids of late: known while they are remembered, the oldest forgotten first."""

from __future__ import annotations

from collector.model import SpooledEvent
from collector.recent import RecentIds


def ids(*numbers, known=True):
    return [SpooledEvent(event_id=n.to_bytes(16, "big"), known=known) for n in numbers]


def test_remembered_and_forgotten():
    recent = RecentIds(room=3)
    recent.add(1, ids(1, 2, 3, 4))
    assert [n for n in range(6) if recent.holds(1, n.to_bytes(16, "big"))] == [2, 3, 4]
    recent.add(1, ids(2, 9))
    assert [n for n in range(10) if recent.holds(1, n.to_bytes(16, "big"))] == [3, 4, 9]


def test_ids_are_of_their_site_and_given_by_clients():
    recent = RecentIds()
    recent.add(1, ids(1))
    recent.add(1, ids(2, known=False))
    assert not recent.holds(2, (1).to_bytes(16, "big"))
    assert not recent.holds(1, (2).to_bytes(16, "big"))

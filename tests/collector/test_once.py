"""The same events sent again and again: counted once within the window, and as documented beyond it."""

from __future__ import annotations

import threading
import time
import uuid

import pytest

from collector.lifecycle.ledger import take
from collector.loader.loader import Loader, LoaderOptions


def test_one_batch_five_times_by_two_clients_across_segments_and_a_restart(footfall, until, agree):
    now = int(time.time() * 1000)
    events = [
        {
            "name": "page_view" if n % 5 else "purchase",
            "event_id": str(uuid.UUID(int=n + 1)),
            "url": f"https://shop.example/{n % 9}",
            "timestamp": now - n * 10_000,
        }
        for n in range(300)
    ]
    answers = []

    def post():
        answers.append(footfall.post(events))

    clients = [threading.Thread(target=post) for _ in range(2)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    until(lambda: footfall.account().pending == 0, what="another segment")
    post()
    footfall.stop()
    footfall.start()
    post()
    until(lambda: footfall.account().pending == 0, what="another segment")
    post()
    assert answers == [202] * 5
    until(lambda: footfall.account().pending == 0, what="all is loaded")
    account = footfall.account()
    # What a worker knows for a duplicate it does not spool; what it does not know, the loader drops.
    assert account.totals.stored == 300
    assert account.accepted == 300 + account.totals.duplicate >= 600
    assert account.missing == 0
    with footfall.client() as client:
        assert client.query("select count(), uniqExact(event_id) from events").first_row == (300, 300)
        agree(client)


@pytest.mark.parametrize(
    ("days", "apart", "stored"), [(2, 2, 1), (2, 3, 2), (7, 7, 1), (7, 8, 2), (1, 1, 1), (90, 80, 1)]
)
def test_the_edge_of_the_window(house, event, days, apart, stored):
    """An id again, dated so many days later."""
    options = LoaderOptions(idempotency_days=days)
    for minutes in (-apart * 1440, 0):
        house.put([event(1, minutes + 720)])
        with Loader(house.home, house.url, options) as loader:
            loader.drain()
    totals = take(house.home).totals
    assert (totals.stored, totals.duplicate) == (stored, 2 - stored)


def test_an_event_as_it_was_is_known_however_late_it_comes(house, event):
    """Its own date decides, not the day of its arrival."""
    options = LoaderOptions(idempotency_days=1)
    for _ in range(2):
        house.put([event(n, -60 * 1440) for n in range(5)])
        with Loader(house.home, house.url, options) as loader:
            loader.drain()
    assert take(house.home).totals.duplicate == 5

"""Every figure of every report over two shards is what plain Python makes of all raw events."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregations.query.filters import Filter
from aggregations.query.periods import Period
from sql.client import opened
from tests.aggregations import stored_visits
from tests.aggregations.conftest import Written
from tests.aggregations.histories import History, batches_of, histories
from tests.aggregations.questions import BY_FIRST_EVENT, disagreements
from tests.aggregations.test_equality import OTHERS, override
from tests.aggregations.write_path import Request, WritePath
from tests.cluster import engine, made
from tests.oracle.oracle import Oracle

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def house(tmp_path_factory, loopback):
    """What writes sites and definitions, the write path of each shard, and a client that reads all of them."""
    folder = tmp_path_factory.mktemp("cluster")
    with engine(folder) as (home, endpoint), ExitStack() as stack:
        cluster = made(f"http://footfall:{endpoint.password}@127.0.0.1:{loopback(home.engine_socket)}")
        clients = [stack.enter_context(opened(url)) for url in (cluster.written, *cluster.shards, cluster.all)]
        written, *shards, reader = clients
        paths = [WritePath(client, tmp_path_factory.mktemp("lane")) for client in shards]
        yield Written(written, path=WritePath(written, folder)), paths, reader


def lane(requests: list[Request], number: int) -> list[Request]:
    """What the loader of a lane gets: all events of some visitors."""
    its = [
        Request(each.site, each.received_at, [event for event in each.events if event.visitor % 2 == number])
        for each in requests
    ]
    return [each for each in its if each.events]


@pytest.mark.timeout(900)
@settings(deadline=None, max_examples=3)
@given(histories, st.sampled_from(BY_FIRST_EVENT), st.booleans(), st.floats(0, 1), st.sampled_from([(0,), (0, 1)]))
def test_small_histories(house, history: History, one: str, bots: bool, at: float, closing: tuple[int, ...]):
    written, paths, reader = house
    sites = [written.site(zone) for zone in history.zones]
    batches = batches_of(history, sites)
    cut = round(at * len(batches))
    for its in (batches[:cut], batches[cut:]):
        for number, path in enumerate(paths):
            path.load(sites, [part for batch in its if (part := lane(batch, number))])
        for number in closing if its is not batches[cut:] else ():
            paths[number].close(sites, history.last)
    for which, site in enumerate(sites):
        events = WritePath.stored(WritePath(reader, written.path.folder), site)
        assert len(events) == sum(1 for sent in history.sent if sent.site == which)
        wanted = history.overrides if which == 0 else []
        numbers = [override(written, site, number, **its) for number, its in enumerate(wanted)]
        oracle = Oracle(events, site.timezone, numbers)
        assert stored_visits.stored(reader, site) == stored_visits.true(oracle)
        period = Period(history.first, history.last, site.timezone)
        names = [*OTHERS, one] if which == 0 else ["overview", "events"]
        assert disagreements(reader, site, oracle, period, Filter(bots), names) == []

"""Events of one millisecond: their order is that of their arrival, in every report and after every rebuild."""

from __future__ import annotations

import datetime as dt
import os

import pytest

from aggregations.query.model import Query
from aggregations.query.periods import Period
from aggregations.query.sites import SiteRow
from aggregations.reports.funnel import Funnel
from aggregations.reports.funnel_steps import FunnelStep
from aggregations.reports.ranked import RANKED
from aggregations.reports.reached import report
from collector.event.model import SpooledEvent
from collector.imports.run import Import
from collector.loader import insert
from collector.loader.batches import from_stream, to_stream
from collector.loader.loader import Loader
from collector.spool.lines import encode
from sql.schema import rebuild

SITE = SiteRow(1, "shop.example", "Europe/Paris")
AT = int(dt.datetime(2026, 11, 3, 12, tzinfo=dt.UTC).timestamp() * 1000)
PERIOD = Period(dt.date(2026, 11, 1), dt.date(2026, 11, 30), SITE.timezone)
VISITS = 40
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"
PATHS = ("/landing?utm_source=newsletter", "/product", "/checkout")


def visit(visitor: int, paths: tuple[str, ...] = PATHS) -> list[SpooledEvent]:
    """Page views of one millisecond, in the order in which the browser sent them."""
    return [
        SpooledEvent(
            os.urandom(16), True, visitor, 0, AT, "page_view", False, f"https://shop.example{path}", user_agent=FIREFOX
        )
        for path in paths
    ]


def figures(client, raw: bool) -> dict[str, object]:
    """What depends on the order."""
    entries = RANKED["entry-pages"].rows(client, SITE, PERIOD, raw=raw)
    exits = RANKED["exit-pages"].rows(client, SITE, PERIOD, raw=raw)
    came = RANKED["sources"].rows(client, SITE, PERIOD, raw=raw)
    return {
        "entries": dict(entries.select("page", "visits").iter_rows()),
        "exits": dict(exits.select("page", "exits").iter_rows()),
        "sources": dict(came.select("source", "visits").iter_rows()),
    }


TRUTH = {"entries": {"/landing": VISITS}, "exits": {"/checkout": VISITS}, "sources": {"Newsletter": VISITS}}


@pytest.mark.parametrize(
    "arrive",
    [
        pytest.param(lambda events: [(AT, events)], id="one request"),
        pytest.param(lambda events: [(AT + n, [event]) for n, event in enumerate(events)], id="one request each"),
        pytest.param(
            lambda events: [(AT + n, [event]) for n, event in reversed(list(enumerate(events)))],
            id="spooled in another order, by another worker",
        ),
    ],
)
def test_events_of_one_millisecond_keep_the_order_of_arrival(house, agree, arrive):
    requests = [request for visitor in range(1, VISITS + 1) for request in arrive(visit(visitor))]
    house.put_lines(*(encode(1, received_at, events) for received_at, events in requests))
    with Loader(house.home, house.url) as loader, house.client() as client:
        loader.drain()
        assert figures(client, raw=False) == TRUTH
        assert figures(client, raw=True) == TRUTH
        agree(client)
        rebuild.rebuild_months(client, rebuild.PARTITIONED_BY, rebuild.months(client))
        assert figures(client, raw=False) == TRUTH


def test_a_batch_that_was_left_half_inserted_keeps_it(house, agree):
    """Recovery inserts the rows that are missing: their places are those of the batch, not of the second insert."""
    house.put_lines(*(encode(1, AT, visit(visitor)) for visitor in range(1, VISITS + 1)))
    with Loader(house.home, house.url) as loader:
        gathered = loader._gather_next().result()
        made = loader._prepare(gathered, None)
        loader.journal.intent(made.manifest, "a token of an engine that is gone")
    with house.client() as client:
        half = from_stream(made.data).take(list(range(0, made.manifest.rows, 2)))
        insert._send(client, made.manifest, to_stream(half), "half")
    with Loader(house.home, house.url) as loader, house.client() as client:
        loader.drain()
        assert figures(client, raw=False) == figures(client, raw=True) == TRUTH
        agree(client)


def test_lines_of_one_second_keep_the_order_of_the_file(house):
    """Two lines of each visit lie in different records: 1,000 lines stand between them."""
    lines = [event for path in PATHS[:2] for visitor in range(1, 1_501) for event in visit(visitor, (path,))]
    with Import(house.home, house.url, 1, "test", clock=lambda: AT / 1000) as run:
        run.add(iter(lines))
        run.finish()
    with house.client() as client:
        for raw in (False, True):
            assert figures(client, raw)["entries"] == {"/landing": 1_500}
            assert figures(client, raw)["exits"] == {"/product": 1_500}


def test_a_funnel_follows_it(house):
    house.put_lines(*(encode(1, AT, visit(visitor)) for visitor in range(1, VISITS + 1)))
    house.put_lines(encode(1, AT, visit(1_000, tuple(reversed(PATHS)))))
    with Loader(house.home, house.url) as loader, house.client() as client:
        loader.drain()
        steps = tuple(FunnelStep("page_view", path) for path in ("/landing", "/product", "/checkout"))
        found = report(client, Funnel("checkout", steps), Query(), SITE, PERIOD).rows
        assert found["visitors"].to_list() == [41, 40, 40]

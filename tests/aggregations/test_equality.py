"""Every figure of every report is what plain Python makes of the raw events: small histories, as awkward as they come,
through the real write path, from rollups and from raw events alike."""

from __future__ import annotations

import datetime as dt
import json

import polars as pl
import pytest
from hypothesis import event as note_event
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregations.definitions.overrides import OVERRIDE
from aggregations.query.filters import Filter
from aggregations.query.periods import Period
from aggregations.reports import overview
from aggregations.reports.ranked import RANKED
from cli.report import app
from sql import definitions
from sql.core.data_dir import DataDir
from tests.aggregations import stored_visits
from tests.aggregations.histories import History, batches_of, histories
from tests.aggregations.questions import BY_FIRST_EVENT, QUESTIONS, REPORTS, disagreements
from tests.oracle.detected import Override
from tests.oracle.event import Event
from tests.oracle.oracle import Oracle

# All reports by a field of a visit's first event are one query: of them two are asked each time.
OTHERS = [name for name in QUESTIONS if name not in BY_FIRST_EVENT]


def test_every_report_of_the_command_line_is_asked():
    asked = {command.name or command.callback.__name__ for command in app.registered_commands}
    # Two ask what one likes: test_queries.py. Conversions of affiliates have a test of their own: test_affiliates.py.
    assert asked - {"breakdown", "query", "affiliates"} == set(REPORTS)


@pytest.mark.timeout(900)  # a failing history is made as small as can be, for up to five minutes
@settings(deadline=None, max_examples=8)
@given(histories, st.sampled_from(BY_FIRST_EVENT), st.sampled_from(BY_FIRST_EVENT), st.booleans(), st.floats(0, 1))
def test_small_histories(written, history: History, one: str, other: str, bots: bool, at: float):
    sites = [written.site(zone) for zone in history.zones]
    batches = batches_of(history, sites)
    cut = round(at * len(batches))
    moved = written.path.load(sites, batches[:cut])
    written.path.close(sites, history.last)
    moved += written.path.load(sites, batches[cut:])
    note_event("visits joined" if moved else "no visit joined")
    for which, site in enumerate(sites):
        events = written.path.stored(site)
        assert [(one.event_id, one.visitor, one.at, one.name) for one in sorted(events, key=in_order_of_arrival)] == [
            (int.from_bytes(one.event_id, "big"), one.visitor, one.timestamp, one.name)
            for one in (sent.event for sent in history.sent if sent.site == which)
        ]
        wanted = history.overrides if which == 0 else []
        made = [override(written, site, number, **its) for number, its in enumerate(wanted)]
        oracle = Oracle(events, site.timezone, made)
        assert stored_visits.stored(written.client, site) == stored_visits.true(oracle)
        period = Period(history.first, history.last, site.timezone)
        names = [*OTHERS, one, other] if which == 0 else ["overview", "events"]
        assert disagreements(written.client, site, oracle, period, Filter(bots), names) == []


def in_order_of_arrival(event: Event) -> tuple[int, int]:
    """When it was received, and its place among those that were received with it."""
    return event.received_at, event.place


def override(written, site, number: int, kind: str, **criteria: str) -> Override:
    """A new override, as it is stored and as the oracle has it."""
    name, body = f"no-{number}", OVERRIDE.decode(json.dumps({"kind": kind} | criteria))
    definitions.put(written.client, DataDir(written.path.folder), site.site_id, OVERRIDE, name, body)
    return Override(number, name, kind, criteria)


def test_visitors_beyond_the_exact_size_are_within_the_stated_error(world):
    """Four standard errors of 0.56 % each way, for 240,000 visitors; pageviews and visits stay exact."""
    site = world.site("Europe/Berlin")
    world.client.command(
        "insert into events (site_id, local_date, visitor_id, timestamp, visit_id, visit_start, visit_date, event_id,"
        " name, path) select {site:UInt32}, toDate('2026-11-01') + number % 20, cityHash64(number % 240000),"
        " toDateTime64('2026-11-01 12:00:00', 3, 'UTC') + toIntervalDay(number % 20) as time, number + 1, time,"
        " toDate(time), generateUUIDv4(number), 'page_view', '/' from numbers(480000)",
        parameters={"site": site.site_id},
    )
    period = Period(dt.date(2026, 11, 1), dt.date(2026, 11, 20), site.timezone)
    served = overview.overview(world.client, site, period).row(0, named=True)
    raw = overview.overview(world.client, site, period, raw=True).row(0, named=True)
    assert raw["visitors"] == 240_000
    assert served["visitors"] == pytest.approx(240_000, rel=4 * 0.0056)
    assert (served["visits"], served["pageviews"]) == (raw["visits"], raw["pageviews"]) == (480_000, 480_000)
    page = RANKED["pages"].rows(world.client, site, period)
    assert page.schema == pl.Schema({"page": pl.String, "visitors": pl.UInt64, "pageviews": pl.UInt64})
    assert page["visitors"][0] == pytest.approx(240_000, rel=4 * 0.0056)

"""Visits by the 30-minute rule, whatever the order in which events arrive."""

from __future__ import annotations

import datetime as dt
import time

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.loader.visits import GAP_MS, LIMIT_MS, OPEN_VISITS, assign_visits

MINUTE = 60_000
NONE = pl.DataFrame(schema=OPEN_VISITS)


def events(rows):
    """rows: (visitor, minute[, previous])"""
    full = [(1, row[0], row[2] if len(row) > 2 else 0, round(row[1] * MINUTE)) for row in rows]
    schema = {"site_id": pl.UInt32, "visitor": pl.UInt64, "previous": pl.UInt64, "timestamp": pl.Int64}
    return pl.DataFrame(full, schema=schema, orient="row")


def load(batches):
    """Load batches one after the other as the loader does; {(visitor, minute): visit id} of the end."""
    kept = pl.DataFrame(
        schema={"visitor_id": pl.UInt64, "timestamp": pl.Int64, "visit_id": pl.UInt64, "visit_start": pl.Int64}
    )
    for batch in batches:
        stored = kept.group_by("visitor_id", "visit_id").agg(
            started=pl.col("timestamp").min(), ended=pl.col("timestamp").max()
        )
        stored = stored.with_columns(site_id=pl.lit(1, pl.UInt32), visit_date=pl.lit(dt.date(2026, 1, 1)))
        done = assign_visits(
            events(batch), stored.select(pl.col(name).cast(kind) for name, kind in OPEN_VISITS.items())
        )
        moves = dict(done.visits.select("visit_id", "now_id").iter_rows())
        kept = kept.with_columns(visit_id=pl.col("visit_id").replace(moves))
        kept = pl.concat([kept, done.events.select("visitor_id", "timestamp", "visit_id", "visit_start")])
    return kept


def visits_of(kept):
    grouped = kept.group_by("visit_id").agg(pl.col("timestamp").sort(), pl.col("visitor_id").n_unique())
    assert set(grouped["visitor_id"]) <= {1}
    return sorted([t / MINUTE for t in times] for times in grouped["timestamp"])


def by_the_book(rows):
    """The definition, one event at a time."""
    found, last = [], {}
    for visitor, minute in sorted(rows):
        ms = round(minute * MINUTE)
        run = last.get(visitor)
        if run and ms - run[-1] <= GAP_MS and ms - run[0] <= LIMIT_MS:
            run.append(ms)
        else:
            last[visitor] = run = [ms]
            found.append(run)
    return sorted([t / MINUTE for t in run] for run in found)


@pytest.mark.parametrize(
    ("batches", "expected"),
    [
        pytest.param([[(1, 0), (1, 30), (1, 60)]], [[0, 30, 60]], id="gaps of exactly 30 minutes hold"),
        pytest.param([[(1, 0), (1, 30.001)]], [[0], [30.001]], id="a little more does not"),
        pytest.param([[(1, 0), (2, 1)]], [[0], [1]], id="visitors apart"),
        pytest.param([[(1, 20), (1, 0)]], [[0, 20]], id="out of order within a batch"),
        pytest.param([[(1, 0)], [(1, 25)]], [[0, 25]], id="continued by a later batch"),
        pytest.param([[(1, 25)], [(1, 0)]], [[0, 25]], id="begun by a later batch"),
        pytest.param([[(1, 0), (1, 50)], [(1, 25)]], [[0, 25, 50]], id="two visits joined by a late event"),
        pytest.param([[(1, 0)], [(1, 50)], [(1, 100)], [(1, 25), (1, 75)]], [[0, 25, 50, 75, 100]], id="three joined"),
        pytest.param([[(1, 0), (1, 60)], [(1, 30)]], [[0, 30, 60]], id="joined at both edges"),
        pytest.param([[(1, m) for m in range(0, 1441, 20)]], [list(range(0, 1441, 20))], id="24 hours are one visit"),
        pytest.param(
            [[(1, m) for m in range(0, 1500, 20)]],
            [list(range(0, 1441, 20)), list(range(1460, 1500, 20))],
            id="more than 24 hours are cut",
        ),
    ],
)
def test_visits(batches, expected):
    assert visits_of(load(batches)) == [[float(m) for m in run] for run in expected]


@settings(deadline=None, max_examples=150)
@given(
    st.lists(st.tuples(st.integers(1, 3), st.integers(0, 1200)), min_size=1, max_size=40, unique=True),
    st.data(),
)
def test_any_order_in_any_batches_gives_the_visits_of_the_definition(rows, data):
    shuffled = data.draw(st.permutations(rows))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(rows)), max_size=4)))
    batches = [part for a, b in zip([0, *cuts], [*cuts, len(rows)], strict=True) if (part := shuffled[a:b])]
    assert visits_of(load(batches)) == by_the_book(rows)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(1, 2), st.integers(0, 4000)), min_size=1, max_size=200, unique=True))
def test_long_visits_in_one_batch(rows):
    assert visits_of(load([rows])) == by_the_book(rows)


def test_visit_start_is_the_first_event():
    kept = load([[(1, 10), (1, 20)], [(1, 5)]])
    assert kept.filter(pl.col("timestamp") == 5 * MINUTE)["visit_start"].item() == 5 * MINUTE


@pytest.mark.parametrize(
    ("batches", "visitors"),
    [
        pytest.param([[(1, 0), (2, 20, 1)]], [1, 1], id="open visit goes on under yesterday's hash"),
        pytest.param([[(1, 0), (2, 31, 1)]], [1, 2], id="a closed one does not"),
        pytest.param([[(1, 0)], [(2, 20, 1)]], [1, 1], id="across batches"),
        pytest.param([[(1, 0)], [(2, 20, 1)], [(2, 45, 1)]], [1, 1, 1], id="as long as it stays open"),
        pytest.param([[(1, 0)], [(2, 20, 1)], [(2, 55, 1)]], [1, 1, 2], id="until it closes"),
        pytest.param([[(2, 20, 1)]], [2], id="nobody there yesterday"),
    ],
)
def test_a_visit_survives_midnight(batches, visitors):
    assert load(batches).sort("timestamp")["visitor_id"].to_list() == visitors


@settings(deadline=None, max_examples=150)
@given(
    st.lists(
        st.tuples(st.sampled_from([(1, 9), (2, 1), (3, 2)]), st.integers(0, 300)), min_size=1, max_size=25, unique=True
    )
)
def test_midnight_by_the_book(rows):
    """An event continues yesterday's visit where anything of that visitor lies within the gap."""
    batch = [(visitor, minute, previous) for (visitor, previous), minute in rows]
    known = {}
    for visitor, minute, _ in batch:
        known.setdefault(visitor, []).append(minute)
    expected = {}
    for visitor, minute, previous in sorted(batch, key=lambda row: row[1]):
        continues = any(abs(minute - at) <= 30 for at in known.get(previous, ()))
        if continues:
            known[previous].append(minute)
        expected[visitor, minute] = previous if continues else visitor
    done = assign_visits(events(batch), NONE).events
    found = zip(done["visitor"], done["timestamp"] // MINUTE, done["visitor_id"], strict=True)
    assert {(visitor, minute): who for visitor, minute, who in found} == expected


def test_midnight_costs_no_more_than_the_events():
    """One visitor with thousands of events on both sides of midnight: each was held against all of yesterday's."""

    def seconds(count):
        batch = [(1, -40 - n / 1000) for n in range(count)] + [(2, n / 1000, 1) for n in range(count)]
        took = []
        for _ in range(3):
            began = time.process_time()
            done = assign_visits(events(batch), NONE)
            took.append(time.process_time() - began)
        assert set(done.events["visitor_id"]) == {1, 2}
        return min(took)

    assert seconds(32_000) < 10 * seconds(4_000)


def test_same_batch_gives_the_same_ids():
    batch = [(1, 0), (1, 50), (2, 3)]
    assert load([batch])["visit_id"].to_list() == load([batch])["visit_id"].to_list()


def test_empty_batch():
    assert assign_visits(events([]), NONE).events.height == 0

"""Which days older rules and lists have derived, against an account in plain Python."""

from __future__ import annotations

import datetime as dt
import itertools
import random

import pytest

from sql.schema import closing, derived_by
from tests.aggregations.conftest import database

FIRST = dt.date(2026, 1, 30)
DAYS = [FIRST + dt.timedelta(days=at) for at in range(5)]
VERSIONS = ["2025-01-01 aaaa", "2025-06-01 bbbb", "2026-01-01 bbbb", "2026-01-02 cccc"]


@pytest.fixture(scope="module")
def client(engine):
    with database(engine, "derived_by_test") as made:
        made.command("insert into sites (site_id, domain, updated_at) select number, 'a', now() from numbers(1, 2)")
        yield made
        made.command("drop database derived_by_test")


@pytest.mark.parametrize("seed", range(6))
def test_random_histories(client, seed, monkeypatch):
    chance = random.Random(seed)
    for table in ("revisions", "derived_by"):
        client.command(f"truncate table {table}")
    moments = (dt.datetime(2026, 2, 10, tzinfo=dt.UTC) + dt.timedelta(seconds=at) for at in itertools.count())
    monkeypatch.setattr(derived_by, "_now", lambda: next(moments))
    alive: dict[tuple[int, dt.date], set[str]] = {}
    for step in range(40):
        day, site, text = chance.choice(DAYS), chance.choice([1, 2]), chance.choice(VERSIONS)
        whole = chance.random() < 0.3
        days = [(site, other) for other in DAYS if other <= day] if whole else [(site, day)]
        if not whole:
            closing.revise(client, step + 1, days)
            alive.setdefault((site, day), set())
        if whole or chance.random() < 0.9:  # a version that did not write it down loads, too
            derived_by.record(client, {"channels": text, "bots": "2020-01-01 same"}, days, whole=whole)
            for key in days:
                alive[key] = {text} | (set() if whole else alive.get(key, set()))
    known = {row[0:2] for row in client.query("select site_id, day from revisions final").result_rows}
    for now in VERSIONS:
        old = sorted(key for key in known if {hashed(text) for text in alive[key]} != {hashed(now)})
        found = derived_by.outdated(client, {"channels": now, "bots": "2021-01-01 same"}, [1, 2], DAYS[0], DAYS[-1])
        told = {
            each.month: (each.first, each.last, each.days, each.oldest)
            for each in found
            if each.derivation == "channels"
        }
        expected = {}
        for month in sorted({year_month(day) for _, day in old}):
            its = [key for key in old if year_month(key[1]) == month]
            days = [day for _, day in its]
            expected[month] = (min(days), max(days), len(its), min(min(alive[key], default="") for key in its))
        assert told == expected


def hashed(text):
    return text.split(" ")[1]


def year_month(day):
    return day.year * 100 + day.month


def test_only_the_sites_and_days_that_are_asked_for(client):
    for table in ("revisions", "derived_by"):
        client.command(f"truncate table {table}")
    closing.revise(client, 1, [(site, day) for site in (1, 2) for day in DAYS])
    derived_by.record(client, {"bots": VERSIONS[0]}, [(1, day) for day in DAYS], whole=True)
    assert derived_by.outdated(client, {"bots": VERSIONS[0]}, [1], DAYS[0], DAYS[-1]) == []
    [found] = derived_by.outdated(client, {"bots": VERSIONS[0]}, [1, 2], DAYS[2], DAYS[3])
    assert (found.first, found.last, found.days, found.oldest) == (DAYS[2], DAYS[3], 2, "")
    client.command("insert into horizons (site_id, what, since) values (2, 'events', '2026-02-03')")
    [found] = derived_by.outdated(client, {"bots": VERSIONS[0]}, [1, 2], DAYS[0], DAYS[-1])
    assert (found.first, found.days) == (DAYS[4], 1)  # nothing can be derived again before it

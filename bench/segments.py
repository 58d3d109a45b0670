"""``python -m bench.segments``: refreshing 200 segments over generated events, and reports with and without one.

Ten million events of one site over 18 months (--events for another number), those of ``bench.reports``. The segments
ask for counts, sequences, absence, revenue, first visits and each other.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import sys
import time
from typing import Any

import msgspec

from aggregations.query import members
from aggregations.query.answer import answer, ask
from aggregations.query.model import Query
from aggregations.query.periods import Period
from aggregations.query.sites import SiteRow, find
from aggregations.reports.overview import FIGURES
from aggregations.reports.ranked import RANKED
from aggregations.segments import evaluate, refresh
from aggregations.segments.definition import SEGMENT, Segment
from bench.reports import DAYS, FIRST, best, shop
from sql import definitions

KINDS = (
    "did(page=/page/{n}) >= 2 last 90d",
    "did(page=/page/{n}) >= 2 in 14d then did_not(event=purchase) in 7d",
    "did(page=/page/{n}) then did(event=purchase) in 1d",
    "revenue > {n} last 365d and last.channel=Email",
    "first.source=Google and visits >= {m} and did_not(page=/page/{n}) last 30d",
    "first_seen >= 2026-01 and (did(event=signup) last {n}d or days >= {m})",
    "did(country=DE|FR) >= {m} and not segment=s0",
    "did(event=purchase and country=DE) last {n}d",
)


def segments(count: int) -> dict[str, Segment]:
    """Segments by name."""
    return {f"s{at}": Segment(KINDS[at % len(KINDS)].format(n=1 + at, m=2 + at % 5)) for at in range(count)}


def main(arguments: list[str]) -> None:
    """Generate, refresh twice, and compare reports."""
    parser = argparse.ArgumentParser(prog="python -m bench.segments")
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--segments", type=int, default=200)
    asked = parser.parse_args(arguments)
    last = FIRST + dt.timedelta(days=DAYS - 1)
    with shop(asked.events) as (client, home):
        site = find(client)
        for name, body in segments(asked.segments).items():
            definitions.put(client, home, site.site_id, SEGMENT, name, body)
        for day in (last - dt.timedelta(days=1), last):
            now = dt.datetime.combine(day, dt.time(), dt.UTC)
            started = time.perf_counter()
            found = refresh.refresh(client, home, evaluate.population(client, site, now))
            seconds = time.perf_counter() - started
            changes = sum(each.entered + each.left for each in found)
            members_of = sum(each.members for each in found)
            print(f"{len(found)} segments as of {day}: {seconds:.1f} s, {members_of:,} members, {changes:,} changes")
        reports(client, site, found, Period(FIRST, last, site.timezone))
        condition = evaluate.population(client, site).segments["s1"]
        for how, sample in {"exact": None, "estimated": evaluate.ESTIMATED_OF}.items():
            took = best(lambda of=sample: evaluate.size(client, evaluate.population(client, site), condition, of))
            print(f"size of s1, {how}: {took:.3f} s")


def reports(client: Any, site: SiteRow, found: list[refresh.Refreshed], period: Period) -> None:
    """Reports without a segment, and of the members of a middling and of the largest one."""
    by_size = sorted(found, key=lambda each: each.members)
    questions = {"overview": Query(metrics=FIGURES)} | {
        name: RANKED[name].query(limit=10) for name in ("countries", "pages")
    }
    for name, query in questions.items():
        plain = best(lambda query=query: answer(client, ask(client, query, site, period)))
        for its in (by_size[len(found) // 2], by_size[-1]):
            chosen = msgspec.structs.replace(query, segment=members.named(its.segment))
            took = best(lambda query=chosen: answer(client, ask(client, query, site, period)))
            print(f"{name}: {plain:.3f} s, of {its.members:,} visitors {took:.3f} s ({took / plain:.2f})")


if __name__ == "__main__":
    os.environ.pop("FOOTFALL_CONFIG", None)
    main(sys.argv[1:])

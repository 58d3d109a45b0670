"""``python -m bench.affiliates``: what it takes to match a landing page with affiliate URLs.

A million landings with a click id (--landings for another number) on 5,000 pages, all of which match the last
affiliate URL of the site and no other. ``report affiliates`` with 1, 50 and 200 of them, next to counting the click ids
of the same landings.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import sys
import tempfile
from pathlib import Path

from aggregations.definitions.affiliate_urls import WINDOW, Patterns
from aggregations.query.periods import Period
from aggregations.query.sites import find
from aggregations.reports.affiliates import report
from bench.reports import best
from collector.sites.admin import add_site
from sql.client import opened
from sql.core.data_dir import DataDir
from sql.engine.server import alongside
from sql.schema.upgrade import bring_up_to_date

LANDINGS = """
insert into events (
    site_id, local_date, visitor_id, timestamp, received_at, visit_id, visit_start, visit_date, event_id, name,
    hostname, path, query, click_id_kind, click_id
)
with now64(3) - toIntervalSecond(number % 2500000) as time
select
    1, toDate(time), cityHash64(number % 400000), time, time, number + 1, time, toDate(time),
    reinterpret(toUInt128(number + 1), 'UUID'), 'page_view', 'shop.example',
    concat('/landing/', toString(number % 5000)),
    'utm_source=partner&utm_medium=affiliate', 'cjevent', concat('click', toString(number))
from numbers({count:UInt64})
"""
PLAIN = "select uniqExact(click_id) from events where site_id = 1 and not bot and click_id_kind = 'cjevent'"


def patterns(count: int) -> Patterns:
    """Affiliate URLs of which the last matches."""
    of = range(count)
    return Patterns(
        [f"partner{n}" for n in of], ["" for _ in of], [WINDOW for _ in of], ["shop.example" for _ in of],
        [*(f"/landing/of/partner/{n}" for n in of[1:]), "/landing/"], ["cjevent" for _ in of],
        ["&utm_source=partner&" for _ in of],
    )  # fmt: skip


def main(arguments: list[str]) -> None:
    """Generate, match, and compare with a count."""
    parser = argparse.ArgumentParser(prog="python -m bench.affiliates")
    parser.add_argument("--landings", type=int, default=1_000_000)
    asked = parser.parse_args(arguments)
    today = dt.datetime.now(dt.UTC).date()
    with tempfile.TemporaryDirectory(prefix="footfall-bench-") as folder:
        home = DataDir(Path(folder) / "data").make()
        with alongside(home), opened(f"chdb://{home.root}", direct=False) as client:
            bring_up_to_date(client, home)
            add_site(client, home, "shop.example", "UTC")
            client.command(LANDINGS, parameters={"count": asked.landings})
            site, period = find(client), Period(today - dt.timedelta(days=40), today, "UTC")
            plain = best(lambda: client.query(PLAIN))
            print(f"counting the click ids of {asked.landings:,} landings: {plain:.3f} s")
            for count in (1, 50, 200):
                its = patterns(count)._asdict()
                took = best(lambda its=its: report(client, site, period, its))
                each = took / asked.landings * 1e6
                print(f"with {count} affiliate URLs: {took:.3f} s ({took / plain:.2f}), {each:.2f} us a landing")


if __name__ == "__main__":
    os.environ.pop("FOOTFALL_CONFIG", None)
    main(sys.argv[1:])

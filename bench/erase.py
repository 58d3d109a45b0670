"""``python -m bench.erase``: erase one visitor from a million events, next to a plain count of the table in one run.

A million events of 50,000 visitors over 90 days (--events for another number), all days closed. Erased is a visitor who
comes in every month. The count reads the column of visitors: the least that any search for one must do.
"""

from __future__ import annotations

import argparse
import datetime as dt
import tempfile
import time
from pathlib import Path

from collector.lifecycle import erase
from collector.lifecycle.persons import Asked, find, person
from collector.sites.admin import add_site
from collector.sites.table import all_sites
from sql.client import opened
from sql.core.data_dir import DataDir
from sql.engine.server import alongside
from sql.schema import closing
from sql.schema.days import by_month
from sql.schema.upgrade import bring_up_to_date

FIRST, DAYS, VISITORS = dt.date(2026, 7, 1), 90, 50_000
GENERATED = """
insert into events (
    site_id, local_date, visitor_id, timestamp, received_at, visit_id, visit_start, visit_date, event_id, name,
    hostname, path, source, country, browser, user_agent, language, props, batch_seq
)
with
    intDiv(number, 4) as visit,
    toDateTime64({first:Date}, 3, 'UTC') + toIntervalMillisecond(visit * {step:UInt64}) as begin,
    begin + toIntervalSecond(number % 4 * 40) as time
select
    1, toDate(time), 1 + cityHash64(visit) % {visitors:UInt64}, time, time, visit + 1, begin, toDate(begin),
    reinterpret(toUInt128(number + 1), 'UUID'), ['page_view', 'engagement', 'page_view', 'signup'][1 + number % 4],
    'shop.example', concat('/', toString(cityHash64(number) % 2000)), ['Google', '', 'Bing'][1 + visit % 3], 'FR',
    'Firefox', concat('Mozilla/5.0 (', toString(visit % 300), ')'), 'en', map('plan', toString(visit % 9)), number
from numbers({events:UInt64})
"""
COUNT = "select count() from events where visitor_id = {visitor:UInt64}"


def main() -> None:
    """Print one line a run."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--events", type=int, default=1_000_000)
    asked.add_argument("--runs", type=int, default=3)
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = DataDir(Path(folder) / "data").make()
        url = f"chdb://{home.root}"
        with alongside(home), opened(url) as client:
            bring_up_to_date(client, home)
            add_site(client, home, "shop.example", "UTC")
            [site] = all_sites(client)
            step = DAYS * 86_400_000 * 4 // given.events
            bound = {"first": FIRST, "events": given.events, "visitors": VISITORS, "step": step}
            client.command(GENERATED, parameters=bound, settings={"max_partitions_per_insert_block": 0})
            days = client.query("select distinct site_id, arrayJoin([local_date, visit_date]) from events").result_rows
            closing.revise(client, 1, [(row[0], row[1]) for row in days])
            for table in closing.CLOSED:
                for its in by_month(closing.due(client, table)).values():
                    closing.close(client, table, its)
            for visitor in range(1, given.runs + 1):
                who = person(home, site, Asked([str(visitor)]))
                stored = sum(each.events for each in find(client, who))
                began = time.perf_counter()
                client.query(COUNT, parameters={"visitor": visitor})
                counted = time.perf_counter()
                parts = erase.plan(client, home, url, who)
                for part in parts:
                    part.do()
                took = time.perf_counter() - counted
                left = sum(each.events for each in find(client, who))
                count = counted - began
                print(
                    f"{given.events:,} events: {stored} of one visitor erased in {took:.2f} s ({left} left), "
                    f"a count takes {count * 1000:.1f} ms: {took / count:,.0f} times"
                )


if __name__ == "__main__":
    main()

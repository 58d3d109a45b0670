"""``python -m bench.reports``: reports over generated events, next to raw events and DuckDB over Parquet, in one run.

Ten million events of one site over 18 months (--events for another number): about 2.7 million visits, pages by Zipf's
law, a tenth of them bots; with --sampled, each stands for ten. All days are closed; the column "open" is what a
question takes while none is. Each question is asked three times; the best counts. DuckDB is asked where it is installed
(``pip install duckdb``). A whole command is measured with an engine running.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from aggregations.query import where
from aggregations.query.answer import about, answer
from aggregations.query.closed import Closed, of
from aggregations.query.model import Query
from aggregations.query.periods import Period
from aggregations.query.sites import SiteRow, find
from aggregations.reports.funnel import Funnel, StepOrder
from aggregations.reports.funnel_steps import FunnelStep
from aggregations.reports.overview import FIGURES
from aggregations.reports.ranked import RANKED
from aggregations.reports.reached import report
from aggregations.reports.timeseries import query as series
from collector.lifecycle.verify import verify
from collector.loader.close import carry_out, plan
from collector.sites.admin import add_site
from sql.client import opened
from sql.core.data_dir import DataDir
from sql.engine.server import alongside
from sql.schema.days import month_of
from sql.schema.rebuild import PARTITIONED_BY, compare, rebuild_days, rebuild_months
from sql.schema.upgrade import bring_up_to_date

FIRST = dt.date(2025, 4, 1)
DAYS = 548
A_VISIT = 3.7
GENERATED = """
insert into events (
    site_id, local_date, visitor_id, timestamp, received_at, visit_id, visit_start, visit_date, event_id, name,
    interactive, hostname, path, source, channel, country, device, browser, os, language, revenue, engagement_ms, bot,
    batch_seq, props_number
)
with
    number as visit,
    cityHash64(visit, 1) as a,
    cityHash64(visit, 2) as b,
    toDateTime64({first:Date}, 3, 'UTC') + toIntervalMillisecond(toUInt64(visit * {step:Float64})) as begin,
    arrayJoin(range(1 + toUInt32(least(19, -log((a % 999983 + 1) / 999984) * 3.4)))) as place,
    begin + toIntervalSecond(place * (20 + b % 120)) as time,
    ['signup', 'add_to_cart', 'purchase'][1 + (b + place) % 3] as other,
    if(place > 0 and (b + place) % 5 = 0, other, 'page_view') as called
select
    1, toDate(time), cityHash64(a % {visitors:UInt64}, 3), time, time, visit + 1, begin, toDate(begin),
    reinterpret(toUInt128(visit * 32 + place + 1), 'UUID'),
    called, called != 'page_view', 'shop.example',
    concat('/page/', toString(toUInt32(exp((cityHash64(visit, place) % 1000003) / 1000003 * 9.2)))),
    ['Google', 'Direct', 'Bing', 'Newsletter', 'Facebook', 'Direct'][1 + a % 6],
    ['Organic Search', 'Direct', 'Organic Search', 'Email', 'Organic Social', 'Direct'][1 + a % 6],
    ['DE', 'FR', 'US', 'GB', 'AT', 'CH', 'NL', ''][1 + b % 8], ['desktop', 'mobile', 'tablet'][1 + b % 3],
    ['Chrome', 'Safari', 'Firefox', 'Edge'][1 + a % 4], ['Windows', 'iOS', 'Android', 'macOS'][1 + b % 4],
    ['de', 'fr', 'en'][1 + a % 3], toDecimal64(if(called = 'purchase', b % 90, 0), 4), 1000 * (b % 60), a % 10 = 0,
    place, if({sampled:Bool}, map('sample_weight', 10.), cast(map(), 'Map(String, Float64)'))
from numbers({start:UInt64}, {count:UInt64})
"""
_OF = "site_id = 1 and not bot and local_date between '{first}' and '{last}'"
_VISITS = """(select visit_id, any_value(visitor_id) as visitor, arg_min(country, timestamp) as country,
    arg_min(device, timestamp) as device, arg_min(path, timestamp) as entry,
    count(*) filter (where name = 'page_view') as views, count(*) filter (where interactive) as acts,
    epoch(max(timestamp)) - epoch(min(timestamp)) as seconds
    from events where site_id = 1 and visit_date between '{first}' and '{last}'
    group by visit_id having not bool_or(bot))"""
_FIGURES = "count(distinct visitor), count(*), avg((views = 1 and acts = 0)::int), avg(seconds)"
# The same question in DuckDB's words.
DUCKDB = {
    "overview": f"select (select count(distinct visitor_id) from events where {_OF}), {_FIGURES} from {_VISITS}",
    "countries": f"select country, {_FIGURES} from {_VISITS} group by 1 order by 2 desc limit 10",
    "entry-pages": f"select entry, {_FIGURES} from {_VISITS} group by 1 order by 2 desc limit 10",
    "pages": f"select path, count(distinct visitor_id) v, count(*) from events where {_OF} and name = 'page_view' "
    "group by 1 order by v desc limit 10",
    "timeseries": f"select local_date, count(distinct visitor_id), count(*) from events where {_OF} "
    "group by 1 order by 1",
    "countries, of mobiles": f"select country, {_FIGURES} from {_VISITS} where device = 'mobile' group by 1 "
    "order by 2 desc limit 10",
}
MOBILE = where.parse("device=mobile")
QUESTIONS: dict[str, Query] = {
    "overview": Query(metrics=FIGURES),
    "timeseries": series(),
    **{name: row.query(limit=10) for name, row in RANKED.items()},
    "overview, of mobiles": Query(metrics=FIGURES, where=MOBILE),
    "countries, of mobiles": RANKED["countries"].query(limit=10, where=MOBILE),
    "pages, of mobiles": RANKED["pages"].query(limit=10, where=MOBILE),
    "sources, with a page": RANKED["sources"].query(limit=10, where=where.parse("page=/page/1")),
    "overview, a tenth": Query(metrics=FIGURES, sample=0.1),
}

# The first begins with any page view, the others with those of one page.
_ORDER = tuple(map(FunnelStep.parse, ("/page/1", "add_to_cart", "purchase")))
FUNNELS = {
    "any page to purchase": Funnel("wide", (FunnelStep("page_view"), *_ORDER[1:])),
    "a page to purchase": Funnel("narrow", _ORDER),
    "the same by device": Funnel("narrow", _ORDER),
    "the same, strict": Funnel("narrow", _ORDER, order=StepOrder.STRICT),
    "the same, any order": Funnel("narrow", _ORDER, order=StepOrder.ANY),
}


def best(ask: Callable[[], object], times: int = 3) -> float:
    """The shortest of some runs, in seconds."""
    found = []
    for _ in range(times):
        started = time.perf_counter()
        ask()
        found.append(time.perf_counter() - started)
    return min(found)


def generate(client: Any, events: int, sampled: bool = False) -> None:
    """The events, in blocks of a month's visits or so."""
    visits = int(events / A_VISIT)
    step = DAYS * 86_400_000 / visits
    block = max(visits // 18, 1)
    for start in range(0, visits, block):
        count = min(block, visits - start)
        bound = {"first": FIRST, "step": step, "visitors": visits // 3, "start": start, "count": count}
        bound["sampled"] = sampled
        client.command(GENERATED, parameters=bound)


@contextlib.contextmanager
def duckdb_over(client: Any, folder: Path, bound: dict[str, object]) -> Iterator[Callable[[str], object] | None]:
    """Asks DuckDB over the same events as Parquet; None where it is not installed."""
    try:
        import duckdb
    except ImportError:
        print("duckdb is not installed: its column is left out (pip install duckdb)")
        yield None
        return
    path = folder / "events.parquet"
    with path.open("wb") as file, client.raw_stream("select * except (props, props_number, props_bool) from events",
                                                    fmt="Parquet") as stream:  # fmt: skip
        for piece in stream:
            file.write(piece)
    connection = duckdb.connect()
    connection.execute(f"create view events as select * from '{path}'")
    yield lambda text: connection.execute(text.format(**bound)).fetchall()
    connection.close()


def command(home: DataDir, *words: str) -> None:
    """A whole command, as a person runs it."""
    line = [sys.executable, "-m", "cli.main", "--data-dir", str(home.root), "report", *words, "--format", "json"]
    subprocess.run(line, check=True, capture_output=True)


def measure(client: Any, home: DataDir, folder: Path, site: SiteRow) -> None:
    """Print every question's times, and their ratios."""
    last = FIRST + dt.timedelta(days=DAYS - 1)
    period = Period(FIRST, last, site.timezone)
    span = f"{FIRST}..{last}"
    closed = of(client, site, [period])
    no_day = Closed(sampled=closed.sampled)
    with duckdb_over(client, folder, {"first": FIRST, "last": last}) as duck:
        print(f"{'':24} {'seconds':>8} {'open':>8} {'raw':>8} {'DuckDB':>8}  raw/own  DuckDB/own")
        for name, query in QUESTIONS.items():
            asked = about(query, site, period, has_closed=closed)
            own = best(lambda asked=asked: answer(client, asked))
            merged = best(lambda query=query: answer(client, about(query, site, period, has_closed=no_day)), 2)
            exact = about(msgspec.structs.replace(query, exact=True), site, period, has_closed=no_day)
            raw = best(lambda exact=exact: answer(client, exact), 2)
            other = best(lambda name=name: duck(DUCKDB[name])) if duck and name in DUCKDB else None
            ratio = f"{other:8.3f}  {raw / own:7.1f}  {other / own:7.1f}" if other else f"{'':8}  {raw / own:7.1f}"
            print(f"{name:24} {own:8.3f} {merged:8.3f} {raw:8.3f} {ratio}", flush=True)
    print("\nfunnels")
    for name, funnel in FUNNELS.items():
        asked = Query(dimensions=("device",) if "device" in name else ())
        print(f"{name:24} {best(lambda f=funnel, q=asked: report(client, f, q, site, period)):8.3f}", flush=True)
    print("\nwhole commands, engine running")
    for words in (("overview", "--period", span), ("countries", "--period", span), ("pages", "--period", span)):
        print(f"{words[0]:24} {best(lambda words=words: command(home, *words)):8.3f}", flush=True)
    month = f"{last - dt.timedelta(days=29)}..{last}"
    print(f"{'overview of 30 days':24} {best(lambda: command(home, 'overview', '--period', month), 5):8.3f}")
    started = time.perf_counter()
    found = verify(client, home)
    print(
        f"{'verify':24} {time.perf_counter() - started:8.3f}  {found.events:,} events, {len(found.differences)} differ"
    )


def close_all(client: Any) -> None:
    """Close every day, as the loader does when it is over; say what it takes."""
    client.command(
        "insert into revisions (site_id, day, batch_no) "
        "select distinct site_id, arrayJoin([local_date, visit_date]) as day, 1 from events"
    )
    started = time.perf_counter()
    for each in plan(client, dt.datetime.now(dt.UTC) + dt.timedelta(days=999)):
        carry_out(client, each)
    print(f"closed in {time.perf_counter() - started:.1f} s")
    for table, size, rows in client.query(
        "select table, sum(bytes_on_disk) as size, sum(rows) from system.parts "
        "where active and database = currentDatabase() group by table order by size desc limit 8"
    ).result_rows:
        print(f"  {table:20} {size / 1e6:8.1f} MB {rows:12,} rows")


def recover(client: Any) -> None:
    """What a batch in doubt costs: its day is compared, rebuilt where it differs; before, its month was rebuilt."""
    day = FIRST + dt.timedelta(days=DAYS - 20)
    tables = tuple(PARTITIONED_BY)
    print(f"\n{'a batch in doubt: compare':24} {best(lambda: [compare(client, t, [(1, day)]) for t in tables]):8.3f}")
    print(f"{'  rebuild its day':24} {best(lambda: [rebuild_days(client, t, [(1, day)]) for t in tables], 1):8.3f}")
    print(f"{'  rebuild its month':24} {best(lambda: rebuild_months(client, tables, [month_of(day)]), 1):8.3f}")


@contextlib.contextmanager
def shop(events: int, sampled: bool = False) -> Iterator[tuple[Any, DataDir]]:
    """A database with a site and its generated events, all days closed; prints what that takes."""
    with tempfile.TemporaryDirectory(prefix="footfall-bench-") as name:
        home = DataDir(Path(name) / "data").make()
        with alongside(home), opened(f"chdb://{home.root}", direct=False) as client:
            bring_up_to_date(client, home)
            add_site(client, home, "shop.example", "UTC")
            started = time.perf_counter()
            generate(client, events, sampled)
            stored = int(str(client.command("select count() from events")))
            seconds = time.perf_counter() - started
            size = client.command(
                "select sum(bytes_on_disk) from system.parts where active and database = currentDatabase()"
            )
            print(
                f"{stored:,} events generated and derived in {seconds:.0f} s, "
                f"{int(str(size)) / stored:.0f} bytes an event"
            )
            close_all(client)
            yield client, home


def main(arguments: list[str]) -> None:
    """Generate, measure, and say how large the tables are."""
    parser = argparse.ArgumentParser(prog="python -m bench.reports")
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument(
        "--sampled", action="store_true", help="as a tracker sends them that samples one visitor in ten"
    )
    asked = parser.parse_args(arguments)
    with shop(asked.events, asked.sampled) as (client, home):
        measure(client, home, home.root.parent, find(client))
        recover(client)


if __name__ == "__main__":
    os.environ.pop("FOOTFALL_CONFIG", None)
    main(sys.argv[1:])

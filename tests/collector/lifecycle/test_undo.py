"""After an import is undone, everything is as if it had never been."""

from __future__ import annotations

import datetime as dt
import itertools
import random
import re
from dataclasses import replace

import clickhouse_connect
import pytest
from msgspec.structs import replace as replace_field

from aggregations.query.sites import SiteRow
from collector.event.model import SpooledEvent
from collector.imports import ledger
from collector.imports.ledger import Run, State
from collector.lifecycle import undo
from collector.lifecycle.verify import verify
from collector.sites.registry import Site
from collector.sites.snapshot import publish
from collector.sites.table import put_site
from sql.client import PINNED
from sql.core.data_dir import DataDir
from sql.core.errors import UsageError
from sql.schema import horizons, migrate, pending, rebuild
from tests.aggregations.write_path import Request, WritePath

MINUTE = 60_000
NAME = "file-20261101T000000Z-0001"
# The month ends, in a zone where it is another moment than in UTC.
TURN = int(dt.datetime(2026, 10, 31, 23, tzinfo=dt.UTC).timestamp() * 1000)
# Without the names of visits: one that the import began keeps its name.
TABLES = {
    "events": "select * except (site_id, batch_id, batch_seq, received_at, visit_id) from events"
    " where site_id = {s:UInt32} order by event_id",
    "visits": "select * except (site_id, visit_id, checksum) from visits_merged where site_id = {s:UInt32}"
    " order by visitor_id, started",
    "daily_events": "select local_date, bot, name, sum(events), uniqMerge(visitors) from daily_events"
    " where site_id = {s:UInt32} group by all order by all",
    "daily_pages": "select local_date, bot, path, sum(pageviews), uniqMerge(visitors) from daily_pages"
    " where site_id = {s:UInt32} group by all order by all",
}
OWN = re.compile(r"^(?!select).*\bevents_rebuild\b|^pending_days$|\bbackfill_values\b", re.DOTALL)
STORED = ("events", *rebuild.PARTITIONED_BY)
numbers = itertools.count(1)


@pytest.fixture(scope="module")
def client(engine):
    how = engine.how
    made = clickhouse_connect.get_client(**how, settings=PINNED, autogenerate_session_id=False)
    made.command("create database undo_test")
    made.database = "undo_test"
    migrate.apply(made)
    yield made
    made.close()


@pytest.fixture
def home(tmp_path):
    return DataDir(tmp_path / "data").make()


@pytest.fixture
def path(client, tmp_path):
    return WritePath(client, tmp_path)


@pytest.fixture
def site(client, home):
    number = next(numbers)
    its = Site(number, f"site{number}.example", "Europe/Berlin")
    put_site(client, its)
    publish(home.sites_file, [its])
    return SiteRow(number, its.domain, its.timezone)


def view(number: int, visitor: int, minute: float) -> SpooledEvent:
    at = TURN + int(minute * MINUTE)
    return SpooledEvent(
        number.to_bytes(16, "big"), True, visitor, 0, at, "page_view", False, f"https://s.example/{number % 5}"
    )


def live(site: SiteRow, *events: SpooledEvent) -> list[Request]:
    return [Request(site, event.timestamp + 5, [event]) for event in events]


def imported(site: SiteRow, *events: SpooledEvent) -> list[Request]:
    return [Request(site, TURN + 10**9, list(events), NAME)]


def figures(client, site):
    return {name: client.query(text, parameters={"s": site.site_id}).result_rows for name, text in TABLES.items()}


def never(client, path, *requests: Request):
    """What there is of another site that only got these."""
    twin = SiteRow(next(numbers), "twin.example", "Europe/Berlin")
    path.load([twin], [[replace(request, site=twin) for request in requests]] if requests else [])
    return figures(client, twin)


def undone(client, home, site, run=None):
    run = run or Run(NAME, "file", site.site_id, site.domain, dt.datetime(2026, 11, 1, tzinfo=dt.UTC), state=State.DONE)
    for month, _ in undo.months(client, run):
        undo.remove(client, home, run, month)
    undo.finish(client, home, run)


# Minutes around the end of the month at which one visitor has events: live ones, and imported ones.
SHARED = {
    "before": ([0], [-20]),
    "after": ([0], [20]),
    "within": ([0, 20], [10]),
    "joined two visits": ([0, 50], [25]),
    "joined three visits over the month": ([-70, -20, 30], [-45, 5]),
    "began the day before": ([10, 20], [-15, -5]),
    "began long before": ([0], [-25 * number for number in range(1, 8)]),
    "longer than a visit can be": ([0, 1500], [25 * number for number in range(1, 60)]),
    "at the same moment": ([0, 40], [0, 20, 40]),
    "far from each other": ([0], [-3000, 3000]),
    "nothing live": ([], [0, 40]),
}


@pytest.mark.parametrize("first", ["live first", "import first"])
@pytest.mark.parametrize("case", SHARED)
def test_visits_that_were_shared_are_those_of_live_events_again(client, home, path, site, case, first):
    ours, theirs = SHARED[case]
    kept = live(site, *(view(number, 7, minute) for number, minute in enumerate(ours)))
    gone = imported(site, *(view(1000 + number, 7, minute) for number, minute in enumerate(theirs)))
    batches = [kept, gone] if first == "live first" else [gone, kept]
    path.load([site], [its for its in batches if its])
    undone(client, home, site)
    assert figures(client, site) == never(client, path, *kept)
    assert verify(client, home, every_row=True).differences == ()


@pytest.mark.parametrize("seed", range(4))
def test_any_history_is_as_if_it_had_never_been_imported(client, home, path, site, seed):
    rng = random.Random(seed)
    minutes = lambda: rng.choice([rng.uniform(-300, 300), rng.uniform(-4000, 4000)])  # noqa: E731
    ours = sorted(
        (view(number, 1 + rng.randrange(6), minutes()) for number in range(60)), key=lambda its: its.timestamp
    )
    theirs = [view(1000 + number, 1 + rng.randrange(8), minutes()) for number in range(80)]
    cut = rng.randrange(len(ours))
    path.load([site], [live(site, *ours[:cut]), imported(site, *theirs), live(site, *ours[cut:])])
    if seed % 2:
        assert path.close([site], dt.date(2026, 11, 1))
    undone(client, home, site)
    now, then = figures(client, site), never(client, path, *live(site, *ours))
    for name in ("visits", "daily_events", "daily_pages"):
        assert now[name] == then[name]
    assert verify(client, home, every_row=True).differences == ()


def test_visits_that_retention_has_cut_stay_as_they_are(client, home, path, site):
    ours = [view(number, 7, minute) for number, minute in enumerate([-20, 5, 300, 350])]
    path.load([site], [live(site, *ours), imported(site, view(1000, 7, 20), view(1001, 7, 325))])
    november = dt.date(2026, 11, 1)
    horizons.move(client, site.site_id, horizons.Kept.EVENTS, november)
    client.command(
        "alter table events delete where site_id = {s:UInt32} and local_date < {d:Date}",
        parameters={"s": site.site_id, "d": november},
        settings={"mutations_sync": 2},
    )
    run = Run(NAME, "file", site.site_id, site.domain, dt.datetime(2026, 11, 1, tzinfo=dt.UTC), first=november)
    assert undo.left_alone(client, run) is None
    assert undo.left_alone(client, replace_field(run, first=dt.date(2026, 10, 31))) == november
    undone(client, home, site, replace_field(run, state=State.DONE))
    text = "select visit_date, events from visits_merged where site_id = {s:UInt32} order by started"
    rows = client.query(text, parameters={"s": site.site_id}).result_rows
    assert rows == [(dt.date(2026, 10, 31), 3), (november, 1), (november, 1)]


def test_interrupted_at_any_statement_it_goes_on(client, home, path, site, monkeypatch):
    """The end is the same, whichever statement was the last one."""
    # The import is in October alone; a visit that it had joined goes on in November.
    ours = [view(number, 7, minute) for number, minute in enumerate([-70, -20, 5])]
    theirs = [view(1000 + number, 7, minute) for number, minute in enumerate([-45, -44])]
    path.load([site], [live(site, *ours)])
    only_live = figures(client, site)
    run = Run(NAME, "file", site.site_id, site.domain, dt.datetime(2026, 11, 1, tzinfo=dt.UTC), state=State.DONE)
    path.load([site], [imported(site, *theirs)])
    for table in STORED:
        client.command(f"create table {table}_kept engine = Memory as select * from {table}")  # noqa: S608
    kind = type(client)
    for at in itertools.count():
        statements = itertools.count()
        ledger.write(home, run)
        for table in STORED:  # as it was, events first: views fill tables from them
            client.command(f"truncate table {table}")
            client.command(f"insert into {table} select * from {table}_kept", settings={"insert_deduplicate": 0})  # noqa: S608
        assert figures(client, site) != only_live
        with monkeypatch.context() as patch:

            def broken(name, patch=patch, statements=statements, at=at):
                real = getattr(kind, name)

                def run(self, *args, **more):
                    # How tables are derived is interrupted where that is tested.
                    if OWN.search(args[0]) and next(statements) == at:
                        raise ConnectionError("gone")
                    return real(self, *args, **more)

                patch.setattr(kind, name, run)

            for name in ("command", "insert"):
                broken(name)
            try:
                undone(client, home, site, ledger.known(home, NAME))
                finished = True
            except ConnectionError:
                finished = False
        undone(client, home, site, ledger.known(home, NAME))
        assert figures(client, site) == only_live, at
        assert pending.every(client) == []
        assert ledger.known(home, NAME).state is State.UNDONE
        if finished:
            break
    assert at >= 12
    assert verify(client, home, every_row=True).differences == ()


def test_what_was_undone_can_be_imported_again(client, home, path, site):
    theirs = imported(site, *(view(number, 7, number) for number in range(5)))
    for _ in range(2):
        path.load([site], [theirs])
        path.load([site], [theirs])
        assert len(figures(client, site)["events"]) == 5
        undone(client, home, site)
        assert figures(client, site) == {name: [] for name in TABLES}


def test_an_import_of_before_the_ledger_is_found_by_its_events(client, home, path, site):
    name = "access-log-20261101T000000Z-0002"
    path.load([site], [[replace(its, import_id=name) for its in imported(site, view(1, 7, 0))]])
    run = undo.find(client, home, name)
    assert (run.site_id, run.site, run.what) == (site.site_id, site.domain, "access-log")
    with pytest.raises(UsageError, match="no import 'x'"):
        undo.find(client, home, "x")

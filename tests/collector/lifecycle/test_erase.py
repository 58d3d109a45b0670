"""A person is erased: nothing of it is on disk, what is left is as if it had never come, and it does not come back."""

from __future__ import annotations

import datetime as dt
import itertools
import shutil
import uuid

import lz4.block
import pytest
import zstandard

from aggregations.query.sites import SiteRow
from aggregations.segments.definition import SEGMENT, Segment
from aggregations.segments.evaluate import population
from aggregations.segments.refresh import refresh
from collector.event.model import SpooledEvent
from collector.lifecycle import archive, erase, quarantine, retention
from collector.lifecycle.ledger import take
from collector.lifecycle.person_events import told
from collector.lifecycle.persons import Asked, find, person
from collector.lifecycle.verify import verify
from collector.loader.loader import Loader
from collector.sites.identity import Identity
from collector.sites.registry import Site
from collector.sites.table import publish_sites, put_site
from collector.spool.lines import encode
from collector.spool.segment_files import set_aside
from collector.spool.spool import Spool, SpoolWriter
from sql import definitions
from sql.client import opened
from sql.core.data_dir import DataDir
from sql.core.errors import UsageError
from sql.engine.server import alongside
from sql.retention import RETENTION, Retention
from sql.schema import closing
from sql.schema.days import by_month
from sql.schema.upgrade import bring_up_to_date

SHOP = Site(1, "shop.example", "UTC", identity=Identity.FIRST_PARTY)
NOON = int(dt.datetime(2026, 6, 30, 12, tzinfo=dt.UTC).timestamp() * 1000)
HOUR, DAY = 3_600_000, 86_400_000
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"
REFRESHES = itertools.count()
THEIRS, USER, MARK = 14_695_981_039_346_656_037, "customer-4711-q", "marker-x7k2"
DERIVED = {
    "visits": "select * except (first, entry, exit), finalizeAggregation(first), finalizeAggregation(entry), "
    "finalizeAggregation(exit) from visits final order by all",
    "segments": "select segment, visitor_id from current_members order by all",
    "visits_merged": "select * from visits_merged order by visit_date, visit_id",
    "closed_visits": "select * from closed_visits order by visit_date, visit_id",
    **{
        table: f"select * except visitors, finalizeAggregation(visitors) from {table} final order by all"  # noqa: S608
        for table in ("daily_events", "daily_pages", "monthly_events", "monthly_pages")
    },
}


def traffic(without=(), visits=600, days=90):
    """Nineteen visitors and the one in question, over some days."""
    for number in range(visits):
        visitor = THEIRS if number % 20 == 7 else 1_000 + number % 20
        if visitor in without:
            continue
        at = NOON - (number * 3.7 % days) * DAY
        for step in range(3):
            mine = visitor == THEIRS
            name = ("page_view", "signup", "page_view")[step]
            page = f"https://shop.example/{MARK if mine else 'p'}/{number % 7}"
            event_id = uuid.UUID(int=number * 3 + step + 1).bytes
            props = {"plan": MARK if mine else "pro"}
            yield SpooledEvent(
                event_id, True, visitor, 0, int(at + step * 9 * 60_000), name, name == "signup", page,
                user_id=USER if mine and step == 1 else "", props=props, user_agent=AGENT, language="en",
            )  # fmt: skip


def spooled(home, events):
    writer = SpoolWriter(Spool(home.spool), "test")
    writer.commit([encode(1, NOON, list(events))])
    writer.seal()


def load(home, events=()):
    if events:
        spooled(home, events)
    with Loader(home, f"chdb://{home.root}") as loader:
        loader.drain()


def close_all(client):
    for table in closing.CLOSED:
        for its in by_month(closing.due(client, table)).values():
            closing.close(client, table, its)


def remember(client, home):
    """Everybody is a member of a segment."""
    definitions.put(client, home, SHOP.site_id, SEGMENT, "all", Segment("events >= 1"))
    now = dt.datetime.fromtimestamp(NOON / 1000 + 3600 + next(REFRESHES), dt.UTC)
    refresh(client, home, population(client, SiteRow(SHOP.site_id, SHOP.domain, SHOP.timezone), now))


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """``world(name, events)``: a data directory with an engine, a site and its traffic, all of it closed."""
    made = []

    def start(name, events):
        home = DataDir(tmp_path_factory.mktemp(name)).make()
        engine = alongside(home)
        engine.__enter__()
        client = opened(f"chdb://{home.root}")
        made.append((engine, client))
        opened_client = client.__enter__()
        bring_up_to_date(opened_client, home)
        put_site(opened_client, SHOP)
        publish_sites(opened_client, home)
        events = list(events)
        for at in range(0, len(events), 500):  # several parts a month
            load(home, events[at : at + 500])
        close_all(opened_client)
        remember(opened_client, home)
        return opened_client, home

    yield start
    for engine, client in reversed(made):
        client.__exit__(None, None, None)
        engine.__exit__(None, None, None)


def figures(client):
    return {name: client.query(text).result_rows for name, text in DERIVED.items()}


def carried_out(client, home, who, archives=()):
    for part in erase.plan(client, home, f"chdb://{home.root}", erase.whole(client, who, archives), archives):
        part.do()


def plain(data):
    """What a file of ClickHouse says without its compression; other files as they are."""
    found, at = [data], 0
    while at + 25 <= len(data):
        method, size, length = data[at + 16], *(int.from_bytes(data[at + n : at + n + 4], "little") for n in (17, 21))
        if method not in {0x02, 0x82, 0x90} or not 9 <= size <= len(data) - at - 16:
            break
        block = data[at + 25 : at + 16 + size]
        if method == 0x82:
            block = lz4.block.decompress(block, uncompressed_size=length)
        elif method == 0x90:
            block = zstandard.ZstdDecompressor().decompress(block, max_output_size=length)
        found.append(block)
        at += 16 + size
    return b"".join(found)


def places(root):
    """Files below a directory that say something of the visitor, and what."""
    said = {
        "id as text": str(THEIRS).encode(),
        "id as hex": f"{THEIRS:016x}".encode(),
        "id": THEIRS.to_bytes(8, "little"),
        "user id": USER.encode(),
        "marker": MARK.encode(),
    }
    files = (path for path in sorted(root.rglob("*")) if path.is_file())
    return {
        (str(path.relative_to(root)), name)
        for path in files
        for name, text in said.items()
        if text in plain(path.read_bytes())
    }


def line():
    [event] = itertools.islice((e for e in traffic() if e.visitor == THEIRS), 1, 2)
    return encode(1, NOON, [event])


def test_nothing_is_left_and_the_rest_is_as_if_they_had_never_come(world, tmp_path):
    client, home = world("erased", traffic())
    other, _ = world("never", traffic(without=(THEIRS,)))
    spool = Spool(home.spool)
    neighbour = encode(1, NOON, [next(e for e in traffic() if e.visitor != THEIRS)])
    set_aside(spool, "batch.line-1", ".bin", line() + neighbour, "unreadable: 2 events")
    set_aside(spool, "batch.line-2", ".bin", line(), "unreadable")
    set_aside(spool, "batch.7-9", ".damaged", line()[:150] + b"\n" + neighbour, "bytes 7 to 9 are damaged: 2 events")
    spooled(home, [SpooledEvent(uuid.UUID(int=9999).bytes, True, THEIRS, 0, NOON, MARK, url="https://shop.example/z")])
    found = {name for _, name in places(home.root)}
    assert found == {"id as text", "id", "user id", "marker"}
    who = person(home, SHOP, Asked(users=[USER]))
    [stored] = find(client, who)
    assert (stored.visitor, stored.events) == (THEIRS, 90)
    assert len(told(client, who)) == 90
    carried_out(client, home, who)
    assert places(home.root) == set()
    assert find(client, who) == [] and find(client, person(home, SHOP, Asked([str(THEIRS)]))) == []
    assert [item.events for item in quarantine.items(spool) if item.path.suffix == ".bin"] == [1]
    close_all(client)
    assert verify(client, home, every_row=True).differences == ()
    mine, theirs = figures(client), figures(other)
    for name in DERIVED:
        assert len(mine[name]) > 0
        assert mine[name] == theirs[name], name
    load(home, [SpooledEvent(uuid.UUID(int=5000).bytes, True, THEIRS, 0, NOON, "late"),
                SpooledEvent(uuid.UUID(int=5001).bytes, True, 5, THEIRS, NOON, "late"),
                SpooledEvent(uuid.UUID(int=5002).bytes, True, 6, 0, NOON, "late", user_id=USER),
                SpooledEvent(uuid.UUID(int=5003).bytes, True, 8, 0, NOON, "late")])  # fmt: skip
    assert client.query("select visitor_id from events where name = 'late'").result_rows == [(8,)]
    account = take(home)
    assert (account.totals.erased, account.missing) == (4, 0)


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_killed_at_any_statement_and_run_again_the_end_is_the_same(world, monkeypatch):
    few = {"visits": 60, "days": 20}  # of one month
    client, home = world("killed", traffic(**few))
    other, _ = world("spared", traffic(without=(THEIRS,), **few))
    theirs = figures(other)
    who, kind = person(home, SHOP, Asked(users=[USER])), type(client)
    ids = person(home, SHOP, Asked([str(THEIRS)]))
    for at in itertools.count():
        statements = itertools.count()
        with monkeypatch.context() as patch:

            def broken(name, patch=patch, statements=statements, at=at):
                real = getattr(kind, name)

                def run(self, *args, **more):
                    if next(statements) == at:
                        raise ConnectionError("gone")
                    return real(self, *args, **more)

                patch.setattr(kind, name, run)

            broken("command")
            broken("insert")
            try:
                for part in erase.plan(client, home, f"chdb://{home.root}", erase.whole(client, who)):
                    if part.act != "load":  # the loader tries again by itself
                        part.do()
                finished = True
            except ConnectionError:
                finished = False
        if finished:
            break
        carried_out(client, home, who)
        assert places(home.root) == set()
        assert find(client, ids) == []
        assert verify(client, home).differences == ()
        close_all(client)
        assert figures(client) == theirs
        home.tombstones_file.unlink()
        client.command("truncate table tombstones")
        load(home, [e for e in traffic(**few) if e.visitor == THEIRS])
        close_all(client)
        remember(client, home)
    assert at >= 30


def test_archives_are_written_again_without_them(world, tmp_path):
    client, home = world("archived", traffic())
    url = str(tmp_path / "archive")
    definitions.put(client, home, 1, RETENTION, "events", Retention(40, url))
    now = dt.datetime.fromtimestamp(NOON / 1000, dt.UTC)
    before = client.command(f"select count() from events where visitor_id != {THEIRS}")  # noqa: S608
    for removal in retention.plan(client, retention.keeping(client, now)):
        retention.apply(client, home, removal)
    files = archive.every(url)
    for name in ("2026.parquet", "2026.parquet.part"):  # as a run that was killed leaves them
        shutil.copy(tmp_path / "archive" / f"{files[0].name}.parquet", tmp_path / "archive" / "shop.example" / name)
    who = person(home, SHOP, Asked(users=[USER]))
    assert archive.of_person(url, "shop.example", (), (USER,)) == files
    carried_out(client, home, who, [url])
    assert places(tmp_path / "archive") == set()
    assert {name for _, name in places(home.root)} == {"marker"}  # the path, in rollups of days without raw events
    for table in ("events", "visits", "closed_visits"):
        assert client.command(f"select countIf(visitor_id = {THEIRS}) from {table}") == 0  # noqa: S608
    assert archive.of_person(url, "shop.example", (THEIRS,), (USER,)) == []
    assert [archive.check(url, each) for each in archive.every(url)] == [""] * len(files)
    for each in reversed(archive.every(url)):
        archive.restore(client, url, each)
        archive.lower_horizon(client, archive.every(url), 1)
    assert client.command("select count() from events") == before
    assert client.command("select min(since) from horizons final") == "1970-01-01"


@pytest.mark.parametrize(
    ("asked", "site", "says"),
    [
        (Asked(), SHOP, "nobody is named"),
        (Asked(["x"]), SHOP, "not a visitor id"),
        (Asked([str(2**64)]), SHOP, "not a visitor id"),
        (Asked(clients=["a"]), Site(1, "shop.example", "UTC"), "is cookieless"),
        (Asked(address="203.0.113.9"), SHOP, "both address and user agent"),
        (Asked(address="x", user_agent="y"), SHOP, "not an IP address"),
        (Asked(address="203.0.113.9", user_agent="y"), SHOP, "48 hours"),
    ],
    ids=["nobody", "text", "too large", "cookieless", "half", "no address", "no salt"],
)
def test_what_cannot_be_looked_up_is_said(tmp_path, asked, site, says):
    with pytest.raises(UsageError) as caught:
        person(DataDir(tmp_path / "data").make(), site, asked)
    assert says in f"{caught.value.message}"

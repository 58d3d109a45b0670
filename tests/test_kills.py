"""Every command that changes what is stored, killed at random moments and run again: the end is that of a calm run."""

from __future__ import annotations

import datetime as dt
import json
import os
import random
import shutil
import uuid
from dataclasses import replace
from pathlib import Path

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from aggregations.query.answer import answer, ask
from aggregations.query.model import Query
from aggregations.query.periods import Period
from aggregations.query.sites import every as every_site
from collector.ingest.identity_keys import identity_keys
from collector.lifecycle import archive, backup, backup_restore
from collector.sites.admin import set_site
from collector.sites.identity import Identity
from collector.sites.registry import Site
from collector.sites.table import publish_sites, put_site
from sql import definitions
from sql.retention import RETENTION, Retention
from sql.schema import closing
from sql.schema.days import by_month
from sql.schema.upgrade import bring_up_to_date
from tests.collector.lifecycle.test_erase import places
from tests.kills import Ground, Killing, Operation, Reports, Rows, Tally, Victim, killed, undisturbed

pytestmark = pytest.mark.process

KILLS = int(os.environ.get("FOOTFALL_SOAK_COMMAND_KILLS", "50"))
SEED = int(os.environ.get("FOOTFALL_KILL_SEED", "17"))
CONFIG = 'data_dir = "data"\n[collector]\nsegment_bytes = 65536\n'
TODAY = dt.datetime.now(dt.UTC).date()
DAYS, CLOSED_DAYS = 110, 45
THEIRS, USER, MARK = 14_695_981_039_346_656_037, "customer-4711-q", "marker-x7k2"
# Two sites, a visit of three events every four hours for so many days, until the day before yesterday; every twentieth
# is of one person. Sources and channels are not what the rules of today make of the referrer.
TRAFFIC = """
insert into events (
    site_id, local_date, visitor_id, timestamp, received_at, visit_id, visit_start, visit_date, event_id, name,
    hostname, path, user_agent, user_id, props, revenue, referrer, source, channel, batch_seq
)
with
    intDiv(number, 3) as visit, visit % 20 = 8 as mine,
    toDateTime64({since:Date}, 3, 'UTC') + toIntervalHour(visit * 4) + toIntervalMinute(37) as begin,
    begin + toIntervalMinute(number % 3 * 9) as time
select
    1 + visit % 2, toDate(time), if(mine, {theirs:UInt64}, 1000 + visit % 50), time, time, visit + 1, begin,
    toDate(begin), reinterpret(toUInt128(number + 1), 'UUID'), ['page_view', 'signup', 'page_view'][1 + number % 3],
    'shop.example', concat('/', if(mine, {mark:String}, 'p'), '/', toString(number % 7)), 'Firefox',
    if(mine, {user:String}, ''), map('plan', if(mine, {mark:String}, 'pro')), toDecimal64(number % 5, 4),
    ['www.google.com/search', '', 'news.example/story'][1 + visit % 3], ['Nowhere', 'Google', ''][1 + visit % 3],
    'Nonsense', number
from numbers({days:UInt32} * 18)
"""
MONTH = "time:month"
UNKNOWN_COLUMN, UNKNOWN_TABLE = 47, 60
# Each of one source: a month of a table is swapped at once, but not two tables together.
QUESTIONS = (
    Query(metrics=("visits", "bounce_rate", "visit_duration"), dimensions=(MONTH,), limit=0),
    Query(metrics=("visits", "pageviews", "revenue"), dimensions=(MONTH, "channel"), limit=0),
    Query(metrics=("pageviews", "visitors"), dimensions=(MONTH, "page"), limit=0),
    Query(metrics=("events", "visitors", "revenue"), dimensions=(MONTH, "event"), limit=0),
    Query(metrics=("events",), dimensions=(MONTH, "event"), exact=True, limit=0),
)
COUNTED = tuple(
    Query(metrics=("events",), dimensions=(MONTH, "event"), exact=exact, limit=0) for exact in (False, True)
)
# Texts of views without parentheses: the engine writes more of them around a function that was read from disk.
STORED = {
    "events": "select * except (batch_id, batch_seq, received_at, import_id) from events",
    "visits": "select * from visits_merged",
    "closed_visits": "select * from closed_visits where (site_id, visit_date) in (select site_id, day from closed_days "
    "where derived = 'closed_visits')",
    **{
        name: f"select * except visitors, finalizeAggregation(visitors) from {name} final"  # noqa: S608
        for name in ("daily_events", "daily_pages")
    },
    **{
        name: f"select * except visitors, finalizeAggregation(visitors) from {name} final where (site_id, local_date) "  # noqa: S608
        f"in (select site_id, day from closed_days where derived = '{name}')"
        for name in ("monthly_events", "monthly_pages")
    },
    "sampled_days": "select * from sampled_days final",
    "closed_days": "select derived, site_id, day from closed_days",
    "horizons": "select site_id, what, since from horizons final",
    "pending": "select site_id, day from pending_days final where pending",
    "tombstones": "select site_id, hash from tombstones final",
    "sites": "select site_id, domain, identity from sites final",
    "schema": "select name, argMax(checksum, applied_at) from schema_steps group by name",
    "tables": "select name, engine, replaceRegexpAll(as_select, '[()]', '') from system.tables "
    "where database = currentDatabase()",
    "functions": "select name, replaceRegexpAll(create_query, '[()]', '') from system.functions "
    "where origin = 'SQLUserDefined'",
}


def stored(client) -> Rows:
    """Everything that is stored, but for what is drawn or counted in each run."""
    return {name: client.query(f"select * from ({text}) order by all").result_rows for name, text in STORED.items()}  # noqa: S608


def stored_but_closed(client) -> Rows:
    """The same without closed days, which a loader closes whenever it is idle."""
    closed = {"closed_days", *(table.name for table in closing.CLOSED)}
    return {name: rows for name, rows in stored(client).items() if name not in closed}


def asked(client, questions=QUESTIONS) -> Reports:
    """The answers to questions, cut by question, site and month."""
    found: dict[tuple, set] = {}
    period = Period(TODAY - dt.timedelta(days=DAYS + 40), TODAY, "UTC")
    for site in every_site(client):
        for number, query in enumerate(questions):
            for row in answer(client, ask(client, query, site, period)).drop("partial", "point", strict=False).rows():
                if any(row[1:]):
                    found.setdefault((number, site.domain, row[0]), set()).add(row[1:])
    return {key: frozenset(rows) for key, rows in found.items()}


def asked_if_it_can_be(client) -> Reports | None:
    """The answers, or None while the schema is not the one that questions are asked of."""
    try:
        return asked(client)
    except DatabaseError as exc:
        if exc.code not in {UNKNOWN_COLUMN, UNKNOWN_TABLE}:
            raise
        return None


def files(ground: Ground) -> list[str]:
    """Names of all files, but for the engine's own and what a run writes of itself."""
    left = {ground.home.engine_dir, ground.home.receipts, ground.home.imports, ground.folder / "backups"}
    found = (path for path in ground.folder.rglob("*") if path.is_file() and not left.intersection(path.parents))
    names = (str(path.relative_to(ground.folder)) for path in found if path.suffix not in {".lock", ".sock"})
    return sorted(name for name in names if name not in {"data/engine.json", "said"} and "/writers/" not in name)


def emptied_spool(ground: Ground) -> None:
    spool = ground.home.spool
    assert [path for path in spool.rglob("*") if path.is_file() and path.parent.name != "writers"] == []


def erased(ground: Ground) -> None:
    """Nothing of the person is in a file, backups and archives aside, which were not named."""
    assert places(ground.home.root) == set()


def archived(ground: Ground) -> None:
    url = str(ground.folder / "archive")
    found = archive.every(url)
    assert len(found) > 1
    assert [archive.check(url, each) for each in found] == [""] * len(found)


def sound_backups(ground: Ground) -> None:
    to = str(ground.folder / "backups")
    for each in backup.every(to):
        assert list(backup.check(to, each)) == []


def backed_up(ground: Ground) -> None:
    """Nothing is left of runs that were killed, and the last backup is all that is stored."""
    sound_backups(ground)
    to = ground.folder / "backups"
    assert {path.name for path in to.iterdir()} == {each.name for each in backup.every(str(to))}
    assert not ground.home.backup_held.exists()
    other = Ground(ground.folder / "restored")
    backup_restore.restore(str(to), backup.find(str(to)), other.home.root)
    other.start()
    try:
        with ground.client() as mine, other.client() as theirs:
            assert stored(theirs) == stored(mine)
    finally:
        other.stop()
        shutil.rmtree(other.folder)


CHANGES = Operation((), stored, asked, files)
OPERATIONS = {
    "schema apply on nothing": replace(CHANGES, words=("schema", "apply"), reports=lambda client: {}),
    "schema apply": replace(CHANGES, words=("schema", "apply"), reports=asked_if_it_can_be),
    "import": replace(
        CHANGES, words=("import", "ndjson", "events.jsonl", "--site", "shop.example"), growing=True,
        reports=lambda client: asked(client, COUNTED), stored=stored_but_closed, whole=emptied_spool,
    ),
    "backfill": replace(CHANGES, words=("backfill", "channels", "--yes")),
    "backfill local-dates": replace(  # events that move to another month are in both for a while
        CHANGES, words=("backfill", "local-dates", "--site", "shop.example", "--yes"), reports=lambda client: {},
    ),
    "retention apply": replace(CHANGES, words=("retention", "apply", "--yes"), whole=archived),
    "erase": replace(
        CHANGES, words=("visitor", "erase", "--user", USER, "--site", "shop.example", "--yes"), whole=erased
    ),
    "backup": replace(
        CHANGES, words=("backup", "create", "--to", "backups"), meanwhile=sound_backups, whole=backed_up
    ),
    "closing": replace(CHANGES, words=("close",)),
}  # fmt: skip


# The order in which the short test has them: each finds what the ones before it have left.
IN_TURN = ("schema apply", "import", "closing", "backfill", "erase", "retention apply", "backup")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> Ground:
    """A data directory with two sites, traffic of some months, of which the older ones are closed, and definitions."""
    ground = Ground(tmp_path_factory.mktemp("kills") / "prepared")
    ground.folder.mkdir()
    (ground.folder / "footfall.toml").write_text(CONFIG)
    identity_keys(ground.home.make())
    ground.start()
    since = TODAY - dt.timedelta(days=DAYS)
    with ground.client() as client:
        bring_up_to_date(client, ground.home)
        for site in (Site(1, "shop.example", "UTC", identity=Identity.FIRST_PARTY), Site(2, "blog.example", "UTC")):
            put_site(client, site)
        publish_sites(client, ground.home)
        bound = {"since": since, "days": DAYS - 2, "theirs": THEIRS, "user": USER, "mark": MARK}
        client.command(TRAFFIC, parameters=bound)
        days = client.query("select distinct site_id, arrayJoin([local_date, visit_date]) from events").result_rows
        closing.revise(client, 1, days)
        for name, days_kept, url in (("events", 40, "archive"), ("visits", 60, ""), ("rollups", 80, "")):
            definitions.put(client, ground.home, 1, RETENTION, name, Retention(days_kept, url))
        definitions.put(client, ground.home, 2, RETENTION, "events", Retention(70))
        for table in closing.CLOSED:
            due = [day for day in closing.due(client, table) if day[1] < TODAY - dt.timedelta(days=CLOSED_DAYS)]
            for its in by_month(due).values():
                closing.close(client, table, its)
    ground.stop()
    rng = random.Random(5)
    with (ground.folder / "events.jsonl").open("w") as file:
        for number in range(4_000):
            at = dt.datetime.combine(since, dt.time(), dt.UTC) + dt.timedelta(minutes=number * 35)
            line = {
                "event_id": str(uuid.UUID(int=10**9 + number)),
                "timestamp": at.isoformat(),
                "client_id": f"c{rng.randrange(90)}",
                "name": rng.choice(["page_view", "page_view", "signup"]),
                "url": f"https://shop.example/i/{number % 30}",
            }
            file.write(json.dumps(line) + "\n")
    return ground


def nothing(ground: Ground) -> Reports:
    """No schema at all."""
    shutil.rmtree(ground.home.root)
    ground.home.make()
    return {}


def before_upgrade(ground: Ground) -> Reports:
    """Without the last migrations, and with pages that another rule has counted: without one of them."""
    ground.start()
    with ground.client() as client:
        client.command("alter table daily_pages delete where path = '/p/1'", settings={"mutations_sync": 1})
        closing.reopen(client, "daily_pages")
        client.command("insert into schema_steps (name, kind, checksum) values ('daily_pages', 'derivation', 'before')")
        said = asked(client)
    ground.stop()
    command = ground.launch(("schema", "rollback", "--to", "0020", "--yes"))
    assert command.wait(60) == 0, ground.said()
    return said


def elsewhere(ground: Ground) -> None:
    """A site that is in another zone now, so that many of its events have the days of the old one."""
    ground.start()
    with ground.client() as client:
        set_site(client, ground.home, "shop.example", {"timezone": "Pacific/Auckland"})
    ground.stop()


READY = {"schema apply on nothing": nothing, "schema apply": before_upgrade, "backfill local-dates": elsewhere}


def ready(name: str, prepared: Ground, folder: Path) -> tuple[Ground, Reports | None]:
    """What an operation begins with, and what reports say before it, where they cannot be asked then."""
    if name not in READY:
        return prepared, None
    ground = prepared.copied(folder)
    return ground, READY[name](ground)


def test_one_after_the_other_each_killed_once(prepared, tmp_path):
    rng = random.Random(SEED)
    print(f"seed {SEED}")
    ground, before = ready("schema apply", prepared, tmp_path / "ready")
    calm_ground, ground = ground.copied(tmp_path / "calm"), ground.copied(tmp_path / "killed")
    try:
        for name in IN_TURN:
            calm = undisturbed(OPERATIONS[name], calm_ground, before)
            before, killing = None, Killing(OPERATIONS[name], calm, Tally())
            victim, when = rng.choice(list(Victim)), rng.random()
            print(f"{name}: {victim} at {when:.0%} of {calm.seconds:.2f} s", flush=True)
            if not killing.attempt(ground, victim, when):
                assert killing.attempt(ground, Victim.COMMAND, None)
    finally:
        calm_ground.stop()
        ground.stop()


@pytest.mark.soak
@pytest.mark.timeout(0)
@pytest.mark.parametrize("name", OPERATIONS)
def test_killed_fifty_times(prepared, tmp_path, name):
    """FOOTFALL_SOAK_COMMAND_KILLS sets another number, FOOTFALL_KILL_SEED other moments."""
    ground, before = ready(name, prepared, tmp_path / "ready")
    killed(OPERATIONS[name], ground, tmp_path, KILLS, SEED, before)

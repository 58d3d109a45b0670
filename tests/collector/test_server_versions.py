"""The oldest ClickHouse server that Footfall takes: all SQL runs there, and the figures are right.

The stand-in is an older chDB behind the embedded engine's HTTP front, reached over TCP by the ordinary client. With
FOOTFALL_TEST_URL it is the server there. Tests run in order: each finds what those before it have stored.
"""

from __future__ import annotations

import datetime as dt
import itertools
import os
import re
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars.testing
import pytest
from clickhouse_connect.driver._backend.http_sync import HttpSyncBackend
from msgspec import structs

from aggregations.definitions import affiliate_urls, funnels
from aggregations.definitions.affiliate_urls import AFFILIATE_URL, AffiliateUrl
from aggregations.definitions.funnels import FUNNEL, FunnelBody
from aggregations.definitions.overrides import OVERRIDE, OverrideBody, effect
from aggregations.exports import audience, conversions
from aggregations.exports import log as export_log
from aggregations.exports import write as export_files
from aggregations.exports.columns import TABLES
from aggregations.exports.consent import Consent
from aggregations.exports.conversion_files import Adjust, ConversionPlatform
from aggregations.exports.conversions import ConversionExport
from aggregations.exports.data import FileFormat, Wanted, of_table
from aggregations.exports.platforms import Platform
from aggregations.query import console, goals, held
from aggregations.query import sites as report_sites
from aggregations.query.answer import answer, ask
from aggregations.query.filters import Filter
from aggregations.query.goals import GOAL, Goal
from aggregations.query.model import Query
from aggregations.query.periods import Period
from aggregations.reports import affiliates, detected, left_out, overview, timeseries
from aggregations.reports.funnel import StepOrder
from aggregations.reports.funnel_steps import FunnelStep
from aggregations.reports.left_out import LeftOut
from aggregations.reports.ranked import RANKED, campaigns
from aggregations.reports.reached import answer as answer_funnel
from aggregations.reports.reached import ask as ask_funnel
from aggregations.reports.reached import report
from aggregations.segments import evaluate, members
from aggregations.segments.definition import SEGMENT, Segment
from aggregations.segments.refresh import refresh
from collector.lifecycle import archive, backfill, backup, closing, dedupe, local_dates, retention
from collector.lifecycle.dedupe import DedupeScope
from collector.lifecycle.forecast import forecast
from collector.lifecycle.rules import rules
from collector.lifecycle.store import Store
from collector.lifecycle.verify import verify
from collector.loader import insert
from collector.loader.close import plan
from collector.loader.loader import Loader, LoaderOptions
from collector.loader.seen_filter import SeenIds
from collector.sites.admin import add_site, find_site, set_site
from collector.sites.event_schema_definitions import EVENT_SCHEMA, EventSchemaBody, newest
from collector.sites.event_schemas import MAX_SCHEMA
from collector.sites.keys import rotate_keys
from collector.spool.lines import encode
from collector.spool.spool import Spool, SpoolWriter
from sql import client as sql_client
from sql import definitions
from sql.client import MINIMUM_VERSION, connect, opened
from sql.core import queries
from sql.core.data_dir import DataDir
from sql.core.errors import EngineTooOld
from sql.schema import blueprint, derived_by, migrate, pending, rebuild, shipped
from sql.schema.shipped import SchemaKind
from sql.schema.upgrade import bring_up_to_date
from tests.aggregations.query.test_statement import GOALS, QUERIES
from tests.conftest import SERVER, older_engine

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[2]

REPORTS = {
    "overview": (overview.overview, {}),
    "by-day": (timeseries.series, {}),
    "by-hour": (timeseries.series, {"step": timeseries.Interval.HOUR}),
    "pages": (RANKED["pages"].rows, {"limit": 0}),
    "entry-pages": (RANKED["entry-pages"].rows, {"limit": 0}),
    "sources": (RANKED["sources"].rows, {"limit": 0}),
    "channels": (RANKED["channels"].rows, {"limit": 0}),
    "campaigns": (campaigns().rows, {"limit": 0}),
    "countries": (RANKED["countries"].rows, {"limit": 0}),
    "devices": (RANKED["devices"].rows, {"limit": 0}),
    "browsers": (RANKED["browsers"].rows, {"limit": 0}),
    "os": (RANKED["systems"].rows, {"limit": 0}),
    "events": (RANKED["events"].rows, {"limit": 0}),
    "exit-pages": (RANKED["exit-pages"].rows, {"limit": 0}),
    "detected": (RANKED["detected"].rows, {"limit": 0}),
}
OF_LIFE = (
    "engine/", "events/of_import", "exports/of_persons", "identities/", "imported_days/", "imports/", "persons/",
    "retention/kept", "sites/begin_removal",
    "sites/stored_tables", "visits/",
)  # fmt: skip
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"
STEPS = ("page_view", "purchase")


@dataclass(frozen=True)
class Server:
    """The server: its URL, a data directory of ours, and all statements that it has carried out."""

    url: str
    home: DataDir
    said: Callable[[], str]

    def put(self, *batches: list[Any]) -> None:
        """Spool and load, each list as a batch of its own."""
        for number, batch in enumerate(batches):
            writer = SpoolWriter(Spool(self.home.spool), f"test{number}")
            writer.commit([encode(1, batch[0].timestamp + number, batch)])
            writer.close()
        with Loader(self.home, self.url, LoaderOptions(batch_events=1)) as loader:
            loader.drain()


@pytest.fixture(scope="module")
def server(tmp_path_factory, loopback):
    ours = DataDir(tmp_path_factory.mktemp("ours")).make()
    if SERVER:
        yield from _server(ours)
        return
    its = DataDir(tmp_path_factory.mktemp("server")).make()
    with older_engine(its, loopback) as root:
        with opened(f"{root}/default") as client:
            client.command("create database analytics")
        yield Server(f"{root}/analytics", ours, (its.root / "statements").read_text)


def _server(ours: DataDir) -> Iterator[Server]:
    """A database of its own on the server at FOOTFALL_TEST_URL. What it was asked is noted where it is sent."""
    name, said, send = f"footfall_{uuid.uuid4().hex[:8]}", [], HttpSyncBackend.request

    def note(self: Any, data: Any, params: dict[str, str], *args: Any, **more: Any) -> Any:
        answer = send(self, data, params, *args, **more)
        fields = more.get("fields") or {}
        texts = (params.get("query"), fields.get("query"), data if isinstance(data, str | bytes) else "")
        said.extend(text.decode(errors="replace") if isinstance(text, bytes) else str(text) for text in texts if text)
        return answer

    with pytest.MonkeyPatch.context() as patch, opened(f"{SERVER}/default") as client:
        patch.setattr(HttpSyncBackend, "request", note)
        client.command(f"create database {name}")
        yield Server(f"{SERVER}/{name}", ours, lambda: "\0".join(said))
        client.command(f"drop database {name}")


@pytest.fixture(scope="module")
def client(server):
    with opened(server.url) as made:
        yield made


@pytest.fixture(scope="module")
def site(server, client):
    add_site(client, server.home, "shop.example", "Europe/Paris", "EUR")
    return report_sites.find(client)


@pytest.fixture(scope="module")
def period(site):
    today = dt.datetime.now(dt.UTC).date()
    return Period(today - dt.timedelta(days=3), today + dt.timedelta(days=2), site.timezone)


class Interrupted(Exception):
    pass


class Cut:
    """A client whose process ends before its statement number ``left``."""

    def __init__(self, client: Any, left: int) -> None:
        self.client, self.left = client, left

    def __getattr__(self, name: str) -> Any:
        return getattr(self.client, name)

    def command(self, *args: Any, **more: Any) -> Any:
        if not self.left:
            raise Interrupted
        self.left -= 1
        return self.client.command(*args, **more)


def test_the_stand_in_is_the_oldest_server_that_is_taken(client):
    version = sql_client.version_of(client)
    assert version >= MINIMUM_VERSION if SERVER else version == MINIMUM_VERSION


def test_an_older_server_is_refused_in_one_line(server, client, monkeypatch):
    monkeypatch.setattr(sql_client, "MINIMUM_VERSION", (99, 10))
    has = r"\.".join(map(str, sql_client.version_of(client)))
    with pytest.raises(EngineTooOld, match=rf"^this server runs ClickHouse {has}; Footfall needs 99\.10 or newer"):
        connect(server.url)


def test_a_loader_does_not_wait_for_an_older_server_to_grow(server, monkeypatch):
    monkeypatch.setattr(sql_client, "MINIMUM_VERSION", (99, 1))
    with Loader(server.home, server.url) as loader, pytest.raises(EngineTooOld):
        loader._sending.do(lambda client: None)


def test_migrations_interrupted_anywhere_and_carried_on(server, client):
    for left in itertools.count(1):
        try:
            bring_up_to_date(Cut(client, left), server.home)
            break
        except Interrupted:
            continue
    assert left > 3
    assert not migrate.pending(client)
    assert bring_up_to_date(client, server.home) == []


def test_a_loader_with_duplicates_and_late_events_that_join_visits(server, client, site, event, agree):
    definitions.put(client, server.home, site.site_id, FUNNEL, "buy", FunnelBody(STEPS))
    guess = {"kind": "sign_up", "confidence": "low", "rule": "r1", "selector": "#a", "text": "Go"}
    come = {"user_agent": AGENT, "url": "https://shop.example/a?utm_campaign=spring&utm_source=news"}
    plain = [event(n, n % 90, name="purchase" if n % 7 == 0 else "page_view", **come) for n in range(600)]
    clicks = [event(1000 + n, n, name="click", props=guess, **come) for n in range(20)]
    server.put(plain, clicks, plain[:100])
    assert client.command("select count() from events") == 620
    apart = [event(2000 + n, 600, visitor=5000 + n) for n in range(300)]
    later = [event(3000 + n, 650, visitor=5000 + n) for n in range(300)]
    between = [event(4000 + n, 625, visitor=5000 + n) for n in range(300)]
    server.put(apart, later)
    assert (
        client.command(
            "select uniqExact(visit_id) from events where visit_start >= toDate(visit_start) + interval 10 hour"
        )
        == 600
    )
    server.put(between)
    assert client.command("select count() from events") == 1520
    agree(client)


def test_a_batch_in_doubt_is_counted_and_completed(server, client, event, agree, monkeypatch):
    real, sent = insert._send, []

    def lost(*args: Any) -> None:
        sent.append(1)
        real(*args)
        if len(sent) == 1:
            raise OSError("the answer was lost")

    monkeypatch.setattr(insert, "_send", lost)
    before = client.command("select count() from events")
    server.put([event(10_000 + n, n % 60) for n in range(200)])
    assert client.command("select count() from events") == before + 200
    assert len(sent) == 1  # what was there was counted, not sent again
    agree(client)


def test_what_moved_is_written_into_the_parts(client, agree):
    client.command(queries.query("loader/apply_patches"), settings={"mutations_sync": 1})
    agree(client)


def test_every_derivation_is_rebuilt(client, agree):
    rebuild.rebuild_months(client, rebuild.PARTITIONED_BY, rebuild.months(client))
    agree(client)
    rebuild.install(client, "visits")
    agree(client)


def test_days_are_closed_and_compared(server, client, site, period, agree):
    soon = dt.datetime.now(dt.UTC) + dt.timedelta(days=70)
    days = [tuple(row) for row in client.query("select distinct site_id, visit_date from events").result_rows]
    for table in rebuild.PARTITIONED_BY:
        assert rebuild.compare(client, table, days) == set()
        rebuild.rebuild_days(client, table, days[:1])
        assert rebuild.compare(client, table, days) == set()
    closing.close(client, server.home, plan(client, soon))
    assert plan(client, soon) == []
    agree(client)
    assert ask(client, Query(), site, period).closed.open == ()
    for every_row in (False, True):
        assert verify(client, server.home, every_row=every_row).differences == ()
    change = "alter table closed_visits update pageviews = 99 where true"
    client.command(change, settings={"mutations_sync": 1})
    assert verify(client, server.home, repair=True).repaired
    assert verify(client, server.home, every_row=True).differences == ()


def test_copies_are_found_and_removed(server, client, agree):
    before = client.command("select count() from events")
    client.command(
        "insert into events settings insert_deduplicate = 0 "
        "select * replace (generateUUIDv4() as batch_id) from events where toUInt64(visitor_id) % 2 = 0"
    )
    copies = client.command("select count() from events") - before
    found = dedupe.find(client, DedupeScope(7))
    assert sum(each.copies for each in found) == copies > 0
    assert dedupe.repair(client, server.home, DedupeScope(7)) == found
    assert dedupe.find(client, DedupeScope(7)) == []
    assert client.command("select count() from events") == before
    agree(client)


@pytest.mark.parametrize("report", REPORTS)
def test_reports_from_rollups_and_raw_events_agree(client, site, period, report):
    ask, more = REPORTS[report]
    only = Filter(include_bots=True)
    served = ask(client, site, period, only=only, **more)
    raw = ask(client, site, period, only=only, raw=True, **more)
    assert served.height
    polars.testing.assert_frame_equal(served, raw, check_exact=False, rel_tol=1e-12)


def test_a_funnel_and_what_is_left_out(client, site, period):
    [funnel] = funnels.every(client, site)
    for order, by in itertools.product(StepOrder, ("", "country", "path")):
        asked = replace(funnel, order=order, excluded=(FunnelStep("form_submit"),))
        found = report(client, asked, Query(dimensions=(by,) if by else ()), site, period).rows["visitors"].to_list()
        assert found[0] >= found[1] > 0
    served, raw = (left_out.bots(client, ask(client, Query(exact=exact), site, period)) for exact in (False, True))
    assert served == raw != LeftOut()
    assert report_sites.first_day(client, site) is not None
    assert [row.domain for row in report_sites.every(client)] == ["shop.example"]


def test_affiliates(server, client, site, period, event):
    come = {"user_agent": AGENT, "url": "https://shop.example/summer?cjevent=c1"}
    told = {"network": "cj", "transaction": "t1", "click_id": "c1", "status": "approved", "payout": "2.5000"}
    said = {"user_agent": "", "signals": "postback,server", "props": told, "props_number": {"at": 0.0}}
    server.put([event(30_000, 5, **come), event(30_001, 90, visitor=77, name="postback", **said)])
    definitions.put(client, server.home, site.site_id, AFFILIATE_URL, "cj", AffiliateUrl("cjevent", "/summer"))
    its = affiliate_urls.patterns(client, site.site_id)._asdict()
    [row] = affiliates.report(client, site, period, its).to_dicts()
    assert (row["partner"], row["clicks"], row["approved"], row["payout"]) == ("cj", 1, 1, 2.5)


def test_segments_are_refreshed(server, client, site):
    now = dt.datetime.now(dt.UTC)
    asked = "did(event=page_view) in 1d then did_not(event=nothing) and first.browser!=Opera and not trait.a=b"
    definitions.put(client, server.home, site.site_id, SEGMENT, "buyers", Segment(asked))
    of = evaluate.population(client, site, now)
    [first] = refresh(client, server.home, of)
    assert first.members == first.entered == evaluate.size(client, of, of.segments["buyers"]) > 0
    assert evaluate.size(client, of, of.segments["buyers"], evaluate.ESTIMATED_OF) >= 0
    found = members.current(client, site, "buyers", 0, members.parse_split("50/50"))
    assert set(found["visitor_id"]) == set(members.preview(client, of, of.segments["buyers"], 0)["visitor_id"])
    definitions.put(client, server.home, site.site_id, SEGMENT, "buyers", Segment("did(event=nothing)"))
    [second] = refresh(client, server.home, evaluate.population(client, site, now + dt.timedelta(seconds=1)))
    assert members.refreshes(client, site).height == 2
    changed = members.difference(client, site, "buyers", now, now + dt.timedelta(days=1), 0)
    assert changed.height == second.entered + second.left > 0


def test_exports_of_every_kind(server, client, site, period, tmp_path):
    store = Store(str(tmp_path))
    for table in TABLES.values():
        wanted = Wanted(consent=Consent.REQUIRED if table.source.rows else Consent.ANY)
        rows = of_table(client, table, wanted, site, period)
        for fmt in FileFormat:
            entry = export_files.one_file(client, rows, fmt, store, f"{table.source.name}.{fmt}")
        export_files.finished(client, rows, table.source.name, fmt, (entry,), {}, None)
    for since_last in (False, True):
        what = audience.AudienceExport("buyers", Platform.META, since_last=since_last)
        with audience.preparing(client, server.home, site, what) as prepared:
            audience.write(client, site, what, prepared, store, "audience.csv")
    definitions.put(client, server.home, site.site_id, GOAL, "bought", Goal(event="purchase"))
    for adjust in (None, Adjust.RETRACT):
        asked = ConversionExport("bought", ConversionPlatform.GOOGLE, since_last=True, adjust=adjust)
        with conversions.finding(client, server.home, site, asked) as found:
            conversions.write(client, site, asked, found, store, "conversions.csv")
    assert export_log.last(client, site, "buyers.meta") is not None
    assert export_log.every(client, site).height == len(TABLES) + 4


@pytest.mark.parametrize("name", QUERIES)
def test_questions_of_every_kind(server, client, site, period, name):
    query = QUERIES[name]
    goal = None
    if query.goal:
        definitions.put(client, server.home, site.site_id, GOAL, query.goal, GOALS[query.goal])
        goal = goals.condition(goals.find(client, site, query.goal))
    served, raw = (
        answer(client, ask(client, structs.replace(query, exact=exact), site, period, period.previous(), goal))
        for exact in (False, True)
    )
    polars.testing.assert_frame_equal(served, raw, check_exact=False, rel_tol=1e-12)


def test_what_is_derived_is_proved(server, client):
    found = verify(client, server.home)
    assert found.events > 0
    assert found.differences == ()


def test_detected_events_and_overrides(server, client, site, period):
    wanted = OverrideBody("log_in", selector="#a")
    assert effect(client, site, "it", wanted, period).rows() == [("sign_up", "log_in", 20, 20)]
    definitions.put(client, server.home, site.site_id, OVERRIDE, "it", wanted)
    assert RANKED["detected"].rows(client, site, period)["kind"].to_list() == ["log_in"]
    assert detected.review(client, Query(), site, period)["kind"].to_list() == ["log_in"]
    assert detected.review(client, Query(), site, period, kind="sign_up").is_empty()
    reviewed = detected.review(client, Query(), site, period, confidence=detected.Confidence.REVIEWED)
    assert reviewed["events"].to_list() == [20]
    assert set(detected.review(client, Query(), site, period)["override"]) == {"it"}
    assert effect(client, site, "it", None, period).rows() == [("log_in", "sign_up", 20, 20)]
    definitions.remove(client, server.home, site.site_id, OVERRIDE, "it")
    assert RANKED["detected"].rows(client, site, period)["kind"].to_list() == ["sign_up"]


def test_sites_keys_schemas_and_funnels_are_written(server, client, site):
    set_site(client, server.home, "shop.example", {"max_age_days": 7})
    assert find_site(client, "shop.example").max_age_days == 7
    _, _, others = rotate_keys(client, server.home, find_site(client, "shop.example"), 60)
    assert len(others) == 1
    definitions.remove(client, server.home, site.site_id, FUNNEL, "buy")
    assert [each.removed for each in definitions.history(client, site.site_id, FUNNEL, "buy")] == [True, False]
    assert funnels.every(client, site) == []


def test_a_schema_as_long_as_one_may_be(server, client):
    """Longer than what the address of a request may hold."""
    head, tail = '{"description": "', '"}'
    schema = head + "ä" * (MAX_SCHEMA - len(head) - len(tail)) + tail
    definitions.put(client, server.home, 1, EVENT_SCHEMA, "purchase", EventSchemaBody(schema=schema))
    assert [each.schema for each in newest(client)] == [schema]


def test_stored_events_are_derived_again(server, client):
    site = find_site(client, "shop.example")
    where = backfill.Range((site.site_id,), dt.date(2000, 1, 1), dt.date(2100, 1, 1))
    client.command("alter table events update channel = 'Other' where true", settings={"mutations_sync": 1})
    months = backfill.months(client, where)
    for rule in rules().values():
        assert derived_by.outdated(client, {rule.name: rule.version}, where.sites, where.first, where.last) == []
        for month in months:
            backfill.apply(client, server.home, rule, where, month)
            assert backfill.changes(client, rule, where, month) == []
    assert client.command("select countIf(channel = 'Other') from events") == 0
    for month in months:
        assert backfill.differing_days(client, server.home, ("visits", "daily_pages"), where, month) == []
        backfill.derive(client, server.home, ("visits",), where, month)
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago", site.timezone):
        local_dates.apply(client, server.home, structs.replace(site, timezone=zone))
    assert local_dates.misdated(client, site) == []
    assert pending.every(client) == []
    assert verify(client, server.home, every_row=True).differences == ()


def test_events_are_archived_removed_and_put_back(server, client, tmp_path):
    site, url = find_site(client, "shop.example"), str(tmp_path)
    before = client.query("select sum(cityHash64(* except (props, props_number, props_bool))), count() from events")
    until = dt.date.today() + dt.timedelta(days=5)
    kept = [retention.Keeping(site, "events", 0, until, url), retention.Keeping(site, "events.title", 0, until)]
    for removal in retention.plan(client, kept):
        retention.apply(client, server.home, removal)
    assert client.command("select count() from events") == 0
    assert verify(client, server.home).differences == ()
    for each in reversed(archive.every(url)):
        archive.restore(client, url, each)
        archive.lower_horizon(client, archive.every(url), site.site_id)
    after = client.query("select sum(cityHash64(* except (props, props_number, props_bool))), count() from events")
    assert after.result_rows[0][1] == before.result_rows[0][1] > 0
    assert verify(client, server.home, every_row=True).differences == ()
    assert forecast(client, tmp_path).stored > 0


def test_the_schema_as_the_server_says_it(client):
    assert blueprint.standing(client)["events"].columns[0].name == "site_id"
    assert blueprint.functions(client).keys() >= blueprint.shipped_functions(client).keys()


def test_a_backup_keeps_what_is_not_on_the_server_and_says_how_to_keep_the_rest(server, client, command, tmp_path):
    words = ["--data-dir", server.home.root, "--url", server.url, "backup"]
    done = command(*words, "create", "--to", tmp_path / "to")
    assert done.returncode == 0, done.stderr
    [made] = backup.every(str(tmp_path / "to"))
    assert not made.manifest.embedded
    names = {file.name for file in made.manifest.files}
    assert {"journal.jsonl", "sites.json"} <= names and not any(name.startswith("engine/") for name in names)
    statement = done.stderr.splitlines()[-1].strip()
    assert statement == f"backup database {server.url.rpartition('/')[2]} to Disk('backups', '{made.name}')"
    assert client.query("select formatQueryOrNull({q:String})", {"q": statement}).result_rows != [(None,)]
    assert command(*words, "restore", "--to", tmp_path / "to", "--as", tmp_path / "back").returncode == 0
    assert (tmp_path / "back" / "journal.jsonl").read_bytes() == (server.home.root / "journal.jsonl").read_bytes()


def test_queries_of_the_operator(client, site):
    frame = console.run(client, "select name, count() as n from events group by name order by n desc")
    assert frame is not None and not isinstance(frame, bytes)
    assert frame.height == 4
    everything = console.run(client, "select *, [event_id] as `odd ``name` from events order by batch_seq limit 3")
    assert everything is not None and not isinstance(everything, bytes)
    assert [str(uuid.UUID(text)) for text in everything["event_id"]] == everything["event_id"].to_list()
    mine = held.run(client, site, "select event_id from events limit 3")
    assert mine is not None and not isinstance(mine, bytes)
    assert mine.height == 3
    client.command(queries.query("engine/kill_statement"), parameters={"id": str(uuid.uuid4())})


def test_what_undo_erase_removal_backup_and_doctor_ask(client, period):
    """Statement by statement: that their figures are right is shown where the engine is the embedded one."""
    given = {"Date": period.first, "String": "", "Array(String)": [""], "Bool": 0}
    given |= {"Array(UInt32)": [9], "Array(UInt64)": [9]}
    client.command("create table events_rebuild as events")
    for name in (name for name in queries.names() if name.startswith(OF_LIFE)):
        text = queries.query(name)
        bound = {its: given.get(kind, 9) for its, kind in re.findall(r"\{(\w+):([^}]+)\}", text)}
        client.command(text, parameters=bound)
    client.command("drop table events_rebuild")


def test_what_loader_and_engine_ask_now_and_then(client, period):
    SeenIds().load(client, period.first)
    assert client.query(queries.query("engine/most_parts")).result_rows[0][0] > 0
    client.query(queries.query("engine/errors"))
    moments = [1_700_000_000, 1_720_000_000]
    offsets = client.query(
        queries.query("engine/zone_offsets"), parameters={"zone": "Europe/Paris", "moments": moments}
    )
    assert offsets.result_rows == [(3600,), (7200,)]
    bound = {"site": 1, "import_id": ""}
    assert client.query(queries.query("events/of_import"), parameters=bound).result_rows[0][0] > 0


def test_every_query_and_view_was_carried_out(server, until):
    def missing() -> list[str]:
        said = {_plain(text) for text in server.said().split("\0")}
        everything = "\n".join(sorted(said))
        return [
            name
            for name, text in [
                *((name, queries.query(name)) for name in queries.names()),
                *((text.name, text.sql) for text in shipped.texts() if text.kind is not SchemaKind.MIGRATION),
            ]
            if _plain(text).removeprefix("with ") not in everything  # some follow a first CTE
        ]

    # The engine notes a statement after it has answered.
    until(lambda: not missing(), 10, f"a test here runs {', '.join(missing())}")


def _plain(text: str) -> str:
    """Without comments, white space alike: clients leave comments out, and add a format."""
    return " ".join(re.sub(r"--[^\n]*", "", text).split())


def test_what_is_sampled_is_weighed(server, client, site, period, event):
    """In every report and question, from visits and from raw events alike."""
    only = Filter(include_bots=True)
    [before] = overview.overview(client, site, period, only).head(1).to_dicts()
    come = {"user_agent": AGENT, "url": "https://shop.example/sampled", "props_number": {"sample_weight": 10.0}}
    server.put([event(20_000 + n, n % 60, visitor=9_000 + n, **come) for n in range(40)])
    [after] = overview.overview(client, site, period, only).head(1).to_dicts()
    assert [after[name] - before[name] for name in ("visitors", "visits", "pageviews")] == [400, 400, 400]
    for ask_, more in REPORTS.values():
        served = ask_(client, site, period, only=only, **more)
        raw = ask_(client, site, period, only=only, raw=True, **more)
        polars.testing.assert_frame_equal(served, raw, check_exact=False, rel_tol=1e-12)
    definitions.put(client, server.home, site.site_id, FUNNEL, "buy", FunnelBody(STEPS))
    [funnel] = funnels.every(client, site)
    for order, by in itertools.product(StepOrder, ("", "country", "path")):
        asked = replace(funnel, order=order, steps=(FunnelStep.parse("/sampled"), FunnelStep("purchase")))
        query = Query(dimensions=(by,) if by else (), include_bots=True)
        rows = answer_funnel(client, ask_funnel(client, asked, query, site, period, period.previous())).rows
        assert rows["visitors"].to_list()[0] >= 400
    for query in QUERIES.values():
        goal = goals.condition(GOALS[query.goal]) if query.goal else None
        served, raw = (
            answer(client, ask(client, structs.replace(query, exact=exact), site, period, period.previous(), goal))
            for exact in (False, True)
        )
        polars.testing.assert_frame_equal(served, raw, check_exact=False, rel_tol=1e-12)
    assert verify(client, server.home, every_row=True).differences == ()


@pytest.mark.skipif(bool(SERVER), reason="this is it")
def test_other_tests_take_a_server_by_its_url(server):
    """Against the stand-in: what `make test-server` does against a real one."""
    root = server.url.rpartition("/")[0]
    command = [sys.executable, "-m", "pytest", "-q", "-m", "server", "tests/aggregations/query/test_sites.py"]
    done = subprocess.run(
        [*command, "-p", "no:cacheprovider", f"--basetemp={server.home.root}/tests"],
        env=os.environ | {"FOOTFALL_TEST_URL": root}, cwd=ROOT, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout
    assert "create database sites_test" in server.said()

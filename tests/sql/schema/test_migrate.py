"""The schema: safe to interrupt, safe to run twice, and never applied over what it does not know."""

from __future__ import annotations

import itertools

import clickhouse_connect
import pytest

from collector.sites.identity import Identity
from collector.sites.table import all_sites
from sql.client import PINNED
from sql.core import queries
from sql.core.data_dir import DataDir
from sql.core.errors import EngineBusy, SchemaError
from sql.core.files import OwnedLock
from sql.schema import migrate, shipped
from sql.schema.migrate import State
from sql.schema.shipped import SchemaKind
from sql.schema.upgrade import bring_up_to_date

numbers = itertools.count(1)
EVENT = """
insert into events (site_id, local_date, visitor_id, timestamp, visit_id, visit_start, visit_date, event_id, name, path)
select 1, '2026-09-21', number, '2026-09-21 10:00:00', number, '2026-09-21 10:00:00', '2026-09-21',
    generateUUIDv4(), 'page_view', '/a' from numbers(5)
"""


class Interrupted(Exception):
    pass


class Cut:
    """A client whose process ends before its statement number ``left``."""

    def __init__(self, client, left):
        self.client = client
        self.left = left

    def __getattr__(self, name):
        return getattr(self.client, name)

    def command(self, *args, **more):
        if not self.left:
            raise Interrupted
        self.left -= 1
        return self.client.command(*args, **more)


@pytest.fixture(scope="module")
def connection(engine):
    client = clickhouse_connect.get_client(
        **engine.how, settings=PINNED,
        autogenerate_session_id=False,
    )  # fmt: skip
    yield client
    client.close()


@pytest.fixture
def client(connection):
    return fresh(connection)


def fresh(connection):
    connection.database = "default"
    name = f"migrations_test_{next(numbers)}"
    connection.command(f"create database {name}")
    connection.database = name
    return connection


def schema(client):
    """Every table and view, as the engine would make it again."""
    rows = client.query(
        "select name, replaceAll(create_table_query, concat(database, '.'), '') from system.tables "
        "where database = currentDatabase() order by name"
    ).result_rows
    return [(name, text) for name, text in rows if not name.startswith(".inner")]


def applied(client):
    return client.query("select name, checksum, count() from schema_steps group by all order by all").result_rows


def change_text(monkeypatch, name, change):
    real = shipped.read
    monkeypatch.setattr(
        shipped, "read", lambda kind, asked: change(real(kind, asked)) if asked == name else real(kind, asked)
    )


def test_applied_once(client):
    assert {step.state for step in migrate.steps(client)} == {State.PENDING}
    seen = []
    done = migrate.apply(client, seen.append)
    assert [step.name for step in done] == [step.name for step in seen]
    kinds = list(SchemaKind)
    assert [step.kind for step in done] == sorted((step.kind for step in done), key=kinds.index)
    assert {step.state for step in migrate.steps(client)} == {State.APPLIED}
    before = schema(client), applied(client)
    assert migrate.apply(client) == migrate.pending(client) == []
    assert (schema(client), applied(client)) == before
    assert all(count == 1 for *_, count in before[1])


def test_asking_changes_nothing(client):
    migrate.steps(client)
    migrate.pending(client)
    assert schema(client) == []


def test_every_table_deduplicates_and_syncs(client):
    """What the promise rests on, table by table (those that are gone with the engine aside)."""
    migrate.apply(client)
    for name, text in schema(client):
        if "MergeTree" not in text:
            continue
        assert "fsync_after_insert = 1" in text, name
        assert "fsync_part_directory = 1" in text, name
        assert name == "schema_steps" or "non_replicated_deduplication_window = 1000" in text, name


def test_interrupted_before_each_statement_and_applied_again(connection):
    """One run after the other, each one statement longer than the last, until nothing is left to do."""
    whole = Cut(fresh(connection), 10_000)
    migrate.apply(whole)
    expected, steps = schema(connection), [row[0] for row in applied(connection)]
    total = 10_000 - whole.left
    client, left, cuts = fresh(connection), 1, 0
    todo = len(migrate.pending(client))
    while True:
        try:
            migrate.apply(Cut(client, left))
            break
        except Interrupted:
            cuts += 1
            before, todo = todo, len(migrate.pending(client))
            left = left + 1 if todo == before else 2  # a new step: from its first statement on
    assert cuts >= total - 3
    assert schema(client) == expected
    assert [row[0] for row in applied(client)] == steps
    assert migrate.pending(client) == []


def test_a_migration_that_was_changed_is_refused(client):
    migrate.apply(client)
    client.command(
        queries.query("schema/step_done"),
        parameters={"name": "0002_events", "kind": "migration", "checksum": "0123456789abcdef"},
    )
    assert [step.name for step in migrate.steps(client) if step.state is State.CHANGED] == ["0002_events"]
    before = schema(client)
    for ask in (migrate.pending, migrate.apply):
        with pytest.raises(SchemaError, match="0002_events was changed") as caught:
            ask(client)
        assert "new migration" in caught.value.hint
    assert schema(client) == before


def test_texts_that_were_rewritten_to_the_same_effect_count_as_applied(client):
    migrate.apply(client)
    by_checksum = {step.checksum: step for step in migrate.steps(client)}
    for earlier in migrate.REWRITTEN:
        today = earlier
        while today in migrate.REWRITTEN:
            today = migrate.REWRITTEN[today]
        step = by_checksum[today]
        done = {"name": step.name, "kind": str(step.kind), "checksum": earlier}
        client.command(queries.query("schema/step_done"), parameters=done)
        assert migrate.pending(client) == [], earlier


def test_sites_and_keys_of_the_version_before(client, monkeypatch):
    names = shipped.names
    with monkeypatch.context() as before:
        before.setattr(shipped, "names", lambda kind: [name for name in names(kind) if name != "0012_write_keys"])
        migrate.apply(client)
    client.command(
        "insert into sites (site_id, domain, timezone, identity, created_at, updated_at) values "
        "(1, 'a.example', 'UTC', 'client-id', now64(3), now64(3)), (2, 'b.example', 'UTC', default, now64(3), now64(3))"
    )
    client.command(
        "insert into keys (key_id, site_id, hash, created_at, updated_at) values (1, 1, 'h', now64(3), now64(3))"
    )
    assert [step.name for step in migrate.apply(client)] == ["0012_write_keys"]
    assert [(site.domain, site.identity, len(site.keys)) for site in all_sites(client)] == [
        ("a.example", Identity.FIRST_PARTY, 1),
        ("b.example", Identity.COOKIELESS, 0),
    ]


# What reads tables that are younger than 0014.
YOUNGER = {
    "overrides_in_force", "override_rules", "detected_events", "raw_horizons", "current_members", "persons",
    "exported_members",
}  # fmt: skip
BEFORE_FUNNELS = {
    SchemaKind.FUNCTION: ("funnel_moment", "create or replace function funnel_moment as (a, b, c) -> toUInt64(a)"),
    SchemaKind.VIEW: ("funnel_steps", "create or replace view funnel_steps as select site_id, name from funnels"),
    SchemaKind.DERIVATION: ("funnel_states", "select site_id from funnel_steps"),
}


def test_what_a_migration_drops_is_known_and_then_forgotten(client, monkeypatch):
    """A database of the version before has steps that are not shipped any more."""
    names, read = shipped.names, shipped.read

    def earlier(kind):
        more = [BEFORE_FUNNELS[kind][0]] if kind in BEFORE_FUNNELS else []
        kept = [name for name in names(kind) if name < "0014" or not name.startswith("0")]
        return [*(name for name in kept if name not in YOUNGER), *more]

    with monkeypatch.context() as before:
        before.setattr(shipped, "names", earlier)
        texts = dict(BEFORE_FUNNELS.values())
        before.setattr(shipped, "read", lambda kind, name: texts.get(name) or read(kind, name))
        before.setattr(migrate.rebuild, "install", lambda *args: None)
        migrate.apply(client)
        assert "funnel_states" in {name for name, _ in schema(client)}
    gone = {name for name, _ in BEFORE_FUNNELS.values()}
    assert shipped.retired("0014_funnels") == gone | {"funnel_states_mv"}
    migrate.refuse_newer(client)
    assert next(step.name for step in migrate.pending(client)) == "0014_funnels"
    assert not gone & {step.name for step in migrate.steps(client)}
    migrate.apply(client)
    assert not gone & {name for name, _ in schema(client)}
    recorded = {row[0] for row in client.query(queries.query("schema/steps_applied")).result_rows}
    assert recorded == shipped.step_names()
    assert migrate.pending(client) == []


def test_a_step_of_a_later_version_is_refused(client):
    migrate.apply(client)
    client.command(
        queries.query("schema/step_done"),
        parameters={"name": "9999_later", "kind": "migration", "checksum": "x"},
    )
    [stranger] = [step for step in migrate.steps(client) if step.state is State.UNKNOWN]
    assert stranger.name == "9999_later"
    with pytest.raises(SchemaError, match="9999_later") as caught:
        migrate.apply(client)
    assert "upgrade" in caught.value.hint


def test_a_changed_view_is_made_again_and_its_table_rebuilt(client, monkeypatch):
    migrate.apply(client)
    client.command(EVENT)
    counts = "select sum(pageviews) from daily_pages"
    assert client.command(counts) == 5
    change_text(
        monkeypatch,
        "daily_pages",
        lambda text: text.replace("count() as pageviews", "count() * 10 as pageviews"),
    )
    assert [(s.name, s.state) for s in migrate.pending(client)] == [("daily_pages", State.CHANGED)]
    assert [step.name for step in migrate.apply(client)] == ["daily_pages"]
    assert client.command(counts) == 50
    client.command(EVENT)
    assert client.command(counts) == 100
    assert migrate.pending(client) == []
    assert client.command("select sum(events) from daily_events") == 10


def test_a_changed_view_interrupted_anywhere_ends_up_rebuilt(connection, monkeypatch):
    client = fresh(connection)
    migrate.apply(client)
    client.command(EVENT)
    left, factor = 0, 1
    with monkeypatch.context() as patched:
        for left in itertools.count(1):
            factor += 1
            patched.undo()
            change_text(
                patched,
                "daily_pages",
                lambda text, by=factor: text.replace("count() as", f"count() * {by} as"),
            )
            try:
                migrate.apply(Cut(client, left))
                break
            except Interrupted:
                migrate.apply(client)
            assert client.command("select sum(pageviews) from daily_pages") == 5 * factor, left
            assert client.command("exists table daily_pages_mv") == 1
    assert left > 5


def test_a_changed_rule_reaches_all_that_use_it(client, monkeypatch):
    """The engine writes the function's text into a view when it makes the view."""
    migrate.apply(client)
    client.command(EVENT)
    bounces = "select countIf(bounce) from visits_merged"
    assert client.command(bounces) == 5
    change_text(monkeypatch, "is_bounce", lambda text: text.replace("pageviews = 1", "pageviews = 2"))
    assert [(s.name, s.state) for s in migrate.apply(client)] == [
        ("is_bounce", State.CHANGED),
        ("visits_merged", State.CHANGED),
    ]
    assert client.command(bounces) == 0
    assert migrate.pending(client) == []
    monkeypatch.undo()
    migrate.apply(client)  # functions belong to the engine, not to this test's database


def test_a_derivation_that_is_new_to_a_database_with_events_is_filled(client):
    """As when a version brings a table that the one before did not have."""
    migrate.apply(client)
    client.command(EVENT)
    client.command("drop table daily_pages_mv")
    client.command("truncate table daily_pages")
    client.command("alter table schema_steps delete where name = 'daily_pages'", settings={"mutations_sync": 1})
    assert [step.name for step in migrate.apply(client)] == ["daily_pages"]
    assert client.command("select sum(pageviews) from daily_pages") == 5


def test_the_newest_application_counts(client):
    """Back to an older text and forth again."""
    migrate.apply(client)
    first = {step.name: step.checksum for step in migrate.steps(client)}["daily_pages"]
    for checksum in ("other", first):
        client.command(
            queries.query("schema/step_done"),
            parameters={"name": "daily_pages", "kind": "view", "checksum": checksum},
        )
        state = {step.name: step.state for step in migrate.steps(client)}["daily_pages"]
        assert state is (State.APPLIED if checksum == first else State.CHANGED)


def test_brought_up_to_date_while_nobody_writes(client, tmp_path):
    home = DataDir(tmp_path)
    loader = OwnedLock(home.partitions_lock, "footfall loader")
    assert loader.try_acquire()
    with pytest.raises(EngineBusy, match=r"footfall loader.* is writing"):
        bring_up_to_date(client, home, wait=0.05)
    assert schema(client) == []
    loader.release()
    assert bring_up_to_date(client, home)
    assert loader.try_acquire()  # and what is current needs no lock
    assert bring_up_to_date(client, home, wait=0) == []
    loader.release()

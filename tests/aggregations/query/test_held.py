"""Statements of somebody's own, held to one site."""

from __future__ import annotations

import re
from contextlib import ExitStack
from pathlib import Path

import polars.testing
import pytest

from aggregations.query import console, functions, held
from aggregations.query.held import TABLES
from sql.client import opened
from sql.core import queries
from sql.core.data_dir import DataDir
from sql.core.errors import FootfallError, UsageError
from sql.schema import migrate
from tests.aggregations.conftest import World
from tests.aggregations.query.attempts import ATTEMPTS, HONEST, POISON, SECRET
from tests.conftest import SERVER, older_engine

# Tables of sites that a held statement cannot read, and why.
LEFT_OUT = {
    "closings": "numbers of batches are of all sites",
    "derived_by": "the doctor tells it",
    "export_members": "what went out to others",
    "exports": "`export log` tells it",
    "horizons": "reports tell it",
    "identity_log": "`identity log` tells it",
    "imported_days": "reports add them; events have no rows of them",
    "pending_days": "work that is due",
    "revisions": "numbers of batches are of all sites",
    "segment_members": "reports read it by --segment",
    "segment_refreshes": "`segment refreshes` tells it",
    "tombstones": "hashes of erased persons",
    "user_groups": "`identity show` tells it",
    "visits": "states, read through visits_merged",
    "work_export": "work that is going on",
    "work_members": "work that is going on",
    "write_keys": "hashes of keys",
}
PEOPLE = ("override_rules", "raw_horizons", "overrides_in_force")  # views that mix sites, or number them


def fill(world):
    """A site with honest rows and its neighbour, which is poisonous."""
    honest, neighbour = world.site(domain="honest.example"), world.site(domain="poison.example")
    for site, text, revenue in ((honest, "", 5), (neighbour, POISON, SECRET)):
        world.events(
            site,
            *(
                {
                    "at": f"2026-10-{day:02} 10:{minute:02}",
                    "visitor": 1 + day % 3,
                    "visit": day,
                    "name": "signup" if minute == 9 else text or "page_view",
                    **dict.fromkeys(("path", "source", "utm_source", "hostname", "title"), text or str(minute)),
                    "props": {text or str(minute): text or "a", "plan": text or "pro"},
                    "revenue": revenue,
                }
                for day in range(1, 29, 3)
                for minute in range(1, 10, 4)
            ),
        )
    for table in ("events", "daily_pages", "visits"):  # rows of both sites lie in one granule, where errors could tell
        world.client.command(f"optimize table {table} final")
    for site, name in ((honest, "fine"), (neighbour, POISON)):
        world.client.insert(
            "definitions",
            [[site.site_id, "goal", name, 1, f'{{"event": "{name}"}}']],
            column_names=["site_id", "kind", "name", "version", "body"],
        )
    return honest


@pytest.fixture(scope="module", params=["embedded", "server"])
def two(request, loopback, tmp_path_factory):
    """A client and the honest site, on the embedded engine and on the oldest server that Footfall takes."""
    with ExitStack() as stack:
        if request.param == "server" and SERVER:
            url = SERVER
        elif request.param == "server":
            home = DataDir(tmp_path_factory.mktemp("server")).make()
            url = stack.enter_context(older_engine(home, loopback))
        else:
            embedded = request.getfixturevalue("embedded")
            url = f"http://footfall:{embedded.password}@127.0.0.1:{embedded.port}"
        first = stack.enter_context(opened(f"{url}/default"))
        first.command("create database held_test")
        stack.callback(first.command, "drop database held_test")
        client = stack.enter_context(opened(f"{url}/held_test"))
        migrate.apply(client)
        site = fill(World(client))
        client.command("create table j (site_id UInt32, v String) engine = Join(any, left, site_id)")
        client.command("insert into j values (2, 'poison')")
        client.command("create function outward as x -> (x + 1)")
        stack.callback(first.command, "drop function outward")
        yield client, site


def asked(client, statement):
    home = client.database
    uuid = client.command(
        "select uuid from system.tables where database = {db:String} and name = 'events'", {"db": home}
    )
    return statement.format(home=home, uuid=uuid)


def tell(answer):
    """All that an answer says."""
    return "\n".join(map(str, answer.rows())) if answer is not None else ""


def leaks(said):
    return [word for word in (POISON, str(SECRET), "root:") if word in said]


@pytest.mark.parametrize("name", ATTEMPTS)
def test_there_is_no_way_out(two, name):
    check_attempt(*two, *ATTEMPTS[name])


def check_attempt(client, site, statement, says):
    text = asked(client, statement)
    home = client.database
    try:
        said = tell(held.run(client, site, text))
        assert not says, f"it answered: {said[:300]}"
        assert not leaks(said)
    except FootfallError as exc:
        assert says in exc.message
        # The statement's own words may be told again; nothing else of the neighbour.
        assert not leaks(exc.message.replace(text, "")) or POISON in text
    assert client.database == home
    assert not Path("/dev/shm/footfall-outfile").exists()


@pytest.mark.parametrize("name", [name for name, (_, says) in ATTEMPTS.items() if says in {"database", ""}])
def test_the_engine_filters_what_the_rules_would_let_pass(two, name, monkeypatch):
    """Without the rules, names of databases reach the tables, and still find no row of the neighbour in them."""
    client, site = two
    text = asked(client, ATTEMPTS[name][0])
    monkeypatch.setattr(held, "check", lambda client, text: held.syntax.words(client, text))
    if re.search("system|information_schema|write_keys", text, re.IGNORECASE):
        return  # not rows of a site
    try:
        said = tell(held.run(client, site, text))
    except FootfallError as exc:
        said = exc.message.replace(text, "")
    assert not leaks(said) or "'poison'" in text


def test_errors_would_tell_of_neighbours(two, monkeypatch):
    """What the settings on the order of conditions are for: without them, one of these quotes a neighbour's row."""
    client, site = two
    plain = {name: value for name, value in held._SETTINGS.items() if not name.startswith(("optimize", "query_plan"))}
    monkeypatch.setattr(held, "_SETTINGS", plain)
    said = ""
    for name in (name for name in ATTEMPTS if name.startswith("an error")):
        try:
            held.run(client, site, ATTEMPTS[name][0])
        except FootfallError as exc:
            said += exc.message
    # ClickHouse 25.8 filters tables before it looks at conditions.
    assert POISON in said or client.server_version.startswith("25.8")


@pytest.mark.parametrize("name", HONEST)
def test_honest_statements_answer_as_ever(two, name):
    check_honest(*two, HONEST[name])


def check_honest(client, site, statement):
    mine = {table: f"(select * from {client.database}.{table} where site_id = {site.site_id})" for table in TABLES}
    named = {table: table for table in TABLES}
    expected = console.run(client, statement.format(**mine))
    polars.testing.assert_frame_equal(
        held.run(client, site, statement.format(**named)), expected, check_row_order="order by" in statement
    )


def test_the_rows_are_those_of_the_site(two):
    client, site = two
    [(mine, other)] = console.run(
        client, f"select countIf(site_id = {site.site_id}) as a, count() - a from events"
    ).rows()
    assert other > 0
    assert held.run(client, site, "select count(), uniqExact(site_id), any(site_id) from events").rows() == [
        (mine, 1, site.site_id)
    ]


def test_every_table_of_sites_is_decided_upon(two):
    client, _ = two
    stored = {row[0] for row in client.query(queries.query("console/site_tables")).result_rows}
    assert stored == (TABLES.keys() - {"visits_merged", "detected_events", "closed_days"}) | LEFT_OUT.keys()
    assert TABLES.keys().isdisjoint({*LEFT_OUT, *PEOPLE})


def test_nothing_is_left_and_what_a_killed_command_left_goes(two):
    client, site = two
    left, recent = "footfall_scratch_1000000000_ab", f"footfall_scratch_{2**33}_ab"
    for name in (left, recent):
        client.command(f"create database {name} engine = Memory")
    try:
        held.run(client, site, "select 1")
        with pytest.raises(FootfallError):
            held.run(client, site, "select toUInt8(path || 'x') from events")
        names = [
            row[0]
            for row in client.query(queries.query("console/scratches"), {"like": "footfall_scratch_%"}).result_rows
        ]
        assert names == [recent]
    finally:
        client.command(f"drop database {recent}")


def test_listed_functions_are_sorted_and_known_to_be_safe(two):
    client, _ = two
    names = functions.listed()
    origin = {row[0]: row[3] for row in client.query(queries.query("console/functions")).result_rows}
    assert len(names) > 1000
    # A name that is both a function and a table function is not told apart everywhere.
    assert names.isdisjoint(row[0] for row in client.query("select name from system.table_functions").result_rows)
    assert not [name for name in names if origin.get(name, "System") != "System"]
    outward = re.compile(
        r"dict|join[GT]|file|url\b|[sS]etting|host|server(?!Time)|user|query(?!String)|shard|region|ai[A-Z]|block|sleep|throw"
    )
    assert [name for name in sorted(names) if outward.search(name)] == []


@pytest.mark.parametrize("sql", ["", ";", "-- nothing"])
def test_nothing_to_run(two, sql):
    with pytest.raises(FootfallError):
        held.run(*two, sql)


def test_an_error_is_the_engines_own_line(two):
    with pytest.raises(UsageError, match="name tables alone") as caught:
        held.run(*two, "select * from `a.b`")
    assert "docs/reports.md" in caught.value.hint

"""The schema on a cluster: where tables are placed, and what the engine makes of the statements."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import time
from pathlib import Path

import clickhouse_connect
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from sql.client import PINNED, opened
from sql.core.errors import SchemaError
from sql.schema import blueprint, migrate, swaps
from sql.schema.cluster import Placement, clustered, placement
from tests.cluster import engine as cluster_engine
from tests.cluster import statements

JAR = Path("/usr/share/java/zookeeper.jar")  # Debian's
KEEPER = "<zookeeper><node><host>127.0.0.1</host><port>{port}</port></node></zookeeper>"


@pytest.fixture(scope="module")
def client(engine):
    how = engine.how
    made = clickhouse_connect.get_client(**how, settings=PINNED, autogenerate_session_id=False)
    made.command("create database cluster_test")
    made.database = "cluster_test"
    migrate.apply(made)
    yield made
    made.close()


def test_every_table_has_a_place_in_a_cluster(client):
    with blueprint.built(client) as made:
        tables = {name: placement(thing) for name, thing in made.items() if not thing.is_view}
    assert tables["events"] is tables["visits"] is Placement.SHARDED
    assert tables["sites"] is Placement.GLOBAL
    assert tables["work_days"] is Placement.LOCAL


def test_the_engine_reads_every_statement_of_a_cluster(client):
    with blueprint.built(client) as made:
        statements = list(clustered(made, blueprint.shipped_functions(client), "footfall"))
    for statement in statements:
        assert client.query("select 1 where isNotNull(formatQueryOrNull({text:String}))", {"text": statement}).row_count
    text = ";\n".join(statements)
    assert "ENGINE = ReplicatedMergeTree('/clickhouse/{cluster}/{shard}/footfall/events', '{replica}')" in text
    assert (
        "ENGINE = ReplicatedReplacingMergeTree('/clickhouse/{cluster}/all/footfall/sites', '{shard}-{replica}', "
        in text
    )
    assert "CREATE MATERIALIZED VIEW footfall.visits_mv ON CLUSTER footfall TO footfall.visits" in text
    assert (
        "CREATE TABLE footfall_all.events ON CLUSTER footfall AS footfall.events ENGINE = Distributed('footfall', "
        "'footfall', 'events')" in text
    )
    assert "ENGINE = Merge('footfall', '^sites$')" in text
    assert "non_replicated" not in text
    windows = text.count("replicated_deduplication_window_seconds = 604800")
    assert windows == text.count("ENGINE = Replicated") - 1  # a step that is recorded twice is the same step


def test_a_view_reads_tables_of_its_own_database(client):
    """Whatever the session's database is: unqualified names would be taken from there."""
    with blueprint.built(client) as made:
        found = {text.partition("(")[0].split(" AS ")[0]: text for text in clustered(made, {}, "footfall")}
    [merged] = [text for name, text in found.items() if name.startswith("CREATE VIEW footfall_all.visits_merged")]
    assert "FROM footfall_all.visits AS v" in merged
    [view] = [text for name, text in found.items() if name.startswith("CREATE MATERIALIZED VIEW footfall.visits_mv")]
    assert "FROM footfall.events AS e" in view
    assert not any("footfall_blueprint" in text for text in found.values())


def test_no_default_of_a_sharded_table_depends_on_where_it_is_made(client):
    """A retry on another replica would store another value."""
    with blueprint.built(client) as made:
        for thing in made.values():
            if not thing.is_view and placement(thing) is Placement.SHARDED:
                assert [c.name for c in thing.columns if re.search(r"\b(now|rand|generate)\w*\(", c.more)] == []


@pytest.mark.parametrize(
    ("stored", "own"),
    [
        ("ReplicatedMergeTree('/a/{shard}/t', '{replica}') PARTITION BY x ORDER BY (a, b)",
         "MergeTree() PARTITION BY x ORDER BY (a, b)"),
        ("ReplicatedReplacingMergeTree('/a', 'r', version) ORDER BY a SETTINGS replicated_a = 1000, replicated_b = 60",
         "ReplacingMergeTree(version) ORDER BY a"),
        ("ReplicatedAggregatingMergeTree('/a', 'r') ORDER BY a SETTINGS index_granularity = 8192, replicated_a = 1",
         "AggregatingMergeTree() ORDER BY a SETTINGS index_granularity = 8192"),
    ],
)  # fmt: skip
def test_a_side_table_of_a_replicated_one_is_its_own(stored, own):
    assert swaps.unreplicated(stored) == own


def test_a_table_that_is_stored_in_another_way_is_said():
    with pytest.raises(SchemaError, match="how is this table stored"):
        swaps.unreplicated("ReplicatedMergeTree ORDER BY a")


@pytest.fixture
def keeper(tmp_path):
    """A ZooKeeper on loopback; its port."""
    java = shutil.which("java")
    if java is None or not JAR.exists():
        pytest.skip("Debian's zookeeper is not installed (make system)")
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    (tmp_path / "zoo.cfg").write_text(
        f"tickTime=2000\ndataDir={tmp_path}/keeper\nclientPort={port}\nclientPortAddress=127.0.0.1\n"
        "admin.enableServer=false\n"
    )
    main = "org.apache.zookeeper.server.quorum.QuorumPeerMain"
    command = [java, "-Xmx128m", "-XX:TieredStopAtLevel=1", "-cp", str(JAR), main, str(tmp_path / "zoo.cfg")]
    with (tmp_path / "keeper.log").open("wb") as log:
        child = subprocess.Popen(command, cwd=tmp_path, stdout=log, stderr=log)
    deadline = time.monotonic() + 60
    while True:
        with socket.socket() as probe:
            if not probe.connect_ex(("127.0.0.1", port)):
                break
        assert child.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    yield port
    child.terminate()
    child.wait(30)


def test_every_statement_is_carried_out_with_replicated_tables(client, keeper, tmp_path, loopback):
    """As far as the embedded engine goes: tables, their paths and views are made. Its replicas stay read-only."""
    with cluster_engine(tmp_path, KEEPER.format(port=keeper)) as (home, endpoint):
        root = f"http://footfall:{endpoint.password}@127.0.0.1:{loopback(home.engine_socket)}"
        with opened(f"{root}/default") as host:
            for text in statements(client):
                host.command(text)
            rows = host.query(
                "select table, zookeeper_path, replica_name, is_readonly from system.replicas"
            ).result_rows
            found = {row[0]: row[1:] for row in rows}
            assert found["events"] == ("/clickhouse/footfall/01/footfall/events", "a", 1)
            assert found["sites"] == ("/clickhouse/footfall/all/footfall/sites", "01-a", 1)
            assert host.command("select count() from footfall_all.sites") == 0
            host.database = "footfall"
            for table in ("events", "visits", "sites"):
                side = f"{table}_rebuild"
                swaps.make(host, table, side)
                rows = host.query(
                    "select engine, sorting_key, partition_key from system.tables "
                    "where database = 'footfall' and has({names:Array(String)}, name) order by name",
                    parameters={"names": [table, side]},
                ).result_rows
                assert rows[0] == (f"Replicated{rows[1][0]}", *rows[1][1:])
            for text, code in {
                "create table footfall.side as footfall.events": "REPLICA_ALREADY_EXISTS",
                "insert into footfall.sites (site_id) settings insert_keeper_max_retries = 0 values (1)": "READ_ONLY",
                "create database another on cluster footfall": "code: 392",
            }.items():
                with pytest.raises(DatabaseError, match=code):
                    host.command(text)

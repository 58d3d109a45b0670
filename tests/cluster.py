"""An engine that is a cluster to itself: the statements of ``schema export --cluster`` over two databases, its shards.

`Distributed` finds both shards in the engine's own process, so it takes a statement apart and sends each shard its part
as it would over a network. What a shard has under the name of a table is chosen by the number of the shard.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sql.client import opened
from sql.core.data_dir import DataDir
from sql.engine.server import await_ready
from sql.schema import blueprint, migrate
from sql.schema.cluster import ALL, DATABASE, PLACEMENTS, Placement, clustered

ROOT = Path(__file__).parents[1]
NAME = "footfall"
SHARDS = ("s1", "s2")
PORT = 9000  # nothing listens: a host that has this port is this process
CONFIG = """
<clickhouse>
    <tcp_port>{port}</tcp_port>
    <macros><cluster>{name}</cluster><shard>01</shard><replica>a</replica></macros>
    <remote_servers><{name}>{shards}</{name}></remote_servers>
    {more}
</clickhouse>
"""
SHARD = f"<shard><replica><host>127.0.0.1</host><port>{PORT}</port></replica></shard>"


@contextmanager
def engine(folder: Path, more: str = "") -> Iterator[Any]:
    """The front of an engine with two shards, ``url(database)`` of which names its databases."""
    home = DataDir(folder / "engine").make()
    config = folder / "engine.xml"
    config.write_text(CONFIG.format(port=PORT, name=NAME, shards=SHARD * len(SHARDS), more=more))
    command = [sys.executable, str(ROOT / "tests" / "cluster_engine.py"), str(home.root), str(config)]
    child = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": str(ROOT)})
    try:
        endpoint = await_ready(home, 60, lambda: child.poll() is None)
        yield home, endpoint
    finally:
        child.kill()  # replicated tables would take half a minute to shut down, and nobody reads what they leave
        child.wait(30)


def statements(client: Any) -> list[str]:
    """Those of ``schema export --cluster``, for one host: the engine does not carry out `ON CLUSTER` (error 392)."""
    with blueprint.built(client) as made:
        found = list(clustered(made, blueprint.shipped_functions(client), NAME))
    return [text.replace(f" ON CLUSTER {NAME}", "") for text in found]


@dataclass(frozen=True)
class Cluster:
    """URLs of its databases: where global tables are written, of each shard, and of the one that reads all of them."""

    written: str
    shards: tuple[str, ...]
    all: str


def made(root: str) -> Cluster:
    """Two shards and the databases over them, on the engine at ``root``."""
    with opened(f"{root}/default") as client:
        for name in (*SHARDS, DATABASE, ALL, "shards"):
            client.command(f"create database {name}")
        for name in (*SHARDS, DATABASE):
            client.database = name
            migrate.apply(client)
        tables = blueprint.standing(client)
        for name in [name for name, thing in tables.items() if thing.engine == "MaterializedView"]:
            client.command(f"drop table {name}")
        for name in PLACEMENTS[Placement.SHARDED]:
            final = "" if tables[name].engine == "MergeTree" else "final"
            client.command(f"create table shards.{name} as s1.{name} engine = Merge(REGEXP('^s[0-9]$'), '^{name}$')")
            client.command(f"drop table {name}")
            mine = "where _database = concat('s', toString(shardNum()))"
            client.command(f"create view {name} as select * from shards.{name} {final} {mine}")  # noqa: S608
        for name in PLACEMENTS[Placement.GLOBAL] - {"schema_steps"}:
            for shard in SHARDS:
                client.command(f"drop table {shard}.{name}")
                client.command(f"create table {shard}.{name} as {name} engine = Merge({DATABASE}, '^{name}$')")
        for text in statements(client):
            if f" {ALL}." in text.partition("(")[0].partition(" AS ")[0]:
                client.command(text)
    return Cluster(f"{root}/{DATABASE}", tuple(f"{root}/{name}" for name in SHARDS), f"{root}/{ALL}")

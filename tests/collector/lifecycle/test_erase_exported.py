"""A person who was in an exported audience is erased: it is said, and the next export has them removed."""

from __future__ import annotations

import datetime as dt
import uuid
from hashlib import sha256

import pytest

from aggregations.exports import audience
from aggregations.exports.audience import AudienceExport
from aggregations.exports.platforms import Platform
from aggregations.query.sites import SiteRow
from aggregations.segments.definition import SEGMENT, Segment
from aggregations.segments.evaluate import population
from aggregations.segments.refresh import refresh
from collector.event.model import SpooledEvent
from collector.lifecycle import erase
from collector.lifecycle.persons import Asked, person
from collector.lifecycle.store import Store
from collector.loader.loader import Loader
from collector.sites.registry import Site
from collector.sites.table import publish_sites, put_site
from collector.spool.lines import encode
from collector.spool.spool import Spool, SpoolWriter
from sql import definitions
from sql.client import opened
from sql.core.data_dir import DataDir
from sql.engine.server import alongside
from sql.schema.upgrade import bring_up_to_date

pytestmark = pytest.mark.process
SHOP = Site(1, "shop.example", "UTC")
ROW = SiteRow(1, "shop.example", "UTC")
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"
NOON = int(dt.datetime(2026, 6, 30, 12, tzinfo=dt.UTC).timestamp() * 1000)


def hashed(text):
    return sha256(text.encode()).hexdigest()


def identified(visitor, email):
    return SpooledEvent(
        uuid.UUID(int=visitor).bytes, True, visitor, 0, NOON, "identify", True, "https://shop.example/",
        user_id=f"user-{visitor}-x", props={"contact.email": hashed(email)}, user_agent=AGENT, language="en",
    )  # fmt: skip


@pytest.fixture
def running(tmp_path):
    home = DataDir(tmp_path / "home").make()
    with alongside(home), opened(f"chdb://{home.root}") as client:
        bring_up_to_date(client, home)
        put_site(client, SHOP)
        publish_sites(client, home)
        writer = SpoolWriter(Spool(home.spool), "test")
        writer.commit([encode(1, NOON, [identified(at, f"{at}@shop.example") for at in (1, 2, 3)])])
        writer.seal()
        with Loader(home, f"chdb://{home.root}") as loader:
            loader.drain()
        definitions.put(client, home, 1, SEGMENT, "all", Segment("events >= 1"))
        refresh(client, home, population(client, ROW))
        yield client, home


def exported(client, home, folder):
    asked = AudienceExport("all", Platform.X, since_last=True, allow_small=True)
    with audience.preparing(client, home, ROW, asked) as prepared:
        made = audience.write(client, ROW, asked, prepared, Store(str(folder)), "x.csv")
    return [(each.rows, (folder / each.name).read_text()) for each in made.files]


def test_the_next_export_removes_them(running, tmp_path):
    client, home = running
    out = tmp_path / "out"
    assert [rows for rows, _ in exported(client, home, out)] == [3, 0]
    who = erase.whole(client, person(home, SHOP, Asked(users=["user-2-x"])))
    parts = erase.plan(client, home, f"chdb://{home.root}", who)
    [word] = [part for part in parts if "exported audience" in part.what]
    assert "all.x" in word.what and word.rows == 1
    killed = (
        "insert into work_export values (1, ['left'], '', 1)",
        ("insert into export_members select 1, 'all.x', ['left'], 1, true"),
    )
    for statement in killed:
        client.command(statement)
    for part in parts:
        part.do()
    for table in ("work_export", "export_members"):
        assert client.command(f"select count() from {table} where has(cells, 'left')") == 0  # noqa: S608
    ids = client.query(
        "select count() from export_members where arrayExists(c -> position(c, 'user-2-x') > 0 or c = '2', cells)"
    )
    assert ids.result_rows == [(0,)]
    assert exported(client, home, out) == [(0, ""), (1, hashed("2@shop.example") + "\n")]
    left = client.query("select count() from export_members where has(cells, {c:String})",
                        parameters={"c": hashed("2@shop.example")})  # fmt: skip
    assert left.result_rows == [(0,)]
    assert exported(client, home, out) == [(0, ""), (0, "")]

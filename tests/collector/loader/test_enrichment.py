"""Decoded events to columns: what is derived from an event stands in its row."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

from collector.enrich.referrer_spam import SpamHosts
from collector.event.model import SpooledEvent
from collector.loader import enrichment
from collector.sites.registry import Site, SiteRegistry
from collector.sites.snapshot import publish
from collector.spool.line_reader import UnreadableRecord, decode
from collector.spool.lines import encode

AT = 1_790_000_000_000
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
BOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


def event(n=0, **fields):
    plain = {
        "event_id": n.to_bytes(16, "big"),
        "known": True,
        "visitor": 1,
        "previous": 0,
        "timestamp": AT,
        "name": "a",
    }
    return SpooledEvent(**(plain | {"interactive": False} | fields))


def record(*events, site=1, at=AT, source=""):
    return encode(site, at, list(events), source)


@pytest.fixture
def registry(tmp_path):
    zones = {1: "UTC", 2: "Pacific/Kiritimati", 3: "America/St_Johns", 4: "Pacific/Pago_Pago"}
    publish(tmp_path / "sites.json", [Site(n, f"s{n}.example", zone) for n, zone in zones.items()])
    return SiteRegistry(tmp_path / "sites.json")


def enriched(records, registry):
    return enrichment.enrich(decode(records), registry, SpamHosts())


def column(made, name):
    """A derived column, spread to the events."""
    [table] = [table for table, shared in made.shared.items() if name in shared.columns]
    return made.shared[table][name].gather(made.rows[table]).to_list()


def test_no_records_have_the_columns_all_the_same(registry):
    none, one = enriched([], registry), enriched([record(event())], registry)
    assert none.rows.height == 0
    assert none.rows.schema == one.rows.schema
    assert {name: table.schema for name, table in none.shared.items()} == {
        name: table.schema for name, table in one.shared.items()
    }
    assert {name: its.type for name, its in none.maps.items()} == {name: its.type for name, its in one.maps.items()}


@pytest.mark.parametrize("text", ["{", "[]", '{"a": 5}', '{"a": {}}', "null"])
def test_properties_that_are_none_of_ours(registry, text):
    events = decode([record(event())]).with_columns(props=pl.lit(text))
    with pytest.raises(UnreadableRecord, match="props"):
        enrichment.enrich(events, registry, SpamHosts())


def test_properties_follow_their_events(registry):
    sent = [{"a": "x"}, None, {"b": "y", "c": "z"}, {"a": "x"}, None]
    made = enriched([record(*(event(n, props=props) for n, props in enumerate(sent)))], registry)
    got = made.maps["props"].take(made.rows["extra"].to_arrow()).to_pylist()
    assert [dict(pairs) for pairs in got] == [props or {} for props in sent]
    assert len(made.maps["props"]) == 3  # each text is decoded once


def test_enriched(registry):
    url = "https://shop.example/a?utm_source=news&utm_medium=email&secret=1&gclid=g"
    sent = event(0, user_agent=CHROME, url=url), event(1, user_agent=BOT, referrer="https://www.google.com/")
    made = enriched([record(*sent)], registry)
    names = [name for table in made.shared.values() for name in table.columns]
    values = {name: column(made, name) for name in names}
    first, second = ({name: its[n] for name, its in values.items()} for n in range(2))
    assert (first["hostname"], first["path"]) == ("shop.example", "/a")
    assert (first["utm_source"], first["utm_medium"], first["click_id_kind"], first["click_id"]) == (
        "news", "email", "gclid", "g",
    )  # fmt: skip
    assert "secret" not in first["query"]
    assert (first["browser"], first["browser_version"], first["os"], first["device"]) == (
        "Chrome", "140", "Linux", "desktop",
    )  # fmt: skip
    assert (first["bot"], first["bot_score"], first["bot_reasons"]) == (False, 0, "")
    assert second["bot"]
    assert second["bot_reasons"] == "crawler"
    assert second["source"] == "Google"
    assert second["channel"] == "Organic Search"


def test_enriching_keeps_the_order_and_the_rows(registry):
    events = [event(n, url=f"https://s/{n % 3}", user_agent=[CHROME, BOT, ""][n % 3], title=str(n)) for n in range(50)]
    made = enriched([record(*events)], registry)
    assert made.rows["title"].to_list() == [str(n) for n in range(50)]
    assert column(made, "path") == [f"/{n % 3}" for n in range(50)]
    assert column(made, "bot") == [[False, True, True][n % 3] for n in range(50)]


@pytest.mark.parametrize(
    ("agent", "signals", "bot", "reasons"),
    [
        ("curl/8.0", "", True, "flood,http-library,no-browser,rapid"),
        ("curl/8.0", "server", False, ""),
        ("", "server", False, ""),
        (CHROME, "relayed", False, ""),
        (CHROME, "", True, "flood,rapid"),
        (BOT, "server", True, "crawler"),
        (BOT, "relayed", True, "crawler"),
    ],
)
def test_a_server_sends_for_many_people_and_is_no_bot(registry, agent, signals, bot, reasons):
    views = [event(n, name="page_view", user_agent=agent, signals=signals, url=f"https://s/{n}") for n in range(400)]
    made = enriched([record(*views)], registry)
    assert set(column(made, "bot")) == {bot}
    [found] = set(column(made, "bot_reasons"))
    assert sorted(filter(None, found.split(","))) == sorted(filter(None, reasons.split(",")))


@pytest.mark.parametrize(
    ("site", "at", "day"),
    [
        (1, "2026-09-21T23:59:59.999Z", "2026-09-21"),
        (2, "2026-09-21T09:59:59.999Z", "2026-09-21"),
        (2, "2026-09-21T10:00:00Z", "2026-09-22"),
        (3, "2026-09-21T02:29:59.999Z", "2026-09-20"),
        (3, "2026-11-01T02:30:00Z", "2026-11-01"),
        (4, "2026-09-21T10:59:59.999Z", "2026-09-20"),
    ],
    ids=[
        "UTC",
        "ahead, before",
        "ahead, after",
        "half an hour",
        "half an hour, midnight",
        "behind",
    ],
)
def test_the_local_day_is_of_the_sites_zone(registry, site, at, day):
    moment = int(dt.datetime.fromisoformat(at).timestamp() * 1000)
    others = record(event(1), site=1), record(event(2), site=2)
    events = decode([*others, record(event(timestamp=moment), site=site)])
    assert enrichment.enrich(events, registry, SpamHosts()).rows["local_date"].to_list()[-1] == dt.date.fromisoformat(
        day
    )
    assert enrichment.local_date(events, registry, "timestamp").to_list()[-1] == dt.date.fromisoformat(day)


def test_an_unknown_site_has_no_local_day(registry):
    with pytest.raises(UnreadableRecord, match="site 99 is unknown"):
        enrichment.enrich(decode([record(event(), site=99)]), registry, SpamHosts())

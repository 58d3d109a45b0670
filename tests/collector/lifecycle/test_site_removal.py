"""An archived site refuses events and stays readable; a removed one leaves nothing, whenever the removal is killed."""

from __future__ import annotations

import json
import time
import uuid

import pytest

from collector.lifecycle import site_removal
from collector.lifecycle.verify import verify
from collector.sites.admin import add_site, being_removed
from collector.sites.table import all_keys, all_sites
from collector.spool.spool import Spool
from sql.schema import site_rows

STORED = """
    select name from system.tables
    where database = currentDatabase() and engine like '%MergeTree' and name != 'sites'
        and name in (select table from system.columns where name = 'site_id' and database = currentDatabase())
"""
OTHERS = "select count() from events where site_id != {site:UInt32}"
DOMAINS = "select distinct domain from sites where site_id = {site:UInt32}"


def events(domain: str, count: int, days: int = 0) -> list[dict]:
    now = int(time.time() * 1000) - days * 86_400_000
    return [
        {
            "name": "page_view",
            "event_id": str(uuid.uuid4()),
            "url": f"https://{domain}/{n}",
            "timestamp": now - n * 1000,
        }
        for n in range(count)
    ]


def post_as(footfall, key: str, sent: list[dict]) -> int:
    before, footfall.key = footfall.key, key
    try:
        return footfall.post(sent)
    finally:
        footfall.key = before


@pytest.fixture
def two(footfall, until):
    """A Footfall with events of two sites over two months."""
    with footfall.client() as client:
        other, key = add_site(client, footfall.home, "other.example", "UTC")
    until(lambda: post_as(footfall, key, events("other.example", 1)) == 202, 20, "the collector knows the site")
    for days in (0, 29):
        assert footfall.post(events("shop.example", 20, days)) == 202
        assert post_as(footfall, key, events("other.example", 10, days)) == 202
    until(lambda: footfall.drained() and footfall.account().pending == 0, 60, "all is loaded")
    return footfall, other, key


def rows_of(client, site_id: int) -> int:
    """Stored rows of a site, in all tables but `sites`."""
    names = [row[0] for row in client.query(STORED).result_rows]
    assert {"events", "visits", "daily_events", "daily_pages", "write_keys", "revisions"} <= set(names)
    text = "select count() from {name:Identifier} where site_id = {site:UInt32}"
    return sum(int(client.command(text, parameters={"name": name, "site": site_id})) for name in names)


def test_archived(two, until, command):
    footfall, other, key = two
    words = ("--config", footfall.folder / "footfall.toml", "site")
    told = command(*words, "archive", "other.example")
    assert (told.returncode, told.stderr) == (0, "archived other.example\n")
    until(lambda: post_as(footfall, key, events("other.example", 1)) == 403, 20, "its events are refused")
    listed = {row["domain"]: row["archived"] for row in json.loads(command(*words, "list").stdout)}
    assert listed == {"shop.example": False, "other.example": True}
    assert command(*words[:2], "report", "overview", "--site", "other.example", "--period", "all").returncode == 0
    assert "nothing changes" in command(*words, "archive", "other.example").stderr
    assert command(*words, "set", "other.example", "--max-age-days", "40").returncode == 0
    with footfall.client() as client:
        assert [site.archived for site in all_sites(client)] == [False, True]
        assert rows_of(client, other.site_id) > 21
    assert command(*words, "archive", "other.example", "--undo").returncode == 0
    assert post_as(footfall, key, events("other.example", 1)) == 403, "its key stays revoked"


class Killed(BaseException):
    """The process ends here."""


def test_removed_whenever_it_is_killed(two, until, agree, monkeypatch):
    footfall, other, key = two
    with footfall.client() as client:
        leaving = site_removal.find(client, "other.example")
        before = int(client.command(OTHERS, parameters={"site": other.site_id}))
        commands = client.command

        def run() -> None:
            site_removal.begin(client, footfall.home, footfall.url, leaving)
            for rows in site_rows.count(client, leaving.site_id):
                site_removal.remove(client, footfall.home, leaving, rows)
            site_removal.finish(client, footfall.home, leaving)

        monkeypatch.setattr(site_removal, "LOOK_SECONDS", 0.6)
        kills = point = 0
        while True:
            point += 2
            left = [point]

            def one(*given, left=left, **more):
                left[0] -= 1
                if not left[0]:
                    raise Killed
                return commands(*given, **more)

            monkeypatch.setattr(client, "command", one)
            try:
                run()
                break
            except Killed:
                kills += 1
                monkeypatch.setattr(client, "command", commands)
                assert site_removal.find(client, "other.example").site_id == other.site_id
        monkeypatch.setattr(client, "command", commands)
        assert kills > 5
        assert rows_of(client, other.site_id) == 0
        assert {site.domain for site in all_sites(client)} == {"shop.example"}
        assert {each.site_id for each in all_keys(client)} == {1}
        assert being_removed(client) == {}
        assert client.query(DOMAINS, parameters={"site": other.site_id}).result_rows == [("",)]
        assert int(client.command("select count() from events")) == before == 40
        assert verify(client, footfall.home, every_row=True).differences == ()
        agree(client)
        assert post_as(footfall, key, events("other.example", 1)) == 403
        again, _ = add_site(client, footfall.home, "other.example", "UTC")
        assert again.site_id > other.site_id


def test_the_command_says_it_first_and_leaves_a_receipt(two, command):
    footfall, other, _ = two
    words = ("--config", footfall.folder / "footfall.toml")
    told = command(*words, "site", "remove", "other.example", "--dry-run")
    assert "would revoke the keys and registration of other.example" in told.stderr
    assert "would delete events of other.example (" in told.stderr
    assert command(*words, "site", "remove", "other.example").returncode == 2
    told = command(*words, "site", "remove", "other.example", "--yes")
    assert told.returncode == 0, told.stderr
    assert told.stderr.splitlines()[-1].endswith("removed other.example")
    receipts = json.loads(command(*words, "receipt", "list", "--format", "json").stdout)
    assert (receipts[0]["command"], receipts[0]["progress"]) == ("footfall site remove", "done")
    assert command(*words, "site", "remove", "other.example").returncode == 2
    with footfall.client() as client:
        assert rows_of(client, other.site_id) == 0
    assert not list(Spool(footfall.home.spool).quarantine_dir.iterdir())

"""`footfall visitor`, as a person runs it."""

from __future__ import annotations

import csv
import json
import uuid

import pytest

from collector.event.model import SpooledEvent
from collector.event.redact import user
from collector.ingest.identity_keys import identity_keys
from collector.ingest.visitors import Salts, Visitors
from collector.sites.admin import add_site
from collector.sites.identity import Identity
from collector.spool.lines import encode
from collector.spool.spool import Spool, SpoolWriter
from sql.client import opened
from sql.core import receipts
from sql.core.data_dir import DataDir
from sql.engine.server import alongside
from sql.schema.upgrade import bring_up_to_date

pytestmark = pytest.mark.process
AT = 1_780_000_000_000
MAIL, ADDRESS, AGENT = "Jane@mail.example", "203.0.113.9", "Mozilla/5.0 Firefox/130.0"
NAMED = [["--client-id", "c-1"], ["--user", MAIL], ["--address", ADDRESS, "--user-agent", AGENT]]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A data directory with three visitors of a first-party site, and its engine."""
    made = DataDir(tmp_path_factory.mktemp("visitors") / "data").make()
    keys = identity_keys(made)
    known = Visitors(Salts(made.salts), keys.client)
    today = int(known.salts.clock() * 1000)
    with alongside(made):
        with opened(f"chdb://{made.root}", direct=False) as client:
            bring_up_to_date(client, made)
            site, _ = add_site(client, made, "shop.example", "UTC", identity=Identity.FIRST_PARTY)
        who = [
            known.of_client(site.site_id, "c-1")[0],
            77_123_456_789_012,
            known.of(site.site_id, ADDRESS, AGENT, today)[0],
        ]
        writer = SpoolWriter(Spool(made.spool), "test")
        events = [
            SpooledEvent(
                uuid.UUID(int=number * 3 + step + 1).bytes, True, visitor, 0, AT + step * 90_000,
                ("page_view", "engagement", "purchase")[step], step == 2, "https://shop.example/pricing",
                engagement_ms=12_500 * (step == 1), scroll_depth=40 * (step == 1), revenue="12" * (step == 2),
                currency="EUR" * (step == 2), props={"plan": "pro"} if step == 2 else None,
                user_id=user(MAIL, keys.user) if number == 1 else "",
            )
            for number, visitor in enumerate(who)
            for step in range(3)
        ]  # fmt: skip
        writer.commit([encode(site.site_id, AT, events)])
        writer.seal()
        yield made


@pytest.fixture
def footfall(home, command):
    """``footfall(…)``: what a command says, on stdout where it says something there."""

    def run(*words: object, code: int = 0) -> str:
        done = command("--data-dir", home.root, *words)
        assert done.returncode == code, done.stderr
        return done.stdout or done.stderr

    run("flush")
    return run


@pytest.mark.parametrize("named", NAMED, ids=["client id", "e-mail address", "address and user agent"])
def test_found_shown_exported_and_erased(home, footfall, named, tmp_path):
    [found] = json.loads(footfall("visitor", "find", *named, "--format", "json"))
    assert (found["events"], found["visits"], int(found["hex"], 16)) == (3, 1, found["visitor"])
    shown = json.loads(footfall("visitor", "show", found["hex"], "--format", "json"))
    assert [(row["event"].partition(", user")[0].partition(" (user")[0], row["gap"]) for row in shown] == [
        ("viewed shop.example/pricing", None),
        ("was on shop.example/pricing for 12.5 s, scrolled to 40%", 90.0),
        ("purchase on shop.example/pricing, 12 EUR (plan=pro" + (")" if named[0] != "--user" else ""), 90.0),
    ]
    assert shown[0]["duration"] == 180.0
    footfall("visitor", "export", tmp_path / "copy", *named)
    events = json.loads((tmp_path / "copy" / "events.json").read_text())
    rows = list(csv.DictReader((tmp_path / "copy" / "events.csv").open()))
    assert [each["path"] for each in events] == [row["path"] for row in rows] == ["/pricing"] * 3
    assert len(json.loads(footfall("visitor", "export", "-", *named))["visits"]) == 1
    assert "is there already" in footfall("visitor", "export", tmp_path / "copy", *named, code=2)
    assert "would delete events of shop.example (3 rows, 2026-05)" in footfall("visitor", "erase", *named, "--dry-run")
    assert "without confirmation" in footfall("visitor", "erase", *named, code=2)
    assert "checked that none of their ids is left in closed_visits, events, identity_log" in footfall(
        "visitor", "erase", *named, "--yes"
    )
    assert json.loads(footfall("visitor", "find", *named, "--format", "json")) == []
    [receipt] = (each for each in receipts.every(home) if each.started == max(r.started for r in receipts.every(home)))
    assert (receipt.command, receipt.progress) == ("footfall visitor erase", "done")
    assert str(found["visitor"]) not in str(receipt)


def test_nobody_is_named(footfall):
    assert "nobody is named" in footfall("visitor", "find", code=2)

"""Conversions: golden files of every platform, which click is meant, adjustments, and what is new.

FOOTFALL_TEST_GOLDEN=write writes tests/golden/exports/.
"""

from __future__ import annotations

import csv
import json
import os
from hashlib import sha256
from pathlib import Path

import pytest

from aggregations.exports import conversions, log
from aggregations.exports.consent import Consent
from aggregations.exports.conversion_files import Adjust, ConversionPlatform, google_time, microsoft_time
from aggregations.exports.conversions import ConversionExport
from aggregations.query.goals import GOAL, Goal
from collector.event.contact import ContactData, forms
from collector.lifecycle.store import Store
from sql import definitions
from sql.core.errors import UsageError
from tests.aggregations.exports.people import NO, NOON, YES

GOLDEN = Path(__file__).parents[2] / "golden" / "exports"


def click(visitor, kind, click_id, at="2026-11-01T09:00:00", **more):
    its = {"at": at, "visitor": visitor, "visit": visitor, "click_id_kind": kind, "click_id": click_id, "consent": YES}
    return its | more


def order(visitor, order_id="", at="2026-11-02T18:05:09", revenue=19.9, name="purchase", **more):
    props = {"order_id": order_id} if order_id else {}
    return {
        "at": at, "visitor": visitor, "visit": visitor + 100, "name": name, "revenue": revenue, "currency": "EUR",
        "hostname": "shop.example", "path": "/thanks", "user_agent": "A/1", "props": props, "interactive": True,
    } | more  # fmt: skip


@pytest.fixture
def shop(world, home):
    """Orders of people who came by a click of each kind, in a zone that is not UTC, and of some who must not go out."""
    site = world.site("Europe/Berlin")
    told = forms({"email": "John_Smith@gmail.com", "country": "DE"}, "DE", ContactData.HASHED)
    world.events(
        site,
        click(1, "gclid", "Cj0old", at="2026-10-31T09:00:00"),
        click(1, "gclid", "Cj0Kcq-_AbC"),
        order(1, "A-1"),
        click(2, "gbraid", "0AAAgb"),
        order(2, "=1+1"),
        click(3, "wbraid", "ClwKwb", user_id="wendy"),
        order(4, "A-4", user_id="wendy"),  # on her other device
        click(5, "msclkid", "ab12MS"),
        order(5),
        click(6, "fbclid", "IwAR0CaSe_x"),
        {"at": "2026-11-01T10:00:00", "visitor": 6, "visit": 6, "name": "identify", "props": told},
        order(6, "A-6"),
        click(7, "gclid", "Cj0gpc"),
        order(7, "A-7", gpc=True),
        click(8, "gclid", "Cj0no"),
        order(8, "A-8", consent=NO),
        click(9, "gclid", "Cj0unknown", consent=""),
        order(9, "A-9"),
        click(10, "gclid", "=cmd|' /C calc'!A0"),
        order(10, "A-10"),
        click(11, "gclid", "Cj0late", at="2026-11-02T19:00:00"),
        order(11, "A-11"),
        order(12, "A-12", bot=True),
        click(13, "gclid", "Cj0ancient", at="2026-07-01T09:00:00"),
        order(13, "A-13"),
        order(1, "A-1", name="refund", at="2026-11-02T20:00:00", revenue=5),
        order(1, "", name="refund", at="2026-11-02T20:00:00"),
    )
    definitions.put(world.client, home, site.site_id, GOAL, "orders", Goal(event="purchase"))
    definitions.put(world.client, home, site.site_id, GOAL, "long", Goal(duration=60))
    return site


def exported(world, home, site, out, to=ConversionPlatform.GOOGLE, name="c.csv", **more):
    asked = ConversionExport("orders", to, **({"period": "2026-11"} | more))
    with conversions.finding(world.client, home, site, asked, NOON) as found:
        return conversions.write(world.client, site, asked, found, Store(str(out)), name), found


def rows(path, skip=0):
    return list(csv.reader(path.read_text().splitlines()[skip:]))


@pytest.mark.parametrize("platform", ConversionPlatform, ids=str)
def test_golden(world, home, out, shop, platform):
    name = f"conversions-{platform}.{'json' if platform is ConversionPlatform.META else 'csv'}"
    made, _ = exported(world, home, shop, out, platform, name)
    for each in made.files:
        if os.environ.get("FOOTFALL_TEST_GOLDEN") == "write":
            (GOLDEN / each.name).write_bytes((out / each.name).read_bytes())
        text = (out / each.name).read_text()
        assert text == (GOLDEN / each.name).read_text()


def test_every_kind_of_click_has_a_file_and_no_one_else_goes_out(world, home, out, shop):
    made, found = exported(world, home, shop, out)
    assert [(each.name, each.rows) for each in made.files] == [
        ("c.gclid.csv", 2), ("c.gbraid.csv", 1), ("c.wbraid.csv", 1),
    ]  # fmt: skip
    assert found.left_out == {
        "Sec-GPC": 1, "consent denied": 1, "malformed click id": 1, "no click": 4,
    }  # fmt: skip
    head, *body = rows(out / "c.gclid.csv", 1)
    assert [dict(zip(head, row, strict=True)) for row in body] == [
        {"Google Click ID": "Cj0Kcq-_AbC", "Conversion Name": "orders", "Conversion Time": "2026-11-02 17:05:09+0000",
         "Conversion Value": "19.9", "Conversion Currency": "EUR", "Order ID": "A-1", "Ad User Data": "Granted",
         "Ad Personalization": "Granted"},
        {"Google Click ID": "Cj0unknown", "Conversion Name": "orders", "Conversion Time": "2026-11-02 17:05:09+0000",
         "Conversion Value": "19.9", "Conversion Currency": "EUR", "Order ID": "A-9", "Ad User Data": "",
         "Ad Personalization": ""},
    ]  # fmt: skip
    assert rows(out / "c.gbraid.csv", 2)[0][5] == "'=1+1"


def test_consent_can_be_required_and_a_click_be_too_old(world, home, out, shop):
    _, found = exported(world, home, shop, out, consent=Consent.REQUIRED)
    assert found.left_out["consent not given"] == 1
    _, found = exported(world, home, shop, out, window=3600)
    assert found.rows == 0


def test_meta_has_the_click_in_its_own_case_and_hashes(world, home, out, shop):
    made, _ = exported(world, home, shop, out, ConversionPlatform.META, "c.json")
    [line] = (out / "c.json").read_text().splitlines()
    [event] = json.loads(line)["data"]
    assert event["user_data"]["fbc"] == f"fb.1.{1793520000000}.IwAR0CaSe_x"
    assert event["user_data"]["em"] == [sha256(b"john_smith@gmail.com").hexdigest()]
    assert event["user_data"]["country"] == [sha256(b"de").hexdigest()]
    assert event["custom_data"] == {"order_id": "A-6", "value": 19.9, "currency": "EUR"}
    assert made.rows == 1


def test_only_what_is_new(world, home, out, shop, monkeypatch):
    assert exported(world, home, shop, out, since_last=True)[0].rows == 4
    assert exported(world, home, shop, out, since_last=True)[0].rows == 0
    assert not (out / "c.gbraid.csv").exists()
    world.events(shop, order(1, "B-1", event_id="00000000-0000-0000-0000-0000000000ff"))
    with monkeypatch.context() as patch:
        patch.setattr(log, "write", lambda *args: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            exported(world, home, shop, out, since_last=True)
    exported(world, home, shop, out, since_last=True)
    assert [row[5] for row in rows(out / "c.gclid.csv", 2)] == ["B-1"]
    assert exported(world, home, shop, out, since_last=True)[0].rows == 0
    assert exported(world, home, shop, out)[0].rows == 5


@pytest.mark.parametrize(("how", "value"), [(Adjust.RETRACT, ["", ""]), (Adjust.RESTATE, ["5", "EUR"])])
def test_adjustments_of_events(world, home, out, shop, how, value):
    exported(world, home, shop, out, adjust=how)
    assert rows(out / "c.csv") == [
        ["Order ID", "Conversion Name", "Adjustment Time", "Adjustment Type", "Adjusted Value",
         "Adjusted Value Currency"],
        ["A-1", "orders", "2026-11-02 19:00:00+0000", how.upper(), *value],
    ]  # fmt: skip
    assert exported(world, home, shop, out, adjust=how, since_last=True)[0].rows == 0


def test_adjustments_of_a_file(world, home, out, shop, tmp_path):
    given = tmp_path / "given.csv"
    given.write_text(
        "order_id,time,value,currency\nA-1,2026-11-03T12:00:00+01:00,7.50,EUR\n=x,2026-11-03T12:00:00Z,,\n"
    )
    exported(world, home, shop, out, adjust=Adjust.RESTATE, file=str(given))
    assert rows(out / "c.csv")[1:] == [
        ["A-1", "orders", "2026-11-03 11:00:00+0000", "RESTATE", "7.50", "EUR"],
        ["'=x", "orders", "2026-11-03 12:00:00+0000", "RESTATE", "", ""],
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("id,time\n1,2\n", "no column order_id"),
        ("order_id,time\nA,yesterday\n", "line 2"),
        ("order_id,time\nA,2026-11-03T12:00:00\n", "without a zone"),
        ("order_id,time,value\nA,2026-11-03T12:00:00Z,much\n", "line 2"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(world, home, out, shop, tmp_path, text, says):
    given = tmp_path / "given.csv"
    given.write_text(text)
    with pytest.raises(UsageError, match=says):
        exported(world, home, shop, out, adjust=Adjust.RETRACT, file=str(given))
    assert not list(out.iterdir())


def test_what_has_no_click_is_refused(world, home, out, shop):
    with pytest.raises(UsageError, match="takes no adjustments"):
        exported(world, home, shop, out, ConversionPlatform.META, adjust=Adjust.RETRACT)
    with conversions.finding(world.client, home, shop, ConversionExport("orders", ConversionPlatform.META)):
        pass
    asked = ConversionExport("long", ConversionPlatform.GOOGLE)
    with (
        pytest.raises(UsageError, match="is a visit's duration"),
        conversions.finding(world.client, home, shop, asked),
    ):
        pass


@pytest.mark.parametrize(
    ("at", "google", "microsoft"),
    [
        (1585767054000, "2020-04-01 18:50:54+0000", "4/1/2020 6:50:54 PM"),
        (1577836800000, "2020-01-01 00:00:00+0000", "1/1/2020 12:00:00 AM"),
        (1577880000000, "2020-01-01 12:00:00+0000", "1/1/2020 12:00:00 PM"),
    ],
)
def test_times(at, google, microsoft):
    assert (google_time(at), microsoft_time(at)) == (google, microsoft)

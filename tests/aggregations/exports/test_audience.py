"""Audiences: golden files of every platform, what changed since the last time, sizes, and runs that are killed.

FOOTFALL_TEST_GOLDEN=write writes tests/golden/exports/.
"""

from __future__ import annotations

import csv
import os
from hashlib import sha256
from pathlib import Path

import pytest

from aggregations.exports import audience, log, split_files
from aggregations.exports.audience import AudienceExport
from aggregations.exports.consent import Consent
from aggregations.exports.files import read_manifest
from aggregations.exports.platforms import AUDIENCES, Platform
from aggregations.exports.split_files import Limits, put_rows
from collector.event.contact import ContactData
from collector.lifecycle.store import Store
from sql.core.errors import UsageError
from sql.schema.days import write_again
from tests.aggregations.exports.people import FORMULA, NOON, YES, identified, refreshed, shop

GOLDEN = Path(__file__).parents[2] / "golden" / "exports"


def hashed(text):
    return sha256(text.encode()).hexdigest()


def exported(world, home, site, out, to=Platform.META, name="a.csv", **more):
    asked = AudienceExport("buyers", to, **({"allow_small": True} | more))
    with audience.preparing(world.client, home, site, asked) as prepared:
        audience.check_size(asked, prepared)
        return audience.write(world.client, site, asked, prepared, Store(str(out)), name)


def rows(path):
    return list(csv.reader(path.open(newline="")))


def emails(path, header="email"):
    first, *rest = rows(path)
    return {row[first.index(header)] for row in rest}


@pytest.mark.parametrize("platform", Platform, ids=str)
@pytest.mark.parametrize("keep", [ContactData.PLAIN, ContactData.HASHED], ids=str)
def test_golden(world, home, out, platform, keep):
    name = f"{platform}-{keep}.csv"
    made = exported(world, home, shop(world, home, keep), out, platform, name)
    if os.environ.get("FOOTFALL_TEST_GOLDEN") == "write":
        (GOLDEN / name).write_bytes((out / name).read_bytes())
    assert (out / name).read_bytes() == (GOLDEN / name).read_bytes()
    assert made.left_out["Sec-GPC"] == made.left_out["consent denied"] == made.left_out["no contact data"] == 1
    assert made.left_out.get("consent not given", 0) == (platform is Platform.GOOGLE)


def test_check_values_of_the_platforms(world, home, out):
    """Normalised and hashed as their documents have it."""
    exported(world, home, shop(world, home), out, consent=Consent.NOT_DENIED)
    text = (out / "a.csv").read_text()
    for value, start in [("john_smith@gmail.com", "62a14e44f765"), ("16505551212", "e323ec626319"),
                         ("mary", "6915771be1c5"), ("valéry", "08e1996b5dd4")]:  # fmt: skip
        assert hashed(value).startswith(start)
        assert hashed(value) in text


@pytest.mark.parametrize(
    ("platform", "header", "texts"),
    [
        (Platform.GOOGLE, "Email", ["jsmith+shop@gmail.com", "uv@gmail.com", "moved@shop.example"]),
        (Platform.TIKTOK, "Email_SHA256", ["j.smith@gmail.com", "u.v@gmail.com", "moved@shop.example"]),
        (Platform.META, "email", ["j.smith+shop@gmail.com", "u.v@gmail.com", "moved@shop.example"]),
    ],
)
def test_each_platform_has_its_form_and_an_earlier_address_does_not_come_back(
    world, home, out, platform, header, texts
):
    exported(world, home, shop(world, home), out, platform)
    assert set(map(hashed, texts)) <= emails(out / "a.csv", header)
    assert hashed("ab@gmail.com") not in (out / "a.csv").read_text()


def test_google_has_an_address_only_as_a_whole(world, home, out):
    exported(world, home, shop(world, home), out, Platform.GOOGLE)
    addresses = [row[2:] for row in rows(out / "a.csv")[1:] if any(row[2:])]
    assert all(all(address) for address in addresses)
    assert sorted(address[2:] for address in addresses) == [["GB", "'@SUM(A1)"], ["US", "94035-1234"]]


def test_a_person_of_two_visitors_is_one_with_both_addresses(world, home, out):
    exported(world, home, shop(world, home), out)
    [found] = [row for row in rows(out / "a.csv") if hashed("u.v@gmail.com") in row]
    assert {hashed("ümit@köln.example"), hashed("u.v@gmail.com"), ""} == set(found[:3])


@pytest.mark.parametrize("platform", [Platform.LINKEDIN, Platform.GENERIC], ids=str)
def test_formulas_are_harmless(world, home, out, platform):
    exported(world, home, shop(world, home), out, platform)
    cells = [cell for row in rows(out / "a.csv") for cell in row]
    assert f"'{FORMULA}" in cells
    assert not [cell for cell in cells if cell.startswith(("=", "-", "@", "\t", "\r"))]
    assert not [cell for cell in cells if cell.startswith("+") and not cell[1:].isdigit()]


def test_what_changed_is_exactly_what_is_written(world, home, out):
    site = shop(world, home)
    exported(world, home, site, out)
    everybody = emails(out / "a.csv")
    again = exported(world, home, site, out, since_last=True)
    assert [(each.rows, each.holds) for each in again.files] == [(0, "additions"), (0, "removals")]
    world.events(
        site,
        identified(11, "stranger", {"email": "stranger@shop.example"}, "2026-11-03T10:00:00"),
        {"at": "2026-11-03T10:00:00", "visitor": 11, "visit": 12, "name": "purchase"},
        identified(7, "silent", {"email": "renamed@shop.example"}, "2026-11-03T10:00:00"),
        {"at": "2026-11-03T10:00:00", "visitor": 4, "visit": 13, "consent": YES.replace("granted", "denied")},
    )
    write_again(world.client, "events", "local_date", 202611, "not (site_id = {s:UInt32} and visitor_id = 10)",
                {"s": site.site_id})  # fmt: skip
    refreshed(world, home, site, NOON.replace(hour=13))
    made = exported(world, home, site, out, since_last=True)
    assert emails(out / "a.csv") == {hashed("stranger@shop.example"), hashed("renamed@shop.example")}
    gone = {hashed(f"{name}@shop.example") for name in ("nowhere", "moved")} | {hashed("john_smith@gmail.com")}
    assert emails(out / "a.removals.csv") == gone
    last = log.every(world.client, site, "buyers.meta", 1).to_dicts()[0]
    assert (last["added"], last["removed"], last["rows"], last["status"]) == (2, 3, 2, "done")
    assert made.left_out["consent denied"] == 2
    exported(world, home, site, out)
    assert emails(out / "a.csv") == everybody - gone | {hashed("stranger@shop.example"), hashed("renamed@shop.example")}
    assert not (out / "a.removals.csv").exists()
    stored = world.client.query(
        "select count() from export_members where site_id = {s:UInt32} and has(cells, {gone:String})",
        parameters={"s": site.site_id, "gone": hashed("moved@shop.example")},
    )
    assert stored.result_rows == [(0,)]


class Killed(BaseException):
    pass


@pytest.mark.parametrize("at", ["file", "manifest", "log"])
def test_killed_before_it_is_logged_the_next_run_is_right(world, home, out, monkeypatch, at):
    site = shop(world, home)
    exported(world, home, site, out)
    before = (out / "a.csv").read_bytes()
    world.events(
        site,
        identified(11, "stranger", {"email": "stranger@shop.example"}, "2026-11-03T10:00:00"),
        {"at": "2026-11-03T10:00:00", "visitor": 11, "visit": 12, "name": "purchase"},
    )
    refreshed(world, home, site, NOON.replace(hour=13))

    def broken(*args):
        raise Killed

    with monkeypatch.context() as patch:
        if at == "file":
            patch.setattr(split_files, "line", broken)
        else:
            patch.setattr(*((audience, "write_manifest") if at == "manifest" else (log, "write")), broken)
        with pytest.raises(Killed):
            exported(world, home, site, out, since_last=True)
    assert (out / "a.csv").read_bytes() == before or emails(out / "a.csv") == {hashed("stranger@shop.example")}
    assert not list(out.glob("*.part"))
    assert len(log.every(world.client, site)) == 1
    assert exported(world, home, site, out, since_last=True).files[0].rows == 1
    assert emails(out / "a.csv") == {hashed("stranger@shop.example")}
    assert exported(world, home, site, out, since_last=True).rows == 0


def test_too_few_people_are_refused(world, home, out):
    site = shop(world, home)
    with pytest.raises(UsageError, match="6 people; meta needs at least 100"):
        exported(world, home, site, out, allow_small=False)
    assert not list(out.iterdir())


def test_parts_of_a_split_are_everybody_once(world, home, out):
    site = shop(world, home)
    exported(world, home, site, out, name="all.csv")
    for part in (1, 2):
        exported(world, home, site, out, name=f"{part}.csv", ends=(50, 100), part=part)
    one, two = emails(out / "1.csv"), emails(out / "2.csv")
    assert not one & two
    assert one | two == emails(out / "all.csv")
    with pytest.raises(UsageError, match="needs a --part"):
        exported(world, home, site, out, ends=(50, 100))


@pytest.mark.parametrize(
    ("limits", "sizes"),
    [
        (Limits(), [5]),
        (Limits(rows=2), [2, 2, 1]),
        (Limits(bytes=2 + 2 * 3), [2, 2, 1]),
        (Limits(bytes=1), [1, 1, 1, 1, 1]),
    ],
    ids=["none", "rows", "bytes", "a row is larger"],
)
def test_files_above_a_limit_are_split(out, limits, sizes):
    given = [[f"{at}x"] for at in range(5)]
    made = put_rows(Store(str(out)), "a.csv", ["h"], given, limits)
    assert [each.rows for each in made] == sizes
    assert [each.name for each in made] == ["a.csv", *(f"a-{at}.csv" for at in range(2, len(sizes) + 1))]
    found = [rows(out / each.name) for each in made]
    assert all(each[0] == ["h"] for each in found)
    assert [row for each in found for row in each[1:]] == given
    assert all(sha256((out / each.name).read_bytes()).hexdigest() == each.sha256 for each in made)


def test_the_manifest_says_what_is_in_the_files(world, home, out):
    site = shop(world, home)
    made = exported(world, home, site, out, Platform.LINKEDIN)
    assert read_manifest(Store(str(out)), "a.csv") == made
    assert made.definition["where"] == "did(event=purchase)"
    assert (made.consent, made.people, made.rows) == ("not-denied", 6, len(rows(out / "a.csv")) - 1)


def test_every_platform_has_a_list():
    assert set(AUDIENCES) == set(Platform)

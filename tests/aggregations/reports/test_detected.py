"""What the tracker detected, and what overrides make of it: the same figures as Python finds over the raw rows."""

from __future__ import annotations

import datetime as dt
import random
from collections import defaultdict
from dataclasses import dataclass

import pytest

from aggregations.definitions import overrides
from aggregations.definitions.overrides import Override
from aggregations.query.answer import answer, ask
from aggregations.query.filters import EXCLUDE_BOTS, Filter
from aggregations.query.model import Query
from aggregations.query.where import parse
from aggregations.reports.detected import DETECTED, Confidence
from aggregations.reports.detected import review as review_of
from aggregations.reports.ranked import RANKED
from sql.core.errors import EngineBusy, UsageError
from sql.core.files import OwnedLock

CRITERIA = ("name", "rule", "selector", "text")
DAY = "2026-11-02"


def shown(kind="other", confidence="low", rule="r1", selector="#a", text="Go"):
    return {"kind": kind, "confidence": confidence, "rule": rule, "selector": selector, "text": text}


def click(at="10:00", **more):
    props = shown(**{name: more.pop(name) for name in list(more) if name in shown()})
    return {"at": f"{DAY}T{at}:00", "name": "click", "props": props} | more


@pytest.fixture
def lock(tmp_path):
    return OwnedLock(tmp_path / "overrides.lock", "a test")


@pytest.fixture
def day(days):
    return lambda site: days(DAY, DAY, site)


@pytest.fixture
def override(world, lock):
    """``override(site, kind, **criteria)``: a new override; its number."""

    def make(site, kind, **criteria):
        return overrides.add(world.client, site, Override(kind, **criteria), "tester", lock)

    return make


def kinds(client, site, period, only=EXCLUDE_BOTS, limit=10):
    return RANKED["detected"].rows(client, site, period, only, limit=limit)


def kinds_of(client, query, site, period):
    return answer(client, ask(client, query, site, period))


def review(client, site, period, limit=10, **more):
    return review_of(client, Query(limit=limit), site, period, **more)


def by_kind(world, site, period):
    return {row["kind"]: row["events"] for row in kinds(world.client, site, period, limit=0).iter_rows(named=True)}


def test_only_what_the_tracker_detected_counts(world, day):
    site = world.site()
    world.events(
        site,
        click(kind="sign_up", confidence="high"),
        click("10:01", kind="contact", name="form_submit"),
        click("10:02", kind="contact", visitor=2, visit=2),
        click("10:03", kind="contact", visitor=3, visit=3, bot=True),
        {"at": f"{DAY}T10:04:00", "name": "click", "props": {"kind": "sign_up"}},
        {"at": f"{DAY}T10:04:30", "name": "click", "props": {"rule": "attribute", "confidence": "high"}},
        {"at": f"{DAY}T10:05:00", "name": "teaser", "props": shown()},
        {"at": f"{DAY}T10:06:00", "props": shown()},
        {"at": "2026-11-03T10:00:00", "name": "click", "props": shown(), "visit": 4},
    )
    found = kinds(world.client, site, day(site))
    assert found.columns == ["kind", "visitors", "events", "visits", "reviewed"]
    assert found.rows() == [("contact", 2, 2, 2, 0.0), ("sign_up", 1, 1, 1, 0.0)]
    assert kinds(world.client, site, day(site), Filter(include_bots=True))["events"].to_list() == [3, 1]
    assert kinds(world.client, site, day(site), limit=1).height == 1


@pytest.mark.parametrize(
    ("where", "segment", "expected"),
    [
        ("path=/a", "", {"contact": 2}),
        ("path!=/a", "", {"contact": 1, "sign_up": 1}),
        ("props.selector=#b", "", {"contact": 1}),
        ("event=form_submit", "", {"sign_up": 1}),
        ("device=mobile", "", {"contact": 1, "sign_up": 1}),
        ("device=mobile and path=/a", "", {}),
        ("entry_page=/start", "", {"contact": 2}),
        ("", "event=form_submit", {"contact": 1, "sign_up": 1}),
        ("path=/c", "device=desktop", {}),
        ("path=/a or device=mobile", "", {"contact": 3, "sign_up": 1}),
    ],
)
def test_conditions_are_of_events_visits_and_visitors(world, day, where, segment, expected):
    site = world.site()
    desk, phone = {"visitor": 1, "visit": 1, "device": "desktop"}, {"visitor": 2, "visit": 2, "device": "mobile"}
    world.events(
        site,
        {"at": f"{DAY}T09:00:00", "path": "/start", **desk},
        click(kind="contact", path="/a", **desk),
        click("10:01", kind="contact", path="/a", **desk),
        click("10:02", kind="contact", path="/b", selector="#b", **phone),
        click("10:03", kind="sign_up", path="/c", name="form_submit", **phone),
    )
    chosen = {"where": parse(where) if where else None, "segment": parse(segment) if segment else None}
    query = Query(**chosen)
    found = kinds_of(world.client, RANKED["detected"].query(**chosen), site, day(site))
    assert {row["kind"]: row["events"] for row in found.iter_rows(named=True)} == expected
    groups = review_of(world.client, query, site, day(site))
    assert sum(groups["events"]) == sum(expected.values())
    assert set(groups["kind"]) == set(expected)


def test_what_needs_a_look_comes_first(world, day, override):
    site = world.site()
    world.events(
        site,
        click(kind="search", confidence="high", selector="#s", hostname="a.example", path="/1"),
        *(click(f"11:0{n}", selector="#b", visitor=n, path=f"/{n}", hostname="a.example") for n in range(3)),
        click("12:00", selector="#c", text=""),
        *(click(f"12:1{n}", kind="contact", confidence="medium", selector="#m") for n in range(5)),
    )
    found = review(world.client, site, day(site))
    assert [(row["selector"], row["events"], row["visitors"], row["confidence"], row["override"]) for row in
            found.iter_rows(named=True)] == [
        ("#b", 3, 3, "low", None), ("#c", 1, 1, "low", None), ("#m", 5, 1, "medium", None), ("#s", 1, 1, "high", None)
    ]  # fmt: skip
    assert found.row(0, named=True)["page"] == "a.example/2"
    assert found.row(0, named=True)["last_seen"] == dt.datetime(2026, 11, 2, 10, 2, tzinfo=dt.UTC)
    assert review(world.client, site, day(site), confidence=Confidence.HIGH)["selector"].to_list() == ["#s"]
    number = override(site, "subscribe", selector="#b")
    found = review(world.client, site, day(site))
    assert found["selector"].to_list() == ["#c", "#m", "#s", "#b"]
    last = found.row(3, named=True)
    assert (last["kind"], last["detected"], last["confidence"], last["override"]) == (
        "subscribe", "other", "reviewed", number,
    )  # fmt: skip
    assert review(world.client, site, day(site), kind="subscribe")["selector"].to_list() == ["#b"]
    assert review(world.client, site, day(site), kind="other")["selector"].to_list() == ["#c"]


@pytest.mark.parametrize("confidence", [c for c in Confidence if c is not Confidence.REVIEWED])
def test_every_confidence_of_the_tracker_is_read(world, day, confidence):
    site = world.site()
    world.events(site, click(confidence=confidence.value))
    assert review(world.client, site, day(site), confidence=confidence)["events"].to_list() == [1]


@pytest.mark.parametrize("name", DETECTED)
def test_every_detected_event_is_read(world, day, name):
    site = world.site()
    world.events(site, click(name=name))
    assert review(world.client, site, day(site))["name"].to_list() == [name]


def test_more_criteria_before_fewer_and_later_before_earlier(world, day, override):
    site = world.site()
    world.events(site, click(), click("10:01", text="Stop"), click("10:02", rule="r2"))
    narrow = override(site, "checkout", selector="#a", text="Go")
    override(site, "contact", selector="#a")
    assert by_kind(world, site, day(site)) == {"checkout": 2, "contact": 1}
    override(site, "download", rule="r1", name="click")
    # r1 with #a and Go: two criteria each, the later one decides; r2 with Go keeps the first.
    assert by_kind(world, site, day(site)) == {"checkout": 1, "download": 2}
    later = override(site, "purchase", selector="#a", text="Go")
    assert by_kind(world, site, day(site)) == {"purchase": 2, "download": 1}
    overrides.remove(world.client, later, "tester")
    assert by_kind(world, site, day(site)) == {"checkout": 1, "download": 2}
    overrides.remove(world.client, narrow, "tester")
    assert by_kind(world, site, day(site)) == {"contact": 1, "download": 2}


def test_detected_wrongly_counts_as_nothing(world, day, override):
    site = world.site()
    world.events(site, click(kind="purchase"), click("10:01", kind="purchase", selector="#b"))
    override(site, "none", selector="#a")
    assert by_kind(world, site, day(site)) == {"purchase": 1}
    assert review(world.client, site, day(site), kind="none")["events"].to_list() == [1]


def test_an_empty_text_is_a_criterion_of_its_own(world, day, override):
    site = world.site()
    world.events(site, click(text=""), click("10:01", text="Go"))
    override(site, "share", text="")
    assert by_kind(world, site, day(site)) == {"share": 1, "other": 1}


def test_another_site_is_left_alone(world, day, override):
    one, other = world.site(), world.site()
    for site in (one, other):
        world.events(site, click())
    number = override(one, "contact", selector="#a")
    assert (by_kind(world, one, day(one)), by_kind(world, other, day(other))) == ({"contact": 1}, {"other": 1})
    assert overrides.listed(world.client, other).height == 0
    overrides.remove(world.client, number, "tester")
    assert by_kind(world, one, day(one)) == {"other": 1}


def test_nothing_is_lost_of_what_was_removed(world, override):
    site = world.site()
    number = override(site, "contact", selector="#a", name="click")
    overrides.remove(world.client, number, "somebody else")
    world.client.command("optimize table event_overrides final")
    [row] = overrides.listed(world.client, site).iter_rows(named=True)
    assert (row["id"], row["site"], row["kind"], row["name"], row["rule"], row["selector"], row["text"]) == (
        number, site.domain, "contact", "click", None, "#a", None,
    )  # fmt: skip
    assert (row["by"], row["removed_by"]) == ("tester", "somebody else")
    assert row["created"] <= row["removed"]
    with pytest.raises(UsageError, match="was removed"):
        overrides.remove(world.client, number, "tester")
    with pytest.raises(UsageError, match="no override 4000000"):
        overrides.find(world.client, 4_000_000)
    assert override(site, "contact", selector="#a") > number


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (Override("Contact", selector="#a"), "not a kind"),
        (Override("", selector="#a"), "not a kind"),
        (Override("contact"), "no criteria given"),
        (Override("contact", name="click"), "no criteria given"),
        (Override("contact", name="page_view", selector="#a"), "not detected"),
    ],
)
def test_what_is_no_override(world, lock, wanted, told):
    with pytest.raises(UsageError, match=told):
        overrides.add(world.client, world.site(), wanted, "tester", lock)


def test_two_at_once_wait_for_each_other(world, lock, tmp_path):
    with OwnedLock(lock.path, "another").held(1.0), pytest.raises(EngineBusy, match="another"):
        overrides.add(world.client, world.site(), Override("contact", text="x"), "tester", lock, wait=0.05)


@dataclass
class Made:
    """An override as this test knows it."""

    wanted: Override
    number: int
    site_id: int


VALUES = {
    "name": [*DETECTED],
    "rule": ["signup-path", "cart-text", "ünï"],
    "selector": ["", "#buy", "a.btn[href='/x']", "form > b\\c\n\td", "main>a:nth-child(2)"],
    "text": ["", "Buy now", "quote \" and ' here", "日本語 🎉", "\\N"],
}


def expected_of(row, made):
    """Kind, confidence and number that decide a raw row."""
    fitting = [
        (len(m.wanted.criteria), m.number, m.wanted.kind)
        for m in made
        if m.site_id == row["site_id"] and all(row[name] == value for name, value in m.wanted.criteria.items())
    ]
    if not fitting:
        return row["kind"], row["confidence"], None
    _, number, kind = max(fitting)
    return kind, "reviewed", number


def raw_rows(world, sites):
    """People's detected events, from `events` alone."""
    names = ("site_id", "timestamp", "event_id", "visitor_id", "visit_id", "name", "hostname", "path", "props")
    wanted = ", ".join(str(site.site_id) for site in sites)
    found = world.client.query(
        f"select {', '.join(names)} from events where site_id in ({wanted}) and not bot order by site_id, event_id"  # noqa: S608
    ).result_rows
    rows = [dict(zip(names, row, strict=True)) for row in found]
    return [row | {name: row["props"].get(name, "") for name in shown()} for row in rows if row["name"] in DETECTED]


def test_figures_are_those_of_the_raw_rows(world, days, override):
    """Many overlapping overrides on two sites, some removed; each change is what was foretold."""
    dice = random.Random(7)
    sites = [world.site(), world.site()]
    for site in sites:
        world.events(
            site,
            *(
                {
                    "at": (dt.datetime(2026, 11, 1) + dt.timedelta(minutes=17 * n)).isoformat(),
                    "visitor": (visitor := dice.randrange(30)),
                    "visit": 2 * visitor + dice.randint(1, 2),
                    "hostname": "shop.example",
                    "path": f"/{dice.randrange(9)}",
                    "bot": dice.random() < 0.1,
                    "name": dice.choice([*DETECTED, "page_view"]),
                    "props": shown(dice.choice(["sign_up", "contact", "other"]), dice.choice(["low", "medium", "high"]))
                    | {name: dice.choice(VALUES[name]) for name in ("rule", "selector", "text")},
                }
                for n in range(120)
            ),
        )
    rows, made = raw_rows(world, sites), []
    for step in range(30):
        site = dice.choice(sites)
        period = days("2026-11-01", "2026-11-03", site)
        asked = dice.sample(CRITERIA, dice.randint(1, 4))
        asked = asked if asked != ["name"] else ["text", "name"]
        kind = dice.choice(["purchase", "subscribe", "none", "contact"])
        wanted = Override(kind, **{name: dice.choice(VALUES[name]) for name in asked})
        foretold = overrides.changes(world.client, site, wanted, period)
        before = [expected_of(row, made) for row in rows]
        made.append(Made(wanted, override(site, kind, **wanted.criteria), site.site_id))
        after = [expected_of(row, made) for row in rows]
        changed = defaultdict(lambda: [0, set()])
        for row, was, now in zip(rows, before, after, strict=True):
            if was != now:
                assert now == (kind, "reviewed", made[-1].number)
                changed[was[0]][0] += 1
                changed[was[0]][1].add(row["visitor_id"])
        assert {row["was"]: (row["events"], row["visitors"]) for row in foretold.iter_rows(named=True)} == {
            kind: (events, len(visitors)) for kind, (events, visitors) in changed.items()
        }
        if step % 7 == 6:
            gone = made.pop(dice.randrange(len(made)))
            overrides.remove(world.client, gone.number, "tester")
        if step % 5 == 4:
            agree(world, sites, days, rows, made)
    agree(world, sites, days, rows, made)
    assert raw_rows(world, sites) == rows


def agree(world, sites, days, rows, made):
    """Both reports say of each site what Python finds."""
    for site in sites:
        groups, totals = defaultdict(list), defaultdict(list)
        for row in (row for row in rows if row["site_id"] == site.site_id):
            kind, confidence, number = expected_of(row, made)
            look = (row["name"], kind, row["kind"], confidence, row["rule"], row["selector"], row["text"], number)
            groups[look].append(row)
            if kind != "none":
                totals[kind].append((row, number))
        period = days("2026-11-01", "2026-11-03", site)
        found = review(world.client, site, period, limit=0)
        assert {
            (*row[:7], row[11]): (*row[7:9], row[9], row[10]) for row in found.iter_rows()
        } == {look: of_group(group) for look, group in groups.items()}  # fmt: skip
        order = ["low", "medium", "high", "reviewed"]
        looks = [(order.index(row["confidence"]), -row["events"]) for row in found.iter_rows(named=True)]
        assert looks == sorted(looks)
        assert {row[0]: row[1:] for row in kinds(world.client, site, period, limit=0).iter_rows()} == {
            kind: (
                len({row["visitor_id"] for row, _ in group}),
                len(group),
                len({row["visit_id"] for row, _ in group}),
                sum(number is not None for _, number in group) / len(group),
            )
            for kind, group in totals.items()
        }


def of_group(group):
    last = max(group, key=lambda row: row["timestamp"])
    seen = last["timestamp"].replace(tzinfo=dt.UTC)
    return len(group), len({row["visitor_id"] for row in group}), seen, last["hostname"] + last["path"]

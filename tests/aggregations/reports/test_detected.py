"""What the tracker detected, and what overrides make of it: the same figures as Python finds over the raw rows."""

from __future__ import annotations

import datetime as dt
import random
from collections import defaultdict
from dataclasses import dataclass

import pytest

from aggregations.definitions.overrides import OVERRIDE, OverrideBody, effect
from aggregations.query.answer import answer, ask
from aggregations.query.filters import EXCLUDE_BOTS, Filter
from aggregations.query.model import Query
from aggregations.query.where import parse
from aggregations.reports.detected import Confidence, Detected
from aggregations.reports.detected import review as review_of
from aggregations.reports.ranked import RANKED
from sql import definitions
from sql.core.data_dir import DataDir

CRITERIA = ("event", "rule", "selector", "text")
DAY = "2026-11-02"


def shown(kind="other", confidence="low", rule="r1", selector="#a", text="Go"):
    return {"kind": kind, "confidence": confidence, "rule": rule, "selector": selector, "text": text}


def click(at="10:00", **more):
    props = shown(**{name: more.pop(name) for name in list(more) if name in shown()})
    return {"at": f"{DAY}T{at}:00", "name": "click", "props": props} | more


@pytest.fixture
def home(tmp_path):
    return DataDir(tmp_path)


@pytest.fixture
def day(days):
    return lambda site: days(DAY, DAY, site)


@pytest.fixture
def override(world, home):
    """``override(site, name, kind, **criteria)``: write an override."""

    def put(site, name, kind, **criteria):
        definitions.put(world.client, home, site.site_id, OVERRIDE, name, OverrideBody(kind, **criteria))

    return put


@pytest.fixture
def remove(world, home):
    return lambda site, name: definitions.remove(world.client, home, site.site_id, OVERRIDE, name)


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
    override(site, "join", "subscribe", selector="#b")
    found = review(world.client, site, day(site))
    assert found["selector"].to_list() == ["#c", "#m", "#s", "#b"]
    last = found.row(3, named=True)
    assert (last["kind"], last["detected"], last["confidence"], last["override"]) == (
        "subscribe", "other", "reviewed", "join",
    )  # fmt: skip
    assert review(world.client, site, day(site), kind="subscribe")["selector"].to_list() == ["#b"]
    assert review(world.client, site, day(site), kind="other")["selector"].to_list() == ["#c"]


@pytest.mark.parametrize("confidence", [c for c in Confidence if c is not Confidence.REVIEWED])
def test_every_confidence_of_the_tracker_is_read(world, day, confidence):
    site = world.site()
    world.events(site, click(confidence=confidence.value))
    assert review(world.client, site, day(site), confidence=confidence)["events"].to_list() == [1]


@pytest.mark.parametrize("name", Detected)
def test_every_detected_event_is_read(world, day, name):
    site = world.site()
    world.events(site, click(name=name.value))
    assert review(world.client, site, day(site))["name"].to_list() == [name]


def test_more_criteria_before_fewer_and_later_before_earlier(world, day, override, remove):
    site = world.site()
    world.events(site, click(), click("10:01", text="Stop"), click("10:02", rule="r2"))
    override(site, "narrow", "checkout", selector="#a", text="Go")
    override(site, "wide", "contact", selector="#a")
    assert by_kind(world, site, day(site)) == {"checkout": 2, "contact": 1}
    override(site, "rule", "download", rule="r1", event="click")
    # r1 with #a and Go: two criteria each, the later one decides; r2 with Go keeps the first.
    assert by_kind(world, site, day(site)) == {"checkout": 1, "download": 2}
    override(site, "again", "purchase", selector="#a", text="Go")
    assert by_kind(world, site, day(site)) == {"purchase": 2, "download": 1}
    remove(site, "again")
    assert by_kind(world, site, day(site)) == {"checkout": 1, "download": 2}
    override(site, "narrow", "share", selector="#a", text="Go")  # which makes it the one that was written last
    assert by_kind(world, site, day(site)) == {"share": 2, "download": 1}
    remove(site, "narrow")
    assert by_kind(world, site, day(site)) == {"contact": 1, "download": 2}


def test_detected_wrongly_counts_as_nothing(world, day, override):
    site = world.site()
    world.events(site, click(kind="purchase"), click("10:01", kind="purchase", selector="#b"))
    override(site, "wrong", "none", selector="#a")
    assert by_kind(world, site, day(site)) == {"purchase": 1}
    assert review(world.client, site, day(site), kind="none")["events"].to_list() == [1]


def test_an_empty_text_is_a_criterion_of_its_own(world, day, override):
    site = world.site()
    world.events(site, click(text=""), click("10:01", text="Go"))
    override(site, "empty", "share", text="")
    assert by_kind(world, site, day(site)) == {"share": 1, "other": 1}


def test_another_site_is_left_alone(world, day, override, remove):
    one, other = world.site(), world.site()
    for site in (one, other):
        world.events(site, click())
    override(one, "it", "contact", selector="#a")
    assert (by_kind(world, one, day(one)), by_kind(world, other, day(other))) == ({"contact": 1}, {"other": 1})
    override(other, "it", "share", selector="#a")
    assert (by_kind(world, one, day(one)), by_kind(world, other, day(other))) == ({"contact": 1}, {"share": 1})
    remove(one, "it")
    assert (by_kind(world, one, day(one)), by_kind(world, other, day(other))) == ({"other": 1}, {"share": 1})


@dataclass
class Made:
    """An override as this test knows it."""

    name: str
    wanted: OverrideBody
    site_id: int


VALUES = {
    "event": [*Detected],
    "rule": ["signup-path", "cart-text", "ünï"],
    "selector": ["", "#buy", "a.btn[href='/x']", "form > b\\c\n\td", "main>a:nth-child(2)"],
    "text": ["", "Buy now", "quote \" and ' here", "日本語 🎉", "\\N"],
}


def expected_of(row, made):
    """Kind, confidence and override that decide a raw row; ``made`` are in the order in which they were written."""
    told = row | {"event": row["name"]}
    fitting = [
        (len(m.wanted.criteria), place, m)
        for place, m in enumerate(made)
        if m.site_id == row["site_id"] and all(told[name] == value for name, value in m.wanted.criteria.items())
    ]
    if not fitting:
        return row["kind"], row["confidence"], None
    decides = max(fitting)[2]
    return decides.wanted.kind, "reviewed", decides.name


def raw_rows(world, sites):
    """People's detected events, from `events` alone."""
    names = ("site_id", "timestamp", "event_id", "visitor_id", "visit_id", "name", "hostname", "path", "props")
    wanted = ", ".join(str(site.site_id) for site in sites)
    found = world.client.query(
        f"select {', '.join(names)} from events where site_id in ({wanted}) and not bot order by site_id, event_id"  # noqa: S608
    ).result_rows
    rows = [dict(zip(names, row, strict=True)) for row in found]
    return [row | {name: row["props"].get(name, "") for name in shown()} for row in rows if row["name"] in {*Detected}]


def test_figures_are_those_of_the_raw_rows(world, days, override, remove):
    """Many overlapping overrides on two sites, added, changed and removed; each change is what was foretold."""
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
                    "name": dice.choice([*(each.value for each in Detected), "page_view"]),
                    "props": shown(dice.choice(["sign_up", "contact", "other"]), dice.choice(["low", "medium", "high"]))
                    | {name: dice.choice(VALUES[name]) for name in ("rule", "selector", "text")},
                }
                for n in range(120)
            ),
        )
    rows, made = raw_rows(world, sites), []
    for step in range(40):
        site = dice.choice(sites)
        known = [each for each in made if each.site_id == site.site_id]
        name = dice.choice(known).name if known and dice.random() < 0.4 else f"no {step}"
        wanted = None if step % 7 == 6 and known else an_override(dice)
        name = dice.choice(known).name if wanted is None else name
        foretold = effect(world.client, site, name, wanted, days("2026-11-01", "2026-11-03", site))
        before = [expected_of(row, made) for row in rows]
        made = [each for each in made if (each.name, each.site_id) != (name, site.site_id)]
        if wanted is None:
            remove(site, name)
        else:
            made.append(Made(name, wanted, site.site_id))
            override(site, name, wanted.kind, **wanted.criteria)
        after = [expected_of(row, made) for row in rows]
        changed = defaultdict(lambda: [0, set()])
        for row, was, now in zip(rows, before, after, strict=True):
            if was != now:
                assert row["site_id"] == site.site_id
                assert name in {was[2], now[2]}
                changed[was[0], now[0]][0] += 1
                changed[was[0], now[0]][1].add(row["visitor_id"])
        assert {(row["was"], row["becomes"]): (row["events"], row["visitors"]) for row in foretold.to_dicts()} == {
            pair: (events, len(visitors)) for pair, (events, visitors) in changed.items()
        }
        if step % 5 == 4:
            agree(world, sites, days, rows, made)
    assert raw_rows(world, sites) == rows


def an_override(dice):
    asked = dice.sample(CRITERIA, dice.randint(1, 4))
    asked = asked if asked != ["event"] else ["text", "event"]
    kind = dice.choice(["purchase", "subscribe", "none", "contact"])
    return OverrideBody(kind, **{name: dice.choice(VALUES[name]) for name in asked})


def agree(world, sites, days, rows, made):
    """Both reports say of each site what Python finds."""
    for site in sites:
        groups, totals = defaultdict(list), defaultdict(list)
        for row in (row for row in rows if row["site_id"] == site.site_id):
            kind, confidence, decides = expected_of(row, made)
            look = (row["name"], kind, row["kind"], confidence, row["rule"], row["selector"], row["text"], decides)
            groups[look].append(row)
            if kind != "none":
                totals[kind].append((row, decides))
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
                sum(decides is not None for _, decides in group) / len(group),
            )
            for kind, group in totals.items()
        }


def of_group(group):
    last = max(group, key=lambda row: row["timestamp"])
    seen = last["timestamp"].replace(tzinfo=dt.UTC)
    return len(group), len({row["visitor_id"] for row in group}), seen, last["hostname"] + last["path"]

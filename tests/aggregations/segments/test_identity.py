"""Who is who: links from `identify`, merges that can be taken back, their log, and guesses."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregations.query.fetch import fetch
from aggregations.segments import evaluate
from aggregations.segments.language import parse
from collector.lifecycle import identity
from sql.core.data_dir import DataDir
from sql.core.errors import UsageError

NOON = dt.datetime(2026, 11, 2, 12, tzinfo=dt.UTC)
UNIQUE = st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("abcdefgh")).filter(lambda p: p[0] != p[1]))


@pytest.fixture
def home(tmp_path):
    return DataDir(tmp_path).make()


@pytest.fixture
def shop(world):
    """Ann comes with two browsers, Bob with one that Ann used first."""
    site = world.site("UTC")
    world.events(
        site,
        {"at": "2026-11-01T09:00:00", "visitor": 1, "visit": 1},  # Ann, before she said so
        {"at": "2026-11-01T09:01:00", "visitor": 1, "visit": 1, "user_id": "ann", "name": "identify"},
        {"at": "2026-11-01T10:00:00", "visitor": 2, "visit": 2, "user_id": "ann"},
        {"at": "2026-11-01T11:00:00", "visitor": 2, "visit": 3, "user_id": "bob"},
        {"at": "2026-11-01T12:00:00", "visitor": 3, "visit": 4, "user_id": "bob"},
        {"at": "2026-11-01T13:00:00", "visitor": 4, "visit": 5},
    )
    return site


def persons(world, site):
    rows = world.client.query(
        "select visitor_id, user_id, person_id from persons where site_id = {s:UInt32}", parameters={"s": site.site_id}
    ).result_rows
    return {visitor: (user, person) for visitor, user, person in rows}


def count(world, site, text):
    return evaluate.size(world.client, evaluate.population(world.client, site, NOON), parse(text))


def test_visitors_are_their_first_user_and_what_they_did_before_counts(world, shop):
    known = persons(world, shop)
    assert {visitor: user for visitor, (user, _) in known.items()} == {1: "ann", 2: "ann", 3: "bob"}
    assert known[1][1] == known[2][1] != known[3][1]
    assert count(world, shop, "visits >= 1") == 3
    assert count(world, shop, "visits >= 3") == 1
    assert count(world, shop, "did(event=identify) then did(event=page_view)") == 1


def test_a_merge_is_logged_and_can_be_taken_back(world, home, shop):
    pair = identity.pair(home, shop.site_id, "ann", "bob")
    assert identity.unknown(world.client, pair) == []
    assert identity.change(world.client, home, pair, "merge", "same customer") == 2
    assert {user for user, _ in persons(world, shop).values()} == {"ann"}
    assert count(world, shop, "visits >= 4") == 1
    assert identity.change(world.client, home, pair, "merge") == 0
    assert identity.change(world.client, home, pair, "unmerge") == 2
    assert {user for user, _ in persons(world, shop).values()} == {"ann", "bob"}
    log = fetch(world.client, "identities/log", {"site": shop.site_id, "limit": 10})
    assert log["act"].to_list() == ["unmerge", "merge", "merge"]
    assert log["reason"].to_list()[-1] == "same customer"
    shown = fetch(
        world.client, "identities/shown", {"site": shop.site_id, "users": ["bob"], "visitors": [], "limit": 9}
    )
    assert sorted(shown.select("visitor_id", "users").rows()) == [(1, ["ann"]), (2, ["ann", "bob"]), (3, ["bob"])]


def test_a_chain_of_merges_breaks_where_it_is_cut(world, home, shop):
    for one, other in (("ann", "bob"), ("bob", "cid"), ("cid", "dan")):
        identity.change(world.client, home, identity.pair(home, shop.site_id, one, other), "merge")
    identity.change(world.client, home, identity.pair(home, shop.site_id, "cid", "bob"), "unmerge")
    rows = world.client.query(
        "select user_id, group_user_id from user_groups final where site_id = {s:UInt32} order by user_id",
        parameters={"s": shop.site_id},
    ).result_rows
    assert rows == [("ann", "ann"), ("bob", "ann"), ("cid", "cid"), ("dan", "cid")]


@given(UNIQUE)
def test_groups_are_what_is_connected(pairs):
    found = identity.groups(pairs)
    for user, group in found.items():
        reached, todo = set(), {user}
        while todo:
            reached |= todo
            todo = {other for pair in pairs for other in pair if set(pair) & reached} - reached
        assert group == min(reached)


def test_who_cannot_be_merged(home):
    for one, other in (("a", "a"), ("", "b"), ("A@b.example", "a@B.example ")):
        with pytest.raises(UsageError, match="two different user ids"):
            identity.pair(home, 1, one, other)


def test_contact_data_of_a_visitor_is_the_last_that_was_told(world):
    site = world.site("UTC")
    world.events(
        site,
        {"at": "2026-11-01T09:00:00", "name": "identify", "props": {"contact.email": "old", "plan": "pro"}},
        {"at": "2026-11-01T10:00:00", "name": "identify", "props": {"contact.email": "new", "contact.phone": "p"}},
        {"at": "2026-11-01T11:00:00", "name": "other", "props": {"contact.email": "not told"}},
    )
    rows = world.client.query(
        "select form, value from identities where site_id = {s:UInt32} order by form", parameters={"s": site.site_id}
    ).result_rows
    assert rows == [("email", "new"), ("phone", "p")]


def test_probably_one_person(world):
    site = world.site("UTC")
    signals = {"user_agent": "A", "screen": "390x844", "language": "de", "country": "DE", "city": "Ulm"}
    other = signals | {"screen": "1x1"}
    world.events(
        site,
        *({"at": f"2026-11-0{day}T20:00:00", "visitor": 1, "visit": day, **signals} for day in (1, 3, 5)),
        *({"at": f"2026-11-0{day}T20:30:00", "visitor": 2, "visit": 10 + day, **signals} for day in (2, 4, 6)),
        *({"at": f"2026-11-0{day}T09:00:00", "visitor": 3, "visit": 20 + day, **other} for day in (2, 4)),
        *({"at": f"2026-11-0{day}T09:00:00", "visitor": 4, "visit": 30 + day, **other} for day in (2, 4)),
    )
    bound = {"site": site.site_id, "since": dt.date(2026, 10, 1), "least": 0.7, "limit": 10}
    [pair] = fetch(world.client, "identities/probable", bound).to_dicts()
    assert (pair["visitor_id"], pair["other_visitor_id"], pair["score"]) == (1, 2, 1.0)
    assert pair["reasons"] == [
        "same device signals, shared by 2 visitors", "both in Ulm", "never at the same time", "hours alike to 100 %",
    ]  # fmt: skip
    assert fetch(world.client, "identities/probable", bound | {"least": 1.1}).is_empty()

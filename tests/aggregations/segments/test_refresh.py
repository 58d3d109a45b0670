"""Refreshes: who entered, who left, what a report of a segment counts, and what a killed refresh leaves."""

from __future__ import annotations

import datetime as dt

import pytest
from msgspec import structs

from aggregations.query import members
from aggregations.query.answer import answer, prepare
from aggregations.query.model import Query, decode, encode
from aggregations.query.where import parse as parse_where
from aggregations.segments import evaluate
from aggregations.segments import members as membership
from aggregations.segments.definition import SEGMENT, Segment
from aggregations.segments.language import parse
from aggregations.segments.refresh import refresh
from sql import definitions
from sql.core.data_dir import DataDir
from sql.core.errors import EngineBusy, UsageError
from sql.schema.refreshing import refreshing

BUYERS = members.named("buyers")
NOON = dt.datetime(2026, 11, 2, 12, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def home(tmp_path):
    return DataDir(tmp_path).make()


@pytest.fixture
def shop(world, home):
    """A site whose visitors 1 and 2 bought something before noon, and 3 after it."""
    site = world.site("UTC")
    world.events(
        site,
        {"at": "2026-11-02T09:00:00", "visitor": 1, "visit": 1, "path": "/", "country": "DE"},
        {"at": "2026-11-02T10:00:00", "visitor": 1, "visit": 2, "name": "purchase", "country": "DE"},
        {"at": "2026-11-02T11:00:00", "visitor": 2, "visit": 3, "name": "purchase", "country": "FR"},
        {"at": "2026-11-02T11:00:00", "visitor": 4, "visit": 4, "path": "/", "country": "FR"},
        {"at": "2026-11-02T11:30:00", "visitor": 5, "visit": 5, "name": "purchase", "bot": True},
        {"at": "2026-11-02T12:30:00", "visitor": 3, "visit": 6, "name": "purchase", "country": "DE"},
    )
    definitions.put(world.client, home, site.site_id, SEGMENT, "buyers", Segment("did(event=purchase) last 150m"))
    definitions.put(world.client, home, site.site_id, SEGMENT, "others", Segment("not segment=buyers"))
    return site


def refreshed(world, home, site, at, names=()):
    found = refresh(world.client, home, evaluate.population(world.client, site, at), names)
    return {each.segment: (each.members, each.entered, each.left) for each in found}


def test_who_enters_and_leaves_is_written_down(world, home, shop):
    assert refreshed(world, home, shop, NOON) == {"buyers": (2, 2, 0), "others": (1, 1, 0)}
    assert refreshed(world, home, shop, NOON + HOUR / 2) == {"buyers": (2, 1, 1), "others": (2, 1, 0)}
    assert refreshed(world, home, shop, NOON + HOUR / 2 + HOUR, ["buyers"]) == {"buyers": (1, 0, 1)}
    current = membership.current(world.client, shop, "buyers", 0, [])
    assert current.rows() == [(3, NOON + HOUR / 2, 0)]
    told = membership.refreshes(world.client, shop, "buyers")
    assert told.select("version", "members", "entered", "left").rows() == [(1, 1, 0, 1), (1, 2, 1, 1), (1, 2, 2, 0)]
    changed = membership.difference(world.client, shop, "buyers", NOON, NOON + 3 * HOUR, 0)
    assert {(row["visitor_id"], row["change"]) for row in changed.to_dicts()} == {
        (1, "left"),
        (2, "left"),
        (3, "entered"),
    }
    assert membership.difference(world.client, shop, "buyers", NOON + 2 * HOUR, NOON + 3 * HOUR, 0).is_empty()


def test_a_report_of_a_segment_counts_its_members(world, home, shop):
    asked = Query(site=shop.domain, period="2026-11-02", metrics=("visitors", "events"), segment=BUYERS)
    with pytest.raises(UsageError, match="'buyers' has no members yet"):
        prepare(world.client, asked)
    refreshed(world, home, shop, NOON)
    assert decode(encode(asked)) == asked
    assert '"segment": "buyers"' in encode(asked)
    made = prepare(world.client, asked)
    assert answer(world.client, made).rows() == [(2, 3)]
    assert made.segments_note == "Segment buyers: 2 visitors as of 2026-11-02 12:00 UTC."
    for text, figures in {
        "segment=buyers|others": (3, 4),
        "segment!=buyers": (2, 2),
        "segment=buyers and country=DE": (1, 2),
        "segment=buyers or event=purchase": (3, 4),
        "did(segment=others)": (1, 1),
    }.items():
        asked = Query(site=shop.domain, period="2026-11-02", metrics=("visitors", "events"), where=parse_where(text))
        assert answer(world.client, prepare(world.client, asked)).rows() == [figures], text
    by_source = Query(
        site=shop.domain,
        period="2026-11-02",
        metrics=("visits",),
        dimensions=("country",),
        segment=BUYERS,
    )
    assert answer(world.client, prepare(world.client, by_source)).rows() == [("DE", 2), ("FR", 1)]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        (Query(dimensions=("segment",)), "cannot break down by segment"),
        (Query(where=parse_where("segment~buy")), "compared by = or != only"),
        (Query(segment=members.asked("nobody")), "'nobody' has no members yet"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_asked_of_segments(world, shop, query, said):
    with pytest.raises(UsageError, match=said):
        prepare(world.client, structs.replace(query, site=shop.domain))


def test_a_killed_refresh_is_not_seen_and_is_run_again(world, home, shop, monkeypatch):
    refreshed(world, home, shop, NOON)
    for method, at in (("command", 0), ("command", 1), ("command", 2), ("insert", 0), ("command", 3)):
        _break(world, monkeypatch, method, at)
        with pytest.raises(ConnectionError):
            refreshed(world, home, shop, NOON + HOUR / 2)
        monkeypatch.undo()
        assert membership.current(world.client, shop, "others", 0, [])["visitor_id"].to_list() == [4]
    assert refreshed(world, home, shop, NOON + HOUR / 2 + HOUR / 60)["others"] == (2, 1, 0)
    assert sorted(membership.current(world.client, shop, "others", 0, [])["visitor_id"]) == [1, 4]


def _break(world, monkeypatch, method, at):
    real, calls = getattr(world.client, method), iter(range(1000))

    def run(*args, **more):
        if next(calls) == at:
            raise ConnectionError("gone")
        return real(*args, **more)

    monkeypatch.setattr(world.client, method, run)


def test_two_refreshes_do_not_run_at_once(world, home, shop, monkeypatch):
    monkeypatch.setattr("sql.schema.refreshing.WAIT", 0.05)
    with (
        refreshing(world.client, home, "footfall segment refresh"),
        pytest.raises(EngineBusy, match="refreshed by process"),
    ):
        refreshed(world, home, shop, NOON)


def test_sizes_are_exact_or_estimated(world, home):
    site = world.site("UTC")
    rows = [{"at": "2026-11-02T09:00:00", "visitor": n * 2**52 + 1, "visit": n + 1} for n in range(4096)]
    world.events(site, *rows)
    of = evaluate.population(world.client, site, NOON)
    assert evaluate.size(world.client, of, parse("did(event=page_view)")) == 4096
    assert evaluate.size(world.client, of, parse("did(event=page_view)"), evaluate.ESTIMATED_OF) == 4096
    assert evaluate.size(world.client, of, parse("did(event=nothing)")) == 0
    empty = evaluate.population(world.client, world.site("UTC"), NOON)
    assert evaluate.size(world.client, empty, parse("events < 1")) == 0


def test_a_split_is_always_alike(world, home):
    site = world.site("UTC")
    world.events(site, *({"at": "2026-11-02T09:00:00", "visitor": n, "visit": n} for n in range(1, 501)))
    definitions.put(world.client, home, site.site_id, SEGMENT, "all", Segment("events >= 1"))
    refreshed(world, home, site, NOON)
    ends = membership.parse_split("50/30/20")
    first = dict(membership.current(world.client, site, "all", 0, ends).select("visitor_id", "part").rows())
    refreshed(world, home, site, NOON + HOUR)
    assert dict(membership.current(world.client, site, "all", 0, ends).select("visitor_id", "part").rows()) == first
    counts = [list(first.values()).count(part) for part in (1, 2, 3)]
    assert sum(counts) == 500
    assert all(abs(count - share) < 50 for count, share in zip(counts, (250, 150, 100), strict=True))
    for wrong in ("50", "50/60", "100/0", "a/b", "10/" * 10 + "0"):
        with pytest.raises(UsageError, match="not a split"):
            membership.parse_split(wrong)


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("", "needs a condition"),
        ("country=DE", "country is not about a visitor"),
        ("did(nothing=1)", "unknown dimension 'nothing'"),
        ("did(did(event=a))", "cannot be within did"),
        ("did(segment=buyers)", "a segment cannot be within did"),
        ("did(time:day=1)", "time:day cannot be a condition"),
        ("did(path~()", "not a condition"),
        ('did(path~"(")', "not a pattern"),
        ("first.page=/", "page is not a dimension of visits"),
        ("first_seen > 2026-13", "not a day"),
        ("did(event=a) < 2 in 3d", "begins with a count"),
        ("did_not(event=a) then did(event=b)", "only the last step"),
        ("did(event=a) last 3y", "not a condition"),
        ("did(event=a) last 9999d", "not a duration"),
        (" and ".join(["did(event=a)"] * 21), "a segment of 21 terms"),
        ("did(event=a)" + " then did(event=a)" * 5, "a sequence of 6 steps"),
        ("(" * 60 + "did(event=a)", "nested too deep"),
        ("(not (" * 8 + "events > 1" + "))" * 8, "nested too deep"),
    ],
)
def test_what_a_segment_cannot_ask(where, said):
    with pytest.raises(UsageError, match=said):
        SEGMENT.check(Segment(where))


def test_segments_that_name_each_other_are_refused(world, home):
    site = world.site("UTC")
    world.events(site, {"at": "2026-11-02T09:00:00"})
    for name, other in (("a", "b"), ("b", "a"), ("c", "gone")):
        definitions.put(world.client, home, site.site_id, SEGMENT, name, Segment(f"segment={other}"))
    with pytest.raises(UsageError, match="segments name each other: b → a → b"):
        refreshed(world, home, site, NOON, ["a"])
    with pytest.raises(UsageError, match="there is no segment 'gone'"):
        refreshed(world, home, site, NOON, ["c"])


def test_a_busy_visitor_costs_what_their_events_cost(world, home):
    """Moments of one visitor are never compared each with each."""
    site = world.site("UTC")
    world.client.command(
        "insert into events (site_id, local_date, visitor_id, visit_id, visit_date, visit_start, timestamp, name) "
        "select {site:UInt32}, '2026-11-02', 1, 1, '2026-11-02', '2026-11-02 00:00:00', "
        "fromUnixTimestamp64Milli(1793577600000 + toInt64(number), 'UTC'), ['a', 'b'][1 + number % 2] "
        "from numbers(400000)",
        parameters={"site": site.site_id},
    )
    of = evaluate.population(world.client, site, NOON)
    asked = parse("did(event=a) >= 3 in 1s then did(event=b) in 1s then did_not(event=c) in 1h")
    assert evaluate.size(world.client, of, asked) == 1


def test_who_belongs_does_not_depend_on_what_is_refreshed_with_it(world, home):
    """Of visitor 2 retention has left visits alone."""
    site = world.site("UTC")
    world.events(site, *({"at": f"2026-11-0{day}T09:00:00", "visitor": day, "visit": day} for day in (1, 2)))
    world.client.command(
        "delete from events where site_id = {s:UInt32} and visitor_id = 2", parameters={"s": site.site_id}
    )
    definitions.put(world.client, home, site.site_id, SEGMENT, "quiet", Segment("did_not(event=purchase)"))
    assert refreshed(world, home, site, NOON) == {"quiet": (1, 1, 0)}
    definitions.put(world.client, home, site.site_id, SEGMENT, "direct", Segment('first.source=""'))
    assert refreshed(world, home, site, NOON + HOUR) == {"direct": (1, 1, 0), "quiet": (1, 0, 0)}


def test_a_report_says_that_a_definition_has_changed_and_refuses_a_removed_one(world, home, shop):
    refreshed(world, home, shop, NOON)
    asked = Query(site=shop.domain, period="2026-11-02", segment=BUYERS)
    definitions.put(world.client, home, shop.site_id, SEGMENT, "buyers", Segment("did(event=purchase)"))
    assert prepare(world.client, asked).segments_note.endswith("12:00 UTC, before its definition changed.")
    definitions.remove(world.client, home, shop.site_id, SEGMENT, "buyers")
    with pytest.raises(UsageError, match="'buyers' was removed"):
        prepare(world.client, asked)


def test_a_clock_that_goes_back_does_not_bring_back_who_left(world, home, shop):
    refreshed(world, home, shop, NOON + HOUR / 2)
    assert refreshed(world, home, shop, NOON)["buyers"] == (2, 1, 1)
    assert sorted(membership.current(world.client, shop, "buyers", 0, [])["visitor_id"]) == [1, 2]


def test_what_cannot_be_found_is_told_and_the_rest_is_refreshed(world, home, shop):
    definitions.put(world.client, home, shop.site_id, SEGMENT, "lost", Segment("segment=gone"))
    of = evaluate.population(world.client, shop, NOON)
    assert {name: str(exc.message) for name, exc in evaluate.unusable(of).items()} == {
        "lost": "there is no segment 'gone'"
    }
    assert set(refreshed(world, home, shop, NOON, ["buyers", "others"])) == {"buyers", "others"}


def test_segments_that_name_segments_do_not_grow_without_end(world, home):
    site = world.site("UTC")
    world.events(site, {"at": "2026-11-02T09:00:00"})
    definitions.put(world.client, home, site.site_id, SEGMENT, "s0", Segment("did(event=page_view)"))
    for number in range(1, 8):
        body = Segment(" or ".join([f"segment=s{number - 1}"] * 20))
        definitions.put(world.client, home, site.site_id, SEGMENT, f"s{number}", body)
    wrong = evaluate.unusable(evaluate.population(world.client, site, NOON))
    assert "s1" not in wrong and "too large to be named by others" in str(wrong["s7"].message)


def test_a_condition_in_a_query_may_be_a_text(shop):
    assert decode('{"where": "country=FR|DE", "segment": "buyers"}') == Query(
        where=parse_where("country=FR|DE"), segment=BUYERS
    )
    named = Query(segment=members.named("a=b"))
    assert decode(encode(named)) == named

"""Goals: what they ask, what cannot be asked, and which visits and visitors they count."""

from __future__ import annotations

import pytest

from aggregations.query import goals, where
from aggregations.query.answer import about, answer
from aggregations.query.goals import GOAL, Goal
from aggregations.query.model import Query
from aggregations.reports import goals as report
from sql import definitions
from sql.core.data_dir import DataDir
from sql.core.errors import UsageError

OF_GOAL = ("conversions", "completions", "conversion_rate", "goal_revenue")


@pytest.mark.parametrize(
    ("goal", "asked", "shown"),
    [
        (Goal(page="/thanks"), "page=/thanks", "page /thanks"),
        (Goal(page="/thanks*"), "page^=/thanks", "page /thanks*"),
        (Goal(page="/a*.html"), r'page~"(?s)^/a.*\\.html$"', "page /a*.html"),
        (Goal(event="signup"), "event=signup", "event signup"),
        (Goal(event="buy", page="/x"), "event=buy and path=/x", "event buy, page /x"),
        (
            Goal(event="signup", where="props.plan=pro or props.plan=team"),
            "event=signup and (props.plan=pro or props.plan=team)",
            "event signup, where props.plan=pro or props.plan=team",
        ),
        (Goal(scroll=75), "scroll_depth>=75", "scroll 75 %"),
        (Goal(scroll=75, page="/blog/*"), "path^=/blog/ and scroll_depth>=75", "page /blog/*, scroll 75 %"),
        (Goal(value=50), "revenue>=50", "value 50"),
        (Goal(duration=120), "duration>=120", "visit of 2m"),
    ],
    ids=str,
)
def test_what_a_goal_asks(goal, asked, shown):
    goals.check(goal)
    assert where.written(goals.condition(goal)) == asked
    assert goals.shown(goal) == shown
    assert GOAL.decode(GOAL.encode(goal)) == goal


@pytest.mark.parametrize(
    ("goal", "says"),
    [
        (Goal(), "needs a page"),
        (Goal(where="props.plan=pro"), "needs a page"),
        (Goal(duration=60, event="x"), "cannot ask for an event too"),
        (Goal(duration=-1), "are positive"),
        (Goal(scroll=101), "1 to 100 percent"),
        (Goal(page="thanks"), "must start with /"),
        (Goal(event="x", where="country=FR"), "must be about its event"),
        (Goal(event="x", where="did(event=y)"), "must be about its event"),
        (Goal(event="x", where="plan=pro"), "unknown dimension"),
        (Goal(event="x", where="props.plan"), "not a condition"),
    ],
    ids=str,
)
def test_what_a_goal_cannot_ask(goal, says):
    with pytest.raises(UsageError, match=says):
        goals.check(goal)


@pytest.fixture
def shop(world):
    """Three visitors: one converts twice over midnight, one on the next day, one never. A bot does too."""
    site = world.site("Europe/Berlin")
    buy = {"name": "purchase", "revenue": 10}
    world.events(
        site,
        {"at": "2026-11-02T23:50:00", "visitor": 1, "visit": 1, "source": "Google", "path": "/"},
        {"at": "2026-11-03T00:10:00", "visitor": 1, "visit": 1, "path": "/pay", **buy},
        {"at": "2026-11-03T00:11:00", "visitor": 1, "visit": 1, "path": "/pay", **buy},
        {"at": "2026-11-03T10:00:00", "visitor": 2, "visit": 2, "source": "Bing", "path": "/"},
        {"at": "2026-11-03T10:01:00", "visitor": 2, "visit": 2, "path": "/cart"},
        {"at": "2026-11-03T10:02:00", "visitor": 2, "visit": 2, "path": "/pay", **buy},
        {"at": "2026-11-03T11:00:00", "visitor": 3, "visit": 3, "source": "Bing", "path": "/cart"},
        {"at": "2026-11-03T12:00:00", "visitor": 1, "visit": 4, "source": "Bing", "path": "/"},
        {"at": "2026-11-03T13:00:00", "visitor": 5, "visit": 5, "source": "Bing", "bot": True, **buy},
    )
    return site


def asked(world, site, period, goal, **more):
    return answer(world.client, about(Query(goal="it", **more), site, period, goal=goals.condition(goal))).to_dicts()


@pytest.mark.parametrize("exact", [False, True], ids=["served", "raw"])
def test_a_conversion_belongs_to_its_visit(world, days, shop, exact):
    buy, period = Goal(event="purchase"), days("2026-11-02", "2026-11-03", shop)
    ask = lambda **more: asked(world, shop, period, buy, exact=exact, **more)  # noqa: E731
    whole = dict(zip(OF_GOAL, (2, 3, 2 / 3, 30.0), strict=True))
    assert ask(metrics=OF_GOAL) == [whole]
    by_source = ask(metrics=("visitors", *OF_GOAL), dimensions=("source",), sort=(("source", "asc"),))
    assert [tuple(row.values()) for row in by_source] == [
        ("Bing", 3, 1, 1, 1 / 3, 10.0),
        ("Google", 1, 1, 2, 1.0, 20.0),
    ]
    by_day = ask(metrics=("completions", "goal_revenue"), dimensions=("time:day",))
    assert [(row["completions"], row["goal_revenue"]) for row in by_day] == [(2, 20.0), (1, 10.0)]
    by_page = ask(metrics=("visitors", "conversions", "conversion_rate"), dimensions=("page",), sort=(("page", "asc"),))
    assert [tuple(row.values()) for row in by_page] == [("/", 2, 2, 1.0), ("/cart", 2, 1, 0.5)]
    of_cart = ask(metrics=OF_GOAL, where=where.parse("page=/cart"))
    assert of_cart == [dict(zip(OF_GOAL, (1, 1, 0.5, 10.0), strict=True))]


def test_bots_convert_where_they_are_asked_for(world, days, shop):
    period = days("2026-11-02", "2026-11-03", shop)
    [row] = asked(world, shop, period, Goal(event="purchase"), metrics=OF_GOAL, include_bots=True)
    assert (row["conversions"], row["completions"]) == (3, 4)


def test_a_goal_of_visits(world, days, shop):
    period = days("2026-11-02", "2026-11-03", shop)
    [row] = asked(world, shop, period, Goal(duration=120), metrics=OF_GOAL)
    assert row == dict(zip(OF_GOAL, (2, 2, 2 / 3, 30.0), strict=True))


def test_the_report_of_all_goals_follows_definitions(world, days, shop, tmp_path):
    home, period = DataDir(tmp_path), days("2026-11-02", "2026-11-03", shop)
    ask = lambda: report.of(world.client, about(Query(), shop, period)).rows()  # noqa: E731
    assert ask() == []
    definitions.put(world.client, home, shop.site_id, GOAL, "pay", Goal(event="purchase"))
    definitions.put(world.client, home, shop.site_id, GOAL, "nobody", Goal(page="/nowhere"))
    assert ask() == [("nobody", 0, 0, 0.0, 0.0), ("pay", 2, 3, 2 / 3, 30.0)]
    definitions.put(world.client, home, shop.site_id, GOAL, "pay", Goal(page="/cart"))
    definitions.remove(world.client, home, shop.site_id, GOAL, "nobody")
    assert ask() == [("pay", 2, 2, 2 / 3, 0.0)]

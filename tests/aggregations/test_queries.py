"""Random questions: metrics, dimensions, conditions of every level, comparison, zones and clock changes.

Whatever source answers, and raw events, say what plain Python says.
"""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import event as note_event
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregations.query import conditions, goals, where
from aggregations.query.answer import about, answer, ask
from aggregations.query.model import FunnelQuery, Query, decode, encode
from aggregations.query.periods import Period
from aggregations.query.sites import SiteRow
from sql.core.errors import UsageError
from tests.aggregations.answers import Rows, differences
from tests.aggregations.goals import GOALS
from tests.aggregations.histories import PATHS as SENT_PATHS
from tests.aggregations.histories import History, batches_of, histories
from tests.oracle.clock import previous
from tests.oracle.tree import Questions, Tree

PATHS = [path for path in SENT_PATHS if path]
ANYWHERE = ["visitors", "visits", "pageviews", "events", "revenue"]
OF_VISITS = ["views_per_visit", "bounce_rate", "visit_duration", "engagement_time"]
EVENT = {
    "event": ["page_view", "signup", "click"],
    "page": PATHS,
    "path": PATHS,
    "props.kind": ["", "contact", "purchase"],
}
VISIT = {
    "browser": ["Firefox", "Chrome", ""], "country": ["DE", "FR", ""], "source": ["Google", "Direct", "news"],
    "channel": ["Direct", "Organic Search", "Email"], "entry_page": PATHS, "exit_page": PATHS,
}  # fmt: skip
OF_EXITS = ["exits", "exit_page_views", "exit_rate"]
RATIOS = {*OF_VISITS, "exit_rate", "conversion_rate"}
OF_GOALS = ["conversions", "conversion_rate", "completions", "goal_revenue"]
ANYWHERE_OF_GOALS = ["conversions", "conversion_rate"]
NUMBERS = {"views": [1, 2, 3], "duration": [0, 60, 1800]}
QUESTIONS = 12


def question(dice: random.Random) -> dict[str, Any]:
    """What a question asks, as the model and the oracle both have it."""
    events = dice.random() < 0.4
    dimensions = dice.sample([*EVENT, *VISIT] if events else [*VISIT], dice.choice([0, 1, 1, 2]))
    if dice.random() < 0.3:
        dimensions.append(f"time:{dice.choice(['hour', 'day', 'week', 'month'])}")
    metrics = ANYWHERE if set(dimensions) & EVENT.keys() else ANYWHERE + OF_VISITS
    if dimensions == ["exit_page"]:
        metrics = metrics + OF_EXITS * 2
    goal = dice.choice([*GOALS]) if dice.random() < 0.4 else None
    if goal:
        metrics = metrics + (OF_GOALS if metrics is not ANYWHERE else ANYWHERE_OF_GOALS) * 3
    return {
        "metrics": list(dict.fromkeys(dice.sample(metrics, dice.randint(1, 4)))),
        "goal": goal,
        "dimensions": dimensions,
        "where": tree(dice, 2) if dice.random() < 0.7 else None,
        "segment": tree(dice, 1) if dice.random() < 0.3 else None,
        "include_bots": dice.random() < 0.3,
    }


def tree(dice: random.Random, depth: int) -> Tree:
    """A condition, as JSON has it."""
    word = dice.choice(["and", "or", "not", "did", "", "", ""]) if depth else ""
    if word in ("and", "or"):
        return [word, *(tree(dice, depth - 1) for _ in range(dice.randint(2, 3)))]
    if word:
        return [word, tree(dice, depth - 1)]
    if dice.random() < 0.2:
        name = dice.choice([*NUMBERS])
        return [name, dice.choice([">", ">=", "<", "<="]), [float(dice.choice(NUMBERS[name]))]]
    name = dice.choice([*EVENT, *VISIT])
    values = (EVENT | VISIT)[name]
    how = dice.choice(["is", "is", "is", "contains", "starts_with", "matches", "exists"])
    if how == "exists":
        return [name, how, []]
    if how == "matches":
        return [name, how, [dice.choice(["^/$", "a", "^[A-F]", "(x|u)", "^$"])]]
    return [name, how, dice.sample(values, dice.randint(1, 2))]


@pytest.mark.timeout(900)
@settings(deadline=None, max_examples=4)
@given(histories, st.integers(0, 2**32 - 1))
def test_random_questions(written, history: History, seed: int):
    """Days are closed at some moment, some of them; what comes later opens them again."""
    sites = [written.site(zone) for zone in history.zones]
    batches, dice = batches_of(history, sites), random.Random(seed)
    cut = dice.randint(0, len(batches))
    written.path.load(sites, batches[:cut])
    closed = written.path.close(sites, history.first + (history.last - history.first) * dice.random() * 2)
    note_event(f"closed: {bool(closed)}, then more: {cut < len(batches)}")
    written.path.load(sites, batches[cut:])
    site = sites[0]
    oracle = Questions(written.path.stored(site), site.timezone)
    period = Period(history.first, history.last, site.timezone)
    for _ in range(QUESTIONS):
        asked = question(dice)
        for exact in (False, True):
            wrong = disagreements(written.client, site, oracle, period, asked, exact)
            assert wrong == [], (asked, exact)
        note_event(f"dimensions: {len(asked['dimensions'])}")


def disagreements(
    client: Any, site: SiteRow, oracle: Questions, period: Period, asked: dict[str, Any], exact: bool
) -> list[str]:
    query = model(asked, exact)
    before = period.previous() if not any(name.startswith("time:") for name in asked["dimensions"]) else None
    goal = goals.condition(GOALS[asked["goal"]][0]) if asked["goal"] else None
    found = answer(client, ask(client, query, site, period, before, goal))
    names = [name.removeprefix("time:") for name in asked["dimensions"]]
    said = rows(found.to_dicts(), names, asked["metrics"])
    true = truth(oracle, asked, (period.first, period.last))
    wrong = differences(said, true)
    if before is not None:
        metrics = [f"{name}_previous" for name in asked["metrics"]]
        earlier = truth(oracle, asked, previous((period.first, period.last)))
        empty = {name: None if name in RATIOS else 0 for name in asked["metrics"]}
        expected = {
            key: {f"{name}_previous": value for name, value in (earlier.get(key) or empty).items()} for key in said
        }
        wrong += differences(rows(found.to_dicts(), names, metrics), expected)
    return wrong


def model(asked: dict[str, Any], exact: bool) -> Query:
    """The question, by way of JSON and of the text of its conditions."""
    trees = {name: conditions.from_json(asked[name]) for name in ("where", "segment") if asked[name]}
    assert all(where.parse(where.written(one)) == one for one in trees.values())
    query = Query(
        metrics=tuple(asked["metrics"]), dimensions=tuple(asked["dimensions"]), include_bots=asked["include_bots"],
        exact=exact, limit=0, goal=asked["goal"], **trees,
    )  # fmt: skip
    assert decode(encode(query)) == query
    return query


def rows(found: list[dict[str, Any]], names: list[str], metrics: list[str]) -> Rows:
    made = {tuple(row[name] for name in names): {name: row[name] for name in metrics} for row in found}
    assert len(made) == len(found)
    return made


def truth(oracle: Questions, asked: dict[str, Any], period: Any) -> Rows:
    goal = GOALS[asked["goal"]][1] if asked["goal"] else None
    metrics = [*asked["metrics"], "conversions"] if goal else asked["metrics"]
    found = oracle.ask(
        asked["where"], asked["segment"], metrics=metrics, dimensions=asked["dimensions"], period=period,
        include_bots=asked["include_bots"], goal=goal,
    )  # fmt: skip
    # Asked for these alone, an answer has the rows that have some.
    of_goal_alone = not set(asked["metrics"]) - {"conversions", "completions", "goal_revenue"}
    if of_goal_alone and [name for name in asked["dimensions"] if not name.startswith("time:")]:
        found = [row for row in found if row["conversions"]]
    return rows(found, asked["dimensions"], asked["metrics"])


@pytest.mark.parametrize(
    ("given_", "says"),
    [
        ({"metrics": ("visiters",)}, "did you mean visitors?"),
        ({"metrics": ()}, "1 to 10"),
        ({"metrics": ("visits", "visits")}, "different"),
        ({"metrics": ("from_first",)}, "unknown metric"),
        ({"metrics": ("conversions",)}, "name one: --goal NAME"),
        ({"metrics": ("completions",), "dimensions": ("page",), "goal": "buy"}, "exit_page instead of page"),
        ({"dimensions": ("contry",)}, "did you mean country?"),
        ({"dimensions": ("props.",)}, "unknown dimension"),
        ({"dimensions": ("time:day", "time:hour")}, "name one of them"),
        ({"dimensions": ("source", "channel", "country", "device", "os")}, "at most 4"),
        ({"metrics": ("bounce_rate",), "dimensions": ("page",)}, "exit_page instead of page"),
        ({"having": (("visits", ">", 1.0),)}, "add it to the metrics"),
        ({"sort": (("visits", "desc"),)}, "by one of: visitors"),
        ({"sample": 2.0}, "such as 0.1"),
        ({"limit": -1}, "0 means all"),
        ({"where": where.parse("time:day=2026-10-01")}, "with the period"),
        ({"where": conditions.Comparison("page", conditions.Operator.MATCHES, ("((",))}, "not a pattern"),
        ({"where": where.parse("views=many")}, "is a number"),
        ({"where": where.parse("kind=contact")}, "props.kind"),
        ({"segment": where.parse("kind=contact")}, "props.kind"),
        ({"metrics": ("exit_rate",), "dimensions": ("page",)}, "exit_page instead of page"),
        ({"metrics": ("reviewed",), "dimensions": ("device",)}, "belongs to events"),
        ({"funnel": FunnelQuery("f"), "metrics": ("visits",)}, "figures of its own"),
        ({"funnel": FunnelQuery("f"), "dimensions": ("device", "country")}, "broken down by one"),
        ({"funnel": FunnelQuery("f"), "sort": (("visitors", "asc"),)}, "name one"),
        ({"funnel": FunnelQuery("f"), "dimensions": ("device",), "sort": (("visits", "asc"),)}, "visitors, from_first"),
    ],
    ids=str,
)  # fmt: skip
def test_questions_that_are_refused(days, given_, says):
    site = SiteRow(1, "shop.example", "Europe/Berlin")
    with pytest.raises(UsageError) as caught:
        about(Query(**given_), site, days("2026-10-01", "2026-10-31", site))
    assert says in f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "not a valid query"),
        ('{"metric": ["visits"]}', "unknown field"),
        ('{"where": ["country", "equals", ["FR"]]}', "unknown operator"),
        ('{"sort": [["visits", "up"]]}', "not a valid query"),
        ('{"where": {"country": "FR"}}', "not a condition"),
        ('{"where": ["page", "matches", ["(("]]}', "not a pattern"),
    ],
)
def test_json_that_is_refused(text, says):
    with pytest.raises(UsageError, match=says):
        decode(text)

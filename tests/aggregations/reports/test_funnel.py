"""Funnels as reads: every order, window, exclusion and breakdown against plain Python, through the real write path."""

from __future__ import annotations

import random
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from aggregations.query.model import FunnelQuery, Query
from aggregations.query.periods import Period
from aggregations.query.where import parse
from aggregations.reports import funnel as funnels
from aggregations.reports import reached
from aggregations.reports.funnel import Funnel, StepOrder
from aggregations.reports.funnel_steps import FunnelStep
from sql.core.durations import span_of
from sql.core.errors import UsageError
from tests.aggregations.answers import differences, rows_of
from tests.aggregations.histories import DAY, GAP, History, batches_of, histories
from tests.aggregations.questions import OF_FUNNELS, figures_of_funnel
from tests.oracle import funnel as truth
from tests.oracle.condition import Condition
from tests.oracle.oracle import Oracle

STEPS = [
    "page_view",
    "/product/*",
    "/product/1",
    "/cart",
    "/",
    "add_to_cart",
    "add_to_cart:/product/1",
    "purchase",
    "ping",
]
EXCLUDED = ["click", "ping", "/cart", "engagement", "form_submit"]
WINDOWS = [1000, 90_000, GAP, 60 * 60_000, DAY, 2 * DAY]
BY = ["", "", "path", "page", "props.kind", "country", "browser", "entry_page"]
FUNNELS = 15


def steps_of(*texts):
    return tuple(map(FunnelStep.parse, texts))


def random_funnel(dice):
    """A funnel, and the same for the oracle."""
    order = dice.choice(list(StepOrder))
    some = (
        dice.sample(STEPS, dice.randint(2, 4))
        if order is StepOrder.ANY
        else dice.choices(STEPS, k=dice.choice([2, 2, 3, 4, 8]))
    )
    excluded = dice.sample([one for one in EXCLUDED if one not in some], dice.choice([0, 0, 1, 2]))
    window = dice.choice(WINDOWS)
    made = Funnel("f", steps_of(*some), window // 1000, order, steps_of(*excluded))
    return made, truth.Funnel(
        [truth.Step(one) for one in some], window, order.value, [truth.Step(one) for one in excluded]
    )


def said(client, funnel, query, site, period):
    keys = [*map(reached.column_of, query.dimensions), "step", "event", "path"]
    return rows_of(reached.report(client, funnel, query, site, period).rows, keys, list(OF_FUNNELS))


def true(funnel, found, by):
    shown = [("", "") if funnel.order == "any" else (step.name, step.path) for step in funnel.steps]
    nobody = {} if by else {"": [(Fraction(0), None)] * len(shown)}
    return {
        (*([value] if by else []), at + 1, *shown[at]): figures
        for value, reached in (found or nobody).items()
        for at, figures in enumerate(figures_of_funnel(reached))
    }


@pytest.mark.timeout(900)  # a failing history is made as small as can be, for up to five minutes
@settings(deadline=None, max_examples=5)
@given(histories, st.integers(0, 2**32 - 1))
def test_random_funnels(written, history: History, seed: int):
    sites = [written.site(zone) for zone in history.zones]
    written.path.load(sites, batches_of(history, sites))
    site, dice = sites[0], random.Random(seed)
    oracle = Oracle(written.path.stored(site), site.timezone)
    period = Period(history.first, history.last, site.timezone)
    for _ in range(FUNNELS):
        made, its = random_funnel(dice)
        by, bots = dice.choice(BY), dice.random() < 0.3
        text, where = dice.choice([
            ("", []),
            ("", []),
            ("country=DE|FR", [Condition("country", lambda value: value in {"DE", "FR"})]),
            ("did(event=purchase)", [Condition("event", lambda value: value == "purchase", of_visitor=True)]),
            ("path^=/product", [Condition("path", lambda value: value.startswith("/product"))]),
        ])  # fmt: skip
        query = Query(dimensions=(by,) if by else (), where=parse(text) if text else None, include_bots=bots, limit=0)
        found = oracle.funnel(its, (period.first, period.last), by=by, where=where, include_bots=bots)
        assert differences(said(written.client, made, query, site, period), true(its, found, by)) == [], (
            made,
            by,
            text,
        )


def visitor(number, *steps, day="2026-11-02", **more):
    """Rows of one visitor: (minute, name, path)."""
    return [
        {"at": f"{day}T{10 + minute // 60:02}:{minute % 60:02}:00", "visitor": number, "visit": number, "name": name,
         "path": path, "batch_seq": place, **more}
        for place, (minute, name, path) in enumerate(steps)
    ]  # fmt: skip


VIEW, CART, BUY = ("page_view", "/product/7"), ("add_to_cart", "/product/7"), ("purchase", "/thanks")
ENGAGED, CLICK, SEARCH = ("engagement", "/product/7"), ("click", "/product/7"), ("page_view", "/search")
CHECKOUT = Funnel("checkout", steps_of("/product/*", "add_to_cart", "purchase"))
ROWS = [
    *visitor(1, (0, *VIEW), (1, *CART), (3, *BUY), country="DE"),
    *visitor(2, (0, *VIEW), (1, *ENGAGED), (5, *CART), country="DE"),
    *visitor(3, (0, *VIEW), country="FR"),
    *visitor(4, (0, *BUY), (1, *CART), (2, *VIEW), country="FR"),  # the other way round
    *visitor(5, (0, *VIEW), (0, *CART), (1, *SEARCH), (2, *BUY)),  # at one moment, in order of arrival
    *visitor(6, (0, "page_view", "/about"), (1, *CART)),  # never began
    *visitor(7, (0, *VIEW), (1, *CART), (2, *BUY), bot=True),
    *visitor(8, (0, *VIEW), (40, *CART), (50, *BUY), country="DE"),
]


@pytest.fixture(scope="module")
def shop(world):
    site = world.site()
    world.events(site, *ROWS)
    return site


@pytest.fixture
def ask(world, days, shop):
    """A funnel's answer over the whole of November."""

    def ask(funnel, **query):
        return reached.report(world.client, funnel, Query(**query), shop, days("2026-11-01", "2026-11-30", shop))

    return ask


def test_its_columns(ask):
    assert ask(CHECKOUT).rows.to_dicts() == [
        {"step": 1, "event": "page_view", "path": "/product/*", "visitors": 6, "from_previous": None, "from_first": 1.0,
         "time_from_previous": None},
        {"step": 2, "event": "add_to_cart", "path": "", "visitors": 4, "from_previous": 4 / 6, "from_first": 4 / 6,
         "time_from_previous": 180.0},  # of 60, 300, 0 and 2,400
        {"step": 3, "event": "purchase", "path": "", "visitors": 3, "from_previous": 3 / 4, "from_first": 1 / 2,
         "time_from_previous": 120.0},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "reached"),
    [
        ({}, [6, 4, 3]),
        ({"order": StepOrder.STRICT}, [6, 4, 2]),  # an event that nobody did does not come between, a page view does
        ({"order": StepOrder.ANY}, [7, 5, 4]),
        ({"window": 30 * 60}, [6, 3, 2]),
        ({"window": 59}, [6, 1, 0]),
        ({"excluded": steps_of("/search")}, [6, 4, 2]),
        ({"excluded": steps_of("engagement")}, [6, 3, 3]),
        ({"excluded": steps_of("/product/7")}, [0, 0, 0]),  # an excluded event is no step
    ],
    ids=str,
)
def test_what_the_options_mean(ask, change, reached):
    found = ask(replace(CHECKOUT, **change)).rows
    assert found["visitors"].to_list() == reached
    if change.get("order") is StepOrder.ANY:
        assert found["event"].to_list() == ["", "", ""]


@pytest.mark.parametrize(
    ("query", "reached"),
    [
        ({"include_bots": True}, [7, 5, 4]),
        ({"where": parse("country=DE")}, [3, 3, 2]),
        ({"where": parse("event!=purchase")}, [6, 4, 0]),
        ({"segment": parse("event=purchase")}, [4, 3, 3]),
        ({"segment": parse("path=/nowhere")}, [0, 0, 0]),
    ],
    ids=["bots", "visits", "events", "visitors", "nobody"],
)
def test_the_question_chooses_events(ask, query, reached):
    assert ask(CHECKOUT, **query).rows["visitors"].to_list() == reached


def test_a_breakdown_is_of_the_first_event_and_limited(ask):
    found = ask(CHECKOUT, dimensions=("country",), limit=2)
    assert found.left_out == 1
    assert found.rows.columns[0] == "country"
    assert found.rows.select("country", "step", "visitors").rows() == [
        ("DE", 1, 3), ("DE", 2, 3), ("DE", 3, 2), ("FR", 1, 2), ("FR", 2, 0), ("FR", 3, 0),
    ]  # fmt: skip
    assert ask(CHECKOUT, dimensions=("country",), limit=0).rows["country"].unique().sort().to_list() == ["", "DE", "FR"]
    assert ask(CHECKOUT, dimensions=("path",)).rows["first_path"].unique().to_list() == ["/product/7"]
    assert ask(CHECKOUT, dimensions=("event",), where=parse("event=nothing")).rows.is_empty()


def test_a_sample_is_scaled_up(world, days):
    site = world.site()
    world.events(site, *(row for n in range(300) for row in visitor(n * 2**56 % 2**64, (0, *VIEW), (1, *CART))))
    period = days("2026-11-01", "2026-11-30", site)
    rows = reached.report(world.client, CHECKOUT, Query(sample=0.25), site, period).rows
    assert rows["visitors"].to_list() == [256, 256, 0]
    assert rows["from_first"].to_list() == [1.0, 1.0, 0.0]


def test_compared_by_value_and_at_every_step(world, days):
    site = world.site()
    world.events(
        site,
        *visitor(1, (0, *VIEW), (1, *CART), (3, *BUY), country="DE"),
        *visitor(2, (0, *VIEW), country="FR"),
        *visitor(3, (0, *VIEW), (2, *CART), day="2026-11-01", country="DE"),
        *visitor(4, (0, *VIEW), day="2026-11-01", country="DE"),
        *visitor(5, (0, *VIEW), day="2026-11-01", country="AT"),
    )
    period = days("2026-11-02", "2026-11-02", site)

    def compared(period=period, **query):
        asked = reached.ask(world.client, CHECKOUT, Query(**query), site, period, period.previous())
        return reached.answer(world.client, asked).rows

    rows = compared()
    assert rows.columns == [
        "step", "event", "path", *OF_FUNNELS, *(f"{name}_previous" for name in OF_FUNNELS),
        *(f"{name}_change" for name in OF_FUNNELS),
    ]  # fmt: skip
    assert rows.select("visitors", "visitors_previous", "visitors_change").rows() == [
        (2, 3, 2 / 3 - 1), (1, 1, 0.0), (1, 0, None),
    ]  # fmt: skip
    assert rows["from_first_previous"].to_list() == [1.0, 1 / 3, 0.0]
    assert rows["time_from_previous_previous"].to_list() == [None, 120.0, None]
    by_country = compared(dimensions=("country",)).select("country", "visitors", "visitors_previous").rows()
    assert by_country == [("DE", 1, 2), ("DE", 1, 1), ("DE", 1, 0), ("FR", 1, 0), ("FR", 0, 0), ("FR", 0, 0)]
    nobody = compared(days("2026-11-03", "2026-11-03", site)).select("visitors", "visitors_previous").rows()
    assert nobody == [(0, 2), (0, 1), (0, 1)]
    assert compared(days("2026-11-20", "2026-11-20", site))["visitors_previous"].to_list() == [0, 0, 0]


@pytest.mark.parametrize(
    ("sort", "values"),
    [
        ((), ["DE", "", "FR"]),
        ((("visitors", "asc"),), ["FR", "", "DE"]),
        ((("country", "desc"),), ["FR", "DE", ""]),
        ((("from_first", "desc"),), ["DE", "", "FR"]),
        ((("from_first", "asc"), ("country", "asc")), ["FR", "", "DE"]),
    ],
    ids=str,
)
def test_sorted(world, days, sort, values):
    site = world.site()
    world.events(
        site,
        *visitor(1, (0, *VIEW), (1, *CART), (3, *BUY), country="DE"),
        *visitor(2, (0, *VIEW), (1, *CART), (3, *BUY), country="DE"),
        *visitor(3, (0, *VIEW), (1, *CART), (3, *BUY), country="DE"),
        *visitor(4, (0, *VIEW), (1, *CART), (3, *BUY)),
        *visitor(5, (0, *VIEW)),
        *visitor(6, (0, *VIEW), country="FR"),
    )
    query = Query(dimensions=("country",), sort=sort, funnel=FunnelQuery("checkout"))
    for limit in (0, 1):
        asked = structs.replace(query, limit=limit)
        rows = reached.report(world.client, CHECKOUT, asked, site, days("2026-11-02", "2026-11-02", site)).rows
        assert rows.filter(step=1)["country"].to_list() == (values[:1] if limit else values)


@pytest.mark.parametrize(
    ("funnel", "query", "said"),
    [
        (CHECKOUT, Query(dimensions=("time:day",)), "cannot break down by time:day"),
        (replace(CHECKOUT, name=" "), Query(), "needs a name"),
        (replace(CHECKOUT, steps=CHECKOUT.steps[:1]), Query(), "2 to 8 steps, not 1"),
        (replace(CHECKOUT, steps=CHECKOUT.steps * 3), Query(), "2 to 8 steps, not 9"),
        (replace(CHECKOUT, window=91 * 86_400), Query(), "window of 91d is too long"),
        (replace(CHECKOUT, excluded=steps_of("purchase")), Query(), "purchase is a step of the funnel"),
        (replace(CHECKOUT, excluded=steps_of("a") * 9), Query(), "at most 8 events, not 9"),
        (replace(CHECKOUT, steps=steps_of("a", "b", "a"), order=StepOrder.ANY), Query(), "must differ"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_asked(world, days, shop, funnel, query, said):
    with pytest.raises(UsageError, match=said):
        reached.report(world.client, funnel, query, shop, days("2026-11-01", "2026-11-30", shop))


@pytest.mark.parametrize(
    ("text", "seconds", "shown"),
    [("90s", 90, "90s"), ("30m", 1800, "30m"), ("24h", 86_400, "1d"), (" 7D ", 604_800, "7d"), ("36h", 129_600, "36h")],
)
def test_windows_as_people_write_them(text, seconds, shown):
    assert funnels.parse_window(text) == seconds
    assert span_of(seconds) == shown


@pytest.mark.parametrize("text", ["", "7", "0d", "-1d", "1w", "1.5h", "d", "99999999d"])
def test_what_is_no_window(text):
    with pytest.raises(UsageError, match="not a window"):
        funnels.parse_window(text)


def test_heavy_visitors_cost_what_their_events_cost(world, days):
    """Arrays of one visitor are never multiplied by each other."""
    site = world.site()
    world.client.command(
        "insert into events (site_id, local_date, visitor_id, timestamp, name, path, batch_seq) "
        "select {site:UInt32}, '2026-11-02', 1, fromUnixTimestamp64Milli(1793577600000 + toInt64(number), 'UTC'), "
        "['page_view', 'add_to_cart', 'purchase'][1 + number % 3], '/', number from numbers(300000)",
        parameters={"site": site.site_id},
    )
    made = Funnel("f", steps_of("page_view", "add_to_cart", "purchase"))
    found = reached.report(world.client, made, Query(), site, days("2026-11-02", "2026-11-02", site)).rows
    assert found["visitors"].to_list() == [1, 1, 1]

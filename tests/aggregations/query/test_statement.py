"""The SQL of a table of questions, as text: what a change of the query model does to it is seen.

FOOTFALL_TEST_GOLDEN=write writes `tests/golden/queries.sql`.
"""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import pytest

from aggregations.query import goals, members, where
from aggregations.query.answer import about
from aggregations.query.closed import NOTHING, Closed
from aggregations.query.goals import Goal
from aggregations.query.model import Query
from aggregations.query.periods import Period
from aggregations.query.sampled import Sampled, SampledDay
from aggregations.query.sites import SiteRow
from aggregations.reports.overview import QUERY as OVERVIEW
from aggregations.reports.ranked import RANKED, campaigns
from aggregations.reports.timeseries import Interval
from aggregations.reports.timeseries import query as series

GOLDEN = Path(__file__).parents[2] / "golden" / "queries.sql"
SITE = SiteRow(1, "shop.example", "Europe/Berlin")
PERIOD = Period(dt.date(2026, 10, 1), dt.date(2026, 10, 31), "Europe/Berlin")
QUERIES = {
    "overview": OVERVIEW,
    "overview, exact": Query(metrics=OVERVIEW.metrics, exact=True),
    "series by week": series(Interval.WEEK),
    **{name: row.query() for name, row in RANKED.items()},
    "campaigns": campaigns().query(),
    "dimensions of both levels": Query(metrics=("visitors", "events"), dimensions=("country", "props.plan")),
    "conditions of both levels": Query(
        metrics=("visits",), where=where.parse("country=FR|DE and not (page^=/a or views>3)")
    ),
    "of events, with a condition of visits": Query(metrics=("events",), where=where.parse("source=Google or title~x")),
    "a segment of a sample": Query(metrics=("visitors",), segment=where.parse("page=/buy and event=click"), sample=0.1),
    "a goal by source": Query(metrics=("visitors", "conversion_rate"), dimensions=("source",), goal="signup"),
    "a goal by page, where a visit lasts": Query(metrics=("conversions",), dimensions=("page",), goal="long"),
    "of a segment": Query(metrics=("visitors", "events"), dimensions=("source",), segment=members.named("buyers")),
    "of those who are not of it": Query(metrics=("visits",), where=where.parse("segment!=buyers and country=FR")),
    "having": Query(dimensions=("browser",), metrics=("visits",), having=(("visits", ">=", 10),), limit=0),
}  # fmt: skip


EXITS = RANKED["exit-pages"].query()
# On days that the tracker sampled.
SAMPLED = {
    "overview, sampled": Query(metrics=OVERVIEW.metrics),
    "pages with their visits, sampled": Query(metrics=("visitors", "visits", "events"), dimensions=("page",)),
    "a goal by source, sampled": Query(metrics=("completions", "conversion_rate"), dimensions=("source",), goal="long"),
    "exit pages by device, sampled": Query(metrics=EXITS.metrics, dimensions=(*EXITS.dimensions, "device")),
}
DAYS = Sampled(tuple(SampledDay(dt.date(2026, 10, day), 2.0, 10.0) for day in (5, 7)))
GOALS = {"signup": Goal(event="signup", where="props.plan=pro"), "long": Goal(duration=120)}


def texts() -> dict[str, str]:
    """The statement of each question, and the values that are bound."""
    made = {}
    for name, query in (QUERIES | SAMPLED).items():
        known = Closed(sampled=DAYS) if name in SAMPLED else NOTHING
        goal = goals.condition(GOALS[query.goal]) if query.goal else None
        before = PERIOD.previous() if query.compare == "previous" else None
        told = about(query, SITE, PERIOD, before, known, goal).statement
        values = "\n".join(f"-- {key} = {value!r}" for key, value in told.values.items())
        made[name] = f"{told.text}\n{values}\n-- {told.settings}"
    return made


def test_golden():
    said = "\n\n".join(f"-- === {name}\n{text}" for name, text in texts().items()) + "\n"
    if os.environ.get("FOOTFALL_TEST_GOLDEN") == "write":
        GOLDEN.write_text(said)
    assert said == GOLDEN.read_text()


@pytest.mark.parametrize("name", [*QUERIES, *SAMPLED])
def test_values_are_bound(name):
    text = texts()[name]
    statement = text[: text.index("\n-- ")]
    for value in ("FR", "Google", "/buy", "plan", "signup", "2026-10"):
        assert value not in statement

"""Every figure of every report on a made-up shop's traffic is what plain Python makes of the raw events."""

from __future__ import annotations

import datetime as dt

import pytest

from aggregations.query.filters import Filter
from aggregations.query.periods import Period
from aggregations.query.sites import SiteRow
from tests.aggregations import shop, stored_visits
from tests.aggregations.questions import QUESTIONS, disagreements
from tests.oracle.oracle import Oracle
from tests.oracle.visitor import visitors

# Numbers that no other test's sites have: visitors depend on them. One site with a tracker, one with an access log.
TRACKED = SiteRow(1_000_001, "tracked.example", "America/New_York")
READ = SiteRow(1_000_002, "read.example", "Europe/Berlin")
VISITS = 500
# What the shop has not; the small histories have it.
NOT_MADE_UP = {"detected", "detected:review", "campaigns:utm_content"}
# First and last day, and whether bots are counted.
ASKED = {
    "all of it": (dt.date(2026, 10, 20), dt.date(2026, 11, 5), False),
    "all of it, bots too": (dt.date(2026, 10, 20), dt.date(2026, 11, 5), True),
    "a month": (dt.date(2026, 10, 1), dt.date(2026, 10, 31), False),
    "a change of clocks in Europe": (dt.date(2026, 10, 25), dt.date(2026, 10, 25), True),
    "one in America": (dt.date(2026, 10, 31), dt.date(2026, 11, 2), False),
    "nothing": (dt.date(2026, 12, 1), dt.date(2026, 12, 2), False),
}


@pytest.fixture(scope="module")
def sent(tmp_path_factory):
    """What comes in for each of them, in requests."""
    return {
        TRACKED: shop.posted(TRACKED, VISITS, tmp_path_factory.mktemp("salts")),
        READ: shop.logged(READ, VISITS, tmp_path_factory.mktemp("salts")),
    }


@pytest.fixture(scope="module")
def truth(written, sent):
    """The oracle of each; goals and funnels of one are defined before its events, those of the other afterwards."""
    written.define(TRACKED)
    for site, requests in sent.items():
        third = len(requests) // 3
        written.path.load([site], [requests[:third], requests[third : 2 * third], requests[2 * third :]])
    written.define(READ)
    return {site: Oracle(written.path.stored(site), site.timezone) for site in sent}


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("site", [TRACKED, READ], ids=lambda site: site.domain)
def test_every_figure(written, truth, site, asked):
    first, last, bots = ASKED[asked]
    period = Period(first, last, site.timezone)
    assert disagreements(written.client, site, truth[site], period, Filter(bots), QUESTIONS) == []


@pytest.mark.parametrize("site", [TRACKED, READ], ids=lambda site: site.domain)
def test_every_visit(written, truth, site):
    assert stored_visits.stored(written.client, site) == stored_visits.true(truth[site])


@pytest.mark.parametrize("site", [TRACKED, READ], ids=lambda site: site.domain)
def test_every_visitor(truth, sent, site):
    """Also those whose hash changes in the middle of their visit, at midnight UTC."""
    events = sorted((one for request in sent[site] for one in request.events), key=lambda event: event.timestamp)
    own = visitors((event.timestamp, event.visitor, event.previous) for event in events)
    stored = {event.event_id: event.visitor for visit in truth[site].visits for event in visit.events}
    assert stored == {int.from_bytes(event.event_id, "big"): its for event, its in zip(events, own, strict=True)}
    assert any(event.previous == its for event, its in zip(events, own, strict=True))


def test_there_is_something_of_everything(truth):
    """A report without rows, or the same with bots and without, shows nothing."""
    first, last, _ = ASKED["all of it"]
    figures = ["visitors", "visits", "pageviews", "bounce_rate", "visit_duration"]
    people, everybody = (
        truth[READ].query(metrics=figures, period=(first, last), include_bots=bots)[0] for bots in (False, True)
    )
    assert all(people[name] != everybody[name] for name in figures)
    for name in QUESTIONS.keys() - NOT_MADE_UP:
        rows = [QUESTIONS[name].true(truth[site], Period(first, last, site.timezone), Filter()) for site in truth]
        assert any(rows), name

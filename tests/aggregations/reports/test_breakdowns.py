"""Visits by what their first event said."""

from __future__ import annotations

import pytest

from aggregations.reports.ranked import RANKED, Tag, campaigns

pytestmark = pytest.mark.parametrize("raw", [False, True], ids=["rollups", "raw"])
ASKED = [
    (RANKED["sources"].rows, "source", {}),
    (RANKED["channels"].rows, "channel", {}),
    *((campaigns(tag).rows, tag.value, {}) for tag in Tag),
    (RANKED["countries"].rows, "country", {}),
    (RANKED["devices"].rows, "device", {}),
    (RANKED["browsers"].rows, "browser", {}),
    (RANKED["systems"].rows, "os", {}),
]


@pytest.mark.parametrize(("ask", "column", "more"), ASKED, ids=[column for _, column, _ in ASKED])
def test_the_first_event_of_a_visit_decides(world, days, raw, ask, column, more):
    site = world.site()
    world.events(
        site,
        {"at": "2026-11-02T10:00:00", "visitor": 1, "visit": 1, column: "first"},
        {"at": "2026-11-02T10:01:00", "visitor": 1, "visit": 1, column: "later"},
        {"at": "2026-11-02T10:00:00", "visitor": 2, "visit": 2, column: "other"},
        {"at": "2026-11-02T11:00:00", "visitor": 1, "visit": 3, column: "first"},
        {"at": "2026-11-02T11:00:00", "visitor": 5, "visit": 4, column: "first", "bot": True},
        {"at": "2026-11-02T11:00:00", "visitor": 6, "visit": 5, column: ""},
    )
    got = ask(world.client, site, days("2026-11-02", "2026-11-02", site), raw=raw, **more)
    expected = [("first", 1, 2, 0.5, 30.0), ("", 1, 1, 1.0, 0.0), ("other", 1, 1, 1.0, 0.0)]
    assert got.columns == [column, "visitors", "visits", "bounce_rate", "visit_duration"]
    assert got.rows() == (expected if column not in [*Tag] else [row for row in expected if row[0]])


def test_events_by_name(world, days, raw):
    site = world.site()
    world.events(
        site,
        {"at": "2026-11-02T10:00:00", "visitor": 1},
        {"at": "2026-11-02T10:01:00", "visitor": 1, "name": "signup"},
        {"at": "2026-11-02T10:02:00", "visitor": 1, "name": "signup"},
        {"at": "2026-11-03T10:00:00", "visitor": 2, "visit": 2},
        {"at": "2026-11-03T10:00:00", "visitor": 3, "visit": 3, "name": "signup", "bot": True},
    )
    got = RANKED["events"].rows(world.client, site, days("2026-11-02", "2026-11-03", site), raw=raw)
    assert got.columns == ["event", "visitors", "events", "visitor_share"]
    assert got.rows() == [("page_view", 2, 2, 1.0), ("signup", 1, 2, 0.5)]

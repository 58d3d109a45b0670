"""What a report leaves out, from rollups and from raw events alike."""

from __future__ import annotations

import pytest

from aggregations.query.answer import ask
from aggregations.query.model import Query
from aggregations.reports.left_out import LeftOut, bots


@pytest.mark.parametrize("raw", [False, True], ids=["rollups", "raw"])
def test_bots_of_the_period(world, days, raw):
    site = world.site()
    world.events(
        site,
        {"at": "2026-11-02T10:00:00"},
        {"at": "2026-11-02T11:00:00", "visitor": 2, "visit": 2, "bot": True},
        {"at": "2026-11-03T11:00:00", "visitor": 2, "visit": 3, "bot": True},
        {"at": "2026-11-03T11:00:01", "visitor": 2, "visit": 3, "bot": True, "name": "signup"},
        {"at": "2026-11-04T11:00:00", "visitor": 2, "visit": 4, "bot": True},
    )
    period = days("2026-11-02", "2026-11-03", site)

    def left(period, **more):
        return bots(world.client, ask(world.client, Query(exact=raw, **more), site, period))

    assert left(period) == LeftOut(3, 2)
    assert left(period, include_bots=True) == LeftOut()
    assert left(days("2026-11-05", "2026-11-06", site)) == LeftOut()

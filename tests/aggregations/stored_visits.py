"""Visits as they are stored and as the oracle has them, in the same words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aggregations.query.sites import SiteRow
from tests.oracle.event import milliseconds
from tests.oracle.oracle import Oracle
from tests.oracle.visit import Visit

# Of a visit's first event, what is stored.
KEPT = (
    "source", "channel", "referrer", "utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content",
    "click_id_kind", "country", "city", "device", "browser", "os", "language",
)  # fmt: skip


def stored(client: Any, site: SiteRow) -> list[tuple[Any, ...]]:
    """The rows of `visits_merged`."""
    bound = {"s": site.site_id}
    found = client.query("select * from visits_merged where site_id = {s:UInt32}", parameters=bound)
    return sorted(map(_of_row, found.named_results()))


def true(oracle: Oracle) -> list[tuple[Any, ...]]:
    """The visits that there are."""
    return sorted(_of_visit(visit, oracle) for visit in oracle.visits)


def _of_row(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return (
        row["visitor_id"], milliseconds(row["started"]), milliseconds(row["ended"]), row["visit_date"], row["bot"],
        row["bounce"], row["pageviews"], row["events"], row["interactions"], row["engagement_ms"], row["revenue"],
        row["duration"], row["entry_page"], row["exit_page"], row["hostname"], *(row[name] for name in KEPT),
    )  # fmt: skip


def _of_visit(visit: Visit, oracle: Oracle) -> tuple[Any, ...]:
    """Text that there is none of is empty."""
    return (
        visit.visitor, visit.started, visit.ended, oracle.clock.day(visit.started), visit.bot, visit.bounce,
        len(visit.views), len(visit.events), visit.interactions, visit.engagement_ms, visit.revenue,
        (visit.ended - visit.started) / 1000, visit.entry_page or "", visit.exit_page or "", visit.first.hostname,
        *(visit.first.fields[name] for name in KEPT),
    )  # fmt: skip

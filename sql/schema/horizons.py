"""From which day on what is stored of a site is whole: retention has removed what is earlier.

A horizon is written before anything is removed. Whoever compares a derived table with raw events, or derives it again,
leaves out the days before the horizon of raw events: there the derived table is all that is left.
"""

from __future__ import annotations

import datetime as dt
import time
from enum import StrEnum
from typing import TYPE_CHECKING

from sql.core.queries import query

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from sql.schema.days import Days

_ALWAYS = dt.date(1970, 1, 1)


class Kept(StrEnum):
    """What is kept for a time: raw events, visits (their states and typed rows), rollups by day and month."""

    EVENTS = "events"
    VISITS = "visits"
    ROLLUPS = "rollups"


def every(client: Client) -> dict[tuple[int, str], dt.date]:
    """All horizons, by site id and what is kept: one of ``Kept``, or a column such as ``events.user_agent``."""
    return {(row[0], row[1]): row[2] for row in client.query(query("horizons/listed")).result_rows}


def of_events(client: Client) -> dict[int, dt.date]:
    """The horizons of raw events, by site id; sites that still have all of theirs are not there."""
    return {site_id: since for (site_id, what), since in every(client).items() if what == Kept.EVENTS}


def whole(days: Days, since: dict[int, dt.date]) -> list[tuple[int, dt.date]]:
    """Those days of sites whose raw events are whole; ``since`` as ``of_events`` says it."""
    return [(site_id, day) for site_id, day in days if day >= since.get(site_id, _ALWAYS)]


def move(client: Client, site_id: int, what: str, since: dt.date) -> None:
    """Say that what is kept of a site is whole from ``since`` on. The caller holds the partitions lock."""
    row = [site_id, what, since, time.time_ns()]
    client.insert("horizons", [row], column_names=["site_id", "what", "since", "version"])

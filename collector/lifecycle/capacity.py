"""What a rate of events takes: disk for the tables, room in the spool; measured on the tables that are there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sql.core.queries import query

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

# Where there are too few events to measure by: properties, titles and room for merges included.
PLANNED_BYTES = 150.0
# Of an event in the spool, before it is loaded (bench/README.md).
SPOOLED_BYTES = 360
# Fewer events than this say little of what one takes.
ENOUGH = 100_000
DAY = 86_400
RATES = (1, 10, 100, 1_000, 10_000)


@dataclass(frozen=True, slots=True)
class Capacity:
    """At ``rate`` events a second: bytes a day and a year, and seconds until the spool is full while nothing loads."""

    rate: float
    a_day: float
    a_year: float
    spool_seconds: float


def bytes_an_event(client: Client) -> tuple[float, bool]:
    """What an event takes in all tables together, and whether that was measured here."""
    [(stored, events, _)] = client.query(query("retention/growth"), parameters={"days": 1}).result_rows
    return (stored / events, True) if events >= ENOUGH else (PLANNED_BYTES, False)


def capacity(rate: float, each: float, spool_bytes: int) -> Capacity:
    """What a rate takes, where an event takes ``each`` bytes and the spool may have ``spool_bytes``."""
    a_day = rate * DAY * each
    return Capacity(rate, a_day, a_day * 365, spool_bytes / (rate * SPOOLED_BYTES))

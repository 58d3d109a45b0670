"""What is stored of a person, in words and as rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from collector.event.model import ENGAGEMENT, PAGE_VIEW
from collector.lifecycle.persons import Person
from sql.core.queries import query

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    Row = dict[str, Any]


class Told(NamedTuple):
    """An event in words. ``gap``: seconds since the event before it in its visit; None where it begins the visit.

    ``duration``: seconds that the visit took, told with its first event.
    """

    at: dt.datetime
    visitor: int
    visit: int
    gap: float | None
    duration: float | None
    event: str


def events(client: Client, who: Person) -> Iterator[Row]:
    """Every raw event of a person in its order, all columns by name."""
    return _rows(client, "persons/events", who)


def visits(client: Client, who: Person) -> Iterator[Row]:
    """Every visit of a person in its order, all columns by name; visits may outlive their raw events."""
    return _rows(client, "persons/visits", who)


def memberships(client: Client, who: Person) -> Iterator[Row]:
    """Every segment that a person entered or left, by when a refresh found it."""
    return _rows(client, "persons/memberships", who)


def told(client: Client, who: Person) -> list[Told]:
    """Every raw event of a person in words, visits numbered from 1."""
    rows = list(events(client, who))
    ends = {row["visit_id"]: row["timestamp"] for row in rows}
    number: dict[int, int] = {}
    before: dict[int, dt.datetime] = {}
    found = []
    for row in rows:
        visit, at = row["visit_id"], row["timestamp"]
        number.setdefault(visit, len(number) + 1)
        begun = before.get(visit)
        gap = (at - begun).total_seconds() if begun else None
        duration = (ends[visit] - at).total_seconds() if begun is None else None
        found.append(Told(at, row["visitor_id"], number[visit], gap, duration, _words(row)))
        before[visit] = at
    return found


def _words(row: Row) -> str:
    place = f"{row['hostname']}{row['path']}"
    if row["name"] == PAGE_VIEW:
        said = f"viewed {place}"
        if row["source"] not in {"", "Direct"}:
            said += f", from {row['source']}"
    elif row["name"] == ENGAGEMENT:
        said = f"was on {place} for {row['engagement_ms'] / 1000:g} s, scrolled to {row['scroll_depth']}%"
    else:
        said = f"{row['name']} on {place}" if place else row["name"]
    if row["revenue"]:
        said += f", {Decimal(row['revenue']).normalize():f} {row['currency']}".rstrip()
    values = {**row["props"], **row["props_number"], **row["props_bool"]}
    told = [f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}" for name, value in values.items()]
    if row["user_id"]:
        told.append(f"user {row['user_id']}")
    return f"{said} ({', '.join(told)})" if told else said


def _rows(client: Client, name: str, who: Person) -> Iterator[Row]:
    with client.query_row_block_stream(query(name), parameters=who.bound) as blocks:
        names = blocks.source.column_names
        for block in blocks:
            for row in block:
                yield dict(zip(names, row, strict=True))

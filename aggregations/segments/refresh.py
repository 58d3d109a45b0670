"""Writing down who belongs to segments: what changed since the last refresh.

Many segments are found in one reading of the events. A refresh counts from when its row is in `segment_refreshes`; one
that is killed before leaves rows that nobody reads, and is simply run again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aggregations.query.members import newest
from aggregations.segments.definition import SEGMENT
from aggregations.segments.evaluate import Population
from sql import definitions
from sql.compose import with_first
from sql.core.data_dir import DataDir
from sql.core.queries import query
from sql.schema.refreshing import refreshing

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

# How many are found in one reading: each gathers something of every visitor, in memory.
TOGETHER = 50
_REFRESHED = ["site_id", "segment", "refresh", "version", "members", "entered", "left"]
_SETTINGS = {"insert_deduplicate": 0}


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What a refresh found: members now, and how many entered and left since the one before."""

    segment: str
    members: int
    entered: int
    left: int


def refresh(client: Client, home: DataDir, of: Population, names: Sequence[str] = ()) -> list[Refreshed]:
    """Write down who belongs to segments (all, or those named) as of the population's moment.

    Raises UsageError (no such segment, a circle), EngineBusy.
    """
    for name in names:
        if name not in of.segments:
            definitions.find(client, of.site.site_id, SEGMENT, name)
    found = []
    with refreshing(client, home, "footfall segment refresh"):
        # Later than every one there was, whatever the clock says: the last change of a visitor counts.
        last = max((each.refresh for each in newest(client, of.site).values()), default=0)
        moment = max(of.moment, last + 1)
        wanted = list(names or of.segments)
        for start in range(0, len(wanted), TOGETHER):
            some = wanted[start : start + TOGETHER]
            _gather(client, of, some)
            for place, name in enumerate(some, 1):
                found.append(_write(client, of, name, place, moment))
        client.command("truncate table work_members")
    return found


def _gather(client: Client, of: Population, names: Sequence[str]) -> None:
    client.command("truncate table work_members")
    told = of.statement([of.segments[name] for name in names])
    if told is not None:
        text = "insert into work_members\n" + with_first("members", told.text, query("segments/places"))
        bound = told.values | {"site": of.site.site_id}
        client.command(text, parameters=bound, settings=told.settings | _SETTINGS)


def _write(client: Client, of: Population, name: str, place: int, moment: int) -> Refreshed:
    bound = {"site": of.site.site_id, "segment": name, "place": place, "refresh": moment}
    client.command(f"insert into segment_members {query('segments/changes')}", parameters=bound, settings=_SETTINGS)
    [(members, entered, left)] = client.query(query("segments/counted"), parameters=bound).result_rows
    row = [of.site.site_id, name, moment, of.versions[name], members, entered, left]
    client.insert("segment_refreshes", [row], column_names=_REFRESHED)
    return Refreshed(name, members, entered, left)

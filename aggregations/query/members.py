"""Segments in questions: by name, with the members that their last refresh found."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aggregations.query import conditions, where
from aggregations.query.conditions import Comparison, Condition, Operator
from aggregations.query.dimensions import SEGMENT
from sql.core.errors import UsageError
from sql.core.queries import query

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from aggregations.query.sites import SiteRow

_CONDITION = re.compile(r"[=~?<>()]")


@dataclass(frozen=True, slots=True)
class Membership:
    """The last refresh of a segment: its moment in ms since 1970, and how many visitors belonged.

    ``version`` is that of the definition it went by, ``defined`` the one that is in force (0: it was removed).
    """

    segment: str
    version: int
    refresh: int
    members: int
    defined: int

    @property
    def at(self) -> dt.datetime:
        """When it was, in UTC."""
        return dt.datetime.fromtimestamp(self.refresh / 1000, dt.UTC)

    @property
    def note(self) -> str:
        """What an answer says of it."""
        changed = "" if self.version == self.defined else ", before its definition changed"
        return f"Segment {self.segment}: {self.members:,} visitors as of {self.at:%Y-%m-%d %H:%M} UTC{changed}."


def asked(text: str) -> Condition:
    """What `--segment` says, or a text in a query: the name of a segment, or a condition. Raises UsageError."""
    return where.parse(text) if _CONDITION.search(text) else named(text)


def named(segment: str) -> Condition:
    """Those who belong to a segment."""
    return Comparison(SEGMENT, Operator.IS, (segment,))


def name_of(condition: Condition | None) -> str | None:
    """The one segment that a condition names and nothing else, where ``asked`` reads its name as such; else None."""
    match condition:
        case Comparison(dimension, Operator.IS, (str() as name,)) if dimension == SEGMENT:
            return None if _CONDITION.search(name) else name
    return None


def find(client: Client, site: SiteRow, asked_for: Iterable[Condition | None]) -> tuple[Membership, ...]:
    """The segments that conditions name, without a look at the database where they name none. Raises UsageError."""
    names = dict.fromkeys(
        str(value)
        for condition in asked_for
        for comparison in conditions.comparisons(condition)
        if comparison.dimension == SEGMENT
        for value in comparison.values
    )
    if not names:
        return ()
    known = newest(client, site)
    for name in names:
        if name not in known:
            hint = f"known: {', '.join(known)}" if known else "see `footfall segment list`"
            raise UsageError(f"segment {name!r} has no members yet", f"footfall segment refresh {name}, or {hint}")
        if not known[name].defined:
            raise UsageError(f"segment {name!r} was removed", "see `footfall segment list`")
    return tuple(known[name] for name in names)


def newest(client: Client, site: SiteRow) -> dict[str, Membership]:
    """The last refresh of each segment of a site, by name."""
    rows = client.query(query("segments/newest"), parameters={"site": site.site_id}).result_rows
    return {row[0]: Membership(*row) for row in rows}

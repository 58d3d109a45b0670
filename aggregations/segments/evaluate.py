"""Asking who belongs to segments now: sizes, estimated or exact."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aggregations.query import closed, sites
from aggregations.query.answer import fetched
from aggregations.query.closed import Closed
from aggregations.query.conditions import Condition
from aggregations.query.periods import Period
from aggregations.query.sites import SiteRow
from aggregations.query.statement import Statement
from aggregations.segments.definition import SEGMENT
from aggregations.segments.language import parse
from aggregations.segments.statement import statement
from sql import definitions
from sql.compose import with_first
from sql.core import timezones
from sql.core.errors import UsageError
from sql.core.queries import query

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

ESTIMATED_OF = 1 / 16


@dataclass(frozen=True, slots=True)
class Population:
    """Visitors of a site as of ``now`` (UTC): the days that have events, and every segment that is defined, with its
    version.

    ``identified``: some of them are users, so that several may be of one person.
    """

    site: SiteRow
    now: dt.datetime
    span: Period | None
    closed: Closed
    segments: Mapping[str, Condition]
    versions: Mapping[str, int]
    identified: bool = False

    @property
    def moment(self) -> int:
        """``now`` in milliseconds since 1970."""
        return int(self.now.timestamp() * 1000)

    def statement(self, asked: Sequence[Condition], sample: float | None = None) -> Statement | None:
        """Which visitors belong to which of ``asked``; None where the site has no events. Raises UsageError."""
        if self.span is None:
            return None
        return statement(
            self.site, asked, self.segments, self.span, self.now, self.closed, sample, identified=self.identified
        )


def unusable(of: Population) -> dict[str, UsageError]:
    """Segments that cannot be found, such as one that names a segment which was removed, and why."""
    found = {}
    for name, condition in of.segments.items():
        try:
            of.statement([condition])
        except UsageError as exc:
            found[name] = exc
    return found


def population(client: Client, site: SiteRow, now: dt.datetime | None = None) -> Population:
    """The visitors of a site up to a moment (now), with what is known of its days."""
    now = now or dt.datetime.now(dt.UTC)
    defined = definitions.every(client, site.site_id, SEGMENT)
    segments = {each.name: parse(each.body.where) for each in defined}
    versions = {each.name: each.version for each in defined}
    first, today = sites.first_day(client, site), now.astimezone(timezones.zone(site.timezone)).date()
    if first is None or first > today:
        return Population(site, now, None, closed.NOTHING, segments, versions)
    span = Period(first, today, site.timezone)
    [(identified,)] = client.query(query("persons/known"), parameters={"site": site.site_id}).result_rows
    return Population(site, now, span, closed.of(client, site, [span]), segments, versions, bool(identified))


def size(client: Client, of: Population, asked: Condition, sample: float | None = None) -> int:
    """How many visitors belong to a segment; from a ``sample`` of all visitors, an estimate. Raises UsageError."""
    told = of.statement([asked], sample)
    if told is None:
        return 0
    counted = Statement(with_first("members", told.text, query("segments/size")), told.values, told.settings)
    return round(int(fetched(client, counted)["members"][0]) / (sample or 1))

"""Reads the parts of a question over one span: rows that it chooses, and atoms by dimensions over them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from aggregations.query import buckets, weights
from aggregations.query.atoms import ATOMS
from aggregations.query.closed import Closed
from aggregations.query.conditions import Condition, Did, both
from aggregations.query.dimensions import Dimension, ValueKind
from aggregations.query.model import Query
from aggregations.query.periods import Period
from aggregations.query.planner import Part
from aggregations.query.restrict import VISIT_DAYS, Restriction, of_level
from aggregations.query.sampled import Sampled
from aggregations.query.sources import DETECTED, EVENTS, VISITS, Level, Source, on
from sql.compose import Binder, chosen_by, derived, scoped, shown

# Half of a sample's visitors have an id below half of 2^64: ids are hashes.
IDS = 2**64
# What a rollup by month cannot tell.
_FINER = {"time:hour", "time:day", "time:week"}


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads the parts of a question over one span."""

    query: Query
    site_id: int
    binder: Binder
    span: Period
    closed: Closed
    goal: Condition | None = None

    @property
    def sampled(self) -> Sampled:
        """Days with events that must be weighed."""
        return self.closed.sampled.around(self.span)

    def part(self, part: Part) -> str:
        """Atoms by dimensions, from one source."""
        columns, rows = self._viewed(part) if part.viewed else self._rows_of(part)
        share = f" / {self.query.sample!r}" if self.query.sample else ""
        if self.sampled:
            return weights.summed(columns, rows, part.atoms, part.source, share)
        chosen = [*columns, *(f"{on(atom.on, part.source)}{share} as a_{atom.name}" for atom in part.atoms)]
        keys = ", ".join(f"d{at}" for at in range(len(columns)))
        return f"select {', '.join(chosen)}\nfrom {rows}" + (f"\ngroup by {keys}" if keys else "")

    def _rows_of(self, part: Part) -> tuple[list[str], str]:
        """The columns of a part's dimensions, and its rows as ``s``."""
        only = _only(part.dimensions, part.source)
        rows = f"({self.weighed(part.source, self.chosen(part.source, part.where, only))}) as s"
        if part.goal:
            rows += f"\ninner join (\n{self.completed()}\n) as g on s.visit_id = g.visit_id"
        columns, foreign = [], []
        for at, dimension in enumerate(part.dimensions):
            if dimension.level is Level.VISIT and part.source is not VISITS:
                foreign.append(f"{self._column(dimension, VISITS)} as w{at}")
                columns.append(f"w.w{at} as d{at}")
            else:
                columns.append(f"{self._key(dimension, part.source)} as d{at}")
        if foreign:
            only = _only([dimension for dimension in part.dimensions if dimension.level is Level.VISIT], VISITS)
            visits = self.rows(VISITS, self.span.first - VISIT_DAYS, self.span.last, only, bots=True)
            rows += f"\ninner join (select s.visit_id as visit_id, {', '.join(foreign)} from ({visits}) as s) as w"
            rows += " on s.visit_id = w.visit_id"
        return columns, rows

    def _viewed(self, part: Part) -> tuple[list[str], str]:
        """The same of page views of the visits that a part chooses, on whatever day they lie.

        Their page is in the place of the exit page; all else is their visit's.
        """
        first, last = self.span.first, self.span.last
        between = f"{self.binder.bind(first, 'Date')} and {self.binder.bind(last, 'Date')}"
        visits = self.chosen(VISITS, part.where)
        wanted = ["s.name = 'page_view'", f"s.visit_date between {between}"]
        foreign = [
            f"{self._key(dimension, VISITS)} as w{at}"
            for at, dimension in enumerate(part.dimensions)
            if dimension.name != "exit_page"
        ]
        if not foreign:
            wanted.append(chosen_by("visit_id", visits))
        events = self.rows(EVENTS, first, last + VISIT_DAYS, wanted, bots=True)
        rows = f"({self.weighed(EVENTS, events)}) as s"
        if foreign:
            rows += f"\ninner join (select s.visit_id as visit_id, {', '.join(foreign)} from ({visits}) as s) as w"
            rows += " on s.visit_id = w.visit_id"
        columns = [
            f"s.path as d{at}" if dimension.name == "exit_page" else f"w.w{at} as d{at}"
            for at, dimension in enumerate(part.dimensions)
        ]
        return columns, rows

    def value(self, dimension: Dimension, source: Source) -> str:
        """The text of a dimension's value over rows of ``source``; '' where a row has none."""
        only = on(dimension.only, source)
        column = f"toString({self._column(dimension, source)})"
        return f"if({only}, {column}, '')" if only else column

    def _key(self, dimension: Dimension, source: Source) -> str:
        if dimension.kind is ValueKind.TIME:
            return buckets.position(self.binder, source, dimension.name.removeprefix("time:"), self.span)
        return f"toString({self._column(dimension, source)})"

    def _column(self, dimension: Dimension, source: Source) -> str:
        return self.restriction(self.span.first, self.span.last).column(dimension, source)

    def restriction(self, first: dt.date, last: dt.date) -> Restriction:
        """What turns conditions into SQL; those of the other level are asked of rows within these days."""
        return Restriction(self.binder, first, last, self.rows, self._members)

    def _members(self, segments: list[str]) -> str:
        """Visitors who belong to any of these segments."""
        site = f"s.site_id = {self.binder.bind(self.site_id, 'UInt32')}"
        named = f"s.segment in {self.binder.bind(segments, 'Array(String)')}"
        return scoped("current_members", [site, named])

    def of_visits(self, table: str, dimension: Dimension) -> str:
        """Rows of ``table``, whose labels are ids of visits, with the values that these visits have."""
        visits = self.rows(VISITS, self.span.first - VISIT_DAYS, self.span.last, [], bots=True)
        return (
            f"select a.* except (label), v.label as label from {table} as a\n"
            f"inner join (select s.visit_id as visit_id, {self.value(dimension, VISITS)} as label from ({visits}) as s)"
            " as v on a.label = v.visit_id"
        )

    def chosen(self, source: Source, where: Condition | None = None, only: Sequence[str] = ()) -> str:
        """Rows of a source that ``where`` and the question's segment choose."""
        where = both(where, Did(self.query.segment)) if self.query.segment is not None else where
        texts = [self.restriction(self.span.first, self.span.last).text(where, source)] if where is not None else []
        return self.rows(source, self.span.first, self.span.last, [*texts, *only])

    def completed(self) -> str:
        """Visits that completed the goal: how often, and with which revenue."""
        goal = self.goal
        if goal is None:
            raise ValueError(f"what does the goal {self.query.goal} ask?")
        first, last = self.span.first - VISIT_DAYS, self.span.last + VISIT_DAYS
        restriction = self.restriction(first, last)
        if of_level(goal, Level.VISIT):
            rows = self.rows(VISITS, first, last, [restriction.text(goal, VISITS)], bots=True)
            count, revenue = ("s.weight", "s.weighted_revenue") if self.sampled else ("1", "toFloat64(s.revenue)")
            visits = self.weighed(VISITS, rows, first, last)
            return f"select s.visit_id as visit_id, {count} as completions, {revenue} as revenue from ({visits}) as s"
        events = self.weighed(EVENTS, self.rows(EVENTS, first, last, [restriction.text(goal, EVENTS)]))
        count, revenue = (
            ATOMS[name].weighted[EVENTS].text if self.sampled else ATOMS[name].on[EVENTS]
            for name in ("events", "revenue")
        )
        return (
            f"select s.visit_id as visit_id, {count} as completions, {revenue} as revenue from ({events}) as s "
            "group by visit_id"
        )

    def weighed(self, source: Source, rows: str, first: dt.date | None = None, last: dt.date | None = None) -> str:
        """Rows of a source with their weight, where events are sampled. ``first`` and ``last`` are those of visits."""
        if not self.sampled:
            return rows
        if source is not VISITS:
            return weights.of_events(rows)
        first, last = self.sampled.visits(first or self.span.first, last or self.span.last)
        between = f"{self.binder.bind(first, 'Date')} and {self.binder.bind(last, 'Date')}"
        wanted = [f"s.visit_date between {between}"]
        return weights.of_visits(rows, self.rows(EVENTS, first, last + VISIT_DAYS, wanted, bots=True))

    def rows(self, source: Source, first: dt.date, last: dt.date, texts: list[str], bots: bool = False) -> str:
        """Rows of a source of the site, within these days, that fulfil every text; those of bots where asked for."""
        site = f"s.site_id = {self.binder.bind(self.site_id, 'UInt32')}"
        days = f"{self.binder.bind(first, 'Date')} and {self.binder.bind(last, 'Date')}"
        wanted = [f"s.{source.date} between {days}", *texts]
        if not self.query.include_bots and not bots:
            wanted.insert(1, "not s.bot")
        if source.rows and self.query.sample is not None:
            wanted.append(f"s.visitor_id < {self.binder.bind(int(IDS * self.query.sample) - 1, 'UInt64')}")
        if source is VISITS and self.query.exact:
            until = self.binder.bind(last + VISIT_DAYS, "Date")
            over = [
                site,
                f"s.visit_date between {days}",
                f"s.local_date between {self.binder.bind(first, 'Date')} and {until}",
            ]
            return scoped(f"(\n{derived('visits_merged', 'visits', over)}\n)", wanted)
        if source is VISITS:
            return self._visits(first, last, [site, *wanted])
        if source is DETECTED:
            own = [site, *(text for text in wanted if text not in texts)]
            return scoped(f"(\n{shown('detected_events', 'events as e', scoped('events', own))}\n)", texts or ["true"])
        if source.monthly and not _FINER & set(self.query.dimensions):
            return self._rollup(source, first, last, [site, *wanted])
        return scoped(source.name, [site, *wanted])

    def _visits(self, first: dt.date, last: dt.date, wanted: list[str]) -> str:
        """Visits of closed days as typed rows, those of open days as they are merged now."""
        since = self.closed.open_from(first, last)
        if first > self.closed.until:
            return scoped("visits_merged", wanted)
        if since is None:
            return scoped("closed_visits", wanted)
        until = self.binder.bind(self.closed.until, "Date")
        opened = self.binder.bind([day for day in self.closed.open if first <= day <= last], "Array(Date)")
        still = f"(s.visit_date > {until} or s.visit_date in {opened})"
        closed = scoped("closed_visits", [*wanted, f"not {still}"])
        merged = scoped("visits_merged", [*wanted, f"s.visit_date >= {self.binder.bind(since, 'Date')}", still])
        return f"{closed}\nunion all\n{merged}"

    def _rollup(self, source: Source, first: dt.date, last: dt.date, wanted: list[str]) -> str:
        """A rollup by month where months are closed, by day elsewhere."""
        months = self.closed.months_of(source.monthly, first, last)
        if not months:
            return scoped(source.name, wanted)
        its = self.binder.bind(months, "Array(Date)")
        closed = scoped(source.monthly, [*wanted, f"s.local_date in {its}"])
        rest = scoped(source.name, [*wanted, f"toStartOfMonth(s.local_date) not in {its}"])
        return f"{closed}\nunion all\n{rest}"


def _only(named: Sequence[Dimension], source: Source) -> list[str]:
    """Texts that restrict rows of a source to those that have values of these dimensions."""
    return [text for dimension in named if (text := on(dimension.only, source))]

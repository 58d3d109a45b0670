"""Deriving stored data again, by the rules and lists of today: columns of events, visits, rollups.

A month at a time, under the partitions lock: the events are written again with what changes, and swapped in; then what
is derived from their days is. What is between is said (`pending`), so a run that was killed is finished by the next.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from collector.lifecycle.partitions import held
from collector.lifecycle.rules import Rule
from sql.core.data_dir import DataDir
from sql.core.errors import EngineError
from sql.core.queries import query
from sql.schema import derived_by, pending, rebuild
from sql.schema.days import Days, after, first_of
from sql.schema.swaps import drop, swap_in

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

WAIT = 60.0
_AT_ONCE = 100_000


@dataclass(frozen=True, slots=True)
class Range:
    """Raw events of sites between two local days."""

    sites: tuple[int, ...]
    first: dt.date
    last: dt.date

    @property
    def bound(self) -> dict[str, object]:
        """As queries bind it."""
        return {"sites": list(self.sites), "first": self.first, "last": self.last}

    def of(self, month: int) -> Range:
        """What of it lies in a month (YYYYMM)."""
        return Range(self.sites, max(self.first, first_of(month)), min(self.last, after(month) - dt.timedelta(days=1)))


@dataclass(frozen=True, slots=True)
class Changed:
    """How many events of a month (YYYYMM) have ``before`` in a column, and are to have ``after``."""

    month: int
    column: str
    before: str
    after: str
    events: int


def months(client: Client, where: Range) -> list[int]:
    """Months (YYYYMM) of which there are raw events, ascending."""
    return [row[0] for row in client.query(query("backfill/months"), parameters=where.bound).result_rows]


def changes(client: Client, rule: Rule, where: Range, month: int) -> list[Changed]:
    """What a rule makes of a month that is not stored so, the most frequent first."""
    found: dict[tuple[str, str, str], int] = {}
    for _, before, made, events in _differing(client, rule, where.of(month)):
        for column, one, other in zip(rule.columns, before, made, strict=True):
            if one != other:
                found[column, one, other] = found.get((column, one, other), 0) + events
    every = [Changed(month, *key, events) for key, events in found.items()]
    return sorted(every, key=lambda each: (-each.events, each.column, each.before, each.after))


def apply(client: Client, home: DataDir, rule: Rule, where: Range, month: int) -> None:
    """Write a month's events again as a rule makes them, then what is derived from them; and by which version.

    Safe to interrupt and to run again. Raises EngineBusy and StorageError as ``partitions.held`` does.
    """
    with held(client, home, "footfall backfill", WAIT):
        pending.finish(client)
        its = where.of(month)
        client.command("truncate table backfill_values")
        rows = [(key, made) for key, _, made, _ in _differing(client, rule, its)]
        for at in range(0, len(rows), _AT_ONCE):
            client.insert("backfill_values", rows[at : at + _AT_ONCE], column_names=["key", "made"])
        if rows:
            pending.mark(client, _days(client, rule, its))
            _rewrite(client, rule, its, month)
            client.command("truncate table backfill_values")
            pending.finish(client)
        derived_by.record(client, {rule.name: rule.version}, within(its, days(client, its)), whole=True)


def outdated(client: Client, rule: Rule, where: Range) -> set[int]:
    """Months (YYYYMM) with days that another version of the rule and its lists has derived."""
    found = derived_by.outdated(client, {rule.name: rule.version}, where.sites, where.first, where.last)
    return {each.month for each in found}


def within(where: Range, its: Days) -> Days:
    """Of these days those that lie in the range: visits begin before it, too."""
    return [(site, day) for site, day in its if where.first <= day <= where.last]


def finish(client: Client, home: DataDir) -> None:
    """Derive days again that a run that was interrupted has left. Safe to interrupt and to run again."""
    with held(client, home, "footfall backfill", WAIT):
        pending.finish(client)


def derive(client: Client, home: DataDir, tables: tuple[str, ...], where: Range, month: int) -> None:
    """Derive tables of visits or rollups again from a month's raw events. Safe to interrupt and to run again."""
    with held(client, home, "footfall backfill", WAIT):
        pending.finish(client)
        for table in tables:
            rebuild.rebuild_days(client, table, days(client, where.of(month)))


def differing_days(client: Client, home: DataDir, tables: tuple[str, ...], where: Range, month: int) -> Days:
    """Days of a month on which one of the tables is not what raw events make of it, by counts and checksums."""
    with held(client, home, "footfall backfill", WAIT):
        its = days(client, where.of(month))
        return sorted({day for table in tables for day in rebuild.compare(client, table, its)})


def days(client: Client, where: Range) -> Days:
    """Days of raw events, and those on which their visits started."""
    return [(row[0], row[1]) for row in client.query(query("backfill/days"), parameters=where.bound).result_rows]


def _differing(client: Client, rule: Rule, where: Range) -> Iterator[tuple[int, tuple[str, ...], tuple[str, ...], int]]:
    """Hash of what they are made of and of what they are, columns as stored and as made, number of events."""
    keys = ", ".join(rule.keys)
    stored = ", ".join(_text(column) for column in rule.columns)
    text = f"select {_key(rule)}, [{keys}], [{stored}], count() from events where {_where(rule)} group by 1, 2, 3"  # noqa: S608 (texts of ours)
    with client.query_rows_stream(text, parameters=where.bound) as rows:
        for key, given, before, events in rows:
            made = rule.made(*given)
            if tuple(before) != made:
                yield key, tuple(before), made, events


def _days(client: Client, rule: Rule, where: Range) -> Days:
    text = (
        f"select distinct site_id, arrayJoin([local_date, visit_date]) from events where {_where(rule)}"  # noqa: S608 (ours)
        f" and {_key(rule)} in (select key from backfill_values)"
    )
    return [(row[0], row[1]) for row in client.query(text, parameters=where.bound).result_rows]


def _rewrite(client: Client, rule: Rule, where: Range, month: int) -> None:
    drop(client, "events_rebuild")
    client.command("create table events_rebuild as events")
    made = ", ".join(
        f"if(has_made, {rule.typed.get(column, '{}').format(f'm.made[{at}]')}, e.{column}) as {column}"
        for at, column in enumerate(rule.columns, 1)
    )
    client.command(
        f"insert into events_rebuild select e.* except (key) replace ({made})"  # noqa: S608 (texts of ours)
        f" from (select *, if({_where(rule)}, {_key(rule)}, 0) as key from events"
        " where toYYYYMM(local_date) = {month:UInt32}) as e"
        " any left join (select key, made, true as has_made from backfill_values) as m on m.key = e.key",
        parameters={**where.bound, "month": month},
        settings={"insert_deduplicate": 0},
    )
    before, now = (
        int(str(client.command(f"select count() from {table} where toYYYYMM(local_date) = {int(month)}")))  # noqa: S608 (ours)
        for table in ("events", "events_rebuild")
    )
    if before != now:
        raise EngineError(f"{month} would have {now:,} of {before:,} events; nothing was changed", "run it again")
    swap_in(client, "events", "events_rebuild", month)


def _key(rule: Rule) -> str:
    return f"cityHash64({', '.join((*rule.keys, *map(_text, rule.columns)))})"


def _text(column: str) -> str:
    return f"toString(toUInt8({column}))" if column == "bot" else f"toString({column})"


def _where(rule: Rule) -> str:
    return "site_id in {sites:Array(UInt32)} and local_date between {first:Date} and {last:Date}" + f" and {rule.only}"

"""Erasing a person: every event and visit of some visitors, everywhere, and what comes of them later.

The order is such that a run that was killed is finished by running it again: first the tombstones, which stop what is
on its way; then what waits (spool, quarantine, archives); then, of what is stored, visits before the events that they
are found by, with the days that are to be derived again said before (`pending`). Last the leftovers, which nobody reads
and which are on disk all the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from collector.lifecycle import archive, erase_waiting, identity, persons
from collector.lifecycle.partitions import held
from collector.lifecycle.parts import Part
from collector.lifecycle.persons import Person
from collector.loader.loader import LoaderOptions
from collector.sites import tombstones
from sql import definitions
from sql.core.data_dir import DataDir
from sql.core.errors import EngineError
from sql.core.files import OwnedLock
from sql.core.queries import query
from sql.schema import horizons, leftovers, pending
from sql.schema.days import write_again, write_partition_again
from sql.schema.locked import locked
from sql.schema.refreshing import refreshing

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

WAIT = 60.0
# Visits first: visitors are found by their events.
_TABLES = ("closed_visits", "visits", "events")
_MEMBERS = "segment_members"
_WHOLE = (_MEMBERS, "work_members", "identity_log", "user_groups")
_EXPORTED = "(site_id, export, cells) in (select site_id, export, cells from exported_members)"
_THEIRS = "(site_id, visitor_id) in (select site_id, visitor_id from work_visitors)"


def whole(client: Client, who: Person, archives: Sequence[str] = ()) -> Person:
    """The person with every visitor that is found by user id, in the database and in archives."""
    found = [each.visitor for each in persons.find(client, who)] if who.users else []
    archived = [archive.visitors_of(url, who.site.domain, who.users) for url in archives]
    return replace(who, visitors=tuple(dict.fromkeys((*who.visitors, *found, *sorted(set().union(*archived))))))


def plan(
    client: Client,
    home: DataDir,
    database: str,
    who: Person,
    archives: Sequence[str] = (),
    options: LoaderOptions | None = None,
) -> list[Part]:
    """All steps, in their order; ``who`` as ``whole`` returns it. Without anything stored they are the same.

    What a receipt keeps of them names nobody. Raises EngineBusy and StorageError as ``partitions.held`` does.
    """
    with _working(client, home, who):
        rows = _rows(client)
    domain = who.site.domain
    stones = persons.tombstones(home, who)
    parts = [
        Part("add", f"tombstones for {domain}: {len(stones)}", partial(tombstones.put, client, home, stones)),
        Part("load", "the spool, without them", partial(erase_waiting.flush, home, database, options)),
        *erase_waiting.plan(home, who),
        *(_archived(client, home, who, url) for url in archives),
    ]
    [(members,)] = client.query(query("persons/members_count"), parameters=who.bound).result_rows
    parts.append(Part("delete", f"{_MEMBERS} of {domain}", partial(_leave_segments, client, home, who), members))
    parts += _exported(client, who)
    parts.append(Part("delete", f"merges of users of {domain}", partial(_forget_merges, client, home, who)))
    for table in _TABLES:
        months = tuple(sorted(month for name, month in rows if name == table))
        count = sum(rows[table, month] for month in months)
        parts.append(Part("delete", f"{table} of {domain}", partial(_delete, client, home, who, table), count, months))
    parts.append(Part("derive", "visits and rollups of their days", partial(_derive, client, home)))
    if since := horizons.of_events(client).get(who.site.site_id):
        parts.append(Part("keep", f"rollups before {since}: raw events are gone, so sums cannot change", lambda: None))
    parts.append(Part("remove", "deleted rows and old files from disk", partial(_sweep, client, home, who)))
    tables = ", ".join(dict.fromkeys(row[0] for row in client.query(query("persons/columns")).result_rows))
    parts.append(Part("check", f"that none of their ids is left in {tables}", partial(check, client, home, who)))
    return parts


def _exported(client: Client, who: Person) -> Iterator[Part]:
    """A word on every audience that their contact data went out with: it is removed there by the next export."""
    for export, rows in client.query(query("exports/of_persons"), parameters=who.bound).result_rows:
        what = f"exported audience {export}: `footfall export segment … --since-last` lists them as removed"
        yield Part("keep", what, lambda: None, rows)


def check(client: Client, home: DataDir, who: Person) -> int:
    """Look through every table; returns how many have a column of ids. Raises EngineError where anything is left."""
    columns = client.query(query("persons/columns")).result_rows
    left: Counter[str] = Counter()
    with _working(client, home, who):
        for table, column in columns:
            where = (
                _THEIRS if column == "visitor_id" else "site_id = {site:UInt32} and has({users:Array(String)}, user_id)"
            )
            text = f"select count() from `{table}` where {where}"  # noqa: S608 (names of our own tables)
            [(rows,)] = client.query(text, parameters=who.bound).result_rows
            left[table] += rows
    if any(left.values()):
        said = ", ".join(f"{rows:,} rows in {table}" for table, rows in left.items() if rows)
        raise EngineError(f"something of the visitor is left: {said}", "run it again")
    return len(left)


def _delete(client: Client, home: DataDir, who: Person, table: str) -> None:
    if table == "events":
        # A refresh that reads their events writes them down as members: none must be between the two.
        with refreshing(client, home, "footfall visitor erase"):
            _take_out(client, home, who)
            _delete_rows(client, home, who, table)
    else:
        _delete_rows(client, home, who, table)


def _delete_rows(client: Client, home: DataDir, who: Person, table: str) -> None:
    with _working(client, home, who):
        days = [(row[0], row[1]) for row in client.query(query("persons/days")).result_rows]
        pending.mark(client, horizons.whole(days, horizons.of_events(client)))
        where, bound = _THEIRS, {}
        if table != "events":  # later days are derived again
            since = horizons.of_events(client).get(who.site.site_id)
            if since is None:
                return
            where, bound = f"{_THEIRS} and visit_date < {{since:Date}}", {"since": since}
        date = leftovers.DATES[table]
        text = f"select distinct toYYYYMM({date}) from {table} where {where}"  # noqa: S608 (texts of ours)
        for month in sorted(row[0] for row in client.query(text, parameters=bound).result_rows):
            write_again(client, table, date, month, f"not ({where})", bound)


def _leave_segments(client: Client, home: DataDir, who: Person) -> None:
    """Remove when they entered and left segments."""
    with refreshing(client, home, "footfall visitor erase"):
        _take_out(client, home, who)


def _take_out(client: Client, home: DataDir, who: Person) -> None:
    with _working(client, home, who):
        client.command("truncate table work_members")
        write_partition_again(client, _MEMBERS, "all", f"not ({_THEIRS})", {})


def _forget_merges(client: Client, home: DataDir, who: Person) -> None:
    """Remove merges of users whose every visitor goes."""
    with _working(client, home, who), definitions.changing(client, home):
        found = client.query(query("persons/users"), parameters=who.bound).result_rows
        bound = {"site": who.site.site_id, "gone": sorted({*who.users, *(row[0] for row in found)})}
        mine = "site_id = {site:UInt32} and has({gone:Array(String)}, %s)"
        for table, column in (("identity_log", "other_user_id"), ("user_groups", "group_user_id")):
            kept = f"not ({mine % 'user_id'} or {mine % column})"
            write_partition_again(client, table, "all", kept, bound)
        identity.regroup(client, who.site.site_id)


def _archived(client: Client, home: DataDir, who: Person, url: str) -> Part:
    """The step that writes the files of an archive again that hold something of the person."""
    files = archive.of_person(url, who.site.domain, who.visitors, who.users)

    def do() -> None:
        for each in archive.of_person(url, who.site.domain, who.visitors, who.users):
            with _working(client, home, who):
                archive.write_without(client, url, each, who.users)
        with held(client, home, "footfall visitor erase", WAIT):
            archive.remove_unlisted(url, who.site.domain)

    return Part("rewrite", f"the archive {url} without their events", do, files=tuple(each.name for each in files))


def _derive(client: Client, home: DataDir) -> None:
    with held(client, home, "footfall visitor erase", WAIT):
        pending.finish(client, for_good=True)


def _clear_exports(client: Client, home: DataDir) -> None:
    """Remove what exports that were killed have left."""
    with locked(client, OwnedLock(home.exports_lock, "footfall visitor erase"), WAIT, "{} is exporting"):
        client.command("truncate table work_export")
        write_partition_again(client, "export_members", "all", _EXPORTED, {})


def _sweep(client: Client, home: DataDir, who: Person) -> None:
    _clear_exports(client, home)
    with _working(client, home, who):
        leftovers.remove(client, dict.fromkeys(_TABLES, _THEIRS))
        leftovers.remove_old_parts(client, WAIT, (*leftovers.DATES, *_WHOLE))


def _rows(client: Client) -> dict[tuple[str, int], int]:
    """Rows of the visitors at work, by table and month (YYYYMM)."""
    return {(row[0], row[1]): row[2] for row in client.query(query("persons/rows")).result_rows}


@contextmanager
def _working(client: Client, home: DataDir, who: Person) -> Iterator[None]:
    """The partitions lock, with the visitors at work."""
    with held(client, home, "footfall visitor erase", WAIT):
        client.command("truncate table work_visitors")
        rows = [(who.site.site_id, visitor) for visitor in who.visitors]
        if rows:
            names = {"site_id": "UInt32", "visitor_id": "UInt64"}
            client.insert("work_visitors", rows, column_names=list(names), column_type_names=list(names.values()))
        try:
            yield
        finally:
            client.command("truncate table work_visitors")

"""Undoing an import: its events are taken out, month by month, and everything derived is derived again.

Where live events and the import shared a visit, what is left gets the visits that it makes by itself
(``torn_visits``). The record says that an import is being undone before the first event goes, so that a run that was
killed is finished by the next.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import msgspec

from collector.imports import ledger
from collector.imports.ledger import Run, State
from collector.lifecycle import torn_visits
from collector.lifecycle.partitions import held
from collector.sites.registry import SiteRegistry
from collector.sites.table import all_sites
from sql.core.data_dir import DataDir
from sql.core.errors import EngineError, UsageError
from sql.core.queries import query
from sql.schema import horizons, pending
from sql.schema.swaps import swap_in

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

WAIT = 60.0


def find(client: Client, home: DataDir, number: str) -> Run:
    """The record of an import; one is made up of its events where there is none, as of a version without a ledger.

    Raises UsageError where there is no such import.
    """
    if run := ledger.find(home, number):
        return run
    rows = client.query(query("imports/site"), parameters={"import_id": number}).result_rows if number else []
    if not rows:
        raise UsageError(f"no import {number!r}", "see `footfall import list`")
    [(site_id, started)] = rows[:1]
    site = next((its.domain for its in all_sites(client) if its.site_id == site_id), str(site_id))
    return Run(number, number.rpartition("-")[0].rpartition("-")[0], site_id, site, started, state=State.DONE)


def check(run: Run | None) -> None:
    """Raise UsageError for an import that is still running."""
    if run and run.state is State.RUNNING:
        raise UsageError(f"{run.id} is still running", "end it first, with ctrl-c")


def months(client: Client, run: Run) -> list[tuple[int, int]]:
    """Months (YYYYMM) in which there are events of an import, ascending, and how many."""
    return [(row[0], row[1]) for row in client.query(query("imports/months"), parameters=_bound(run)).result_rows]


def left_alone(client: Client, run: Run) -> dt.date | None:
    """The day before which figures keep counting the import: retention has removed its raw events. None for no day."""
    since = horizons.of_events(client).get(run.site_id)
    return since if since and run.first and run.first < since else None


def remove(client: Client, home: DataDir, run: Run, month: int, wait: float = WAIT) -> None:
    """Take the events of an import out of a month (YYYYMM), and derive its days again.

    Safe to interrupt and to run again. Raises EngineBusy and StorageError as ``partitions.held`` does.
    """
    bound = {**_bound(run), "month": month}
    with held(client, home, "footfall import undo", wait):
        pending.finish(client)
        days = [row[0] for row in client.query(query("imports/days"), parameters=bound).result_rows]
        rows = dict(months(client, run)).get(month, 0)
        if not days:
            return
        run = ledger.find(home, run.id) or run
        first, last = min(days[0], run.undo_from or days[0]), max(days[-1], run.undo_to or days[-1])
        ledger.write(home, msgspec.structs.replace(run, state=State.UNDOING, undo_from=first, undo_to=last))
        pending.mark(client, [(run.site_id, day) for day in days])
        _rewrite(client, bound, rows)
        pending.finish(client)


def finish(client: Client, home: DataDir, run: Run, wait: float = WAIT) -> None:
    """Give the visits that the import was part of back to what is left of them, and close the record.

    Safe to interrupt and to run again. Raises as ``remove`` does.
    """
    run = ledger.find(home, run.id) or run
    with held(client, home, "footfall import undo", wait):
        pending.finish(client)
        if run.undo_from and run.undo_to:
            torn_visits.mend(client, SiteRegistry(home.sites_file), run.site_id, run.undo_from, run.undo_to)
            pending.finish(client)
        ledger.write(home, msgspec.structs.replace(run, state=State.UNDONE, undone=dt.datetime.now(dt.UTC)))


def _rewrite(client: Client, bound: dict[str, object], rows: int) -> None:
    month = int(str(bound["month"]))
    client.command("drop table if exists events_rebuild")
    client.command("create table events_rebuild as events")
    client.command(query("imports/others"), parameters=bound, settings={"insert_deduplicate": 0})
    before, left = (
        int(str(client.command(f"select count() from {table} where toYYYYMM(local_date) = {month}")))  # noqa: S608 (ours)
        for table in ("events", "events_rebuild")
    )
    if left != before - rows:
        message = f"{month} would have {left:,} of {before:,} events left instead of {before - rows:,}"
        raise EngineError(message, "nothing was changed; run it again")
    swap_in(client, "events", "events_rebuild", month)


def _bound(run: Run) -> dict[str, object]:
    return {"site": run.site_id, "import_id": run.id}

"""Daily totals that were measured elsewhere: storing them, and taking an import of them back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec

from collector.imports import ledger
from collector.imports.ledger import Run, State
from collector.imports.plausible import Total
from collector.lifecycle.partitions import held
from sql.core.data_dir import DataDir
from sql.core.queries import query
from sql.schema.days import write_again

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

WAIT = 60.0
TABLE = "imported_days"
_COLUMNS = ["site_id", "import_id", *Total._fields]


def known(client: Client, site_id: int) -> set[tuple[str, dt.date]]:
    """Dimensions and days that a site has from imports."""
    return {
        (row[0], row[1]) for row in client.query(query("imported_days/known"), parameters={"site": site_id}).result_rows
    }


def store(client: Client, home: DataDir, run: Run, totals: Iterable[Total], wait: float = WAIT) -> int:
    """Insert totals of whole days; returns how many rows. A month of them is there as a whole, or not at all.

    Raises EngineBusy and StorageError as ``partitions.held`` does.
    """
    rows = [(run.site_id, run.id, *total) for total in totals]
    with held(client, home, "footfall import", wait):
        for month in sorted({row[3].replace(day=1) for row in rows}):
            its = [row for row in rows if row[3].replace(day=1) == month]
            client.insert(TABLE, its, column_names=_COLUMNS)
    return len(rows)


def months(client: Client, run: Run) -> list[tuple[int, int]]:
    """Months (YYYYMM) of which an import brought totals, ascending, and how many rows."""
    bound = {"site": run.site_id, "import_id": run.id}
    return [(row[0], row[1]) for row in client.query(query("imported_days/months"), parameters=bound).result_rows]


def remove(client: Client, home: DataDir, run: Run, month: int, wait: float = WAIT) -> None:
    """Take the totals of an import out of a month. Safe to interrupt and to run again; raises as ``store`` does."""
    with held(client, home, "footfall import undo", wait):
        if kept := ledger.find(home, run.id):
            ledger.write(home, msgspec.structs.replace(kept, state=State.UNDOING))
        mine = "not (site_id = {site:UInt32} and import_id = {import_id:String})"
        write_again(client, TABLE, "day", month, mine, {"site": run.site_id, "import_id": run.id})

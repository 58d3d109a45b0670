"""All rows of one site, by table and partition: counting and removing them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sql.core.queries import identifier, query
from sql.schema.swaps import drop, swap_in

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client


@dataclass(frozen=True, slots=True)
class SiteRows:
    """What a table's partition has of a site. ``whole``: nothing else is in it."""

    table: str
    partition: str
    rows: int
    whole: bool

    @property
    def months(self) -> tuple[int, ...]:
        """The partition as a month (YYYYMM), where it is one."""
        return (int(self.partition),) if re.fullmatch(r"[0-9]{6}", self.partition) else ()


def count(client: Client, site_id: int) -> list[SiteRows]:
    """All rows of a site but the one in `sites`, months ascending in each table."""
    found = []
    for (table,) in client.query(query("sites/stored_tables")).result_rows:
        rows = client.query(
            "select _partition_id, countIf(site_id = {site:UInt32}) as its, its = count() "  # noqa: S608 (an identifier)
            f"from {identifier(table)} group by _partition_id having its > 0 order by _partition_id",
            parameters={"site": site_id},
        ).result_rows
        found += [SiteRows(table, partition, its, bool(whole)) for partition, its, whole in rows]
    return found


def remove(client: Client, rows: SiteRows, site_id: int) -> None:
    """Write a partition again without a site's rows: readers see it as it was or as it is. Safe to run again.

    The caller holds the partitions lock, and what else keeps the table as it is.
    """
    _rewrite(client, rows.table, rows.partition, "*", "site_id != {site:UInt32}", site_id)


def forget_domain(client: Client, site_id: int) -> None:
    """Leave nothing of a removed site in `sites` but its id. Safe to run again. The caller holds the lock of sites."""
    mine = "site_id = {site:UInt32}"
    columns = (
        f"* replace (if({mine}, '', domain) as domain, if({mine}, 'UTC', timezone) as timezone, "
        f"if({mine}, '', toString(currency)) as currency, if({mine}, updated_at, created_at) as created_at)"
    )
    _rewrite(client, "sites", "all", columns, "true", site_id)


def _rewrite(client: Client, table: str, partition: str, columns: str, where: str, site_id: int) -> None:
    name = identifier(table)
    side = f"{name}_rebuild"
    drop(client, side)
    client.command(f"create table {side} as {name}")
    client.command(
        f"insert into {side} select {columns} from {name} where _partition_id = {{partition:String}} and {where}",  # noqa: S608 (ours)
        parameters={"partition": partition, "site": site_id},
        settings={"insert_deduplicate": 0},
    )
    swap_in(client, name, side, partition)

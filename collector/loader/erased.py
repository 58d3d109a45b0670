"""Events of erased visitors that were on their way: they are dropped before anything is made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from collector.sites.tombstones import Tombstones
from collector.spool.lines import who

if TYPE_CHECKING:
    import pyarrow as pa


def kept(events: pl.DataFrame, tombstones: Tombstones) -> pl.DataFrame:
    """The events of a decoded segment without those of erased visitors."""
    return events.filter(~_erased(events, tombstones, ("visitor", "previous")))


def kept_rows(rows: pa.Table, tombstones: Tombstones) -> pa.Table:
    """Rows of `events` without those of erased visitors."""
    keys = pl.DataFrame(pl.from_arrow(rows.select(["site_id", "visitor_id", "user_id"])))
    return rows.filter((~_erased(keys, tombstones, ("visitor_id",))).to_arrow())


def kept_lines(lines: list[bytes], tombstones: Tombstones) -> list[bytes]:
    """Lines of the spool without those of erased visitors. What is not a line of ours stays."""
    return [line for line in lines if not is_erased(line, tombstones)]


def is_erased(line: bytes, tombstones: Tombstones) -> bool:
    """Whether a line of the spool is of an erased visitor."""
    found = who(line.decode("utf-8", "replace").rstrip("\n"))
    return found is not None and tombstones.holds(found[0], found[1:3], found[3])


def _erased(events: pl.DataFrame, tombstones: Tombstones, hashes: tuple[str, ...]) -> pl.Series:
    """For each event whether it is of an erased visitor. Each id is asked for once: a hash takes a microsecond."""
    wrong = pl.lit(False)
    for site_id in filter(tombstones.has, events["site_id"].unique()):
        here = pl.col("site_id") == site_id
        its = events.filter(here)
        visitors = set[int]().union(*(its[name].unique() for name in hashes))
        gone = [visitor for visitor in visitors if tombstones.holds(site_id, (visitor,), "")]
        users = [user for user in its["user_id"].cast(pl.String).unique() if tombstones.holds(site_id, (), user)]
        of = [pl.col(name).is_in(pl.Series(gone, dtype=pl.UInt64).implode()) for name in hashes]
        wrong = wrong | (here & pl.any_horizontal(*of, pl.col("user_id").cast(pl.String).is_in(users)))
    return events.select("site_id", wrong=wrong)["wrong"]

"""Which event ids have never come before: a Bloom filter, so that almost no id of a batch must be looked up.

Looking every id of a batch up in ClickHouse means reading the ids of the whole window for each batch. The filter
answers "never" for sure and "perhaps" for what came before and for about one new id in a thousand; only those are
looked up. It is filled from `events` when a loader starts, and holds nothing that a restart could lose.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import polars as pl

from sql.core.queries import query

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

UInt64s = npt.NDArray[np.uint64]
NEVER = dt.date(9000, 1, 1)
PROBES = 5
BITS_AN_ID = 16
# 32 MB: a backlog of ten million goes through without filling it again, and few of its ids must be looked up.
MIN_IDS = 1 << 24


class SeenIds:
    """Ids of events with a local date from ``since`` on: those stored at ``load``, and those added later."""

    def __init__(self) -> None:
        self.since = NEVER
        self._bits = np.zeros(0, np.uint64)
        self._room = 0

    @property
    def full(self) -> bool:
        """Whether it must be loaded (again, and larger) before it is of use."""
        return self._room <= 0

    def load(self, client: Client, since: dt.date) -> None:
        """Fill from `events`. Twice as many ids as are stored find room before it is full.

        Where this fails half way the filter stays full: of no use until it is loaded again.
        """
        self._room, self.since = 0, NEVER
        count = int(str(client.command(query("loader/recent_count"), parameters={"since": since})))
        room = max(MIN_IDS, 2 * count)
        self._bits = np.zeros(1 << int(room * BITS_AN_ID // 64 - 1).bit_length(), np.uint64)
        with client.query_arrow_stream(query("loader/recent_ids"), parameters={"since": since}) as batches:
            for batch in batches:
                self.add(pl.DataFrame(pl.from_arrow(batch)))
        self._room, self.since = room - count, since

    def add(self, ids: pl.DataFrame) -> None:
        """Remember ids: columns site_id and event_id."""
        self._room -= ids.height
        for word, bit in self._places(ids):
            np.bitwise_or.at(self._bits, word, bit)

    def might_contain(self, ids: pl.DataFrame) -> pl.Series:
        """For each row whether it may have come before; False is certain."""
        found = np.ones(ids.height, np.bool_)
        for word, bit in self._places(ids):
            found &= (self._bits[word] & bit) != 0
        return pl.Series("perhaps", found)

    def _places(self, ids: pl.DataFrame) -> list[tuple[UInt64s, UInt64s]]:
        halves = np.frombuffer(b"".join(ids["event_id"].to_list()), np.uint64).reshape(-1, 2)
        with np.errstate(over="ignore"):
            last = mix(halves[:, 1] ^ (ids["site_id"].to_numpy().astype(np.uint64) << np.uint64(32)))
            first = mix(halves[:, 0] ^ last)
            step = mix(last + first) | np.uint64(1)
            words = np.uint64(len(self._bits) - 1)
            places = []
            for probe in range(PROBES):
                place = first + np.uint64(probe) * step
                places.append(((place >> np.uint64(6)) & words, np.uint64(1) << (place & np.uint64(63))))
        return places


def mix(values: UInt64s) -> UInt64s:
    """Spread the entropy of 64-bit values: ids that begin with a time differ in few bits."""
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        values = (values ^ (values >> np.uint64(shift))) * np.uint64(factor)
    mixed: UInt64s = values ^ (values >> np.uint64(31))
    return mixed

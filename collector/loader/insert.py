"""A prepared batch into ClickHouse, once: insert, or after any doubt count and insert what is missing.

The protocol is promise 4 of the design: while all goes well the insert's answer is trusted; after a fault
nothing is trusted but rows in `events`. They are counted by batch id, the missing ones are inserted, and
every derivation is compared with raw events on the days that the batch touches, and rebuilt on those that differ.
"""

from __future__ import annotations

import datetime as dt
import itertools
import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from collector.loader.arrow_ids import readable_stream
from collector.loader.batches import Manifest, from_stream, to_stream
from sql.core.errors import EngineRefused
from sql.core.queries import query
from sql.schema import derived_by
from sql.schema.closing import revise
from sql.schema.rebuild import PARTITIONED_BY, VISIT_DAYS, compare, rebuild_days, rebuild_visits

if TYPE_CHECKING:
    import pyarrow as pa
    from clickhouse_connect.driver.client import Client

log = logging.getLogger("footfall.loader")
# Errors that say something about the rows, not about the state of the engine: trying again cannot help.
ABOUT_THE_ROWS = frozenset({6, 25, 26, 27, 38, 41, 43, 53, 69, 70, 72, 117, 130, 131, 321, 349, 407, 636})
_MOVES_AT_ONCE = 250
# So many refusals without one success say that the rows are not to blame.
SUSPICIOUS = 100


def insert(client: Client, manifest: Manifest, data: bytes, token: str) -> None:
    """Send a batch as one block under ``token``, and carry out its moves. Its days are open from then on."""
    _announce(client, manifest)
    if manifest.rows:
        _send(client, manifest, data, token)
    if manifest.moves:
        move_visits(client, manifest)


def reconcile(
    client: Client, manifest: Manifest, data: bytes, quarantine: Callable[[pa.Table, str], None], token: str
) -> int:
    """Bring a batch whose insert may or may not have happened to its end; returns how many rows were quarantined.

    ``token`` is used for the first try, so that an insert that is still on its way cannot double it; after
    that every try has a token of its own. ``quarantine`` gets rows that ClickHouse refuses, and the reason.
    """
    await_silence(client, manifest)
    _announce(client, manifest)
    table = from_stream(data)
    refused = 0
    tokens = itertools.chain([token], (f"{token}+{n}" for n in itertools.count(1)))
    while missing := sorted(set(range(manifest.rows)) - present(client, manifest)):
        if len(missing) <= refused:
            break
        rows = table if len(missing) == manifest.rows else table.take(missing)
        try:
            _send(client, manifest, to_stream(rows), next(tokens))
        except Exception as exc:
            if getattr(exc, "code", None) not in ABOUT_THE_ROWS:
                raise
            refused = _insert_halves(client, manifest, rows, tokens, exc, quarantine)
    if manifest.moves:
        move_visits(client, manifest)
    rebuild(client, manifest)
    return refused


def _announce(client: Client, manifest: Manifest) -> None:
    """Say what is about to change these days, before it does."""
    revise(client, manifest.number, manifest.days)
    derived_by.record(client, manifest.made_by, manifest.days, whole=False)


def rebuild(client: Client, manifest: Manifest) -> None:
    """Rebuild every derivation on those days that a batch touches on which it is not what raw events make of it."""
    for table in PARTITIONED_BY:
        differing = compare(client, table, manifest.days)
        if differing:
            log.info("%s differs from raw events on %d days, which are rebuilt", table, len(differing))
            rebuild_days(client, table, differing)


def move_visits(client: Client, manifest: Manifest) -> None:
    """Give stored events of joined visits their visit, and derive those visits again. Idempotent.

    Costs what the visits and their days hold, not what the month holds: anybody can send a joining event.
    """
    moves = sorted(manifest.moves, key=lambda move: (move.old_date, move.site_id))
    for at in range(0, len(moves), _MOVES_AT_ONCE):
        some = moves[at : at + _MOVES_AT_ONCE]
        sites = sorted({move.site_id for move in some})
        first = min(min(move.old_date, move.new_date) for move in some)
        last = max(max(move.old_date, move.new_date) for move in some)
        client.command(
            query("loader/move_visits"),
            parameters={
                "first": first,
                "last": last + dt.timedelta(days=VISIT_DAYS),
                "sites": sites,
                "old_ids": [move.old_id for move in some],
                "new_ids": [move.new_id for move in some],
                "starts": [_moment(move.start) for move in some],
                "dates": [str(move.new_date) for move in some],
            },
            settings={"enable_lightweight_update": 1},
        )
        visits = sorted({visit for move in some for visit in (move.old_id, move.new_id)})
        days = {(move.site_id, day) for move in some for day in (move.old_date, move.new_date)}
        rebuild_visits(client, days, visits)


def days_of(manifest: Manifest, data: bytes) -> list[tuple[int, dt.date]]:
    """The days of sites that a batch touches, whichever version prepared it."""
    if manifest.days or not (manifest.rows or manifest.moves):
        return manifest.days
    table = from_stream(data)
    sites = table["site_id"].to_pylist()
    found = {each for name in ("local_date", "visit_date") for each in zip(sites, table[name].to_pylist(), strict=True)}
    return sorted(found | {(m.site_id, day) for m in manifest.moves for day in (m.old_date, m.new_date)})


def present(client: Client, manifest: Manifest) -> set[int]:
    """Which rows of a batch are stored."""
    dates = {"first": manifest.first_date, "last": manifest.last_date, "batch": str(manifest.batch_id)}
    rows = client.query(query("loader/batch_rows"), parameters=dates).result_columns
    return set(rows[0]) if rows else set()


def await_silence(client: Client, manifest: Manifest, pause: float = 0.05, limit: float = 600.0) -> None:
    """Wait until no statement of this batch runs any more: one that a dead loader sent may still be at work."""
    deadline = time.monotonic() + limit
    while client.command(query("loader/running"), parameters={"batch": str(manifest.batch_id)}):
        if time.monotonic() > deadline:
            raise TimeoutError(f"an insert of batch {manifest.batch_id} has been running for {limit:.0f} s")
        time.sleep(pause)


def _send(client: Client, manifest: Manifest, data: bytes, token: str) -> None:
    batch = str(manifest.batch_id)
    client.raw_insert(
        "events",
        insert_block=readable_stream(client, data),
        fmt="ArrowStream",
        settings={
            "insert_deduplication_token": token,
            "query_id": batch,
            "log_comment": batch,
            "max_partitions_per_insert_block": 0,
            "input_format_parallel_parsing": 0,
        },
    )


def _insert_halves(
    client: Client,
    manifest: Manifest,
    rows: pa.Table,
    tokens: itertools.chain[str],
    why: Exception,
    quarantine: Callable[[pa.Table, str], None],
) -> int:
    """Insert the rows that can be inserted; returns how many were handed to ``quarantine``.

    Raises EngineRefused where the first hundred rows are all refused: then it is not the rows.
    """
    bad: list[tuple[pa.Table, str]] = []
    good = 0
    waiting = [(rows, why)]
    while waiting:
        part, why = waiting.pop()
        if part.num_rows == 1:
            bad.append((part, str(why).split("\n", 1)[0]))
            if not good and len(bad) == min(SUSPICIOUS, rows.num_rows) > 1:
                raise EngineRefused(
                    f"ClickHouse rejects every row: {bad[0][1]}", "check the schema with `footfall schema status`"
                )
            continue
        middle = part.num_rows // 2
        for half in (part.slice(0, middle), part.slice(middle)):
            try:
                _send(client, manifest, to_stream(half), next(tokens))
                good += half.num_rows
            except Exception as exc:
                if getattr(exc, "code", None) not in ABOUT_THE_ROWS:
                    raise
                waiting.append((half, exc))
    for part, reason in bad:
        quarantine(part, reason)
    return len(bad)


def _moment(ms: int) -> str:
    seconds, rest = divmod(ms, 1000)
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(seconds)) + f".{rest:03d}"

"""Is it well? ``GET /health/live`` and ``GET /health/ready``, and the checks that ``footfall doctor`` shares."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import falcon.asgi

from collector.ingest.service import AppOptions
from collector.loader import status as loader_status
from collector.loader.status import LoaderState
from collector.spool.spool import Spool
from collector.web.responses import answer
from sql.core.data_dir import DataDir

# Below this many free bytes on the disk it is time to act.
LOW_DISK = 256 * 1024**2
# The oldest sealed segment may wait so long (seconds) before the loader counts as late.
LATE_SECONDS = 60.0
# How long an answer may be told again: whoever asks more often does not cost more.
_FRESH_SECONDS = 0.5
_PROBE = b"\0" * 4096


class Status(StrEnum):
    """``degraded``: events are taken, but something wants attention. ``failed``: events cannot be taken."""

    OK = "ok"
    DEGRADED = "degraded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at; ``detail`` is for people and names no one."""

    name: str
    status: Status
    detail: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What there is to see of one data directory. Bytes and seconds; ``unwritable`` is empty where writing works."""

    spool_bytes: int
    spool_limit: int
    sealed: int
    lag_seconds: float
    oldest_seconds: float
    disk_free: int
    unwritable: str
    loader: LoaderState | None
    loader_runs: bool


def look(home: DataDir, spool_limit: int) -> Seen:
    """Look at spool, disk and the loader's file: a few milliseconds, and no word to ClickHouse."""
    spool, now = Spool(home.spool), time.time()
    began = [_began(path.name, now) for path in spool.sealed()]
    touched = [_touched(entry, now) for entry in os.scandir(spool.open_dir)]
    state = loader_status.read(home)
    return Seen(
        spool_bytes=spool.size(),
        spool_limit=spool_limit,
        sealed=len(began),
        lag_seconds=max(0.0, now - min(began, default=now)),
        oldest_seconds=max(0.0, now - min(began + touched, default=now)),
        disk_free=shutil.disk_usage(home.root).free,
        unwritable=_unwritable(spool),
        loader=state,
        loader_runs=state is not None and state.runs(now),
    )


def checks(seen: Seen) -> Iterator[Check]:
    """Each check with its verdict, from what events need to what is only late."""
    room = f"{seen.spool_bytes:,} of {seen.spool_limit:,} bytes"
    yield Check("spool", Status.OK if seen.spool_bytes < seen.spool_limit else Status.FAILED, room)
    free = f"{seen.disk_free:,} bytes free"
    if seen.unwritable:
        yield Check("disk", Status.FAILED, f"{seen.unwritable}; {free}")
    else:
        yield Check("disk", Status.OK if seen.disk_free >= LOW_DISK else Status.DEGRADED, free)
    late = seen.lag_seconds > LATE_SECONDS
    waits = f"{seen.sealed} segments are waiting, the oldest for {seen.lag_seconds:.1f} s"
    yield Check("lag", Status.DEGRADED if late else Status.OK, waits if seen.sealed else "no segments are waiting")
    if not seen.loader_runs or seen.loader is None:
        yield Check("loader", Status.DEGRADED, "not running")
        yield Check("engine", Status.DEGRADED, "unknown while the loader is not running")
        return
    yield Check("loader", Status.OK, "running")
    engine = seen.loader.engine
    yield Check("engine", Status.DEGRADED if engine else Status.OK, engine or "responding")


def worst(found: list[Check]) -> Status:
    """The verdict over all checks."""
    found_states = {check.status for check in found}
    return next((status for status in (Status.FAILED, Status.DEGRADED) if status in found_states), Status.OK)


class Live:
    """``GET /health/live``: this process answers."""

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Always 200."""
        _answer(resp, 200, {"status": Status.OK})


class Ready:
    """``GET /health/ready``: whether events are taken, and what wants attention."""

    def __init__(self, options: AppOptions) -> None:
        self.options = options
        self._found: list[Check] = []
        self._at = -1e9

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """200 while events can be taken, also when what comes after is away; else 503."""
        if time.monotonic() - self._at > _FRESH_SECONDS:
            try:
                seen = await asyncio.to_thread(look, self.options.home, self.options.spool.total_bytes)
                self._found = list(checks(seen))
            except OSError as exc:  # the folders are gone, or the disk is
                self._found = [Check("disk", Status.FAILED, exc.strerror or "unreadable")]
            self._at = time.monotonic()
        verdict = worst(self._found)
        told = {check.name: {"status": check.status, "detail": check.detail} for check in self._found}
        _answer(resp, 503 if verdict is Status.FAILED else 200, {"status": verdict, "checks": told})


def _answer(resp: falcon.asgi.Response, status: int, fields: dict[str, object]) -> None:
    resp.set_header("Cache-Control", "no-store")
    answer(resp, status, fields)


def _began(name: str, now: float) -> float:
    """When a segment was sealed: the first part of its name."""
    stamp = name.partition("~")[0]
    return int(stamp) / 1e9 if stamp.isdigit() else now


def _touched(entry: os.DirEntry[str], now: float) -> float:
    try:
        return entry.stat().st_mtime
    except FileNotFoundError:  # sealed while we looked
        return now


def _unwritable(spool: Spool) -> str:
    """Why nothing can be written where events go; tried with a file that has no name and is gone at once."""
    try:
        with tempfile.TemporaryFile(dir=spool.open_dir) as probe:
            probe.write(_PROBE)
    except OSError as exc:
        return exc.strerror or "not writable"
    return ""

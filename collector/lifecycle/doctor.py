"""What ``footfall doctor`` looks at: each check is one function that yields findings."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import time
import urllib.error
import urllib.request
from bisect import bisect_right
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from collector.lifecycle import doctor_lists, doctor_stored
from collector.lifecycle.findings import Finding, Level
from collector.loader.journal import read_totals
from collector.sites.table import all_sites
from collector.spool.spool import Spool
from collector.supervisor import cannot_listen
from collector.web.health import Check, Seen, Status, checks, look
from sql.client import embedded_home, first_line, opened, running
from sql.core import timezones
from sql.core.data_dir import DataDir
from sql.core.errors import FootfallError
from sql.core.files import OwnedLock
from sql.core.queries import query
from sql.schema import migrate
from sql.schema.migrate import State

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_GIB = 1024**3
_WEEK = 7 * 86_400
_HINTS = {
    "spool": "is the loader running?",
    "disk": "events cannot be accepted; free some disk space, or check the disk",
    "lag": "see the loader's log: footfall -v loader",
    "engine": "see the output of `footfall serve`",
    "loader": "segments are waiting; run `footfall serve` or `footfall loader --once`",
}


def checkup(
    home: DataDir,
    url: str,
    listening: tuple[str, int],
    spool_limit: int,
    expect_running: bool = False,
    *,
    deep: bool = False,
    backup_to: str = "",
    spam_file: Path | None = None,
    geoip_file: Path | None = None,
) -> Iterator[Finding]:
    """All findings, from the ground up. Nothing is changed. ``deep`` compares the schema column by column too.

    What does not run is a fault where `serve` runs, or where it is expected to.
    """
    try:
        home.make()
    except FootfallError as exc:
        yield Finding(Level.BAD, "data", exc.message, exc.hint)
        return
    serves = not OwnedLock(home.serve_lock, "footfall doctor").is_free()
    yield from _disk(home)
    if expect_running and not serves:
        yield Finding(Level.BAD, "serve", "not running", "start it with `footfall serve`")
    yield from _database(home, url, serves or expect_running, deep, spam_file)
    yield from doctor_lists.ages(geoip_file, dt.datetime.now(dt.UTC).date())
    yield from doctor_stored.backups(home, backup_to)
    yield from _spool(home, spool_limit, serves or expect_running)
    yield from _collector(*listening, serves or expect_running)


def _disk(home: DataDir) -> Iterator[Finding]:
    free = shutil.disk_usage(home.root).free
    level = Level.BAD if free < _GIB // 4 else Level.NOTE if free < 2 * _GIB else Level.OK
    yield Finding(
        level, "data", f"{home.root}, {free / _GIB:.1f} GiB free", "free some space" if level != Level.OK else ""
    )


def _database(home: DataDir, url: str, expected: bool, deep: bool, spam_file: Path | None) -> Iterator[Finding]:
    try:
        with opened(url, what="footfall doctor", wait=5.0, newer=True) as client:
            release = client.command("select version()")
            kind = (
                "server"
                if embedded_home(url) is None
                else "embedded, running"
                if running(home)
                else "embedded, not running"
            )
            away = expected and kind == "embedded, not running"
            text, hint = f"ClickHouse {release} ({kind})", _HINTS["engine"] if away else ""
            yield Finding(Level.BAD if away else Level.OK, "engine", text, hint)
            yield from _schema(client, home, deep, spam_file)
    except FootfallError as exc:
        yield Finding(Level.BAD, "engine", exc.message, exc.hint)


def _schema(client: Client, home: DataDir, deep: bool, spam_file: Path | None) -> Iterator[Finding]:
    late = [step.name for step in migrate.steps(client) if step.state is not State.APPLIED]
    if late:
        yield Finding(Level.BAD, "schema", f"not current: {', '.join(late)}", "run `footfall schema apply`")
        return
    yield Finding(Level.OK, "schema", "current")
    sites = all_sites(client)
    names = ", ".join(site.domain for site in sites[:5]) + (" …" if len(sites) > 5 else "")
    if sites:
        yield Finding(Level.OK, "sites", f"{len(sites)}: {names}")
        yield from _zones(client, {site.timezone for site in sites})
    else:
        yield Finding(Level.NOTE, "sites", "none yet", "footfall site add shop.example --timezone Europe/Paris")
    yield from doctor_stored.stored(client, home, deep)
    yield from doctor_lists.derived(client, spam_file)


def _zones(client: Client, zones: set[str]) -> Iterator[Finding]:
    """Zones whose offsets, in the two years around now, ClickHouse has otherwise than the package tzdata."""
    now = int(time.time()) // _WEEK * _WEEK
    moments = list(range(now - 52 * _WEEK, now + 52 * _WEEK, _WEEK))
    other = []
    for zone in sorted(zones):
        starts, offsets = timezones.offsets(zone, moments[0], moments[-1])
        ours = [offsets[bisect_right(starts, moment) - 1] for moment in moments]
        try:
            rows = client.query(
                query("engine/zone_offsets"), parameters={"zone": zone, "moments": moments}
            ).result_columns
        except Exception as exc:
            other.append(f"{zone} ({first_line(exc)})")
            continue
        differ = [moment for moment, a, b in zip(moments, ours, rows[0], strict=True) if a != b]
        if differ:
            other.append(f"{zone} (around {time.strftime('%Y-%m-%d', time.gmtime(differ[0]))})")
    if other:
        text = f"ClickHouse has other time zone data than tzdata {version('tzdata')}: {', '.join(other)}"
        yield Finding(
            Level.NOTE, "zones", text, "reports are correct; in your own SQL, do not convert times to these zones"
        )


def _spool(home: DataDir, limit: int, expected: bool) -> Iterator[Finding]:
    spool = Spool(home.spool).make()
    seen = look(home, limit)
    for check in checks(seen):
        if check.name != "engine" and (check.name != "disk" or check.status is Status.FAILED):
            level = _level(check, seen, expected)
            yield Finding(level, check.name, check.detail, _HINTS[check.name] if level is not Level.OK else "")
    totals = read_totals(home.root)
    text = f"{totals.stored:,} stored, {totals.duplicate:,} duplicate, {totals.quarantined:,} quarantined"
    yield Finding(Level.OK, "totals", text)
    aside = [path for path in spool.quarantine_dir.iterdir() if path.suffix != ".reason"]
    if aside:
        yield Finding(
            Level.BAD, "quarantine", f"{len(aside)} items could not be loaded", "footfall spool quarantine list"
        )


def _level(check: Check, seen: Seen, expected: bool) -> Level:
    """A loader that does not run is a fault only to who meant it to run; one that runs and is late is one."""
    if check.status is Status.OK:
        return Level.OK
    if check.status is Status.FAILED or seen.loader_runs or expected:
        return Level.BAD
    return Level.OK if check.name == "loader" and not seen.sealed else Level.NOTE


def _collector(host: str, port: int, expected: bool) -> Iterator[Finding]:
    where = f"http://{f'[{host}]' if ':' in host else host}:{port}/health/ready"
    try:
        with urllib.request.urlopen(where, timeout=2) as answer:
            told = json.load(answer)
        if told["status"] == Status.OK:
            yield Finding(Level.OK, "collector", f"ok at {where}")
            return
        wrong = [f"{name} {check['detail']}" for name, check in told["checks"].items() if check["status"] != Status.OK]
        yield Finding(Level.BAD, "collector", f"{told['status']}: {'; '.join(wrong)}", f"checked at {where}")
    except urllib.error.HTTPError as exc:
        yield Finding(Level.BAD, "collector", f"{where} answers {exc.code}", "the spool or its disk is full")
    except (OSError, ValueError, KeyError):
        if why := cannot_listen(host, port):
            yield Finding(Level.BAD, "collector", f"no collector responds at {where}, and none can listen there: {why}")
            return
        level = Level.BAD if expected else Level.NOTE
        yield Finding(level, "collector", f"nothing responds at {where}", "start it with `footfall serve`")

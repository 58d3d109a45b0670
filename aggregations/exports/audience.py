"""Exporting an audience: who belongs to a segment, in the form that a platform takes, and what changed since last time.

A run counts from when its row is in `exports`, which is written after the files are in their place. One that was killed
before leaves rows in `export_members` that nobody reads, and at most whole files that the next run replaces.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aggregations.exports import log, platforms
from aggregations.exports.cells import audience
from aggregations.exports.consent import Consent
from aggregations.exports.files import FileEntry, Manifest, Target, write_manifest
from aggregations.exports.split_files import Limits, put_rows
from aggregations.query import members
from aggregations.query.sites import SiteRow
from aggregations.segments.definition import SEGMENT
from sql import definitions
from sql.compose import with_first
from sql.core.data_dir import DataDir
from sql.core.errors import UsageError
from sql.core.files import OwnedLock
from sql.core.queries import query
from sql.schema.days import write_partition_again
from sql.schema.locked import locked

if TYPE_CHECKING:
    import datetime as dt

    from clickhouse_connect.driver.client import Client

WAIT = 60.0
# A large site's persons are gathered on disk where they do not fit.
_SETTINGS = {
    "max_bytes_before_external_group_by": 1 << 30,
    "max_bytes_before_external_sort": 1 << 30,
    "insert_deduplicate": 0,
}
_CURRENT = "(site_id, export, cells) in (select site_id, export, cells from exported_members)"


@dataclass(frozen=True, slots=True)
class AudienceExport:
    """What is asked: the members of a segment for a platform.

    ``name``: by it the next run finds this one. ``since_last``: only what changed. ``ends`` are those of the parts of a
    split in percent, ``part`` the one that is meant, from 1.
    """

    segment: str
    platform: platforms.Platform
    name: str = ""
    consent: Consent | None = None
    since_last: bool = False
    allow_small: bool = False
    ends: tuple[int, ...] = ()
    part: int = 0

    @property
    def export(self) -> str:
        """Its name in the log."""
        shares = "-".join(str(end - start) for start, end in zip((0, *self.ends), self.ends, strict=False))
        return self.name or ".".join(
            filter(None, (self.segment, self.platform, f"{self.part}-of-{shares}" if self.ends else ""))
        )

    @property
    def audience(self) -> platforms.Audience:
        """The platform's rules."""
        return platforms.AUDIENCES[self.platform]

    @property
    def rule(self) -> Consent:
        """The consent that is needed."""
        return self.consent or self.audience.consent


@dataclass(frozen=True, slots=True)
class Prepared:
    """What would go out: people and rows, the rows that are new and gone since the last time, and who is left out."""

    run: int
    people: int
    rows: int
    added: int
    removed: int
    left_out: Mapping[str, int]


@contextmanager
def preparing(
    client: Client, home: DataDir, site: SiteRow, asked: AudienceExport, now: dt.datetime | None = None
) -> Iterator[Prepared]:
    """Find who goes out, and hold the lock of exports while it is written.

    Raises UsageError (no such segment, never refreshed, too few people), EngineBusy.
    """
    definitions.find(client, site.site_id, SEGMENT, asked.segment)
    members.find(client, site, [members.named(asked.segment)])
    if bool(asked.ends) != bool(asked.part) or asked.part > len(asked.ends):
        raise UsageError("--split needs a --part of it", "such as --split 50/50 --part 1")
    lock = OwnedLock(home.make().exports_lock, "footfall export")
    with locked(client, lock, WAIT, "{} is exporting"):
        try:
            yield _prepare(client, site, asked, now)
        finally:
            client.command("truncate table work_export")


def check_size(asked: AudienceExport, prepared: Prepared) -> str:
    """What is to be said of an audience that is too small; empty where it is not. Raises UsageError unless allowed."""
    least = asked.audience.min_people
    if prepared.people >= least:
        return ""
    said = f"{prepared.people:,} people; {asked.platform} needs at least {least:,}"
    if not asked.allow_small:
        raise UsageError(said, "add --allow-small to write it all the same")
    return said


def write(
    client: Client, site: SiteRow, asked: AudienceExport, prepared: Prepared, target: Target, name: str
) -> Manifest:
    """Write the files, then the manifest, then the log. Raises EngineError, StorageError."""
    bound = {"site": site.site_id, "export": asked.export, "run": prepared.run}
    limits = Limits(asked.audience.max_rows, asked.audience.max_bytes)
    header = asked.audience.headers if asked.audience.header else ()
    client.command(f"insert into export_members\n{query('exports/changes')}", parameters=bound, settings=_SETTINGS)
    if asked.since_last:
        added = _rows(client, "exports/changed", bound | {"entered": True})
        files = put_rows(target, name, header, added, limits, "additions")
        gone = _rows(client, "exports/changed", bound | {"entered": False})
        files += put_rows(target, _removals(name), header, gone, limits, "removals")
    else:
        files = put_rows(target, name, header, _rows(client, "exports/whole", {}), limits, "rows")
    definition = _definition(client, site, asked)
    manifest = _manifest(site, asked, prepared, files, definition)
    write_manifest(target, name, manifest)
    log.write(client, site, _run(asked, prepared, files, definition))
    if prepared.removed:
        write_partition_again(client, "export_members", "all", _CURRENT, {})
    return manifest


def _prepare(client: Client, site: SiteRow, asked: AudienceExport, now: dt.datetime | None) -> Prepared:
    bound = {"site": site.site_id, "segment": asked.segment, "ends": list(asked.ends), "part": asked.part}
    client.command("truncate table work_export")
    text = audience(asked.audience, asked.rule)
    client.command(f"insert into work_export\n{text}", parameters=bound, settings=_SETTINGS)
    counts = {row[0]: (row[1], row[2]) for row in client.query(query("exports/counts")).result_rows}
    people, rows = counts.pop("", (0, 0))
    run = log.next_run(client, site, now)
    its = {"site": site.site_id, "export": asked.export, "run": run}
    counted = with_first("changes", query("exports/changes"), query("exports/changed_count"))
    [(added, removed)] = client.query(counted, parameters=its, settings=_SETTINGS).result_rows
    return Prepared(run, people, rows, added, removed, {reason: count for reason, (count, _) in counts.items()})


def _rows(client: Client, name: str, bound: Mapping[str, object]) -> Iterator[list[str]]:
    with client.query_rows_stream(query(name), parameters=dict(bound), settings=_SETTINGS) as stream:
        for (cells,) in stream:
            yield cells


def _removals(name: str) -> str:
    stem, dot, ending = name.rpartition(".")
    return f"{stem}.removals.{ending}" if dot else f"{name}.removals"


def _definition(client: Client, site: SiteRow, asked: AudienceExport) -> dict[str, object]:
    segment = definitions.find(client, site.site_id, SEGMENT, asked.segment)
    [membership] = members.find(client, site, [members.named(asked.segment)])
    told: dict[str, object] = {
        "segment": asked.segment,
        "where": segment.body.where,
        "version": membership.version,
        "refreshed_at": membership.at.isoformat(),
        "to": str(asked.platform),
        "since_last": asked.since_last,
        "consent": str(asked.rule),
    }
    return told | ({"split": list(asked.ends), "part": asked.part} if asked.ends else {})


def _manifest(
    site: SiteRow, asked: AudienceExport, prepared: Prepared, files: list[FileEntry], definition: dict[str, object]
) -> Manifest:
    return Manifest(
        asked.export,
        site.domain,
        asked.platform,
        log.moment(prepared.run),
        tuple(files),
        definition,
        consent=asked.rule,
        people=prepared.people,
        left_out=dict(prepared.left_out),
    )


def _run(asked: AudienceExport, prepared: Prepared, files: list[FileEntry], definition: dict[str, object]) -> log.Run:
    return log.Run(
        asked.export,
        prepared.run,
        "segment",
        asked.platform,
        rows=sum(each.rows for each in files if each.holds != "removals"),
        people=prepared.people,
        added=prepared.added,
        removed=prepared.removed,
        left_out=dict(prepared.left_out),
        files=tuple(each.name for each in files),
        sha256=tuple(each.sha256 for each in files),
        definition=json.dumps(definition),
    )

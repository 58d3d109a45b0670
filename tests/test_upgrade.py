"""A data directory that an earlier version filled: it is opened, and gives the figures that this version gave.

`data/before_names.tar.zst` was made by the version before commands, settings and modules got their present names: 400
page views of an access log, a funnel, three events that wait in the spool, and what its reports said (`answers/`).
Event schemas and overrides are added before it is brought up to date.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from sql.core.data_dir import DataDir
from sql.engine.server import alongside

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[1]
ARCHIVE = Path(__file__).parent / "data" / "before_names.tar.zst"
# What a report was called, and what it is called now.
REPORTS = {
    "overview": ("overview",),
    "series": ("timeseries",),
    "pages": ("pages", "--limit", "0"),
    "entry-pages": ("entry-pages",),
    "exit-pages": ("exit-pages",),
    "sources": ("sources",),
    "channels": ("channels",),
    "campaigns": ("campaigns", "--tag", "utm_source"),
    "browsers": ("browsers",),
    "os": ("systems",),
    "devices": ("devices",),
    "events": ("events",),
    "funnel_buy": ("funnel", "buy"),
}


# A column's name of today, and what it was called.
RENAMED = {"visitor_share": "conversion_rate"}
SCHEMAS = """
insert into event_schemas (site_id, name, version, mode, schema, created_at) values
    (1, 'signup', 1, 'reject', '{"required": ["url"]}', '2026-10-01 10:00:00'),
    (1, 'signup', 2, 'warn', '{"required": ["revenue"]}', '2026-10-02 10:00:00')
"""
OVERRIDES = """
insert into event_overrides (
    override_id, site_id, kind, name, selector, created_by, created_at, removed_by, removed_at, updated_at
) values
    (1, 1, 'share', null, '#a', 'kim', '2026-10-01 10:00:00', 'lee', '2026-10-02 10:00:00', '2026-10-02 10:00:00'),
    (2, 1, 'contact', 'click', '#a', 'kim', '2026-10-03 10:00:00', '', null, '2026-10-03 10:00:00')
"""


def footfall(folder: Path, *args: str) -> str:
    command = [sys.executable, "-m", "cli.main", "--config", str(folder / "footfall.toml"), *args]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, (args, done.stderr)
    return done.stdout


@pytest.fixture(scope="module")
def before(tmp_path_factory):
    import zstandard

    folder = tmp_path_factory.mktemp("before")
    with (
        ARCHIVE.open("rb") as packed,
        zstandard.ZstdDecompressor().stream_reader(packed) as stream,
        tarfile.open(fileobj=stream, mode="r|") as archive,
    ):
        archive.extractall(folder, filter="data")
    for statement in (SCHEMAS, OVERRIDES):
        footfall(folder, "query", statement)
    footfall(folder, "schema", "apply")
    return folder


@pytest.fixture(scope="module")
def opened(before):
    """The same with its engine running."""
    with alongside(DataDir(before / "footfall-data")):
        yield before


@pytest.mark.parametrize("raw", [(), ("--raw",)], ids=["rollups", "raw"])
@pytest.mark.parametrize("name", REPORTS)
def test_its_figures(opened, command, name, raw):
    if name == "funnel_buy":  # it is always of raw events, and has a figure more
        raw = ()
    said = json.loads((opened / "answers" / f"{name}.json").read_text())
    october = ("--site", "shop.example", "--period", "2026-10")
    now = command("--config", opened / "footfall.toml", "report", *REPORTS[name], *raw, *october)
    assert said
    rows = json.loads(now.stdout)
    if name == "events":
        rows = [{RENAMED.get(column, column): value for column, value in row.items()} for row in rows]
    if name == "funnel_buy":
        assert all(row.pop("time_from_previous") is None for row in rows[:1])
        rows = [{column: row[column] for column in said[0]} for row in rows]
    assert rows == said, now.stderr


def test_its_site_and_write_key(before):
    [site] = json.loads(footfall(before, "site", "list", "--format", "json"))
    assert (site["domain"], site["identity"]) == ("shop.example", "cookieless")
    [key] = json.loads(footfall(before, "key", "list", "--format", "json"))
    assert (key["site"], key["revoked_at"]) == ("shop.example", None)


def test_its_event_schemas_and_overrides(opened, command):
    def said(*words):
        done = command("--config", opened / "footfall.toml", *words, "--format", "json")
        return [tuple(row.values()) for row in json.loads(done.stdout)]

    assert said("event-schema", "show", "signup") == [("signup", 2, '{"required": ["revenue"]}')]
    assert [row[:3] for row in said("event-schema", "history", "signup")] == [
        (2, "2026-10-02T10:00:00+00:00", ""), (1, "2026-10-01T10:00:00+00:00", "")
    ]  # fmt: skip
    assert said("detected", "override", "list", "--removed") == [
        ("2", "event 'click', selector '#a' is contact", 1, None, None),
        ("1", None, 2, "2026-10-02T10:00:00+00:00", "lee"),
    ]
    assert [row[2:] for row in said("detected", "override", "history", "1")] == [
        ("lee", None), ("kim", "selector '#a' is share")
    ]  # fmt: skip


def test_what_waited_is_loaded_and_nothing_is_lost(before):
    waiting = json.loads(footfall(before, "spool", "status", "--format", "json"))
    assert {row["what"]: row["events"] for row in waiting}["pending"] == 3
    footfall(before, "flush", "--timeout", "60")
    rows = json.loads(
        footfall(before, "query", "select name, count() as n from events group by name", "--format", "json")
    )
    assert {row["name"]: row["n"] for row in rows} == {"page_view": 401, "purchase": 1, "signup": 1}
    assert json.loads(footfall(before, "dedupe", "--dry-run", "--format", "json")) == []
    [published] = json.loads((before / "footfall-data" / "event-schemas.json").read_text())
    assert (published["name"], published["version"], published["mode"]) == ("signup", 2, "warn")

"""A site that is archived takes no events, from files as little as from collectors."""

from __future__ import annotations

import pytest
import typer.main

from cli import import_
from collector.imports import follow
from collector.sites.registry import Site
from collector.sites.snapshot import publish
from sql.core.data_dir import DataDir

COMMANDS = sorted(
    name
    for name, command in typer.main.get_command(import_.app).commands.items()
    if any(parameter.name == "site" for parameter in command.params) and name not in {"list", "undo"}
)
LINE = '203.0.113.9 - - [09/Mar/2024:10:00:00 +0000] "GET /a HTTP/1.1" 200 5 "-" "Mozilla/5.0 Firefox/130.0"\n'


@pytest.fixture
def folder(tmp_path):
    home = DataDir(tmp_path / "data").make()
    publish(home.sites_file, [Site(1, "shop.example", "UTC", archived=True)])
    (tmp_path / "footfall.toml").write_text('data_dir = "data"\n')
    (tmp_path / "file").write_text("{}\n")
    return tmp_path


def everything(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


@pytest.mark.parametrize("dry_run", [False, True], ids=["import", "dry run"])
@pytest.mark.parametrize("name", COMMANDS)
def test_an_import_into_it_is_refused_before_anything_is_written(command, folder, name, dry_run):
    before = everything(folder)
    words = ["import", name, "file", "--site", "shop.example", *(["--dry-run"] if dry_run else [])]
    done = command(*words, cwd=folder)
    assert done.returncode == 2
    assert done.stderr == (
        "footfall: shop.example is archived and accepts no events\n"
        "  → first run: footfall site archive shop.example --undo\n"
    )
    assert everything(folder) == before


def test_every_command_that_imports_is_among_them():
    known = ["access-log", "csv", "ga4", "goatcounter", "matomo", "ndjson", "parquet", "plausible", "umami"]
    assert known == COMMANDS


def test_an_import_that_follows_a_log_ends_when_its_site_is_archived(command, folder, monkeypatch):
    sites, events = DataDir(folder / "data").sites_file, follow.Follower.events
    publish(sites, [Site(1, "shop.example", "UTC")])
    (folder / "file").write_text(LINE)
    monkeypatch.setattr(follow, "EVERY_SECONDS", 0.01)
    monkeypatch.setattr("sql.core.signals.on_request_to_end", lambda act: None)

    def archived(self):
        publish(sites, [Site(1, "shop.example", "UTC", archived=True)])
        return events(self)

    monkeypatch.setattr(follow.Follower, "events", archived)
    done = command("import", "access-log", "file", "--follow", "--dry-run", "--site", "shop.example", cwd=folder)
    assert done.returncode == 2
    assert "shop.example is archived" in done.stderr

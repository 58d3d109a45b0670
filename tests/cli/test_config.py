"""`footfall config`: what is in force and where it comes from, and everything that is wrong with it."""

from __future__ import annotations

import json
import os

import polars as pl
import pytest

from cli import context, reference
from cli.config.settings import SETTINGS
from cli.exit_codes import Exit
from sql.core.errors import UsageError

URL = "clickhouse://reader:s3cr3t@db.example:8123/web"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    for name in list(os.environ):
        if name.startswith("FOOTFALL_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(monkeypatch, capsys):
    """A command of this process: its exit code and what it printed. Errors come as they are raised."""
    for name in ("config", "data_dir", "url"):
        monkeypatch.setattr(context.options, name, None)  # so that they are as they were afterwards
    root = reference.tree()

    def run(*words):
        code = root.main(list(words), prog_name="footfall", standalone_mode=False) or 0
        return code, *capsys.readouterr()

    return run


def rows(text):
    return {row["setting"]: (row["value"], row["from"]) for row in json.loads(text)}


def test_show_says_where_each_value_comes_from(here, run, monkeypatch):
    (here / "footfall.toml").write_text('data_dir = "data"\n[collector]\nport = 9000\nworkers = 3\n')
    monkeypatch.setenv("FOOTFALL_COLLECTOR_WORKERS", "4")
    monkeypatch.setenv("FOOTFALL_COLLECTOR_TRUSTED_PROXIES", "10.0.0.1, 10.1.0.0/16")
    code, out, err = run("--url", URL, "config", "show", "--format", "json")
    assert (code, err) == (0, "")
    found = rows(out)
    assert list(found) == list(SETTINGS)
    given = {key: each for key, each in found.items() if each[1] != "default"}
    assert given == {
        "data_dir": (str(here / "data"), "file"),
        "url": ("clickhouse://reader:***@db.example:8123/web", "flag"),
        "collector.port": ("9000", "file"),
        "collector.workers": ("4", "environment"),
        "collector.trusted_proxies": ("10.0.0.1,10.1.0.0/16", "environment"),
    }
    assert found["collector.metrics_networks"] == ("127.0.0.1,::1", "default")


def test_what_show_prints_can_be_set(here, run, monkeypatch):
    """Each value, given as the variable of its setting, leads to the same settings."""
    (here / "footfall.toml").write_text("")
    before = rows(run("config", "show", "-f", "json")[1])
    for key, (value, _) in before.items():
        monkeypatch.setenv(SETTINGS[key].variable, value)
    after = rows(run("config", "show", "-f", "json")[1])
    assert {key: value for key, (value, _) in after.items()} == {key: value for key, (value, _) in before.items()}
    assert {key for key, (value, origin) in after.items() if origin == "default"} == {
        key for key, (value, _) in before.items() if not value
    }


def test_show_as_a_table_has_room(here, run):
    (here / "footfall.toml").write_text("")
    code, out, err = run("config", "show", "--format", "table")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].startswith("Settings")
    assert str(here / "footfall.toml") in out.replace("\n", "")
    assert max(map(len, lines)) <= 80
    for key in SETTINGS:
        assert any(line.split()[:1] == [key] for line in lines), f"{key} is cut"


@pytest.mark.parametrize("origin", ["file", "environment", "flag"])
@pytest.mark.parametrize("fmt", ["table", "json", "csv", "parquet"])
@pytest.mark.parametrize("url", [URL, "https://u:s3cr3t%2F@h", "clickhouse://u:s3cr3t@with@s3cr3t@h:1/d"])
def test_show_prints_no_password(here, run, monkeypatch, origin, fmt, url):
    (here / "footfall.toml").write_text(f'url = "{url}"' if origin == "file" else "")
    if origin == "environment":
        monkeypatch.setenv("FOOTFALL_URL", url)
    flags = ("--url", url) if origin == "flag" else ()
    code, out, err = run(*flags, "config", "show", "--format", fmt, "--output", "made")
    assert (code, out, err) == (0, "", "")
    made = (here / "made").read_bytes()
    frame = pl.read_parquet(here / "made") if fmt == "parquet" else None
    text = str(frame.to_dicts()) if frame is not None else made.decode()
    assert origin in text
    assert fmt == "table" or "***" in text  # a table may shorten it away
    assert b"s3cr3t" not in made


def test_show_of_a_wrong_configuration_is_an_error(here, run):
    (here / "footfall.toml").write_text("[collector]\nport = 0")
    with pytest.raises(UsageError, match="port must be a whole number from 1 to 65,535, not 0"):
        run("config", "show")


def test_check_of_what_is_right(here, run, monkeypatch):
    (here / "footfall.toml").write_text('data_dir = "."\n[collector]\nport = 9000\n')
    monkeypatch.setenv("FOOTFALL_COLLECTOR_WORKERS", "1")
    assert run("config", "check") == (
        0,
        f"ok    settings    {here}/footfall.toml: 2 from file, 1 from environment\n",
        "",
    )


def test_check_finds_everything_at_once(here, run, monkeypatch):
    (here / "footfall.toml").write_text(
        '[collector]\nport = 0\nprot = 1\ngeoip_file = "geo.mmdb"\nspam_file = "spam"\n'
    )
    (here / "spam").write_text("")
    monkeypatch.setenv("FOOTFALL_COLLECTOR_DURABILITY", "both")
    monkeypatch.setenv("FOOTFALL_COLECTOR_PORT", "1")
    monkeypatch.setenv("FOOTFALL_KEY", "wk_1")
    code, out, err = run("config", "check")
    assert (code, err) == (Exit.FOUND, "")
    assert [line for line in out.splitlines() if not line.startswith(" ")] == [
        f"BAD   settings    {here}/footfall.toml: [collector]: port must be a whole number from 1 to 65,535, not 0",
        f"BAD   settings    {here}/footfall.toml: [collector] has no setting 'prot'",
        "BAD   settings    FOOTFALL_COLLECTOR_DURABILITY must be one of fsync, os, not 'both'",
        "BAD   settings    unknown variable FOOTFALL_COLECTOR_PORT",
        f"BAD   files       {here}/footfall.toml: [collector]: geoip_file: {here}/geo.mmdb does not exist",
        "note  environment FOOTFALL_KEY is not a Footfall variable and is ignored",
    ]
    assert "did you mean port?" in out
    assert "did you mean FOOTFALL_COLLECTOR_PORT?" in out


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("data_dir = ", "not valid TOML"),
        (None, "no footfall.toml here or above"),
        ("url = 'x'", "not a database URL"),
    ],
)
def test_check_says_what_else_is_wrong_than_the_file(here, run, monkeypatch, text, says):
    if text is not None:
        (here / "footfall.toml").write_text(text)
    monkeypatch.setenv("FOOTFALL_COLLECTOR_PORT", "0")
    code, out, _ = run("config", "check")
    assert code == Exit.FOUND
    bad = [line for line in out.splitlines() if line.startswith("BAD")]
    assert len(bad) == 2
    assert says in out
    assert "FOOTFALL_COLLECTOR_PORT must be" in out


@pytest.mark.parametrize(("mode", "noted"), [(0o600, False), (0o640, True), (0o604, True)])
def test_check_notes_a_password_that_others_can_read(here, run, mode, noted):
    path = here / "footfall.toml"
    path.write_text(f'url = "{URL}"')
    path.chmod(mode)
    code, out, _ = run("config", "check")
    assert code == 0
    assert (f"chmod 600 {path}" in out) is noted
    assert "s3cr3t" not in out


def test_check_notes_a_data_directory_that_is_not_there(here, run):
    (here / "footfall.toml").write_text("")
    code, out, _ = run("config", "check")
    assert code == 0
    assert f"note  files       the data directory {here}/footfall-data does not exist yet" in out

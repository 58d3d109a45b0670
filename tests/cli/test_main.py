"""The command as people meet it: help, exit codes, errors of one line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import cli.main
from cli.commands import LISTED, built, tree
from cli.exit_codes import Exit, code_of
from sql.core.errors import EngineBusy, EngineRefused, FootfallError, SchemaError, StorageError, UsageError

pytestmark = pytest.mark.process

FOOTFALL = Path(sys.executable).with_name("footfall")


ROOT = tree(cli.main.app)


def commands():
    """Every command and group by its words, but the root."""
    found = {}

    def walk(command, words):
        for name, inner in sorted(getattr(command, "commands", {}).items()):
            found[*words, name] = inner
            walk(inner, (*words, name))

    walk(ROOT, ())
    return found


COMMANDS = commands()


def run(*words, cwd=None, env=None, **more):
    # Wide, so that no line of help is broken in the middle of an example.
    full = {k: v for k, v in os.environ.items() if not k.startswith("FOOTFALL_")} | {"COLUMNS": "200"} | (env or {})
    return subprocess.run([FOOTFALL, *words], capture_output=True, text=True, timeout=60, cwd=cwd, env=full, **more)


def one_line(done, code):
    """An error as a user should see it."""
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    lines = done.stderr.rstrip("\n").split("\n")
    assert lines[0].startswith("footfall: ")
    assert len(lines) == 1 or (len(lines) == 2 and lines[1].startswith("  → "))
    return done.stderr


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_help_ends_with_an_example_of_that_command(words):
    shown = CliRunner().invoke(cli.main.app, [*words, "--help"])
    assert shown.exit_code == 0
    assert "\x1b" not in shown.stdout
    last = " ".join(shown.stdout.strip().split("\n\n")[-1].split())
    assert last.startswith("Example: ")
    assert f"footfall {' '.join(words)}" in last


def test_every_command_of_a_module_is_listed_with_a_line_that_fits():
    found = {name for its in LISTED.values() for name in built(its.module)}
    assert found == set(LISTED)
    longest = max(map(len, LISTED))
    assert [name for name, its in LISTED.items() if len(its.help) + longest + 4 > 80] == []
    assert list(ROOT.commands) == list(LISTED)


@pytest.mark.parametrize("words", [(), ("site",), ("site", "add")], ids=["root", "group", "command"])
def test_help_of_the_installed_command(words):
    done = run(*words, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(" ".join(["Usage: footfall", *words]))
    assert "Example: footfall" in done.stdout


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_option_and_argument_says_what_it_is(words):
    command = COMMANDS[words]
    assert command.help
    assert not [parameter.name for parameter in command.params if not parameter.help]


def test_the_walk_finds_commands():
    assert {("init",), ("site", "add"), ("schema", "apply"), ("serve",)} <= set(COMMANDS)


@pytest.mark.parametrize(
    "words",
    [
        ["nope"],
        ["--nope"],
        ["schema", "nope"],
        ["schema", "apply", "--nope"],
        ["schema", "status", "more"],
        ["site", "add"],
        ["collector", "--port", "70000"],
        ["collector", "--port", "many"],
        ["collector", "--workers", "0"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_exit_2(words, tmp_path):
    done = run(*words, cwd=tmp_path)
    assert done.returncode == Exit.USAGE
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [[], ["site"], ["schema"]], ids=["root", "site", "schema"])
def test_a_group_alone_shows_its_help(words):
    done = run(*words)
    assert "Usage: footfall" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_no_configuration_is_one_line_and_what_to_do(tmp_path):
    assert "footfall init" in one_line(run("schema", "status", cwd=tmp_path), Exit.USAGE)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[collector]\nport = 'x'", "port must be a whole number from 1 to 65,535, not 'x'"),
        ("=", "not valid TOML"),
        ("url = 'http://[::1'", "URL"),
    ],
)
def test_a_wrong_configuration_is_one_line(tmp_path, text, says):
    (tmp_path / "footfall.toml").write_text(text)
    assert says in one_line(run("schema", "status", cwd=tmp_path), Exit.USAGE)


def test_a_port_that_is_none_is_one_line(tmp_path):
    (tmp_path / "footfall.toml").write_text("[collector]\nport = 70000")
    one_line(run("collector", cwd=tmp_path), Exit.USAGE)


def test_a_database_that_does_not_answer_is_one_line_without_the_password(tmp_path):
    done = run("--data-dir", "d", "--url", "clickhouse://u:s3cret@127.0.0.1:9/db", "schema", "status", cwd=tmp_path)
    assert "ClickHouse does not respond at 127.0.0.1:9" in one_line(done, Exit.FAILED)
    assert "s3cret" not in done.stderr


def test_a_data_directory_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    done = run("--data-dir", "file/data", "schema", "status", cwd=tmp_path)
    assert "file" in one_line(done, Exit.FAILED)


def test_a_reader_that_goes_away_is_no_error(engine_home, engine):
    """`footfall … | head -0`: the pipe is closed before anything is written."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [FOOTFALL, "--data-dir", engine_home.root, "schema", "apply", "--dry-run"],
            stdout=writer, stderr=subprocess.PIPE, text=True, timeout=60,
        )  # fmt: skip
    finally:
        os.close(writer)
    assert "Traceback" not in done.stderr
    assert done.returncode == Exit.OK, done.stderr


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("x"), Exit.USAGE),
        (EngineBusy("x"), Exit.FAILED),
        (EngineRefused("x"), Exit.FAILED),
        (SchemaError("x"), Exit.FAILED),
        (StorageError("x"), Exit.FAILED),
        (FootfallError("x"), Exit.FAILED),
    ],
)
def test_exit_codes(error, code):
    assert code_of(error) is code


def test_exit_codes_are_the_documented_ones():
    assert {member.name: member.value for member in Exit} == {"OK": 0, "FAILED": 1, "USAGE": 2, "FOUND": 3}


def test_help_is_quick_to_import():
    """What takes long is imported by the commands that need it."""
    program = """
        import sys
        from cli import commands, main
        commands.tree(main.app)
        heavy = {"chdb", "clickhouse_connect", "polars", "pyarrow", "numpy", "falcon", "gunicorn", "rich"}
        print(sorted(heavy & set(sys.modules)))
    """
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(line.strip() for line in program.splitlines())],
        capture_output=True, text=True, timeout=30, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "[]"

"""docs/cli.md is what the code says, and every command says enough."""

from __future__ import annotations

import re
import shlex
from itertools import groupby
from pathlib import Path

import pytest

from aggregations.query.metrics import METRICS
from cli import reference
from cli.exit_codes import Exit

PAGE = Path(__file__).parents[2] / "docs" / "cli.md"
COMMANDS = [pytest.param(path, command, id=" ".join(path)) for path, command in reference.walk(reference.tree())]
PARSER = reference.tree()
for _, _command in reference.walk(PARSER):
    _command.callback = None


def test_the_page_is_what_the_code_says():
    assert PAGE.read_text() == reference.text(), "docs/cli.md is old: run `make docs`"


def test_the_width_of_the_terminal_changes_nothing(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("TERMINAL_WIDTH", "40")
    assert reference.text() == PAGE.read_text()


@pytest.mark.parametrize(("path", "command"), COMMANDS)
def test_every_command_is_documented(path, command):
    page = PAGE.read_text()
    assert f"\n## {' '.join(path)}\n" in page
    assert reference.prose(command)
    for param in command.params:
        assert param.help, param.name
        name = param.opts[0] if param.param_type_name == "option" else param.metavar or param.name.upper()
        assert f"`{name}" in page or f"`[{name}" in page


@pytest.mark.parametrize(("path", "command"), COMMANDS)
def test_every_help_ends_with_an_example_of_the_command(path, command):
    last = (command.epilog or command.help or "").strip().splitlines()[-1].strip()
    assert last.startswith("Example: ")
    assert "Example:" not in reference.prose(command)
    words = shlex.split(reference.example(command))
    piped = [list(part) for pipe, part in groupby(words, "|".__eq__) if not pipe]
    lines = [part[part.index("footfall") :] for part in piped if "footfall" in part]
    assert any(tuple(line[: len(path)]) == path for line in lines) or len(path) == 1
    for line in lines:
        parse(line[1:])


def parse(args: list[str]) -> None:
    """Parse a command line as the command would, and run nothing. Raises typer's usage errors."""
    PARSER.main(args, prog_name="footfall", standalone_mode=False)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("report nothing", "No such command"),
        ("report pages --nothing", "No such option"),
        ("report pages -f xml", "xml"),
        ("report pages --limit -1", "is not in the range"),
        ("serve --durability both", "both"),
        ("import access-log x.log", "Missing parameter: site"),
    ],
)
def test_a_wrong_example_would_be_seen(wrong, told):
    with pytest.raises(Exception, match=told):
        parse(wrong.split())


def test_shared_options_are_described_once():
    """Each of them in one table at the top; every command names its own, and describes one with another default."""
    page = PAGE.read_text()
    top, _, below = page.partition("\n## All commands\n")
    tables = re.findall(r"^\| (`--.*)", below, re.MULTILINE)
    takers: dict[str, set[str]] = {}
    for path, command in reference.walk(reference.tree()):
        section = below.partition(f"\n## {' '.join(path)}\n")[2].partition("\n## ")[0]
        own = [p for p in command.params if p.param_type_name == "option" and reference.shared(p)]
        names = ", ".join(f"`{p.opts[0]}`" for p in own)
        assert (f"[Shared options](#shared-options): {names}.\n" in section) == bool(own), path
        for option in own:
            takers.setdefault(reference.row(option), set()).add(" ".join(path))
    assert len(takers) == sum(map(len, reference.SHARED.values()))
    for told, commands in takers.items():
        assert page.count(told) == top.count(told) == 1, told
        assert len(commands) > 3, told
    assert [told for told in set(tables) if tables.count(told) > 3] == [], "one more option to share"


def test_every_exit_code_and_metric_is_told():
    page = PAGE.read_text()
    assert set(reference.CODES) == set(Exit)
    for code in Exit:
        assert f"| {code.value} | " in page
    for name, metric in METRICS.items():
        assert f"| `{name}` | {metric.label} |" in page
        assert metric.definition in page

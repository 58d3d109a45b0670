"""The table of formats: its examples are lines of them, no line has two, and the documents list them all."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from collector.imports.layouts import format_string
from collector.imports.layouts.line import Directed, Line, LineLayout
from collector.imports.layouts.table import AUTO, LAYOUTS, Detector, chosen
from collector.imports.layouts.times import Times
from sql.core.errors import UsageError

ROOT = Path(__file__).parents[4]
LOGS = Path(__file__).parents[1] / "logs"


def read(layout: LineLayout, text: str) -> list[Line | None]:
    reader = layout.reader(Times())
    lines = text.encode().split(b"\n")
    directed: object = reader
    return [
        reader(line)
        for line in lines
        if not (line.startswith(b"#") and isinstance(directed, Directed) and directed.directive(line))
    ]


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_the_example_is_a_line_of_the_format(layout: LineLayout) -> None:
    [said] = read(layout, layout.example)
    assert said is not None
    _, client, request, status, *_ = said
    assert client == b"203.0.113.7"
    assert request.startswith((b"GET /a", b"GET http"))
    assert status == b"200"


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_no_line_has_two_formats(layout: LineLayout) -> None:
    fitting = [other.name for other in chosen(AUTO) if any(read(other, layout.example))]
    assert fitting == [
        layout.name if layout.name not in {"combined", "common", "vhost"} else "combined, common or vhost"
    ]


@pytest.mark.parametrize("path", sorted(LOGS.glob("*.log")), ids=lambda path: path.stem)
def test_no_line_of_a_server_has_two_formats(path: Path) -> None:
    readers = {layout.name: layout.reader(Times()) for layout in chosen(AUTO)}
    for line in path.read_bytes().split(b"\n"):
        if line.startswith(b"#"):
            for reader in readers.values():
                directed: object = reader
                if isinstance(directed, Directed):
                    directed.directive(line)
            continue
        assert len([name for name, reader in readers.items() if reader(line)]) <= 1, line


def test_the_last_reader_is_tried_first_and_changes_nothing() -> None:
    detector = Detector(chosen(AUTO), Times())
    examples = {name: layout.example.encode().split(b"\n") for name, layout in LAYOUTS.items() if name != "cloudfront"}
    alone = {name: Detector(chosen(AUTO), Times()).read(lines[-1]) for name, lines in examples.items()}
    for name in [*examples, *reversed(examples)]:
        said = [detector.read(line) for line in examples[name]]
        if name != "w3c":  # alone, its line lacks the one before it
            assert said[-1] == alone[name]
        assert said[-1]


def test_a_name_that_is_none() -> None:
    with pytest.raises(UsageError, match="there is no log format nginx") as caught:
        chosen("nginx")
    assert "combined, common, vhost, json" in caught.value.hint


def test_the_guide_lists_every_format() -> None:
    page = (ROOT / "docs" / "imports.md").read_text()
    rows = re.findall(r"^\| `([a-z0-9]+)` \| (.*?) \|", page, re.MULTILINE)
    assert rows == [(name, layout.description) for name, layout in LAYOUTS.items()]


def test_the_guide_lists_every_variable_of_format_strings() -> None:
    page = (ROOT / "docs" / "imports.md").read_text()
    for server, variables in format_string.described():
        assert f"- {server}: {', '.join(f'`{each}`' for each in variables.split(', '))}." in page

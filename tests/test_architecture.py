"""Where code may reach: rooms and folders import downwards only, and modules stay short."""

from __future__ import annotations

import ast
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# From the ground up. A folder imports itself and what stands above it in this list; `collector` alone are the modules
# that stand in no folder. Neither of the two sides imports the other.
GROUND = ("sql.core", "sql.schema", "sql", "sql.engine")
WRITE = (
    "collector",
    "collector.event",
    "collector.sites",
    "collector.enrich",
    "collector.spool",
    "collector.ingest",
    "collector.loader",
    "collector.web",
    "collector.imports.layouts",
    "collector.imports",
    "collector.lifecycle",
)
READ = (
    "aggregations.query",
    "aggregations.reports",
    "aggregations.segments",
    "aggregations.exports",
    "aggregations.definitions",
)
FACES = ("cli.config", "cli.render", "cli")
ALLOWED = {
    folder: (*below, *own[: at + 1])
    for own, below in ((GROUND, ()), (WRITE, GROUND), (READ, GROUND), (FACES, (*GROUND, *WRITE, *READ)))
    for at, folder in enumerate(own)
}
MAX_LINES = 400
MEDIAN_LINES = 110


def modules() -> dict[str, Path]:
    found = {}
    for room in ("sql", "collector", "aggregations", "cli"):
        for path in (ROOT / room).rglob("*.py"):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            found[name.removesuffix(".__init__")] = path
    return found


MODULES = modules()


def folder_of(module: str) -> str:
    return module if MODULES[module].name == "__init__.py" else module.rpartition(".")[0]


def imported(path: Path) -> Iterator[str]:
    """Modules of ours that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                if (name := whole if whole in MODULES else str(node.module)) in MODULES:
                    yield name


def test_every_folder_has_its_place():
    assert {folder_of(name) for name in MODULES} == {*ALLOWED, "aggregations"}


@pytest.mark.parametrize("folder", ALLOWED)
def test_folders_import_downwards(folder):
    upwards = [
        f"{name} imports {other}"
        for name, path in MODULES.items()
        if folder_of(name) == folder
        for other in imported(path)
        if folder_of(other) not in ALLOWED[folder]
    ]
    assert upwards == []


def test_what_can_be_chosen_is_listed_once():
    """No two enums have the same members: a command takes the one of the room that it calls."""
    owners: dict[frozenset[str], str] = {}
    for name, path in MODULES.items():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef) and "StrEnum" in {getattr(base, "id", "") for base in node.bases}:
                values = frozenset(ast.literal_eval(each.value) for each in node.body if isinstance(each, ast.Assign))
                assert values not in owners, f"{name}.{node.name} is {owners[values]}"
                owners[values] = f"{name}.{node.name}"
    assert len(owners) > 10


def test_modules_of_a_folder_import_each_other_in_no_circle():
    waiting = {name: {other for other in imported(path) if other != name} for name, path in MODULES.items()}
    while done := [name for name, others in waiting.items() if not others & waiting.keys()]:
        for name in done:
            del waiting[name]
    assert waiting == {}


def test_modules_stay_short():
    lines = {name: len(path.read_text().splitlines()) for name, path in MODULES.items() if path.name != "__init__.py"}
    assert {name: count for name, count in lines.items() if count > MAX_LINES} == {}
    assert statistics.median(lines.values()) <= MEDIAN_LINES

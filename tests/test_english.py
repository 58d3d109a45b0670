"""Texts for users are in plain English: phrases that readers stumbled over stay gone.

Each was replaced once, by the words next to it. Code, SQL and docstrings of modules are not read here.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli import reference
from cli.config import explain

ROOT = Path(__file__).parents[1]
ROOMS = ("aggregations", "cli", "collector", "sql")
DOCUMENTS = ("README.md", "Makefile", "bench/README.md", "collector/enrich/data/README.md", "deploy/footfall.service")
# What a phrase was, as a pattern, and what is written instead.
PHRASES = {
    r"needs a yes": "without confirmation",
    r"stands? twice": "is stored twice, duplicate",
    r"a misfit leads to": "what to do with events that fail validation",
    r"what is this sure": "with this confidence",
    r"parted by": "-separated",
    r"\bso many\b": "the number",
    r"was measured elsewhere": "from other sources",
    r"[Hh]ow lines look|line by line": "for each line",
    r"this once": "only once",
    r"[Qq]uiet days": "empty intervals",
    r"[Ww]hat waits\b": "pending, waiting",
    r"than it can be looked at": "could not take a consistent snapshot",
    r"is in doubt|first bring it": "has not been confirmed",
    r"the collector has that": "conflicts with a built-in route",
    r"told of itself": "no heartbeat",
    r"means that nobody knows": "the outcome is unknown",
    r"[Tt]he house\b|[Tt]he way of an event|[Ww]hat a crash leaves": "packages; life of an event; crash recovery",
    r"\bis none\b": "is not an X",
    r"(?<![Tt]here )\b(?:is|are) no (?!longer|more\b)": "is not an X",
    r"\banew\b": "again",
    r"\bbeside\b": "next to, in addition to",
    r"\bstands?\b(?! for\b)": "is",
    r"(?:^|[.;:] )[Ww]ho (?:\w+s|wants?)\b": "anyone who",
    r"\bone a line\b|\ba line: ": "one per line",
    r"\bwants? (?:a|an|Node|Chromium|chromium|`)": "needs",
    r"[Mm]ade-up": "fictional",
    r"\bData go\b": "data goes",
    r"\btaken over\b": "applied",
}
_CODE = re.compile(r"^( *)```.*?^\1```$|`[^`\n]*`", re.MULTILINE | re.DOTALL)


def documents() -> Iterator[tuple[str, str]]:
    """Documents without their code, by name."""
    changes = (ROOT / "CHANGELOG.md").read_text().split("\n## ")[1].split("\n### Added", 1)[0]
    yield "CHANGELOG.md", _CODE.sub("", changes)
    for path in (*(ROOT / name for name in DOCUMENTS), *sorted((ROOT / "docs").glob("*.md"))):
        yield path.relative_to(ROOT).as_posix(), _CODE.sub("", path.read_text())


def messages(path: Path) -> Iterator[str]:
    """String literals with at least two words; docstrings of commands are in the reference."""
    tree = ast.parse(path.read_text())
    bodies = [node.body for node in ast.walk(tree) if hasattr(node, "body") and isinstance(node.body, list)]
    first = {id(body[0].value) for body in bodies if body and isinstance(body[0], ast.Expr)}
    for node in ast.walk(tree):
        if id(node) in first or not isinstance(node, ast.Constant) or not isinstance(node.value, str):
            continue
        if " " in node.value.strip():
            yield node.value


def sources() -> list[Path]:
    return [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]


def found(text: str) -> list[str]:
    return [
        f"{match[0]!r} in {text[max(0, match.start() - 40) : match.end() + 30]!r}: write {better!r}"
        for phrase, better in PHRASES.items()
        for match in re.finditer(phrase, text)
    ]


@pytest.mark.parametrize(("name", "text"), list(documents()), ids=[name for name, _ in documents()])
def test_documents(name: str, text: str) -> None:
    assert found(text) == []


def test_help_and_settings() -> None:
    pages = {"help": reference.text(), "settings": explain.page(), "template": explain.template({})}
    assert {name: found(_CODE.sub("", text)) for name, text in pages.items()} == {name: [] for name in pages}


def test_messages() -> None:
    texts = {path.relative_to(ROOT).as_posix(): list(messages(path)) for path in sources()}
    assert sum(map(len, texts.values())) > 500, "the messages are not found any more"
    assert [f"{name}: {hit}" for name, many in texts.items() for text in many for hit in found(text)] == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("removing 12 copies needs a yes", "refusing to remove 12 duplicates without confirmation"),
        ("Modules of the tracker, parted by commas", "Tracker modules, comma-separated"),
        ("At most so many rows; 0 means all", "Maximum number of rows; 0 shows all"),
        ("a state of consent that is none", "the consent state is unknown"),
        ("README.md is no access log", "README.md is not an access log"),
        ("Works beside `serve`", "Works with a running `serve`"),
        ("What waits to be loaded", "Inspect the spool"),
        ("there are no sites; it stands there", "there are no sites; * stands for anything"),
    ],
)
def test_a_phrase_that_comes_back_is_found(old: str, new: str) -> None:
    assert found(old)
    assert found(new) == []

"""What the documents say holds: links, command lines, examples, defaults."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import time
from collections.abc import Iterator
from dataclasses import astuple
from pathlib import Path

import falcon.testing
import pytest

from aggregations.definitions import toml_file
from aggregations.exports import schedule
from cli import export_run, reference
from cli.config.load import load
from cli.config.settings import Config
from cli.kinds import KINDS
from collector.event.decode import Malformed, parse
from collector.event.limits import MAX_NAME, MAX_URL, Limits
from collector.event.model import DropReason, Event
from collector.imports import columns
from collector.ingest.pipeline import IngestContext, Sender, process
from collector.ingest.service import AppOptions
from collector.ingest.visitors import Salts, Visitors
from collector.sites.registry import Site, WriteKey, hash_key
from collector.sites.snapshot import publish
from collector.web.app import create_app
from sql.core.data_dir import DataDir

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
KEY = "wk_example"
SITE = Site(1, "shop.example", "Europe/Paris", (WriteKey(hash_key(KEY)),), "EUR")

_FENCE = re.compile(r"^( *)```([^\n]*)\n(.*?)^\1```[ ]*$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_FILE = re.compile(
    r"\b(?:sql|tests|bench|collector|aggregations|cli|tracker|docs|deploy)/[\w/]+\.(?:py|sql|md|js|service)\b"
)
SHELL = {"sh", "bash", "shell", "console"}
# What may stand before a command: a prompt, settings of variables, `sudo -u somebody`.
_BEFORE = re.compile(r"\$\Z|[A-Z_]+=|sudo\Z")


def fences(path: Path) -> Iterator[tuple[str, str]]:
    """Info string and text of every fenced block."""
    for indent, info, text in _FENCE.findall(path.read_text()):
        yield info.strip(), "\n".join(line.removeprefix(indent) for line in text.splitlines())


def prose(path: Path) -> str:
    """A page without its fenced blocks."""
    return _FENCE.sub("", path.read_text())


def anchors(path: Path) -> set[str]:
    """The anchors that headings get."""
    titles = re.findall(r"^#+ (.+)$", prose(path), re.MULTILINE)
    plain = (re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", title).lower() for title in titles)
    return {re.sub(r"[^\w\- ]", "", title).strip().replace(" ", "-") for title in plain}


def command_lines() -> Iterator[tuple[str, list[str]]]:
    """Every `footfall …` of a shell block: where it stands, and its words without `footfall`."""
    for page in PAGES:
        for info, text in fences(page):
            if (info.split() or [""])[0] in SHELL:
                yield from ((f"{page.name}: {' '.join(words)}", words) for words in commands_of(text))


def commands_of(text: str) -> Iterator[list[str]]:
    """The words behind `footfall` in each such command of a shell text."""
    text = re.sub(r"(?:^|(?<=\s))#.*$", "", text.replace("\\\n", " "), flags=re.MULTILINE)
    lexer = shlex.shlex(text, posix=True, punctuation_chars="|;&<>\n")
    lexer.whitespace, lexer.whitespace_split, lexer.commenters = " \t", True, ""
    command: list[str] = []
    is_file = False
    for word in [*lexer, "\n"]:
        mark = not word.strip("|;&<>\n")
        if mark and word[0] not in "<>":
            while command and _BEFORE.match(command[0]):
                command = command[3:] if command[0] == "sudo" else command[1:]
            if command and command[0].rpartition("/")[2] == "footfall":
                yield command[1:]
            command = []
        elif not mark and not is_file:
            command.append(word)
        is_file = mark and word[0] in "<>"


LINES = list(command_lines())
EXAMPLES = [(info, text) for info, text in fences(ROOT / "docs" / "events.md") if info.split()[:1] == ["json"]]
CURLS = [
    block
    for info, text in fences(ROOT / "docs" / "events.md")
    if info == "sh"
    for block in re.findall(r"^curl .*?(?<!\\)(?=\n(?!\s)|\Z)", text, re.MULTILINE | re.DOTALL)
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_relative_links_lead_somewhere(page):
    for target in _LINK.findall(prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        found = (page.parent / name).resolve() if name else page
        assert found.exists(), target
        assert ROOT in found.parents, target
        if anchor:
            assert anchor in anchors(found), target


@pytest.fixture(scope="module")
def root():
    """The root command with all others; they parse their arguments and do nothing."""
    made = reference.tree()
    for _, command in reference.walk(made):
        command.callback = None
    return made


@pytest.mark.parametrize("words", [pytest.param(words, id=where) for where, words in LINES])
def test_command_lines_parse(root, words):
    root.main(words, prog_name="footfall", standalone_mode=False)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_in_the_text_exist(root, page):
    for span in re.findall(r"`footfall ([a-z][^`]*)`", prose(page)):
        node = root
        for word in span.split():
            if not hasattr(node, "commands"):
                break
            assert word in node.commands, f"footfall {span}"
            node = node.commands[word]


def test_command_lines_are_found():
    assert len(LINES) > 60
    assert list(commands_of("$ sudo -u footfall footfall --config x doctor")) == [["--config", "x", "doctor"]]
    assert list(commands_of("footfall doctor > out || footfall serve &")) == [["doctor"], ["serve"]]
    assert list(commands_of("zcat a.gz | A=1 footfall query -")) == [["query", "-"]]
    assert list(commands_of("chmod 600 footfall.toml; echo footfall")) == []


@pytest.fixture
def visitors(tmp_path):
    return Visitors(Salts(tmp_path / "salts"))


@pytest.mark.parametrize(("info", "text"), EXAMPLES, ids=[info + text[:30] for info, text in EXAMPLES])
def test_examples_are_judged_as_the_page_says(info, text, visitors):
    _, says, *reason = info.split()
    if says == "answer":
        assert json.loads(text)
        return
    sender = Sender("203.0.113.7", "Mozilla/5.0", "", gpc=False, received_at=int(time.time() * 1000))
    try:
        judged = process(parse(text.encode(), 32_768), SITE, sender, IngestContext(Limits(), visitors))
    except Malformed as exc:
        assert (says, reason) == ("rejected", ["malformed"]), exc
        return
    if says == "accepted":
        assert judged.accepted
        assert judged.dropped == []
    else:
        assert [drop.reason for drop in judged.dropped] == reason
        assert judged.accepted == []


@pytest.mark.parametrize("line", CURLS, ids=lambda line: line[:60])
def test_curl_examples_work(line, tmp_path):
    home = DataDir(tmp_path / "data").make()
    publish(home.sites_file, [SITE])
    method, path, query, fields = request_of(line)

    async def ask():
        async with falcon.testing.ASGIConductor(create_app(AppOptions(home))) as conductor:
            return await conductor.simulate_request(method, path, query_string=query, **fields)

    answer = asyncio.run(ask())
    assert answer.status_code == (202 if method == "POST" else 200)
    if method == "POST":
        assert answer.json["accepted"] >= 1


def request_of(line: str) -> tuple[str, str, str, dict[str, object]]:
    """Method, path, query and the rest of a curl command."""
    words = iter(shlex.split(line.replace("$KEY", KEY).replace("\\\n", " "))[1:])
    headers: dict[str, str] = {}
    body = url = ""
    for word in words:
        if word == "-H":
            name, _, value = next(words).partition(": ")
            headers[name] = value
        elif word == "-d":
            body = next(words)
        elif word == "-o":
            next(words)
        else:
            url = word
    path, _, query = re.sub(r"\Ahttp://127\.0\.0\.1:8080", "", url).partition("?")
    fields: dict[str, object] = {"headers": headers} | ({"body": body} if body else {})
    return "POST" if body else "GET", path, query, fields


def test_curl_examples_are_found():
    assert len(CURLS) == (ROOT / "docs" / "events.md").read_text().count("\ncurl ")


def test_every_field_and_reason_is_told():
    page = (ROOT / "docs" / "events.md").read_text()
    for name in Event.__struct_fields__:
        assert f"\n| `{name}` |" in page, name
    for reason in DropReason:
        assert f"\n| `{reason}` |" in page, reason
    for bound in (MAX_URL, MAX_NAME, *astuple(Limits())):
        assert f"{bound:,}" in page


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_settings_in_examples_are_taken(page, tmp_path):
    """Every TOML block, as a file of its own: of settings, definitions, exports, or a map of columns."""
    for at, (info, text) in enumerate(fences(page)):
        path = tmp_path / f"{at}.toml"
        path.write_text(text)
        if info.startswith("toml") and re.search("^every = ", text, re.MULTILINE):
            assert [export_run.made(path, each) for each in schedule.read(path)]
        elif info.startswith("toml") and "[[" in text:
            assert toml_file.read(text, KINDS)
        elif info.startswith("toml"):
            if "[columns]" in text:
                assert columns.read(path).columns
                continue
            assert load(path) != Config(data_dir=str(tmp_path / "footfall-data"), source=path)


@pytest.mark.parametrize("page", [*PAGES, ROOT / "deploy" / "footfall.service"], ids=lambda page: page.name)
def test_files_that_are_named_exist(page):
    for name in _FILE.findall(page.read_text()):
        assert "NNNN" in name or (ROOT / name).is_file(), name

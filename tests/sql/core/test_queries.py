"""SQL lives in files: one statement each, with a header that says what it answers."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import pytest

from sql.core import queries
from sql.core.errors import UsageError
from sql.schema.migrate import split

QUERIES = queries.names()


def without_comments(text):
    return re.sub(r"--[^\n]*", "", text)


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_file_is_one_statement_with_a_header(name):
    text = queries.query(name)
    assert text.startswith("-- "), "a header says what it is for"
    assert text.endswith("\n")
    assert not text.rstrip().endswith(";")
    assert len(split(text)) == 1
    assert len(text.split("\n", 1)[0]) <= 120


@pytest.mark.parametrize("name", QUERIES)
def test_parameters_are_named_in_the_header(name):
    text = queries.query(name)
    head = text[: text.index("\n", text.rindex("\n--") + 1 if "\n--" in text else 0)]
    for parameter in re.findall(r"\{(\w+):", without_comments(text)):
        assert re.search(rf"\b{parameter}\b", head), parameter


SCRIPTS = sorted(Path(str(files("sql"))).rglob("*.sql"))


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_keywords_are_in_lower_case(path):
    sql = without_comments(path.read_text())
    sql = re.sub(r"'[^']*'", "''", sql)
    assert not re.search(r"\b(SELECT|FROM|WHERE|GROUP BY|ORDER BY|WITH|JOIN|LIMIT|INSERT|AND)\b", sql)


@pytest.mark.parametrize("name", ["events", "_x", "a1_b", "a" * 128])
def test_identifiers(name):
    assert queries.identifier(name) == name


@pytest.mark.parametrize("name", ["", "a" * 129, "Events", "1a", "a-b", "a b", "a;", "a`", "../x", "a\n", "ä", "a.b"])
def test_what_is_no_identifier(name):
    with pytest.raises(UsageError, match="not a usable name"):
        queries.identifier(name)
    for query in (f"events/{name}", f"{name}/events"):
        with pytest.raises(UsageError):
            queries.query(query)


def test_a_query_that_is_not_there():
    with pytest.raises(FileNotFoundError):
        queries.query("events/nope")
    with pytest.raises(UsageError):
        queries.query("nope")

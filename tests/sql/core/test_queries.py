"""SQL lives in files: one statement each, with a header that says what it answers."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

from sql.core import queries
from sql.core.errors import UsageError
from sql.schema.rebuild import PARTITIONED_BY

QUERIES = queries.names("queries")
VIEWS = queries.names("views")
MIGRATIONS = queries.names("migrations")


def without_comments(text):
    return re.sub(r"--[^\n]*", "", text)


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_file_is_one_statement_with_a_header(name):
    text = queries.query(name)
    assert text.startswith("-- "), "a header says what it is for"
    assert text.endswith("\n")
    assert not text.rstrip().endswith(";")
    assert len(queries.split(text)) == 1
    assert len(text.split("\n", 1)[0]) <= 120


@pytest.mark.parametrize("name", QUERIES)
def test_parameters_are_named_in_the_header(name):
    text = queries.query(name)
    head = text[: text.index("\n", text.rindex("\n--") + 1 if "\n--" in text else 0)]
    for parameter in re.findall(r"\{(\w+):", without_comments(text)):
        assert re.search(rf"\b{parameter}\b", head), parameter


@pytest.mark.parametrize("text", [*(f"queries/{n}" for n in QUERIES), *(f"views/{n}" for n in VIEWS)])
def test_keywords_are_in_lower_case(text):
    folder, name = text.split("/")
    sql = without_comments((files("sql") / folder / f"{name}.sql").read_text())
    sql = re.sub(r"'[^']*'", "''", sql)
    assert not re.search(r"\b(SELECT|FROM|WHERE|GROUP BY|ORDER BY|WITH|JOIN|LIMIT|INSERT|AND)\b", sql)


@pytest.mark.parametrize("name", VIEWS)
def test_every_view_is_a_derivation_that_can_be_rebuilt(name):
    assert name in PARTITIONED_BY
    sql = without_comments(queries.view(name)).strip()
    assert sql.startswith("select")
    assert not sql.endswith(";")


def test_every_derivation_has_a_view():
    assert set(PARTITIONED_BY) == set(VIEWS)


def test_migrations_are_numbered_without_a_gap():
    assert [int(name[:4]) for name in MIGRATIONS] == list(range(1, len(MIGRATIONS) + 1))


@pytest.mark.parametrize("name", MIGRATIONS)
def test_statements_of_a_migration_can_run_twice(name):
    for statement in queries.split((files("sql") / "migrations" / f"{name}.sql").read_text()):
        bare = " ".join(without_comments(statement).split())
        again = (
            r"create (or replace (function|view)|(table|view|materialized view) if not exists) ",
            r"drop (table|view) if exists ",
            r"alter table \w+ (add|drop) (column|index|projection) if (not )?exists ",
            r"alter table \w+ modify setting ",
        )
        assert any(re.match(pattern, bare) for pattern in again), bare[:80]


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("a;\nb;", ["a", "b"]),
        ("a;\n\n  b\n;\n", ["a", "b"]),
        ("select ';x';\nb", ["select ';x'", "b"]),
        ("-- only a comment;\n", []),
        ("-- why\na;\n", ["-- why\na"]),
        ("a; \t\nb", ["a", "b"]),
        ("", []),
    ],
)
def test_split(script, expected):
    assert queries.split(script) == expected


@pytest.mark.parametrize("name", ["events", "_x", "a1_b", "a" * 128])
def test_identifiers(name):
    assert queries.identifier(name) == name


@pytest.mark.parametrize("name", ["", "a" * 129, "Events", "1a", "a-b", "a b", "a;", "a`", "../x", "a\n", "ä", "a.b"])
def test_what_is_no_identifier(name):
    with pytest.raises(UsageError, match="not a usable name"):
        queries.identifier(name)
    with pytest.raises(UsageError):
        queries.query(name)


def test_a_query_that_is_not_there():
    with pytest.raises(FileNotFoundError):
        queries.query("nope")

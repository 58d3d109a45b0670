"""The files of the schema: what each holds, and in which order they run."""

from __future__ import annotations

import re

import pytest

from sql.schema import migrate, placement, shipped
from sql.schema.rebuild import PARTITIONED_BY
from sql.schema.shipped import SchemaKind

DERIVATIONS = shipped.names(SchemaKind.DERIVATION)
MIGRATIONS = shipped.names(SchemaKind.MIGRATION)
OVERRIDES = {"overrides_in_force", "override_rules", "detected_events"}
REPEATABLE = [(kind, name) for kind in (SchemaKind.FUNCTION, SchemaKind.VIEW) for name in shipped.names(kind)]


def without_comments(text):
    return re.sub(r"--[^\n]*", "", text)


@pytest.mark.parametrize("name", DERIVATIONS)
def test_every_derivation_can_be_rebuilt(name):
    assert name in PARTITIONED_BY
    sql = without_comments(shipped.derivation(name)).strip()
    assert sql.startswith("select")
    assert not sql.endswith(";")


def test_every_derivation_has_a_text():
    assert set(PARTITIONED_BY) == set(DERIVATIONS)


def test_migrations_are_numbered_without_a_gap():
    assert [int(name[:4]) for name in MIGRATIONS] == list(range(1, len(MIGRATIONS) + 1))


@pytest.mark.parametrize("name", MIGRATIONS)
def test_statements_of_a_migration_can_run_twice(name):
    for statement in migrate.split(shipped.read(SchemaKind.MIGRATION, name)):
        bare = " ".join(without_comments(statement).split())
        again = (
            r"create table if not exists ",
            r"drop (table|view|function) if exists ",
            r"alter table \w+ (add|drop) (column|index|projection) if (not )?exists ",
            r"alter table \w+ modify (setting|column) ",
            r"alter table \w+ update \w+ = .* settings mutations_sync = 1$",
            r"rename table if exists ",
            # The same versions again.
            r"insert into definitions .* from (funnels|event_schemas|event_overrides) final\b",
            r"insert into revisions ",  # rows that are there twice are merged into one
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
    assert migrate.split(script) == expected


@pytest.mark.parametrize(("kind", "name"), REPEATABLE)
def test_functions_and_views_are_one_statement_that_can_run_again(kind, name):
    sql = shipped.read(kind, name)
    assert sql.startswith("-- "), "a header says what it is"
    assert re.match(rf"create or replace {kind} {name} as\b", without_comments(sql).strip())
    assert ";" not in without_comments(sql)


def test_names_are_given_once():
    names = [text.name for text in shipped.texts()]
    assert len(names) == len(set(names))
    assert set(names) == shipped.step_names()


def test_users_come_after_what_they_use():
    names = [text.name for text in shipped.texts()]
    assert names.index("override_key") < names.index("overrides_in_force") < names.index("override_rules")
    assert names.index("override_rules") < names.index("detected_events")
    assert names.index("arrival_order") < names.index("visits")


def checksums(monkeypatch, kind, name, old, new):
    """Which checksums change with a text."""
    before = {text.name: text.checksum for text in shipped.texts()}
    real = shipped.read
    assert old in real(kind, name)
    monkeypatch.setattr(shipped, "read", lambda k, n: real(k, n).replace(old, new) if n == name else real(k, n))
    return {text.name for text in shipped.texts() if text.checksum != before[text.name]}


@pytest.mark.parametrize(
    ("kind", "name", "old", "new", "expected"),
    [
        (SchemaKind.FUNCTION, "is_bounce", "interactions = 0", "interactions < 2", {"is_bounce", "visits_merged"}),
        (SchemaKind.FUNCTION, "arrival_order", "4194303", "4194301", {"arrival_order", "identities", "visits"}),
        (SchemaKind.FUNCTION, "override_key", "''", "'-'", {"override_key", "deciding_rank", *OVERRIDES}),
        (SchemaKind.VIEW, "overrides_in_force", "not removed", "removed", OVERRIDES),
        (SchemaKind.DERIVATION, "daily_pages", "count()", "count() + 0", {"daily_pages"}),
        (SchemaKind.MIGRATION, "0002_events", "site_id UInt32", "site_id UInt64", {"0002_events"}),
        (SchemaKind.MIGRATION, "0002_events", "-- Raw events", "-- All events", set()),
        (SchemaKind.FUNCTION, "is_bounce", "->", "->\n   ", set()),
    ],
)
def test_a_changed_text_changes_what_uses_it(monkeypatch, kind, name, old, new, expected):
    assert checksums(monkeypatch, kind, name, old, new) == expected


def test_settings_of_a_table_have_one_place():
    table = "-- A table.\ncreate table if not exists t (\n    a UInt8\n)\nengine = ReplacingMergeTree(a)\norder by a"
    assert placement.placed(table).startswith(table + "\nsettings ")
    memory = table.replace("ReplacingMergeTree(a)\norder by a", "Memory")
    assert placement.placed(memory) == memory
    with pytest.raises(ValueError, match=r"placement\.py"):
        placement.placed(table + "\nsettings fsync_after_insert = 0")


def test_every_stored_table_of_a_migration_is_placed():
    stored = [
        statement
        for name in MIGRATIONS
        for statement in migrate.split(shipped.read(SchemaKind.MIGRATION, name))
        if "MergeTree" in without_comments(statement)
    ]
    assert len(stored) >= 10
    for statement in stored:
        assert "fsync_after_insert = 1" in placement.placed(statement), statement[:80]

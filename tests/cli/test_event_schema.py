"""`footfall event-schema`: versions are written, tested against events, and reach a collector's file."""

from __future__ import annotations

import json
import re

import pytest
from typer.testing import CliRunner

from cli.exit_codes import Exit
from cli.main import app
from collector.event.model import Event
from collector.sites.admin import add_site
from collector.sites.event_schemas import EventSchemas
from sql.client import opened
from sql.core.data_dir import DataDir
from sql.core.errors import FootfallError, UsageError
from sql.engine.server import alongside
from sql.schema.upgrade import bring_up_to_date

PLAN = {"properties": {"props": {"required": ["plan"], "properties": {"plan": {"enum": ["free", "pro"]}}}}}
GOOD, BAD = {"name": "buy", "props": {"plan": "pro"}}, {"name": "buy", "props": {"plan": "gold"}}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    made = DataDir(tmp_path_factory.mktemp("schema") / "data").make()
    with alongside(made), opened(f"chdb://{made.root}") as client:
        bring_up_to_date(client, made)
        add_site(client, made, "shop.example", "UTC")
        yield made


@pytest.fixture
def footfall(home):
    """A command of this data directory; errors come as they are raised."""

    def run(*words, code=Exit.OK, stdin=None):
        done = CliRunner().invoke(app, ["--data-dir", str(home.root), *map(str, words)], input=stdin)
        if isinstance(done.exception, FootfallError):
            raise done.exception
        assert done.exit_code == code, done.output
        return done.stdout, done.stderr

    return run


@pytest.fixture
def run(footfall):
    return lambda *words, **more: footfall("event-schema", *words, **more)


@pytest.fixture
def schema(tmp_path):
    path = tmp_path / "buy.json"
    path.write_text(json.dumps(PLAN))
    return path


BAD_EVENT = Event(name="buy", props={"plan": "gold"})


def of_collectors(home):
    """What a collector says of an event that does not fit: None, or whether it rejects it."""
    found = EventSchemas(home.event_schemas_file).misfit(1, BAD_EVENT)
    return found and found.rejected


def test_from_the_first_version_to_the_collector(home, run, schema, tmp_path):
    assert "would add event schema buy of shop.example (warn, schema" in run("add", "buy", schema, "--dry-run")[1]
    assert json.loads(run("list", "--format", "json")[0]) == []
    assert of_collectors(home) is None
    assert "added event schema buy of shop.example (warn, schema" in run("add", "buy", schema)[1]
    assert of_collectors(home) is False
    with pytest.raises(UsageError, match="there already is an event schema 'buy'"):
        run("add", "buy", schema, "--mode", "reject")
    assert re.search(r"\(warn, schema (\w+) → reject, schema \1\)", run("edit", "buy", "--mode", "reject")[1])
    assert of_collectors(home) is True
    [row] = json.loads(run("list", "--site", "shop.example", "--format", "json")[0])
    assert (row["event_schema"], row["version"]) == ("buy", 2)
    [row] = json.loads(run("show", "buy", "--format", "json")[0])
    assert row == {"event_schema": "buy", "version": 2, "mode": "reject", "schema": json.dumps(PLAN)}
    run("edit", "buy", "--mode", "off")
    assert of_collectors(home) is None
    run("edit", "buy", "--mode", "reject", "--dry-run")
    assert of_collectors(home) is None
    schema.write_text(json.dumps(PLAN, indent=2))
    run("edit", "buy", schema, "--mode", "warn")
    assert of_collectors(home) is False
    shown = run("show", "buy", "--format", "table")[0]
    assert shown.endswith(json.dumps(PLAN, indent=2) + "\n")
    with pytest.raises(UsageError, match="refusing to remove event schema buy"):
        run("remove", "buy")
    run("remove", "buy", "--yes")
    assert of_collectors(home) is None
    history = json.loads(run("history", "buy", "--format", "json")[0])
    assert [(row["version"], row["definition"] is None) for row in history] == [
        (5, True), (4, False), (3, False), (2, False), (1, False)
    ]  # fmt: skip
    assert "Event schemas" in run("list", "--removed", "--format", "table")[0]


def test_a_file_of_definitions_reaches_collectors(home, footfall, tmp_path):
    file = tmp_path / "definitions.toml"
    schema = json.dumps(PLAN, indent=1)
    file.write_text(f"[[event_schema]]\nname = 'buy'\nmode = 'reject'\nschema = '''\n{schema}'''\n")
    footfall("apply", file, "--site", "shop.example", "--dry-run")
    assert of_collectors(home) is None
    footfall("apply", file, "--site", "shop.example", "--yes")
    assert of_collectors(home) is True
    assert schema in footfall("definitions", "export")[0]
    home.event_schemas_file.write_text("[]")  # as where it was killed before it came to publishing
    footfall("apply", file, "--site", "shop.example", "--yes")
    assert of_collectors(home) is True
    home.event_schemas_file.write_text("[]")
    footfall("event-schema", "edit", "buy", "--mode", "reject")
    assert of_collectors(home) is True
    kept = home.event_schemas_file.read_text()
    footfall("event-schema", "remove", "buy", "--yes")
    home.event_schemas_file.write_text(kept)
    with pytest.raises(UsageError, match="there is no event schema 'buy'"):
        footfall("event-schema", "remove", "buy", "--yes")
    assert of_collectors(home) is None


def test_testing_events(run, schema, tmp_path):
    lines = [json.dumps(GOOD), json.dumps(BAD), "{", "", json.dumps({"name": "sell"})]
    out, err = run("test", "buy", "-", "--schema", schema, stdin="\n".join(lines), code=Exit.FOUND)
    assert [line.partition(":")[0] for line in out.splitlines()] == ["2", "3", "5"]
    assert "gold" in out
    assert "1 of 4 events are valid" in err
    (tmp_path / "good.jsonl").write_text(json.dumps(GOOD))
    assert "1 of 1 events are valid" in run("test", "buy", tmp_path / "good.jsonl", "--schema", schema)[1]


@pytest.mark.parametrize(
    ("words", "text", "message"),
    [
        (["add", "buy", "FILE"], "{", "not a JSON Schema"),
        (["add", "buy", "FILE"], '{"$ref": "https://else.example/s"}', "not a JSON Schema"),
        (["add", " ", "FILE"], "{}", "not a name for an event schema"),
        (["add", "buy"], "{}", "needs a JSON Schema"),
        (["add", "buy", "FILE"], " ", "needs a JSON Schema"),
        (["edit", "sell", "FILE"], "{}", "no event schema 'sell'"),
        (["add", "buy", "DIR/missing.json"], "{}", r"cannot read \S+/missing.json: No such file or directory\Z"),
        (["add", "buy", "DIR"], "{}", r"cannot read \S+: Is a directory\Z"),
        (["add", "buy", "FILE"], "\udcff", r"cannot read \S+/s.json: it is not UTF-8\Z"),
        (["test", "buy", "-", "--schema", "DIR/missing.json"], "{}", r"/missing.json: No such file or directory\Z"),
        (
            ["test", "buy", "DIR/missing.jsonl", "--schema", "FILE"],
            "{}",
            "/missing.jsonl: No such file",
        ),
        (["add", "buy", "FILE", "--site", "nobody.example"], "{}", "no site"),
        (["test", "sell", "FILE"], "{}", "no event schema 'sell'"),
    ],
)
def test_errors_say_what_to_do(run, tmp_path, words, text, message):
    path = tmp_path / "s.json"
    path.write_text(text, errors="surrogateescape")
    given = {"FILE": str(path), "DIR": str(tmp_path)}
    with pytest.raises(UsageError) as caught:
        run(*[re.sub("FILE|DIR", lambda found: given[found[0]], word) for word in words])
    assert re.search(message, caught.value.message)
    assert caught.value.hint or message == "not a JSON Schema"


def test_a_mode_is_one_of_three(run, schema):
    assert "'warn', 'reject', 'off'" in run("add", "buy", schema, "--mode", "maybe", code=Exit.USAGE)[1]

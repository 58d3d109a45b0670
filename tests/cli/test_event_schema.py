"""`footfall event-schema`: versions are written, tested against events, and reach a collector's file."""

from __future__ import annotations

import json
import re

import pytest
from typer.testing import CliRunner

from cli import commands
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

commands.register(app)
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
def run(home):
    """A command of this data directory; errors come as they are raised."""

    def run(*words, code=Exit.OK, stdin=None):
        done = CliRunner().invoke(app, ["--data-dir", str(home.root), "event-schema", *map(str, words)], input=stdin)
        if isinstance(done.exception, FootfallError):
            raise done.exception
        assert done.exit_code == code, done.output
        return done.stdout, done.stderr

    return run


@pytest.fixture
def schema(tmp_path):
    path = tmp_path / "buy.json"
    path.write_text(json.dumps(PLAN))
    return path


def test_from_the_first_version_to_the_collector(home, run, schema, tmp_path):
    assert "would add version 1" in run("add", "buy", schema, "--dry-run")[1]
    assert json.loads(run("list", "--format", "json")[0]) == []
    assert "added version 1 of the schema of buy on shop.example (warn)" in run("add", "buy", schema)[1]
    assert "version 2" in run("add", "buy", schema, "--mode", "reject")[1]
    listed = json.loads(run("list", "--site", "shop.example", "--format", "json")[0])
    assert [(row["event"], row["version"], row["mode"]) for row in listed] == [("buy", 1, "warn"), ("buy", 2, "reject")]
    misfit = EventSchemas(home.event_schemas_file).misfit(1, Event(name="buy", props={"plan": "gold"}))
    assert (misfit.field, misfit.rejected) == ("props.plan", True)
    assert "version 3" in run("add", "buy", schema, "--mode", "off")[1]
    assert EventSchemas(home.event_schemas_file).misfit(1, Event(name="buy", props={})) is None
    assert "Event schemas" in run("list", "--format", "table")[0]


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
        (["add", "buy", "FILE", "--mode", "maybe"], "{}", "unknown mode"),
        (["add", "buy", "FILE"], "{", "not a JSON Schema"),
        (["add", "buy", "FILE"], '{"$ref": "https://else.example/s"}', "not a JSON Schema"),
        (["add", " ", "FILE"], "{}", "name"),
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
        (["test", "sell", "FILE"], "{}", "no schema for sell"),
    ],
)
def test_errors_say_what_to_do(run, tmp_path, words, text, message):
    path = tmp_path / "s.json"
    path.write_text(text, errors="surrogateescape")
    given = {"FILE": str(path), "DIR": str(tmp_path)}
    with pytest.raises(UsageError) as caught:
        run(*[re.sub("FILE|DIR", lambda found: given[found[0]], word) for word in words])
    assert re.search(message, caught.value.message)
    assert caught.value.hint or message in {"name", "not a JSON Schema"}

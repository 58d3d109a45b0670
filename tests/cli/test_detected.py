"""`footfall events` and `report detected` as a person runs them; `footfall experiment`."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from aggregations.reports.detected import DETECTED
from cli import commands
from cli.detected import Detected
from cli.exit_codes import Exit
from cli.main import app
from collector.sites.admin import add_site
from sql.client import opened
from sql.core.data_dir import DataDir
from sql.core.errors import FootfallError, UsageError
from sql.engine.server import alongside
from sql.schema.upgrade import bring_up_to_date

commands.register(app)
# Twelve clicks of today, of two kinds, and one of 40 days ago; a second site has the same.
GIVEN = """
insert into events (
    site_id, local_date, visitor_id, timestamp, visit_id, visit_start, visit_date, event_id,
    name, hostname, path, props
)
with now64(3) - if(number = 12, toIntervalDay(40), toIntervalDay(0)) as time
select
    site, toDate(time), number % 4, time, number % 4 + 1, time, toDate(time), generateUUIDv4(number),
    'click', 'shop.example', '/product',
    if(number < 5,
        map('kind', 'contact', 'confidence', 'low', 'rule', 'text-contact', 'selector', 'a.mail', 'text', 'Write'),
        map('kind', 'sign_up', 'confidence', 'high', 'rule', 'href-signup', 'selector', 'a.join', 'text', 'Join us'))
from numbers(13) array join [1, 2] as site
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    made = DataDir(tmp_path_factory.mktemp("events") / "data").make()
    with alongside(made), opened(f"chdb://{made.root}") as client:
        bring_up_to_date(client, made)
        add_site(client, made, "shop.example", "UTC")
        add_site(client, made, "blog.example", "UTC")
        client.command(GIVEN)
        yield made


@pytest.fixture
def run(home):
    """A command of this data directory; errors come as they are raised."""

    def run(*words, code=Exit.OK, stdin=None):
        done = CliRunner().invoke(app, ["--data-dir", str(home.root), *map(str, words)], input=stdin)
        if isinstance(done.exception, FootfallError):
            raise done.exception
        assert done.exit_code == code, done.output
        return done.stdout, done.stderr

    return run


def rows(run, *words):
    return json.loads(run(*words, "--format", "json")[0])


def kinds(run, site="shop.example"):
    return {row["kind"]: row["events"] for row in rows(run, "report", "detected", "--site", site)}


def test_from_the_review_to_the_correction_and_back(run):
    shop = ("--site", "shop.example")
    looked = rows(run, "detected", "review", *shop)
    assert [(row["kind"], row["confidence"], row["events"], row["override"]) for row in looked] == [
        ("contact", "low", 5, None), ("sign_up", "high", 7, None)
    ]  # fmt: skip
    assert [row["kind"] for row in rows(run, "detected", "review", *shop, "--confidence", "high")] == ["sign_up"]

    wanted = ("detected", "override", *shop, "--kind", "subscribe", "--selector", "a.join", "--name", "click")
    told = {"was": "sign_up", "becomes": "subscribe", "events": 7, "visitors": 4}
    out, err = run(*wanted, "--dry-run", "--format", "json")
    assert (json.loads(out), "would add an override on shop.example" in err) == ([told], True)
    assert kinds(run) == {"contact": 5, "sign_up": 7}
    out, err = run(*wanted, "--format", "json")
    assert json.loads(out) == [told]
    assert "added override 1 on shop.example: name 'click', selector 'a.join' is subscribe" in err
    assert kinds(run) == {"contact": 5, "subscribe": 7}
    assert kinds(run, "blog.example") == {"contact": 5, "sign_up": 7}
    run("detected", "override", *shop, "--kind", "none", "--rule", "text-contact")
    assert kinds(run) == {"subscribe": 7}

    [row] = rows(run, "report", "detected", *shop)
    assert (row["visits"], row["reviewed"]) == (4, 1.0)
    listed = rows(run, "detected", "overrides", "list", *shop)
    assert [(row["id"], row["kind"], row["removed"]) for row in listed] == [(1, "subscribe", None), (2, "none", None)]
    assert "would remove override 2 of shop.example (none); it applies to 5" in run(
        "detected", "overrides", "remove", 2, "--dry-run"
    )[1]  # fmt: skip
    assert kinds(run) == {"subscribe": 7}
    run("detected", "overrides", "remove", 2)
    run("detected", "overrides", "remove", 1)
    assert kinds(run) == {"contact": 5, "sign_up": 7}
    with pytest.raises(UsageError, match="was removed"):
        run("detected", "overrides", "remove", 1)
    assert [row["removed"] is not None for row in rows(run, "detected", "overrides", "list")] == [True, True]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--where", "props.kind=contact"), {"contact": 5}),
        (("--where", "props.text=Write|Join us", "--where", "path!=/product"), {}),
        (("--where", "entry_hostname=shop.example"), {"contact": 5, "sign_up": 7}),
        (("--segment", "device=mobile"), {}),
        (("--segment", "props.rule=href-signup"), {"contact": 5, "sign_up": 7}),
    ],
    ids=lambda value: " ".join(value[1::2]) if isinstance(value, tuple) else "",
)
def test_conditions_choose_what_is_looked_at(run, words, expected):
    for command in (("report", "detected"), ("detected", "review")):
        found = rows(run, *command, "--site", "blog.example", *words)
        assert {row["kind"]: row["events"] for row in found} == expected


def test_a_review_has_room_in_eighty_columns(run):
    lines = run("detected", "review", "--site", "blog.example", "--format", "table")[0].splitlines()
    assert lines[1].split() == ["Kind", "Confidence", "Selector", "Text", "Events", "Visitors", "Override"]
    assert lines[3].split() == ["contact", "low", "a.mail", "Write", "5", "4", "–"]
    assert max(map(len, lines)) <= 80
    listed = run("detected", "overrides", "list", "--format", "table")[0].splitlines()
    assert max(map(len, listed)) <= 80


@pytest.mark.parametrize("words", [("--kind", "contact"), ("--kind", "Big", "--text", "x")])
def test_an_override_must_say_which_events(run, words):
    with pytest.raises(UsageError):
        run("detected", "override", "--site", "shop.example", *words)


def test_options_are_what_is_detected():
    assert tuple(each.value for each in Detected) == DETECTED


def test_an_experiment_is_assigned(run):
    words = ("experiment", "assign", "checkout", "--variants", "control:1,blue:1")
    given = rows(run, *words, "", "0", "visitor-1")
    assert given[0] == {"visitor": "", "variant": "blue"}
    assert rows(run, *words, "-") == []
    out, _ = run(*words, "-", "x", "--format", "csv", stdin="0\n\nvisitor-1\n")
    assert [line.split(",")[0] for line in out.splitlines()] == ["visitor", "0", "visitor-1", "x"]
    assert json.loads(run(*words, "-", "--format", "json", stdin="0\nvisitor-1")[0]) == given[1:]
    with pytest.raises(UsageError, match="not UTF-8"):
        run(*words, "-", stdin=b"\xff\n")
    with pytest.raises(UsageError, match="not UTF-8"):
        run(*words, "\udcff")
    with pytest.raises(UsageError, match="at least two"):
        run("experiment", "assign", "checkout", "x", "--variants", "control")

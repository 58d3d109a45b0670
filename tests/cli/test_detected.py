"""`footfall detected` and `report detected` as a person runs them; `footfall experiment`."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from cli.exit_codes import Exit
from cli.main import app
from collector.sites.admin import add_site
from sql import definitions
from sql.client import opened
from sql.core.data_dir import DataDir
from sql.core.errors import FootfallError, UsageError
from sql.engine.server import alongside
from sql.schema.upgrade import bring_up_to_date

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

    def change(command, *words, code=Exit.OK):
        out, err = run("detected", "override", command, *words, *shop, "--format", "json", code=code)
        return [tuple(row.values()) for row in json.loads(out)], err.splitlines()

    wanted = ("join", "--kind", "subscribe", "--selector", "a.join", "--event", "click")
    shown = "override join of shop.example (event 'click', selector 'a.join' is subscribe)"
    assert change("add", *wanted, "--dry-run") == ([("sign_up", "subscribe", 7, 4)], [f"would add {shown}"])
    assert kinds(run) == {"contact": 5, "sign_up": 7}
    assert change("add", *wanted) == ([("sign_up", "subscribe", 7, 4)], [f"added {shown}"])
    assert kinds(run) == {"contact": 5, "subscribe": 7}
    assert kinds(run, "blog.example") == {"contact": 5, "sign_up": 7}
    _, [told] = change("add", "--kind", "none", "--rule", "text-contact")
    assert told == "added override text-contact of shop.example (rule 'text-contact' is none)"
    assert kinds(run) == {"subscribe": 7}
    [row] = rows(run, "report", "detected", *shop)
    assert (row["visits"], row["reviewed"]) == (4, 1.0)
    assert {row["override"] for row in rows(run, "detected", "review", *shop)} == {"join", "text-contact"}

    edited, [told] = change(
        "edit", "join", "--any", "selector", "--any", "event", "--rule", "href-signup", "-k", "share"
    )
    assert edited == [("subscribe", "share", 7, 4)]
    assert told.endswith("(event 'click', selector 'a.join' is subscribe → rule 'href-signup' is share)")
    assert kinds(run) == {"share": 7}
    assert change("edit", "join", "--rule", "text-contact") == (
        [("share", "sign_up", 7, 4), ("none", "share", 5, 4)],
        ["changed override join of shop.example (rule 'href-signup' is share → rule 'text-contact' is share)"],
    )
    gone, [told] = change("remove", "join", "--dry-run")
    assert (gone, told) == (
        [("share", "none", 5, 4)], "would remove override join of shop.example (rule 'text-contact' is share)"
    )  # fmt: skip
    with pytest.raises(UsageError, match="refusing to remove override join"):
        change("remove", "join")
    change("remove", "join", "--yes")
    change("remove", "text-contact", "--yes")
    assert kinds(run) == {"contact": 5, "sign_up": 7}
    with pytest.raises(UsageError, match="there is no override 'join'"):
        change("remove", "join", "--yes")
    assert rows(run, "detected", "override", "list", *shop) == []
    removed = rows(run, "detected", "override", "list", "--removed", *shop)
    assert [(row["override"], row["version"], row["by"]) for row in removed] == [
        ("join", 4, definitions.user()), ("text-contact", 2, definitions.user())
    ]  # fmt: skip
    history = rows(run, "detected", "override", "history", "join", *shop)
    assert [row["version"] for row in history] == [4, 3, 2, 1]


def test_what_nobody_named_is_named_after_its_criteria(run):
    blog = ("--site", "blog.example")
    add = ("detected", "override", "add", *blog, "--selector", "a.mail", "--kind")
    assert "added override a-mail of blog.example" in run(*add, "contact")[1]
    assert "nothing changes: override a-mail" in run(*add, "contact")[1]
    with pytest.raises(UsageError, match="there already is an override 'a-mail'"):
        run(*add, "share")
    assert "added override a-mail-2" in run(*add[:-3], "--selector", "a > mail", "--kind", "share")[1]
    for name in ("a-mail", "a-mail-2"):
        run("detected", "override", "remove", name, *blog, "--yes")


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
    run("detected", "override", "add", "long", "--site", "blog.example", "--kind", "share", "--text", "x" * 200)
    listed = run("detected", "override", "list", "--site", "blog.example", "--format", "table")[0].splitlines()
    assert listed[3].startswith("long") and "…" in listed[3]
    assert max(map(len, listed)) <= 80
    run("detected", "override", "remove", "long", "--site", "blog.example", "--yes")


@pytest.mark.parametrize(
    "words",
    [("--kind", "contact"), ("--kind", "Big", "--text", "x"), ("--text", "x"), ("--kind", "x", "--event", "click")],
)
def test_an_override_must_say_which_events(run, words):
    with pytest.raises(UsageError):
        run("detected", "override", "add", "--site", "shop.example", *words)


@pytest.mark.parametrize("words", [("--event", "page_view"), ("--name", "click"), ("--any", "path")])
def test_options_of_an_override_are_what_is_detected(run, words):
    run("detected", "override", "add", "--kind", "share", "--text", "x", *words, code=Exit.USAGE)


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

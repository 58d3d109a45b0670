"""`footfall goal` and the reports that use goals, as a person runs them."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from itertools import count

import pytest

from collector.sites.admin import add_site
from sql import definitions
from sql.client import opened
from sql.core import receipts
from sql.core.data_dir import DataDir
from sql.engine.server import alongside
from sql.schema.upgrade import bring_up_to_date

pytestmark = pytest.mark.process
NUMBERS = count(1)
LINE = '192.0.2.%d - - [%s] "GET %s HTTP/1.1" 200 5 "-" "Mozilla/5.0 (X11; Linux) Firefox/130.0"\n'


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A data directory, and its engine."""
    made = DataDir(tmp_path_factory.mktemp("goals") / "data").make()
    with alongside(made):
        with opened(f"chdb://{made.root}", direct=False) as client:
            bring_up_to_date(client, made)
        yield made


@pytest.fixture
def site(home):
    """A new site."""
    domain = f"shop{next(NUMBERS)}.example"
    with opened(f"chdb://{home.root}", direct=False) as client:
        add_site(client, home, domain, "UTC")
    return domain


@pytest.fixture
def footfall(home, site, command):
    """``footfall(…)``: what a command about the site says, on stdout where it says something there."""

    def run(*words: object, code: int = 0) -> str:
        done = command("--data-dir", home.root, *words, "--site", site)
        assert done.returncode == code, done.stderr
        return done.stdout if code == 0 and done.stdout else done.stderr

    return run


def test_a_goal_from_its_definition_to_its_end(footfall, site):
    assert footfall("goal", "add", "pro", "--event", "signup", "--where", "props.plan=pro", "--dry-run") == (
        f"would add goal pro of {site} (event signup, where props.plan=pro)\n"
    )
    assert json.loads(footfall("goal", "list")) == []
    assert footfall("goal", "add", "pro", "--event", "signup", "--where", "props.plan=pro").startswith("added goal pro")
    assert "nothing changes" in footfall("goal", "add", "pro", "--event", "signup", "--where", "props.plan=pro")
    assert "there already is a goal 'pro'" in footfall("goal", "add", "pro", "--event", "other", code=2)
    assert "event signup, where props.plan=pro → event join, where props.plan=pro" in footfall(
        "goal", "edit", "pro", "--event", "join"
    )
    footfall("goal", "edit", "pro", "--where", "")
    assert json.loads(footfall("goal", "show", "pro")) == [{"goal": "pro", "version": 3, "event": "join"}]
    assert json.loads(footfall("goal", "list")) == [{"goal": "pro", "definition": "event join", "version": 3}]
    assert "without confirmation" in footfall("goal", "remove", "pro", code=2)
    assert footfall("goal", "remove", "pro", "--yes") == f"removed goal pro of {site} (event join)\n"
    assert "there is no goal 'pro'" in footfall("goal", "remove", "pro", "--yes", code=2)
    assert "there is no goal 'pro'" in footfall("goal", "edit", "pro", "--event", "x", code=2)
    told = json.loads(footfall("goal", "history", "pro"))
    assert [(row["version"], row["definition"]) for row in told] == [
        (4, None),
        (3, "event join"),
        (2, "event join, where props.plan=pro"),
        (1, "event signup, where props.plan=pro"),
    ]
    assert {row["by"] for row in told} == {definitions.user()}


@pytest.mark.parametrize(
    ("words", "goal"),
    [
        (("--page", "/thanks*"), {"page": "/thanks*"}),
        (("--scroll", "75", "--page", "/blog/*"), {"page": "/blog/*", "scroll": 75}),
        (("--value", "50"), {"value": 50.0}),
        (("--duration", "2m"), {"duration": 120}),
    ],
)
def test_options_of_a_goal(footfall, words, goal):
    footfall("goal", "add", "it", *words)
    assert json.loads(footfall("goal", "show", "it")) == [{"goal": "it", "version": 1, **goal}]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "a goal needs a page"),
        (("--duration", "2 minutes"), "not a duration"),
        (("--duration", "2m", "--event", "x"), "make two goals"),
        (("--event", "x", "--where", "country=FR"), "must be about its event"),
    ],
)
def test_what_is_not_a_goal(footfall, home, words, says):
    before = receipts.every(home)
    assert says in footfall("goal", "add", "it", *words, code=2)
    assert receipts.every(home) == before


def test_reports_with_a_goal(footfall, command, home, tmp_path):
    log, now = tmp_path / "access.log", dt.datetime.now(dt.UTC) - dt.timedelta(minutes=10)
    seen = [(visitor, path) for visitor in range(1, 5) for path in ("/", "/pay", "/thanks")[: 1 + visitor % 3]]
    when = f"{now:%d/%b/%Y:%H:%M:%S} +0000"
    log.write_text("".join(LINE % (visitor, when, path) for visitor, path in seen))
    footfall("import", "access-log", log)
    footfall("goal", "add", "order", "--page", "/thanks")
    footfall("goal", "add", "none", "--event", "order")
    assert json.loads(footfall("report", "goals")) == [
        {"goal": "none", "conversions": 0, "completions": 0, "conversion_rate": 0.0, "goal_revenue": 0.0},
        {"goal": "order", "conversions": 1, "completions": 1, "conversion_rate": 0.25, "goal_revenue": 0.0},
    ]
    for name in ("sources", "timeseries", "overview", "pages", "events", "campaigns"):
        columns = next(csv.reader(io.StringIO(footfall("report", name, "--goal", "order", "--format", "csv"))))
        assert columns[-2:] == ["conversions", "conversion_rate"], name
    [source] = json.loads(footfall("report", "sources", "--goal", "order", "--period", "7d"))
    assert (source["visitors"], source["conversions"], source["conversion_rate"]) == (4, 1, 0.25)
    question = footfall("report", "sources", "--goal", "order", "--as-json")
    assert json.loads(question)["goal"] == "order"
    (tmp_path / "query.json").write_text(question)
    asked = command("--data-dir", home.root, "report", "query", tmp_path / "query.json")
    assert json.loads(asked.stdout)[0]["conversions"] == 1
    assert "there is no goal 'orders'" in footfall("report", "sources", "--goal", "orders", code=2)


def test_a_question_with_a_goal_is_explained(home, site, command, footfall):
    footfall("goal", "add", "order", "--page", "/thanks")
    done = command("--data-dir", home.root, "report", "sources", "--goal", "order", "--explain", "--site", site)
    assert "goal order: page=/thanks" in done.stderr
    assert "conversions of visits that completed the goal: from visits" in done.stderr

"""What the shell completes, as a shell asks for it."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from pathlib import Path

import pytest

from aggregations.query.dimensions import DIMENSIONS
from cli import completion
from collector.sites.admin import add_site
from sql.client import opened
from sql.core.data_dir import DataDir
from sql.engine.server import alongside
from sql.schema.upgrade import bring_up_to_date

ROOT = Path(__file__).parents[2]


def complete(*words: str, **env: str) -> list[str]:
    asked = {"_FOOTFALL_COMPLETE": "complete_bash", "COMP_WORDS": " ".join(words), "COMP_CWORD": str(len(words) - 1)}
    program = [sys.executable, "-c", "import sys; sys.argv = ['footfall']; from cli.main import main; main()"]
    done = subprocess.run(program, env=os.environ | asked | env, capture_output=True, text=True, timeout=60)
    assert not done.stderr
    return done.stdout.split()


@pytest.mark.process
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("report", "breakdown", "lang"), ["language"]),
        (("report", "breakdown", "-m", "visit"), ["visitors", "visits", "visit_duration", "visitor_share"]),
        (("report", "pages", "--where", "count"), ["country="]),
        (("explain", "bounce"), ["bounce_rate"]),
        (("report", "pages", "--site", "x"), []),
        (("report", "funnel", "x"), []),
        (("report", "pages", "--goal", "x"), []),
    ],
)
def test_at_the_shell(words, expected, tmp_path):
    assert sorted(complete("footfall", *words, FOOTFALL_DATA_DIR=str(tmp_path))) == sorted(expected)


def test_conditions_begin_with_every_dimension_but_time():
    assert completion.conditions("") == [f"{name}=" for name in DIMENSIONS if not name.startswith("time:")]


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """A site with page views of today, a funnel and a goal, and its engine; named as a shell's environment names it."""
    home, log = DataDir(tmp_path / "data").make(), tmp_path / "access.log"
    now = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=1)
    line = '192.0.2.7 - - [%s] "GET %s HTTP/1.1" 200 5 "-" "Mozilla/5.0 (X11; Linux) Firefox/130.0"\n'
    log.write_text("".join(line % (f"{now:%d/%b/%Y:%H:%M:%S} +0000", path) for path in ("/", "/", "/cart")))
    monkeypatch.setenv("FOOTFALL_DATA_DIR", str(home.root))
    with alongside(home):
        with opened(f"chdb://{home.root}", direct=False) as client:
            bring_up_to_date(client, home)
            add_site(client, home, "shop.example", "UTC")
        for words in (
            ("import", "access-log", str(log), "--site", "shop.example"),
            ("funnel", "add", "buy", "/", "/cart"),
            ("goal", "add", "thanks", "--page", "/thanks*"),
            ("detected", "override", "add", "call", "--kind", "contact", "--text", "Call us"),
        ):
            line = [sys.executable, "-m", "cli.main", *words]
            done = subprocess.run(line, capture_output=True, text=True, timeout=60, cwd=ROOT)
            assert done.returncode == 0, done.stderr
        yield


@pytest.mark.process
def test_names_that_the_data_hold(shop):
    assert completion.sites("sh") == ["shop.example"]
    assert completion.conditions("page=/") == ["page=/", "page=/cart"]
    assert completion.conditions("page!=/cart|/") == ["page!=/cart|/", "page!=/cart|/cart"]
    assert completion.conditions("browser=") == ["browser=Firefox"]
    assert completion.conditions("nope=") == []
    assert completion.funnels("") == ["buy"]
    assert completion.goals("th") == ["thanks"]
    assert complete("footfall", "goal", "edit", "t") == ["thanks"]
    assert complete("footfall", "detected", "override", "remove", "c") == ["call"]

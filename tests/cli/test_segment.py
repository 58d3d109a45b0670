"""`footfall segment` as a person runs it, and a report of its members."""

from __future__ import annotations

import json

import pytest

from sql.core import receipts
from sql.core.data_dir import DataDir

pytestmark = pytest.mark.process
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"
LINE = '192.0.2.%d - - [%02d/Nov/2026:10:00:0%d +0000] "GET %s HTTP/1.1" 200 5 "-" "' + AGENT + '"\n'
LOOKERS = "did(page=/pricing) >= 2"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return DataDir(tmp_path_factory.mktemp("segments") / "data")


@pytest.fixture
def footfall(home, command):
    """``footfall(…)``: what a command says, on stdout where it says something there."""

    def run(*words: object, code: int = 0) -> str:
        done = command("--data-dir", home.root, *words)
        assert done.returncode == code, done.stderr
        return done.stdout if code == 0 and done.stdout else done.stderr

    return run


def test_from_a_condition_to_a_report(home, footfall, tmp_path):
    """Visitors 1 and 2 looked at the prices twice, 3 once."""
    log = tmp_path / "access.log"
    log.write_text("".join(LINE % (who, 2, at, page) for who, at, page in [
        (1, 0, "/"), (1, 1, "/pricing"), (1, 2, "/pricing"), (2, 0, "/pricing"), (2, 1, "/pricing"), (3, 0, "/pricing"),
    ]))  # fmt: skip
    footfall("init")
    footfall("site", "add", "shop.example", "--timezone", "UTC")
    footfall("import", "access-log", log, "--site", "shop.example")
    [size] = json.loads(footfall("segment", "size", LOOKERS, "--exact"))
    assert (size["members"], size["exact"]) == (2, True)
    assert len(json.loads(footfall("segment", "preview", LOOKERS))) == 2
    assert "no segments are defined" in footfall("segment", "refresh", "--format", "table")
    assert "would add segment lookers of shop.example" in footfall(
        "segment", "add", "lookers", "--where", LOOKERS, "--dry-run"
    )
    assert "country is not about a visitor" in footfall("segment", "add", "x", "--where", "country=FR", code=2)
    footfall("segment", "add", "lookers", "--where", LOOKERS)
    assert "has no members yet" in footfall("report", "overview", "--segment", "lookers", code=2)
    assert "would refresh segments of shop.example: lookers" in footfall(
        "segment", "refresh", "--dry-run", "-o", tmp_path / "nothing.json"
    )
    assert json.loads(footfall("segment", "refresh")) == [
        {"segment": "lookers", "members": 2, "entered": 2, "left": 0},
    ]
    assert "footfall segment refresh" in {each.command for each in receipts.every(home)}
    report = ("report", "pages", "--period", "2026-11-02", "--segment", "lookers")
    assert [(row["page"], row["visitors"]) for row in json.loads(footfall(*report))] == [("/pricing", 2), ("/", 1)]
    assert "Segment lookers: 2 visitors as of 20" in footfall(*report, "--format", "table")
    members = json.loads(footfall("segment", "members", "lookers", "--split", "50/50"))
    assert {row["part"] for row in members} <= {1, 2} and len(members) == 2
    footfall("segment", "edit", "lookers", "--where", "did(page=/)")
    assert json.loads(footfall("segment", "refresh", "lookers"))[0]["left"] == 1
    assert [row["change"] for row in json.loads(footfall("segment", "diff", "lookers", "--since", "2026-01-01"))] == [
        "entered"
    ]
    sizes = [row["members"] for row in json.loads(footfall("segment", "refreshes", "lookers"))]
    assert sizes == [1, 2]
    footfall("segment", "add", "lost", "--where", "segment=gone")
    assert "not refreshed: lost: there is no segment 'gone'" in footfall("segment", "refresh", code=1)
    assert [row["members"] for row in json.loads(footfall("segment", "refreshes", "lookers"))] == [1, 1, 2]
    footfall("segment", "remove", "lookers", "--yes")
    assert "there is no segment 'lookers'" in footfall("segment", "refresh", "lookers", code=2)
    assert "lookers" not in footfall("definitions", "export")

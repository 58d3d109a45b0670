"""`footfall import plausible`: daily totals in, in reports, and out again."""

from __future__ import annotations

import json

import pytest

from sql.client import opened
from sql.core.data_dir import DataDir
from sql.engine.server import alongside
from sql.schema.upgrade import bring_up_to_date
from tests.collector.imports.test_plausible import FILES, archive

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def serving(tmp_path_factory):
    """A data directory whose engine runs."""
    home = DataDir(tmp_path_factory.mktemp("plausible") / "data").make()
    with alongside(home):
        with opened(f"chdb://{home.root}", direct=False) as client:
            bring_up_to_date(client, home)
        yield home


@pytest.fixture
def footfall(serving, command, request):
    site = f"{request.node.name.replace('_', '-')}.example"
    run = lambda *words: command("--data-dir", serving.root, *words)  # noqa: E731
    assert run("site", "add", site, "--timezone", "Europe/Berlin").returncode == 0
    run.site = site
    return run


def report(footfall, name, *more):
    done = footfall("report", name, "--site", footfall.site, "--period", "2025-03", "--format", "json", *more)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), done.stderr


def imported(footfall, *words):
    done = footfall("import", "plausible", *words, "--site", footfall.site, "--format", "csv")
    return done.returncode, dict(line.split(",") for line in done.stdout.splitlines()[1:]), done.stderr


def test_there_and_back(footfall, serving, tmp_path):
    path = archive(tmp_path)
    before = [report(footfall, name)[0] for name in ("overview", "sources", "timeseries")]
    code, counts, said = imported(footfall, path, "--dry-run")
    assert (code, counts) == (0, {"rows": "16", "totals": "19", "duplicates": "0"})
    assert [report(footfall, name)[0] for name in ("overview", "sources", "timeseries")] == before
    code, counts, said = imported(footfall, path)
    assert (code, counts["stored"], counts["duplicates"]) == (0, "19", "0")
    assert "files that are not imported: imported_custom_events_20250301_20250302.csv, imported_exit" in said

    rows, _ = report(footfall, "overview")
    assert [rows[0][name] for name in ("visitors", "visits", "pageviews")] == [4, 5, 8]
    assert rows[0]["bounce_rate"] == pytest.approx(2 / 5)
    assert rows[0]["visit_duration"] == pytest.approx(120)
    rows, _ = report(footfall, "sources")
    assert [(row["source"], row["visits"]) for row in rows] == [("Google", 3), ("Direct", 1), ("news", 1)]
    rows, _ = report(footfall, "pages")
    assert [(row["page"], row["pageviews"]) for row in rows] == [("/a,b", 7), ("/", 1)]
    shown = footfall("report", "sources", "--site", footfall.site, "--period", "2025-03", "--format", "table").stdout
    assert "With imported daily totals of 2025-03-01 to 2025-03-02" in " ".join(shown.split())
    shown = footfall(
        "report",
        "sources",
        "--site",
        footfall.site,
        "--period",
        "2025-03",
        "--where",
        "country=DE",
        "--format",
        "table",
    ).stdout
    assert "are left out: they cannot be filtered." in " ".join(shown.split())

    code, counts, said = imported(footfall, path)  # again: nothing counts twice
    assert (code, counts["stored"], counts["duplicates"]) == (0, "0", "19")
    assert "was imported on" in said
    assert report(footfall, "overview")[0][0]["visits"] == 5

    runs = json.loads(footfall("import", "list", "--limit", "0", "--format", "json").stdout)
    first = next(run for run in runs if run["site"] == footfall.site and run["stored"] == 19)
    assert (first["first"], first["last"], first["state"]) == ("2025-03-01", "2025-03-02", "done")
    dry = footfall("import", "undo", first["import"], "--dry-run")
    assert "daily totals" in dry.stdout + dry.stderr
    undone = footfall("import", "undo", first["import"], "--yes")
    assert undone.returncode == 0, undone.stderr
    assert [report(footfall, name)[0] for name in ("overview", "sources", "timeseries")] == before
    assert footfall("import", "show", first["import"]).stdout.count("undone") >= 1
    assert imported(footfall, path)[1]["stored"] == "19"  # it can be imported again


def test_days_that_are_there_are_not_replaced(footfall, tmp_path):
    name = "imported_visitors_20250301_20250302.csv"
    assert imported(footfall, archive(tmp_path, {name: FILES[name]}))[1]["stored"] == "2"
    longer = FILES[name].replace("2025-03-01,3", "2025-03-01,9") + "2025-03-03,5,5,5,5,5\n"
    assert imported(footfall, archive(tmp_path, {name: longer}))[1] == {
        "rows": "3", "totals": "3", "stored": "1", "duplicates": "2",
    }  # fmt: skip
    assert report(footfall, "overview")[0][0]["visitors"] == 3 + 1 + 5


def test_a_file_without_a_good_row(footfall, tmp_path):
    path = tmp_path / "imported_visitors.csv"
    path.write_text("date,visitors,pageviews,bounces,visits,visit_duration\nsoon,1,1,1,1,1\n")
    code, counts, said = imported(footfall, path)
    assert (code, counts["malformed"]) == (1, "1")
    assert "imported_visitors.csv:2: not a day: 'soon'" in said
    code, _, said = imported(footfall, tmp_path / "absent.zip")
    assert (code, "absent.zip" in said) == (2, True)

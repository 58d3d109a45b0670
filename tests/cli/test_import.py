"""``footfall import access-log`` from end to end: files in, figures out."""

from __future__ import annotations

import bz2
import datetime as dt
import gzip
import json
import lzma
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
import typer
import zstandard
from typer.testing import CliRunner, Result

from aggregations.query.filters import EXCLUDE_BOTS, Filter
from aggregations.query.periods import Period
from aggregations.query.sites import SiteRow, find
from aggregations.reports.overview import overview
from aggregations.reports.ranked import RANKED
from bench.traffic import Traffic
from cli import import_
from cli.main import root
from collector.imports.layouts.table import LAYOUTS
from collector.imports.log_files import LogFile
from collector.sites.registry import Site
from collector.sites.snapshot import publish
from sql.client import opened
from sql.core.data_dir import DataDir
from sql.core.errors import SchemaError, UsageError
from sql.engine.server import alongside
from sql.schema import migrate

ALL = Filter(include_bots=True)
MAY_2015 = Period(dt.date(2015, 5, 1), dt.date(2015, 5, 31), "UTC")
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
SITES = (
    "whole.example",
    "twice.example",
    "gzip.example",
    "zstd.example",
    "bzip2.example",
    "xz.example",
    "stdin.example",
    "parts.example",
    "cut.example",
    "stop.example",
    "made.example",
    "follow.example",
    "shop.example",
)

PACK = {
    "gzip": gzip.compress,
    "zstd": zstandard.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "stdin": lambda plain: plain,
}

Run = Callable[..., Result]


def add_sites(home: DataDir, url: str) -> None:
    with opened(url) as client:
        migrate.apply(client)
        now = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
        rows = [[number, domain, "UTC", now, now] for number, domain in enumerate(SITES, 1)]
        names = ["site_id", "domain", "timezone", "created_at", "updated_at"]
        client.insert("sites", rows, column_names=names)
    publish(home.sites_file, [Site(number, domain, "UTC") for number, domain in enumerate(SITES, 1)])


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DataDir]:
    """A data directory with sites, its engine running."""
    made = DataDir(tmp_path_factory.mktemp("data")).make()
    with alongside(made):
        add_sites(made, f"chdb://{made.root}")
        yield made


@pytest.fixture(scope="module")
def run(home: DataDir) -> Run:
    return runner(home)


def runner(home: DataDir) -> Run:
    app = typer.Typer()
    app.callback()(root)
    app.add_typer(import_.app, name="import")

    def invoke(*arguments: str, stdin: bytes | None = None) -> Result:
        given = ["--data-dir", str(home.root), "import", "access-log", *arguments]
        return CliRunner().invoke(app, given, input=stdin)

    return invoke


def counted(result: Result) -> dict[str, int]:
    assert result.exit_code == 0, result.output + repr(result.exception)
    return {row["what"]: row["count"] for row in json.loads(result.stdout)}


@pytest.fixture(scope="module")
def real_log(shared_data: Path) -> Path:
    return shared_data / "access-logs" / "apache-2015.log"


# An independent reading of the log and of the definitions, in plain Python.
FIELDS = re.compile(r'^(\S+) \S+ \S+ \[(\d+)/(\w+)/(\d+):(\d+):(\d+):(\d+) \+0000\] "(.*?)" (\d+) \S+ "(.*?)" "(.*)"$')
NO_PAGES = re.compile(
    r"\.(css|js|png|jpe?g|gif|svg|ico|ttf|woff|pdf|xml|xsl|txt|gz|jar|exe|deb|swf|doc)$|/(feed|rss|atom)/?$",
    re.IGNORECASE,
)


def independent(path: Path) -> tuple[Counter[str], int]:
    """Page views by path, and the number of visits."""
    pages: Counter[str] = Counter()
    seen: dict[tuple[str, str], list[float]] = {}
    for text in path.read_text("utf-8", "replace").split("\n"):
        found = FIELDS.match(text)
        if found is None:
            continue
        address, day, month, year, hour, minute, second, request, status, _, agent = found.groups()
        method, target, *_ = [*request.split(" "), "", ""]
        path_only = target.split("?")[0]
        if method != "GET" or not (status.startswith("2") or status == "304") or NO_PAGES.search(path_only):
            continue
        pages[path_only] += 1
        at = dt.datetime(
            int(year), MONTHS.index(month) + 1, int(day), int(hour), int(minute), int(second), tzinfo=dt.UTC
        )
        seen.setdefault((address, agent), []).append(at.timestamp())
    visits = 0
    for times in seen.values():
        began = last = float("-inf")
        for at_seconds in sorted(times):
            if at_seconds - last > 1800 or at_seconds - began > 86_400:
                visits += 1
                began = at_seconds
            last = at_seconds
    return pages, visits


def reported(
    home: DataDir, domain: str, period: Period = MAY_2015, only: Filter = ALL
) -> tuple[int, int, dict[str, int]]:
    """Page views, visits and views by page, as the reports say."""
    with opened(f"chdb://{home.root}") as client:
        site: SiteRow = find(client, domain)
        head = overview(client, site, period, only)
        pages = RANKED["pages"].rows(client, site, period, only, limit=0)
    return head["pageviews"][0], head["visits"][0], dict(zip(pages["page"], pages["pageviews"], strict=True))


def test_real_log_is_reported_as_an_independent_count_says(home: DataDir, run: Run, real_log: Path) -> None:
    counts = counted(run(str(real_log), "--site", "whole.example"))
    pages, visits = independent(real_log)
    assert counts["page_views"] == counts["stored"] == pages.total()
    assert counts["duplicates"] == 0
    assert counts["lines"] == 10_000
    assert reported(home, "whole.example") == (pages.total(), visits, dict(pages))


def test_generated_traffic_is_reported_as_it_was_made(home: DataDir, run: Run, tmp_path: Path) -> None:
    until = dt.datetime(2025, 6, 30, tzinfo=dt.UTC)
    traffic = Traffic(seed=11, until=until, days=4, visits=2500, site="made.example")
    path = tmp_path / "made.log"
    path.write_text("".join(f"{line}\n" for line in traffic.lines()))
    counted(run(str(path), "--site", "made.example"))
    seen: dict[tuple[str, str], list[int]] = {}
    pages: Counter[str] = Counter()
    for visit in traffic.visits():
        times = seen.setdefault((visit.person.address, visit.person.agent.text), [])
        times += [int(step.at) for step in visit.steps]
        pages.update(step.path.partition("?")[0] for step in visit.steps)
    visits = sum(1 + sum(after - before > 1800 for before, after in pairwise(sorted(times))) for times in seen.values())
    june = Period(dt.date(2025, 6, 1), dt.date(2025, 6, 30), "UTC")
    assert reported(home, "made.example", june, EXCLUDE_BOTS) == (pages.total(), visits, dict(pages))
    assert reported(home, "made.example", june, ALL)[0] > pages.total()


def test_same_file_twice_counts_once(home: DataDir, run: Run, real_log: Path) -> None:
    first = counted(run(str(real_log), "-s", "twice.example"))
    before = reported(home, "twice.example")
    again = counted(run(str(real_log), "-s", "twice.example"))
    assert (again["stored"], again["duplicates"]) == (0, first["stored"])
    both = counted(run(str(real_log), str(real_log), "-s", "twice.example"))
    assert (both["stored"], both["page_views"]) == (0, 2 * first["stored"])
    assert reported(home, "twice.example") == before


@pytest.mark.parametrize("kind", ["gzip", "zstd", "bzip2", "xz", "stdin"])
def test_packed_and_piped_give_the_same(home: DataDir, run: Run, real_log: Path, tmp_path: Path, kind: str) -> None:
    data = real_log.read_bytes()
    packed = PACK[kind](data)
    path = tmp_path / "log"
    path.write_bytes(packed)
    site = f"{kind}.example"
    if kind == "stdin":
        counts = counted(run("-", "--site", site, stdin=packed))
    else:
        counts = counted(run(str(path), "--site", site))
    pages, visits = independent(real_log)
    assert counts["stored"] == pages.total()
    assert reported(home, site) == (pages.total(), visits, dict(pages))


def test_a_named_pipe_gives_the_same(home: DataDir, run: Run, real_log: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(gzip.compress(real_log.read_bytes())))
    writer.start()
    counts = counted(run(str(pipe), "--site", "whole.example", "--dry-run"))
    writer.join()
    assert counts["lines"] == 10_000
    assert counts["page_views"] == independent(real_log)[0].total()


def test_rotated_parts_that_overlap_in_any_order_give_the_same(
    home: DataDir, run: Run, real_log: Path, tmp_path: Path
) -> None:
    lines = real_log.read_bytes().splitlines(keepends=True)
    parts = [(6000, 10_000), (0, 3000), (2500, 6500)]
    for number, (first, last) in enumerate(parts):
        path = tmp_path / f"access.log.{number}"
        path.write_bytes(b"".join(lines[first:last]))
        counted(run(str(path), "--site", "parts.example"))
    pages, visits = independent(real_log)
    assert reported(home, "parts.example") == (pages.total(), visits, dict(pages))


def test_dry_run_writes_nothing_and_says_would(home: DataDir, run: Run, real_log: Path) -> None:
    files = {path for path in home.root.rglob("*") if "engine" not in path.parts[len(home.root.parts)]}
    result = run(str(real_log), "--site", "cut.example", "--dry-run", "--format", "table")
    assert result.exit_code == 0
    assert result.stdout.startswith("Would be imported")
    assert re.search(r"page_views +3,?\d{3}", result.stdout)
    assert "stored" not in result.stdout
    assert {path for path in home.root.rglob("*") if "engine" not in path.parts[len(home.root.parts)]} == files
    assert reported(home, "cut.example")[0] == 0


def test_bad_lines_are_shown_with_their_numbers_and_stop_nothing(run: Run, tmp_path: Path) -> None:
    good = b'192.0.2.1 - - [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 5 "-" "Mozilla/5.0"\n'
    path = tmp_path / "odd.log"
    path.write_bytes(good + b"nonsense\n" * 30 + good)
    result = run(str(path), "--site", "cut.example", "--dry-run")
    assert counted(result) == {"lines": 32, "page_views": 2, "bad_line": 30}
    assert f"{path}:2: not a line of an access log: it has no [17/May/2015:10:05:03 +0000]\n" in result.stderr
    assert "… and 10 more unreadable lines" in result.stderr


def test_a_file_in_which_nothing_is_understood_fails(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "mail.log"
    path.write_bytes(b"Nov  1 host postfix: hello\n\n" * 30)
    result = run(str(path), "--site", "cut.example", "--dry-run")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith(
        f"footfall: {path} is not an access log: none of its 60 lines is readable\n  line 1: "
    )
    assert result.stderr.count("\n  line ") == 3
    assert "supported formats: combined, common, vhost, json, w3c" in result.stderr


def test_torn_archive_keeps_what_is_there_goes_on_and_fails_at_the_end(home: DataDir, run: Run, tmp_path: Path) -> None:
    text = '192.0.2.1 - - [17/May/2015:10:05:%02d +0000] "GET /%s HTTP/1.1" 200 5 "-" "Mozilla/5.0 Firefox/9"\n'
    torn, whole = tmp_path / "torn.gz", tmp_path / "whole.log"
    lines = "".join(text % (number % 60, number) for number in range(5000))
    torn.write_bytes(gzip.compress(lines.encode())[:-30])
    whole.write_text(text % (1, "last"))
    result = run(str(torn), str(whole), "--site", "cut.example")
    assert result.exit_code == 1
    assert "torn.gz ends early" in result.stderr
    pageviews, _, pages = reported(home, "cut.example")
    assert pages["/last"] == 1
    assert 4000 < pageviews <= 5001


def test_interrupt_says_what_is_safe_and_the_next_import_brings_the_rest(
    home: DataDir, run: Run, real_log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "access.log"
    template = '192.0.2.1 - - [18/May/2015:%02d:%02d:%02d +0000] "GET /p HTTP/1.1" 200 5 "-" "Firefox"\n'
    path.write_text("".join(template % (n // 3600, n // 60 % 60, n % 60) for n in range(15_000)))
    lines = LogFile.lines

    def interrupted(file: LogFile, limit: int, on_read: Callable[[], None]) -> Iterator[bytes]:
        yield from lines(file, limit, on_read)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(LogFile, "lines", interrupted)
        result = run(str(path), "--site", "stop.example")
    assert result.exit_code != 0
    assert "interrupted; 10,000 events are safe in the spool" in result.stderr
    counts = counted(run(str(path), "--site", "stop.example"))
    assert counts["page_views"] == 15_000
    assert reported(home, "stop.example")[0] == 15_000


def test_slips_are_told_before_anything_is_read(run: Run, real_log: Path, tmp_path: Path) -> None:
    missing = run(str(real_log), str(tmp_path / "nothing.log"), "--site", "cut.example")
    assert isinstance(missing.exception, UsageError)
    assert "no such file" in missing.exception.message
    unknown = run(str(real_log), "--site", "nobody.example")
    assert isinstance(unknown.exception, UsageError)
    assert "no site nobody.example" in unknown.exception.message


GOOD = '192.0.2.1 - - [17/May/2015:10:05:%02d +0000] "GET /%s HTTP/1.1" 200 5 "-" "Mozilla/5.0 Firefox/9"\n'


def test_following_loads_as_it_reads_and_ends_with_a_summary(home: DataDir, tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    command = [sys.executable, "-m", "cli.main", "--data-dir", str(home.root), "import", "access-log", str(path)]
    with subprocess.Popen(
        [*command, "--follow", "--site", "follow.example"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        try:
            path.write_text("".join(GOOD % (second, "a") for second in range(10)))
            await_pages(home, {"/a": 10})
            path.rename(tmp_path / "access.log.1")
            path.write_text(GOOD % (30, "b") + "nonsense\n" + GOOD % (30, "b"))
            await_pages(home, {"/a": 10, "/b": 2})
            with path.open("a") as file:
                file.write(GOOD % (31, "c"))
            await_pages(home, {"/a": 10, "/b": 2, "/c": 1})
        finally:
            child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=60)
    assert child.returncode == 0, err
    counts = {row["what"]: row["count"] for row in json.loads(out)}
    assert counts == {"lines": 14, "page_views": 13, "bad_line": 1, "stored": 13, "duplicates": 0}
    assert f"{path}:2: not a line of an access log" in err
    assert "Traceback" not in err


def await_pages(home: DataDir, pages: dict[str, int]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if (found := reported(home, "follow.example")[2]) == pages:
            return
    raise AssertionError(found)


def test_following_standard_input_ends_with_it(home: DataDir) -> None:
    command = [sys.executable, "-m", "cli.main", "--data-dir", str(home.root), "import", "access-log", "-", "-F"]
    text = "".join(GOOD % (second, "a") for second in range(10))
    done = subprocess.run(
        [*command, "--site", "follow.example", "--dry-run"], input=text, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [{"what": "lines", "count": 10}, {"what": "page_views", "count": 10}]


def test_formats_are_listed_with_examples_that_are_read(home: DataDir, tmp_path: Path) -> None:
    app = typer.Typer()
    app.callback()(root)
    app.add_typer(import_.app, name="import")
    done = CliRunner().invoke(app, ["import", "formats", "--format", "json"])
    rows = json.loads(done.stdout)
    assert [row["name"] for row in rows] == list(LAYOUTS)
    table = CliRunner().invoke(app, ["import", "formats", "--format", "table"], env={"COLUMNS": "80"})
    assert max(map(len, table.stdout.splitlines())) <= 80
    run = runner(home)
    for row in rows:
        path = tmp_path / row["name"]
        path.write_text(row["example"] + "\n")
        counts = counted(run(str(path), "--site", "shop.example", "--any-host", "--dry-run"))
        assert counts["page_views"] == 1, row["name"]


def test_a_format_string_a_zone_and_the_forwarded_address(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "own.log"
    path.write_text("10.0.0.1|2015-05-17 10:05:03|GET /a HTTP/1.1|200|203.0.113.9\n" * 2)
    own = "$remote_addr|$time_iso8601|$request|$status|$http_x_forwarded_for"
    options = ("--site", "cut.example", "--dry-run", "--log-format", own, "--log-timezone", "Europe/Paris")
    assert counted(run(str(path), *options, "--client-address", "forwarded"))["page_views"] == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--log-format", "nginx"), "there is no log format nginx"),
        (("--log-format", "$remote_addr"), "the log format misses $time_local or %t"),
        (("--log-timezone", "Mars/Base"), "there is no time zone Mars/Base"),
        (("--follow",), "cannot follow"),
    ],
)
def test_slips_in_options_are_told(run: Run, tmp_path: Path, options: tuple[str, ...], message: str) -> None:
    path = tmp_path / "packed.gz"
    path.write_bytes(gzip.compress(b"x"))
    result = run(str(path), "--site", "cut.example", "--dry-run", *options)
    assert isinstance(result.exception, UsageError)
    assert message in result.exception.message
    assert result.exception.hint


@pytest.mark.process
def test_works_where_nothing_runs_and_leaves_nothing_running(tmp_path: Path) -> None:
    home = DataDir(tmp_path / "data").make()
    path = tmp_path / "log"
    path.write_bytes(b'192.0.2.1 - - [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 5 "-" "Mozilla/5.0"\n')
    publish(home.sites_file, [Site(1, "whole.example", "UTC")])
    early = runner(home)(str(path), "--site", "whole.example")
    assert isinstance(early.exception, SchemaError)
    add_sites(home, f"chdb://{home.root}")
    assert counted(runner(home)(str(path), "--site", "whole.example"))["stored"] == 1
    assert not home.engine_file.exists()
    assert reported(home, "whole.example") == (1, 1, {"/a": 1})

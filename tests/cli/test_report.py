"""``footfall report``, ``query`` and ``funnel`` as a person runs them, with a running engine and without."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys

import polars as pl
import pytest

from cli import funnel, report
from sql.client import EngineEndpoint
from sql.core.data_dir import DataDir

GIVEN = """
insert into events (
    site_id, local_date, visitor_id, timestamp, visit_id, visit_start, visit_date, event_id,
    name, interactive, path, source, channel, utm_campaign, country, device, browser, os, bot
)
with
    intDiv(number, 3) as visit,
    toDateTime64('2026-10-24 20:00:00', 3, 'UTC') + toIntervalMinute(number * 7) as time,
    time - toIntervalMinute(number % 3 * 7) as start
select
    1, toDate(time, 'Europe/Berlin'), visit, time, visit + 1, start, toDate(start, 'Europe/Berlin'),
    generateUUIDv4(number), if(number % 3 = 2, 'signup', 'page_view'), number % 3 = 2,
    concat('/', toString(number % 4)), ['Google', ''][1 + visit % 2], 'Organic Search',
    ['spring', ''][1 + visit % 2], 'DE', 'desktop', 'Firefox', 'Linux', visit % 10 = 9
from numbers(300)
"""
SITE = (
    "insert into sites (site_id, domain, timezone, updated_at) "
    "values (1, 'shop.example', 'Europe/Berlin', 1), (2, 'blog.example', 'Asia/Kolkata', 1)"
)
# Fills a data directory, in a process of its own: this one must not load the engine.
FILL = f"""
import sys
from sql.schema import migrate
from sql.client import opened
with opened(sys.argv[1]) as client:
    migrate.apply(client)
    client.command({SITE!r})
    client.command({GIVEN!r})
"""
FOOTFALL = (sys.executable, "-m", "cli.main")
OCTOBER = ("--site", "shop.example", "--period", "2026-10")
COMMANDS = ["overview", "timeseries", "campaigns", *(name for name in report.RANKED if name != "detected")]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A data directory with two sites and a hundred visits of one."""
    made = DataDir(tmp_path_factory.mktemp("report"))
    subprocess.run([sys.executable, "-c", FILL, f"chdb://{made.root}"], check=True, timeout=120)
    return made


@pytest.fixture(scope="module")
def alone(home):
    """Answers without an engine, all asked before one runs: command line -> standard output."""
    asked = [
        ("report", "overview", *OCTOBER, "--format", "parquet"),
        (
            "report",
            "timeseries",
            "--by",
            "hour",
            "--site",
            "shop.example",
            "--period",
            "2026-10-25",
            "-f",
            "parquet",
        ),
        ("report", "sources", *OCTOBER, "--format", "parquet"),
        ("report", "events", *OCTOBER, "--raw", "--format", "parquet"),
        ("query", "select * except (event_id) from events order by timestamp limit 3", "--format", "parquet"),
    ]
    answers = {}
    for line in asked:
        done = subprocess.run([*FOOTFALL, "--data-dir", str(home.root), *line], capture_output=True, timeout=120)
        assert (done.returncode, done.stderr) == (0, b"")
        answers[line] = done.stdout
    return answers


@pytest.fixture(scope="module")
def running(home, alone):
    """An engine on the same directory, once ``alone`` has asked."""
    from sql.engine.server import await_ready

    child = subprocess.Popen([sys.executable, "-m", "sql.engine.server", str(home.root)])
    await_ready(home, 90, lambda: child.poll() is None)
    yield EngineEndpoint.read(home)
    child.terminate()
    child.wait(30)


@pytest.fixture
def footfall(home, running, command):
    """``footfall(*args)`` runs the command in this process: exit code, stdout, stderr."""

    def run(*args: str, stdin: bytes = b"") -> tuple[int, bytes, bytes]:
        done = command("--data-dir", home.root, *args, stdin=stdin, NO_COLOR="1")
        return done.returncode, done.output, done.stderr.encode()

    return run


def test_figures(footfall):
    code, out, err = footfall("report", "overview", *OCTOBER)
    assert (code, err) == (0, b"")
    now = json.loads(out)[0]
    # 300 events, 3 a visit and visitor; every tenth visit is a bot's.
    assert {name: now[name] for name in ("visitors", "visits", "pageviews", "bounce_rate", "visit_duration")} == {
        "visitors": 90,
        "visits": 90,
        "pageviews": 180,
        "bounce_rate": 0.0,
        "visit_duration": 840.0,
    }
    everyone = json.loads(footfall("report", "overview", *OCTOBER, "--include-bots")[1])[0]
    assert (everyone["visitors"], everyone["visits"], everyone["pageviews"]) == (100, 100, 200)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_report_in_every_format(footfall, name):
    answers = {fmt: footfall("report", name, *OCTOBER, "--format", fmt) for fmt in ("table", "json", "csv", "parquet")}
    assert {(code, err) for code, _, err in answers.values()} == {(0, b"")}
    rows = json.loads(answers["json"][1])
    assert rows
    assert pl.read_csv(io.BytesIO(answers["csv"][1])).columns == list(rows[0])
    assert pl.read_parquet(io.BytesIO(answers["parquet"][1])).height == len(rows)
    assert all(len(line) <= 80 for line in answers["table"][1].decode().splitlines())
    assert footfall("report", name, *OCTOBER, "--raw")[1] == answers["json"][1]


def test_without_an_engine_the_same_columns_types_and_figures(footfall, alone):
    for line, answer in alone.items():
        code, out, err = footfall(*line)
        assert (code, err) == (0, b"")
        got, before = pl.read_parquet(io.BytesIO(out)), pl.read_parquet(io.BytesIO(answer))
        assert got.schema == before.schema
        assert got.equals(before), line
        assert got.height > 0


def test_a_hand_of_options(footfall, tmp_path):
    path = tmp_path / "pages.csv"
    code, out, err = footfall("report", "pages", *OCTOBER, "--limit", "2", "--output", str(path))
    assert (code, out, err) == (0, b"", b"")
    assert path.read_text() == "page,visitors,pageviews\n/0,45,45\n/1,45,45\n"
    tags = json.loads(footfall("report", "campaigns", *OCTOBER)[1])
    assert [(row["utm_campaign"], row["visits"]) for row in tags] == [("spring", 50)]
    assert footfall("report", "campaigns", *OCTOBER, "--tag", "utm_medium")[1] == b"[]\n"
    hours = json.loads(footfall("report", "timeseries", "-s", "shop.example", "-p", "2026-10-25", "--by", "hour")[1])
    assert len(hours) == 25
    every = json.loads(footfall("report", "timeseries", "-s", "shop.example", "-p", "all")[1])
    assert every[0]["day"] == "2026-10-24"


@pytest.mark.parametrize(
    ("args", "line"),
    [
        (
            ("report", "overview"),
            b"footfall: there are several sites\n  \xe2\x86\x92 --site blog.example, shop.example\n",
        ),
        (("report", "pages", "-s", "shop.exampel"), b"footfall: no site shop.exampel\n"),
        (("report", "systems", "-s", "shop.example", "-p", "2026-02-30"), b"footfall: no such date: 2026-02-30\n"),
        (("report", "systems", "-s", "shop.example", "-p", "lately"), b"footfall: not a period: 'lately'\n"),
        (("report", "funnel", "x", "-s", "shop.example"), b"footfall: there is no funnel 'x'\n"),
        (("report", "timeseries", "-s", "shop.example", "-p", "2026", "--by", "hour"), b"footfall: "),
        (("funnel", "add", "x", "a", "-s", "shop.example"), b"footfall: a funnel has 2 to 8 steps, not 1\n"),
        (("funnel", "add", "x", "a", "b", "--window", "1y"), b"footfall: not a window: '1y'\n"),
        (("query", " "), b"footfall: no SQL\n"),
    ],
)
def test_wrong_requests_are_one_line_and_exit_2(footfall, args, line):
    code, out, err = footfall(*args)
    assert (code, out) == (2, b"")
    assert err.startswith(line)
    assert err.count(b"\n") <= 2


@pytest.mark.parametrize("group", [report.app, funnel.app], ids=["report", "funnel"])
def test_every_help_ends_with_an_example(group):
    for command in group.registered_commands:
        assert command.epilog is not None
        assert command.epilog.startswith("Example: footfall ")
        assert (command.help or command.callback.__doc__ or "").strip()


def test_help_is_quick_because_nothing_heavy_is_imported():
    check = (
        "import sys; from cli import funnel, query, report; "
        "print(*[m for m in ('polars', 'rich', 'clickhouse_connect', 'chdb', 'pyarrow') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == ""


def test_funnels_from_definition_to_removal(footfall):
    where = ("--site", "shop.example")
    steps = ("/0", "/1", "signup")
    assert footfall("funnel", "add", "start", *steps, *where, "--dry-run")[2].startswith(b"would add funnel start")
    assert footfall("funnel", "list", *where)[1] == b"[]\n"
    added = footfall("funnel", "add", "start", *steps, *where, "--window", "36h", "--exclude", "/x/*")
    said = "added funnel start of shop.example (/0 → /1 → signup, within 36h, without /x/*)\n"
    assert added[::2] == (0, said.encode())
    assert json.loads(footfall("funnel", "list", *where)[1]) == [
        {"funnel": "start", "definition": "/0 \u2192 /1 \u2192 signup, within 36h, without /x/*", "version": 1}
    ]  # fmt: skip
    rows = json.loads(footfall("report", "funnel", "start", *OCTOBER)[1])
    # Visit v sees the pages 3v % 4 and (3v + 1) % 4: half of the visits see /0, five of them bots; a quarter,
    # none of them bots, goes on to /1.
    assert [row["visitors"] for row in rows] == [45, 25, 25]
    assert footfall("report", "funnel", "start", *OCTOBER, "-f", "table")[1].decode().splitlines()[0] == (
        "Funnel start · shop.example · 2026-10-01 to 2026-10-31"
    )
    assert footfall("funnel", "remove", "start", *where)[0] == 2
    assert footfall("funnel", "remove", "start", *where, "--dry-run")[2].startswith(b"would remove")
    assert footfall("funnel", "remove", "start", *where, "--yes")[2].startswith(b"removed funnel start")
    assert footfall("funnel", "remove", "start", *where, "--yes")[0] == 2


def test_options_of_a_report_override_the_funnel(footfall):
    where = ("--site", "shop.example")
    assert footfall("funnel", "add", "turn", "/0", "/1", *where, "--order", "any")[0] == 0

    def reached(*more):
        return [row["visitors"] for row in json.loads(footfall("report", "funnel", "turn", *OCTOBER, *more)[1])]

    both = reached()
    assert both[0] > both[1] > 0
    assert reached("--order", "ordered") == [45, 25]
    assert reached("--order", "ordered", "--window", "1s") == [45, 0]
    assert reached("--order", "ordered", "--exclude", "page_view") == [0, 0]
    assert reached("--order", "ordered", "--include-bots") == [50, 25]
    assert reached("--order", "ordered", "--segment", "page=/1") == [25, 25]
    table = footfall(
        "report", "funnel", "turn", *OCTOBER, "--order", "ordered", "--by", "page", "-n", "0", "-f", "table"
    )
    assert "Page" in table[1].decode()
    rows = json.loads(footfall("report", "funnel", "turn", *OCTOBER, "--by", "page", "--limit", "1")[1])
    assert [row["step"] for row in rows] == [1, 2]
    assert len({row["page"] for row in rows}) == 1
    said = footfall("report", "funnel", "turn", *OCTOBER, "--by", "page", "--limit", "1", "-f", "table")[1].decode()
    assert "1 more value; add --limit 0 to show all." in said
    assert footfall("funnel", "remove", "turn", *where, "--yes")[0] == 0


def test_a_funnel_like_other_reports(footfall, tmp_path):
    """Compared, sorted, explained, and as a query."""
    where = ("--site", "shop.example")
    assert footfall("funnel", "add", "again", "/0", "/1", "signup", *where)[0] == 0
    words = ("funnel", "again", *OCTOBER, "--by", "page", "--compare", "2026-09", "--sort", "from_first:asc")
    rows = asked(footfall, *words, "--window", "1h")
    assert {row["page"] for row in rows} == {"/0"}
    assert [row["visitors"] for row in rows] == [45, 25, 25]
    assert {row["visitors_previous"] for row in rows} == {0}
    code, text, _ = footfall("report", *words, "--window", "1h", "--as-json")
    assert code == 0
    assert json.loads(text)["funnel"] == {"name": "again", "window": 3600}
    (tmp_path / "funnel.json").write_bytes(text)
    assert asked(footfall, "query", str(tmp_path / "funnel.json")) == rows
    code, out, err = footfall("report", *words, "--explain", "--format", "table")
    said = err.decode()
    assert "Visitors at a step, divided by visitors at the first step." in said
    assert "steps of again: from events (raw events)" in said
    assert "  names = ['page_view', 'page_view', 'signup']" in said
    table = out.decode().splitlines()
    assert "before: 2026-09-01 to" in table[0]
    assert max(map(len, table)) <= 80
    assert table[2].split() == ["Page", "Event", "Visitors", "Change", "From", "first", "Before"]
    refused = footfall("report", "funnel", "again", *OCTOBER, "--sort", "visitors")
    assert refused[0] == 2 and b"name one" in refused[2]
    assert footfall("funnel", "remove", "again", *where, "--yes")[0] == 0


@pytest.mark.parametrize("name", ["exit-pages", "detected"])
def test_what_other_reports_can_do(footfall, tmp_path, name):
    words = (name, *OCTOBER, "--compare", "2026-09", "--where", "device=desktop", "--sort", "visitors:asc")
    rows = asked(footfall, *words)
    code, text, _ = footfall("report", *words, "--as-json")
    assert code == 0
    (tmp_path / "question.json").write_bytes(text)
    assert len(asked(footfall, "query", str(tmp_path / "question.json"))) == len(rows)
    assert footfall("report", *words, "--sample", "0.5", "--explain")[0] == 0
    if name == "exit-pages":
        assert {"page", "exits", "pageviews", "exit_rate", "pageviews_previous", "exit_rate_change"} <= rows[0].keys()
        assert [row["visitors"] for row in rows] == sorted(row["visitors"] for row in rows)


def test_query(footfall):
    code, out, err = footfall("query", "select name, count() as n from events group by name order by name")
    assert (code, json.loads(out), err) == (
        0,
        [{"name": "page_view", "n": 200}, {"name": "signup", "n": 100}],
        b"",
    )
    assert footfall("query", "-", "--format", "csv", stdin=b"select 1 as a; \n") == (0, b"a\n1\n", b"")
    assert footfall("query", "select 1 as a format TSVWithNames") == (0, b"a\n1\n", b"")
    assert footfall("query", "drop table if exists nothing_such") == (0, b"", b"ok\n")
    assert footfall("query", "select 1 as a where 0", "--format", "table") == (0, b"no rows\n", b"")
    code, out, err = footfall("query", "selec 1")
    assert (code, out) == (1, b"")
    assert err.startswith(b"footfall: Syntax error")


def test_several_statements_in_process_are_one_line(tmp_path):
    line = [*FOOTFALL, "--data-dir", str(tmp_path), "query", "select 1; select 2"]
    done = subprocess.run(line, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "footfall: one statement at a time\n  → run several with one `footfall query` each\n"


def test_a_table_on_a_terminal_and_json_in_a_pipe(home, running):
    """Through a pseudo-terminal, as a person sees it: 80 columns and colour."""
    import pty

    leader, follower = pty.openpty()
    line = [*FOOTFALL, "--data-dir", str(home.root), "report", "overview", *OCTOBER]
    environment = {**os.environ, "COLUMNS": "80", "TERM": "xterm-256color"}
    environment.pop("NO_COLOR", None)
    child = subprocess.Popen(line, stdout=follower, stderr=subprocess.PIPE, env=environment)
    os.close(follower)
    seen = b""
    try:
        while chunk := os.read(leader, 65536):
            seen += chunk
    except OSError:  # Linux says so when the other end is closed
        pass
    assert child.wait(60) == 0
    assert "Overview · shop.example · 2026-10-01 to 2026-10-31".encode() in seen
    assert b"\x1b[" in seen
    piped = subprocess.run(line, capture_output=True, env=environment, timeout=60, check=True)
    assert json.loads(piped.stdout)[0]["visits"] == 90


def asked(footfall, *words):
    code, out, err = footfall("report", *words)
    assert code == 0, err
    return json.loads(out)


def test_a_filter_keeps_what_it_says(footfall):
    [whole] = asked(footfall, "overview", *OCTOBER, "--compare", "none")
    parts = [
        asked(footfall, "overview", *OCTOBER, "--compare", "none", "--where", condition)[0]["visits"]
        for condition in ("entry_page=/0", "entry_page!=/0")
    ]
    assert sum(parts) == whole["visits"] and all(parts)
    both = asked(footfall, "overview", *OCTOBER, "--compare", "none", "-w", "entry_page=/0", "-w", "entry_page!=/0")
    assert both[0]["visits"] == 0


def test_any_dimension(footfall):
    rows = asked(footfall, "breakdown", "entry_page", "time:month", "-m", "visits", *OCTOBER, "-n", "0")
    [whole] = asked(footfall, "overview", *OCTOBER, "--compare", "none")
    assert {row["month"] for row in rows} == {"2026-10-01"}
    assert sum(row["visits"] for row in rows) == whole["visits"]


def test_a_question_as_json_gives_the_same_rows(footfall, tmp_path):
    words = ("pages", *OCTOBER, "--where", "page^=/", "--sort", "page:asc", "--limit", "3")
    code, text, _ = footfall("report", *words, "--as-json")
    assert code == 0
    (tmp_path / "question.json").write_bytes(text)
    assert json.loads(text)["where"] == ["page", "starts_with", ["/"]]
    rows = asked(footfall, *words)
    assert asked(footfall, "query", str(tmp_path / "question.json")) == rows
    assert [row["page"] for row in rows] == sorted(row["page"] for row in rows)


def test_compared(footfall):
    rows = asked(footfall, "browsers", *OCTOBER, "--compare", "2026-09")
    assert {"visitors", "visitors_previous", "visitors_change"} <= rows[0].keys()
    assert {row["visitors_previous"] for row in rows} == {0}
    assert {row["visitors_change"] for row in rows} == {None}


def test_weeks_say_which_are_partial(footfall):
    rows = asked(footfall, "timeseries", *OCTOBER, "--by", "week")
    assert (rows[0]["week"], rows[0]["partial"]) == ("2026-09-28", True)
    assert [row["partial"] for row in rows] == [True, False, False, False, True]


def test_explained(footfall):
    code, out, err = footfall("report", "pages", *OCTOBER, "--where", "country=FR", "--explain")
    assert code == 0
    json.loads(out)
    said = err.decode() if isinstance(err, bytes) else err
    assert "Distinct visitors with at least one event." in said
    assert "not from daily_pages: it has no rows of visits" in said
    assert "from events (raw events)" in said
    assert "['FR']" in said
    assert "rows, " in said


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("pages", "--where", "contry=FR"), "did you mean country?"),
        (("pages", "--where", "country"), "expected one of"),
        (("pages", "--sort", "bounce_rate"), "by one of: visitors, pageviews, page"),
        (("pages", *OCTOBER, "--compare", "soon"), "not a period"),
        (("pages", "--sample", "3"), "such as 0.1"),
        (("breakdown", "page", "-m", "bounce_rate"), "exit_page instead of page"),
        (("breakdown", "nope"), "footfall dimensions"),
        (("query", "no-such-file.json"), "cannot read no-such-file.json"),
    ],
)
def test_refused_in_a_line(footfall, words, says):
    code, out, err = footfall("report", *words)
    said = err.decode() if isinstance(err, bytes) else err
    assert (code, out) == (2, b"")
    assert says in said
    assert said.startswith("footfall: ") and len(said.splitlines()) <= 2


def test_names_are_bound_not_written(footfall):
    """A property may have any name."""
    name = "props.x'); drop table events; --"
    assert asked(footfall, "breakdown", name, *OCTOBER)[0][name] == ""


def test_the_catalogue(command):
    listed = json.loads(command("metrics").stdout)
    assert {"visitors", "bounce_rate"} <= {row["metric"] for row in listed}
    listed = json.loads(command("dimensions").stdout)
    assert {"country", "time:week"} <= {row["dimension"] for row in listed}
    assert "Path of a page view." in command("explain", "page").stdout
    assert "divided by visits" in command("explain", "bounce_rate").stdout
    refused = command("explain", "bounce")
    assert refused.returncode == 2
    assert "unknown dimension 'bounce'" in refused.stderr


def test_a_site_that_samples_is_told_so(home, running, footfall):
    """Under a table; on a terminal next to other formats; in what --explain says."""
    given = GIVEN.replace("\n    1, toDate", "\n    2, toDate").replace("bot\n)", "bot, props_number\n)")
    given = given.replace("visit % 10 = 9\n", "false, map('sample_weight', 4.)\n")
    assert footfall("query", given)[0] == 0
    where = ("--site", "blog.example", "--period", "2026-10")
    [row] = asked(footfall, "overview", *where, "--compare", "none")
    assert (row["visitors"], row["visits"], row["pageviews"]) == (400, 400, 800)
    said = "Sampled by the tracker on 3 of 31 days (1 in 4 visitors): figures are estimates."
    table = footfall("report", "browsers", *where, "--format", "table")[1].decode()
    assert said in " ".join(table.split())
    code, out, err = footfall("report", "browsers", *where, "--explain")
    assert (code, said in err.decode()) == (0, True)
    assert json.loads(out)[0]["visits"] == 400

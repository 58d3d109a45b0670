"""How figures look on a terminal (tests/golden: 80 columns, no colour), and what machines get."""

from __future__ import annotations

import datetime as dt
import io
import json
from pathlib import Path

import polars as pl
import polars.testing
import pytest
from rich.console import Console

from aggregations.query.metrics import METRICS
from cli.render.render import Format, encode, render
from cli.render.tables import _print, bar, cell, change, duration, middle, sparkline
from cli.render.view import Layout, View
from sql.core.errors import StorageError, UsageError

GOLDEN = Path(__file__).parents[2] / "golden"
OVERVIEW = pl.DataFrame(
    {
        "period": ["current", "previous"],
        "first_day": [dt.date(2026, 10, 1), dt.date(2026, 8, 31)],
        "last_day": [dt.date(2026, 10, 31), dt.date(2026, 9, 30)],
        "visitors": [12_345, 11_000],
        "visits": [20_000, 20_000],
        "pageviews": [1_234_567, 1_300_000],
        "views_per_visit": [61.73, 65.0],
        "bounce_rate": [0.421, 0.402],
        "visit_duration": [83.4, 3723.0],
    }
)
DAYS = pl.DataFrame(
    {
        "day": [dt.date(2026, 10, day) for day in range(1, 8)],
        "visitors": [120, 98, 0, 143, 201, 260, 1],
        "visits": [150, 110, 0, 160, 233, 300, 1],
        "pageviews": [420, 301, 0, 500, 777, 1024, 3],
        "bounce_rate": [0.5, 0.61, None, 0.333, 0.4, 0.42, 0.0],
        "visit_duration": [61.0, 9.4, None, 131.0, 75.0, 3600.0, 0.0],
    }
)
PAGES = pl.DataFrame(
    {
        "page": ["/", "/blog/" + "a-rather-long-title-" * 4 + "part-2", "/cafe\x1b[31m", "/日本"],
        "visitors": [1500, 750, 3, 0],
        "visits": [9000, 800, 3, 0],
        "bounce_rate": [0.25, 1.0, 0.0, None],
        "visit_duration": [59.6, 0.0, 7384.0, None],
    }
)
NOTHING = PAGES.clear()
CASES = {
    "overview": (OVERVIEW, View("Overview · shop.example · 2026-10-01 to 2026-10-31", Layout.OVERVIEW)),
    "overview-alone": (OVERVIEW.head(1), View("Overview · shop.example · all", Layout.OVERVIEW)),
    "series": (
        DAYS,
        View("Over time", bar="visitors", sparks=("visitors", "pageviews"), labels={"day": "Day"}),
    ),
    "list": (PAGES, View("Entry pages", bar="visits", labels={"page": "Page"})),
    "nothing": (NOTHING, View("Entry pages", bar="visits")),
    "records": (pl.DataFrame({f"column_{n}": [f"value {n}"] for n in range(12)}), View()),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("fmt", [Format.TABLE, Format.JSON, Format.CSV])
def test_golden(name, fmt):
    """To write them anew, look at the difference first: encode() makes them."""
    golden = GOLDEN / f"{name}.{'txt' if fmt is Format.TABLE else fmt.value}"
    assert encode(*CASES[name], fmt).decode() == golden.read_text()


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("width", [80, 100, 200])
def test_no_line_is_wider_than_the_terminal(name, width):
    from rich.cells import cell_len

    out = io.StringIO()
    _print(Console(file=out, width=width, no_color=True, highlight=False), *CASES[name])
    assert all(cell_len(line) <= width for line in out.getvalue().splitlines())


def test_parquet_and_csv_come_back_as_they_were(tmp_path):
    view = View()
    got = pl.read_parquet(io.BytesIO(encode(DAYS, view, Format.PARQUET)))
    polars.testing.assert_frame_equal(got, DAYS)
    csv = pl.read_csv(io.BytesIO(encode(DAYS, view, Format.CSV)), try_parse_dates=True)
    polars.testing.assert_frame_equal(csv, DAYS)
    assert json.loads(encode(DAYS, view, Format.JSON))[2]["bounce_rate"] is None


def test_nested_and_binary_columns_have_a_text():
    frame = pl.DataFrame({"list": [[1, 2]], "map": [{"a": "x"}], "raw": [b"\xff\x00"]})
    assert encode(frame, View(), Format.CSV) == b'list,map,raw\n"[1, 2]","{""a"": ""x""}",ff00\n'
    assert json.loads(encode(frame, View(), Format.JSON)) == [{"list": [1, 2], "map": {"a": "x"}, "raw": "ff00"}]


@pytest.mark.parametrize(
    ("ending", "start"),
    [
        (".csv", b"day,"),
        (".json", b"[\n{"),
        (".parquet", b"PAR1"),
        (".txt", b"Day"),
        (".CSV", b"day,"),
        ("", b"[\n{"),
    ],
)
def test_the_file_ending_decides(tmp_path, ending, start):
    path = tmp_path / f"out{ending}"
    render(DAYS, View(labels={"day": "Day"}), None, path)
    assert path.read_bytes().startswith(start)
    render(DAYS, View(), Format.PARQUET, path)
    assert path.read_bytes().startswith(b"PAR1")


def test_a_file_that_cannot_be_written_is_one_line(tmp_path):
    with pytest.raises(StorageError, match="cannot write"):
        render(DAYS, View(), None, tmp_path / "no" / "such.csv")


def test_parquet_is_not_for_a_terminal(monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    with pytest.raises(UsageError, match="Parquet to a terminal"):
        render(DAYS, View(), Format.PARQUET)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (59.4, "59s"), (59.6, "1m 00s"), (83, "1m 23s"), (3599.6, "1h 00m"), (7384, "2h 03m")],
)
def test_durations(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("visitors", 1234567, "1,234,567"),
        ("bounce_rate", 0.4214, "42.1 %"),
        ("views_per_visit", 2.345, "2.35"),
        ("visit_duration", 83.2, "1m 23s"),
        ("visits", None, "–"),
        ("source", "", "(none)"),
        ("n", 1234567, "1234567"),
        ("x", 0.125, "0.125"),
        ("day", dt.date(2026, 10, 31), "2026-10-31 Sat"),
        ("created_at", dt.datetime(2026, 10, 31, 5, 7, 9, tzinfo=dt.UTC), "2026-10-31 05:07:09Z"),
        ("hour", "2026-10-31T05:00+05:30", "10-31 05:00+0530"),
        ("hour", "2026-10-31T05:00+02:00", "10-31 05:00+02"),
        ("ok", True, "True"),
        ("page", "/a\x1b[2J\x07", "/a�[2J�"),
    ],
)
def test_cells(name, value, text):
    assert cell(name, value, "(none)") == text


@pytest.mark.parametrize(
    ("metric", "now", "before", "text", "style"),
    [
        ("visitors", 110, 100, "▲ 10.0 %", "green"),
        ("visitors", 90, 100, "▼ 10.0 %", "red"),
        ("visitors", 5, 0, "new", "dim"),
        ("visitors", 0, 0, "–", "dim"),
        ("visitors", 100, 100, "= 0.0 %", "dim"),
        ("bounce_rate", 0.5, 0.4, "▲ 10.0 pt", "red"),
        ("bounce_rate", 0.3, 0.4, "▼ 10.0 pt", "green"),
        ("bounce_rate", 0.1, 0.0, "▲ 10.0 pt", "red"),
        ("visit_duration", None, 4.0, "–", "dim"),
        ("exits", 2, 1, "▲ 100.0 %", ""),
    ],
)
def test_changes(metric, now, before, text, style):
    got = change(METRICS[metric], now, before)
    assert (got.plain, str(got.style)) == (text, style)


@pytest.mark.parametrize(
    ("value", "top", "text"),
    [
        (0, 10, ""),
        (10, 10, "██████████"),
        (5, 10, "█████"),
        (1, 1000, "▏"),
        (0.65 * 80, 80, "██████▌"),
        (0, 0, ""),
    ],
)
def test_bars(value, top, text):
    assert bar(value, top) == text


@pytest.mark.parametrize(
    ("values", "width", "text"),
    [([0, 1, 2, 4], 10, "▁▂▄█"), ([0, 0], 10, "▁▁"), ([], 10, ""), ([1, 1, 3, 3], 2, "▃█")],
)
def test_sparklines(values, width, text):
    assert sparkline(values, width) == text


@pytest.mark.parametrize(
    ("text", "longest", "cut"),
    [("abcdef", 6, "abcdef"), ("abcdefg", 6, "abc…fg"), ("abcdefgh", 7, "abc…fgh")],
)
def test_middle(text, longest, cut):
    assert middle(text, longest) == cut


def test_every_metric_says_what_it_is():
    for name, metric in METRICS.items():
        assert metric.name == name
        assert metric.label
        assert metric.definition.endswith(".")


def test_a_column_that_is_whole_leaves_the_others_what_is_left():
    frame = pl.DataFrame({"key": ["k" * 40, "short"], "value": ["v" * 60, "w"]})
    first = encode(frame, View(whole=("key",)), Format.TABLE).decode().splitlines()[2]
    assert first == f"{'k' * 40}  {'v' * 19}…{'v' * 18}"
    assert "k" * 40 not in encode(frame, View(), Format.TABLE).decode()

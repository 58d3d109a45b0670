"""``footfall import ndjson|csv|parquet`` and exports of other products, from files to stored events."""

from __future__ import annotations

import bz2
import datetime as dt
import gzip
import itertools
import json
import lzma
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import typer
import zstandard
from typer.testing import CliRunner, Result

from cli import import_
from cli.main import root
from collector.sites.registry import Site
from collector.sites.snapshot import publish
from collector.sites.table import put_site
from sql.client import opened
from sql.core.data_dir import DataDir
from sql.engine.server import alongside
from sql.schema import migrate

Run = Callable[..., Result]
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"
EVENT = {
    "name": "purchase",
    "url": "https://shop.example/thanks?utm_source=news",
    "timestamp": "2024-03-09T10:00:00Z",
    "client_id": "c1",
    "user_agent": AGENT,
    "title": "Thanks a@b.example",
    "revenue": {"amount": "12.50", "currency": "EUR"},
    "props": {"plan": "pro", "seats": 3, "annual": True},
}
numbers = itertools.count(1)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DataDir]:
    made = DataDir(tmp_path_factory.mktemp("data")).make()
    sites = [Site(number, f"s{number}.example", "Europe/Berlin") for number in range(1, 60)]
    publish(made.sites_file, sites)
    with alongside(made):
        with opened(f"chdb://{made.root}") as client:
            migrate.apply(client)
            for site in sites:
                put_site(client, site)
        yield made


@pytest.fixture
def site() -> int:
    return next(numbers)


@pytest.fixture
def run(home: DataDir, site: int) -> Run:
    app = typer.Typer()
    app.callback()(root)
    app.add_typer(import_.app, name="import")

    def invoke(*arguments: object, stdin: bytes | None = None) -> Result:
        given = ["--data-dir", str(home.root), "import", *map(str, arguments), "--site", f"s{site}.example"]
        return CliRunner().invoke(app, given, input=stdin)

    return invoke


def counted(result: Result) -> dict[str, int]:
    assert result.exit_code == 0, result.output + repr(result.exception)
    return {row["what"]: row["count"] for row in json.loads(result.stdout)}


def stored(home: DataDir, site: int, columns: str) -> list[tuple[Any, ...]]:
    with opened(f"chdb://{home.root}", direct=False) as client:
        events = f"(select * from events where site_id = {site} order by timestamp, name, path)"  # noqa: S608
        text = f"select {columns} from {events}"  # noqa: S608
        return [tuple(row) for row in client.query(text).result_rows]


PACK: dict[str, Callable[[bytes], bytes]] = {
    "plain": lambda data: data,
    "gzip": gzip.compress,
    "zstd": zstandard.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
}
FLAT = {
    **{name: EVENT[name] for name in ("name", "url", "timestamp", "client_id", "user_agent", "title")},
    "revenue": "12.50",
    "currency": "EUR",
    "props.plan": "pro",
}


def as_ndjson(rows: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def as_csv(rows: list[dict[str, Any]]) -> bytes:
    return pl.DataFrame(rows).write_csv().encode()


@pytest.mark.parametrize("pack", PACK)
@pytest.mark.parametrize("kind", ["ndjson", "csv"])
def test_events_of_our_own_format_in_every_compression(
    run: Run, home: DataDir, site: int, tmp_path: Path, kind: str, pack: str
) -> None:
    path = tmp_path / "file"
    rows = [EVENT if kind == "ndjson" else FLAT]
    path.write_bytes(PACK[pack]({"ndjson": as_ndjson, "csv": as_csv}[kind](rows)))
    assert counted(run(kind, path)) == {"rows": 1, "events": 1, "stored": 1, "duplicates": 0}
    [row] = stored(
        home,
        site,
        "name, path, utm_source, title, browser, toString(revenue), currency, props['plan'], bot, local_date",
    )
    assert row == (
        "purchase", "/thanks", "news", "Thanks [email]", "Firefox", "12.5", "EUR", "pro", False, dt.date(2024, 3, 9),
    )  # fmt: skip


def test_parquet_with_times_of_its_own(run: Run, home: DataDir, site: int, tmp_path: Path) -> None:
    at = dt.datetime(2024, 3, 9, 23, 30)
    frame = pl.DataFrame([{**FLAT, "timestamp": at}, {**FLAT, "timestamp": at + dt.timedelta(minutes=1)}])
    for unit in ("ns", "us", "ms"):
        path = tmp_path / f"{unit}.parquet"
        frame.with_columns(pl.col("timestamp").cast(pl.Datetime(unit))).write_parquet(path)  # type: ignore[arg-type]
        assert counted(run("parquet", path, "--timezone", "America/New_York"))["rows"] == 2
    assert [row[0] for row in stored(home, site, "toString(timestamp)")] == [
        "2024-03-10 04:30:00.000", "2024-03-10 04:31:00.000",
    ]  # fmt: skip


# What a row becomes: fields of a CSV, and what is stored of them.
MOMENTS = {
    "seconds": "1710000000",
    "fractions": "1710000000.5",
    "milliseconds": "1710000000000",
    "microseconds": "1710000000000000",
    "iso": "2024-03-09T16:00:00Z",
    "offset": "2024-03-09T17:00:00+01:00",
    "blank": "2024-03-09 16:00:00",
    "utc": "2024-03-09 16:00:00.000 UTC",
}


@pytest.mark.parametrize("given", MOMENTS.values(), ids=MOMENTS)
def test_moments(run: Run, home: DataDir, site: int, given: str) -> None:
    data = f"when,what,page\n{given},signup,/a\n".encode()
    options = ("--column", "timestamp=when", "--column", "name=what", "--column", "path=page")
    counted(run("csv", "-", *options, stdin=data))
    at = "2024-03-09 16:00:00.500" if given.endswith(".5") else "2024-03-09 16:00:00.000"
    assert stored(home, site, "toString(timestamp), name, hostname, path") == [
        (at, "signup", f"s{site}.example", "/a"),
    ]  # fmt: skip


REJECTED = {
    "no time": ('{"name":"a"}', "timestamp: malformed: there is no time"),
    "not a time": ('{"name":"a","timestamp":"soon"}', "timestamp: malformed: not a time: 'soon'"),
    "before the web": ('{"name":"a","timestamp":"1970-01-01"}', "timestamp: timestamp too old: before the web existed"),
    "in the future": ('{"name":"a","timestamp":"2090-01-01"}', "timestamp: timestamp in future"),
    "no name": ('{"timestamp":"2024-01-01"}', "malformed: Object missing required field `name`"),
    "blank name": ('{"name":" ","timestamp":"2024-01-01"}', "name: missing name"),
    "bad url": ('{"name":"a","timestamp":"2024-01-01","url":"shop"}', "url: bad url"),
    "bad revenue": ('{"name":"a","timestamp":"2024-01-01","revenue":"much"}', "revenue"),
    "wrong kind": ('{"name":"a","timestamp":"2024-01-01","engagement_ms":"long"}', "engagement_ms: malformed"),
    "bad property": ('{"name":"a","timestamp":"2024-01-01","props":{"a":[1]}}', "props[...]: malformed"),
    "no object": ("[1]", "malformed: not a JSON object"),
    "broken": ('{"name":', "malformed: not a JSON object"),
    "too large": (json.dumps({"name": "a", "timestamp": "2024-01-01", "title": "x" * 99_000}), "too large: at most"),
    "too long": (json.dumps({"name": "a", "title": "x" * 999_000}), "malformed: longer than 256 KiB"),
}


@pytest.mark.parametrize(("line", "says"), REJECTED.values(), ids=REJECTED)
def test_bad_rows_are_named_and_the_others_kept(run: Run, tmp_path: Path, line: str, says: str) -> None:
    good = json.dumps({"name": "ok", "timestamp": "2024-01-01"})
    path = tmp_path / "events.jsonl"
    path.write_text(f"{good}\n\n{line}\n{good}\n")
    result = run("ndjson", path, "--dry-run")
    assert f"{path}:3: {says}" in result.stderr
    assert counted(result)["events"] == 2


BAD_CSV = {
    "fields": (b"1,2,3", "malformed: 3 fields instead of 2"),
    "bytes": (b"\xff,2024-01-01", "malformed: not UTF-8"),
    "quote": (b'"' + b"x\n" * 200_000, "malformed: field larger than field limit (131072)"),
}


@pytest.mark.parametrize(("line", "says"), BAD_CSV.values(), ids=BAD_CSV)
def test_bad_rows_of_csv_are_named_and_the_others_kept(run: Run, tmp_path: Path, line: bytes, says: str) -> None:
    path = tmp_path / "events.csv"
    path.write_bytes(b"name,timestamp\na,2024-01-01\n" + line + b"\nb,2024-01-01\n")
    result = run("csv", path, "--dry-run")
    assert says in result.stderr
    assert counted(result)["events"] == 2


DIALECTS = {
    "byte order mark": b"\xef\xbb\xbfname,timestamp,title\na,2024-01-01,one\n",
    "semicolons": b"name;timestamp;title\na;2024-01-01;one\n",
    "tabs": b"name\ttimestamp\ttitle\na\t2024-01-01\tone\n",
    "carriage returns": b"name,timestamp,title\r\na,2024-01-01,one\r\n",
    "no newline at the end": b"name,timestamp,title\na,2024-01-01,one",
    "empty lines": b"name,timestamp,title\n\na,2024-01-01,one\n\n",
    "a newline within quotes": b'name,timestamp,title,other\na,2024-01-01,one,"x\ny"\n',
}


@pytest.mark.parametrize("data", DIALECTS.values(), ids=DIALECTS)
def test_csv_as_it_is_written(run: Run, home: DataDir, site: int, data: bytes) -> None:
    assert counted(run("csv", "-", stdin=data))["events"] == 1
    assert stored(home, site, "name, title") == [("a", "one")]


def test_equal_rows_count_each_and_a_file_counts_once(run: Run, home: DataDir, site: int, tmp_path: Path) -> None:
    row = {"name": "ping", "timestamp": "2024-01-01T10:00:00Z", "client_id": "c"}
    named = {**row, "event_id": "order-1"}
    path = tmp_path / "a.jsonl"
    path.write_bytes(as_ndjson([row, row, row, named, named]))
    assert counted(run("ndjson", path)) == {"rows": 5, "events": 5, "stored": 4, "duplicates": 1}
    copy = tmp_path / "b.jsonl.gz"
    copy.write_bytes(gzip.compress(path.read_bytes()))
    assert counted(run("ndjson", copy))["stored"] == 0
    assert stored(home, site, "uniqExact(visitor_id), uniqExact(visit_id), uniqExact(event_id)") == [(1, 1, 4)]


def test_a_map_names_columns_within_objects_and_constants(run: Run, home: DataDir, site: int, tmp_path: Path) -> None:
    (tmp_path / "map.toml").write_text(
        '[columns]\ntimestamp = "at"\npath = "page.path"\n[columns.props]\nplan = "user.plan"\n'
        '[constants]\nname = "page_view"\n'
    )
    row = {"at": 1710000000, "page": {"path": "/a"}, "user": {"plan": "pro"}, "other": 1}
    result = run("ndjson", "-", "--map", tmp_path / "map.toml", stdin=as_ndjson([row]))
    assert counted(result)["stored"] == 1
    assert "columns that are not imported: other" in result.stderr
    assert stored(home, site, "name, path, props['plan']") == [("page_view", "/a", "pro")]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--column", "nam=x"), "events do not have a field 'nam'"),
        (("--column", "name"), "not FIELD=VALUE: 'name'"),
        (("--map", "nowhere.toml"), "cannot read the map nowhere.toml"),
        (("--timezone", "Nowhere"), "there is no time zone Nowhere"),
    ],
    ids=["field", "pair", "map", "zone"],
)
def test_slips_are_told(run: Run, tmp_path: Path, options: tuple[str, str], says: str) -> None:
    (tmp_path / "a.csv").write_text("name\n")
    assert says in str(run("csv", tmp_path / "a.csv", *options).exception)


UMAMI = as_csv(
    [
        {
            "website_id": "w", "session_id": "5b9c1a0e-0000-4000-8000-000000000001", "visit_id": "v1",
            "event_id": f"0f0f0f0f-0000-4000-8000-00000000000{kind}", "hostname": "blog.example", "country": "DE",
            "city": "Berlin", "screen": "1920x1080", "url_path": "/a", "url_query": "a=b", "page_title": "Home",
            "referrer_domain": "google.com", "referrer_path": "/", "event_type": kind, "event_name": name,
            "created_at": f"2024-03-09 10:0{kind - 1}:00",
        }
        for kind, name in ((1, ""), (2, "signup"))
    ]
).decode()  # fmt: skip
GOATCOUNTER = as_csv(
    [
        {
            "2Path": path, "Title": "Home", "Event": event, "UserAgent": AGENT, "Browser": "", "System": "",
            "Session": "s1", "Bot": 0, "Referrer": referrer, "Referrer scheme": scheme, "Screen size": "1920,1080,1",
            "Location": "DE-BE", "FirstVisit": not event, "Date": f"2024-03-09T10:0{minute}:00Z",
        }
        for minute, (path, event, referrer, scheme) in enumerate(
            [("/a", False, "google.com/", "h"), ("signup", True, "Somewhere", "g")]
        )
    ]
).decode()  # fmt: skip
MATOMO = json.dumps(
    [
        {
            "idVisit": 1, "visitorId": "aa", "countryCode": "de", "city": "Berlin", "resolution": "1920x1080",
            "referrerUrl": "https://google.com/", "note": 'braces } { and \\"quotes\\"',
            "actionDetails": [
                {"type": "action", "url": "https://blog.example/a", "pageTitle": "Home", "timestamp": 1709978400},
                {"type": "event", "url": "https://blog.example/a", "eventCategory": "user", "eventAction": "signup",
                 "timestamp": 1709978460},
            ],
        }
    ]
)  # fmt: skip
GA4 = "".join(
    json.dumps(row) + "\n"
    for row in [
        {
            "event_timestamp": "1709978400000000", "event_name": "page_view", "user_pseudo_id": "1.2",
            "device": {"language": "de-de"}, "geo": {"country": "Germany", "city": "Berlin"},
            "event_params": [
                {"key": "page_location", "value": {"string_value": "https://blog.example/a"}},
                {"key": "page_referrer", "value": {"string_value": "https://google.com/"}},
                {"key": "page_title", "value": {"string_value": "Home"}},
                {"key": "ga_session_id", "value": {"int_value": "1709978400"}},
            ],
        },
        {
            "event_timestamp": "1709978460000000", "event_name": "signup", "user_pseudo_id": "1.2",
            "event_params": [{"key": "page_location", "value": {"string_value": "https://blog.example/a"}}],
        },
    ]
)  # fmt: skip
EXPORTS = {"umami": (UMAMI, "DE"), "goatcounter": (GOATCOUNTER, "DE"), "matomo": (MATOMO, "DE"), "ga4": (GA4, "")}


@pytest.mark.parametrize("product", EXPORTS)
def test_exports_of_other_products(run: Run, home: DataDir, site: int, tmp_path: Path, product: str) -> None:
    text, country = EXPORTS[product]
    path = tmp_path / "export"
    path.write_text(text)
    found = counted(run(product, path))
    assert (found["events"], found["stored"]) == (2, 2)
    rows = stored(home, site, "name, toString(timestamp), title, referrer, country, source")
    assert rows[0] == ("page_view", "2024-03-09 10:00:00.000", "Home", "google.com", country, rows[0][5])
    assert rows[1][:2] == ("signup", "2024-03-09 10:01:00.000")
    assert rows[0][5] != "Direct"
    assert stored(home, site, "uniqExact(visitor_id), uniqExact(visit_id)") == [(1, 1)]
    assert counted(run(product, path))["stored"] == 0


STRANGE = {
    "matomo: an action without a time": (
        "matomo",
        {"visitorId": "a", "actionDetails": [{"type": "action"}, {"type": "action", "timestamp": 1709978400}, 7]},
        "timestamp: malformed: there is no time",
        1,
    ),
    "matomo: no actions": ("matomo", {"visitorId": "a"}, "actionDetails: malformed", 0),
    "ga4: a text for an object": ("ga4", {"event_name": "a", "device": "x"}, "malformed: not as it is exported", 0),
    "ga4: no number": ("ga4", {"event_name": "a", "event_timestamp": "soon"}, "malformed: not as it is exported", 0),
}


@pytest.mark.parametrize(("product", "row", "says", "events"), STRANGE.values(), ids=STRANGE)
def test_strange_rows_of_exports_are_named(
    run: Run, tmp_path: Path, product: str, row: dict[str, Any], says: str, events: int
) -> None:
    (tmp_path / "a.json").write_text(json.dumps(row) + "\n")
    result = run(product, tmp_path / "a.json", "--dry-run")
    assert f"a.json:1: {says}" in result.stderr
    assert json.loads(result.stdout)[1] == {"what": "events", "count": events}


def test_a_file_that_is_no_export_fails(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")
    result = run("goatcounter", tmp_path / "a.csv")
    assert result.exit_code == 1
    assert "2Path: malformed: not an export of version 2" in result.stderr

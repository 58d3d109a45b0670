"""Files of events, visits, rollups and reports: every row, typed, whole or not at all."""

from __future__ import annotations

import csv
import io
import json

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from aggregations.exports import encode, log, write
from aggregations.exports.columns import TABLES
from aggregations.exports.consent import Consent
from aggregations.exports.data import FileFormat, Partition, Wanted, of_report, of_table, parts
from aggregations.exports.encode import Counted, answered
from aggregations.exports.files import Manifest, read_manifest, write_manifest
from aggregations.query import where
from aggregations.query.model import Query
from aggregations.query.statement import Statement
from aggregations.reports.ranked import RANKED
from collector.lifecycle.store import Store
from sql.core.errors import EngineError, EngineRefused, UsageError
from tests.aggregations.exports.people import NO, YES

FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"]


@pytest.fixture(scope="module")
def shop(world):
    site = world.site("Europe/Berlin")
    world.events(
        site,
        {"at": "2026-10-31T23:30:00", "visitor": 2**64 - 1, "visit": 1, "path": "/a", "consent": YES, "country": "FR"},
        {"at": "2026-11-01T00:10:00", "visitor": 2**64 - 1, "visit": 1, "path": "/b", "country": "FR",
         "props": {"plan": 'p"ro'}, "revenue": 9.5, "name": "purchase", "interactive": True},
        *({"at": "2026-11-02T10:00:00", "visitor": 10 + at, "visit": 10 + at, "utm_campaign": text, "path": "/a"}
          for at, text in enumerate(FORMULAS)),
        {"at": "2026-11-03T10:00:00", "visitor": 20, "visit": 20, "consent": NO},
        {"at": "2026-11-03T10:00:00", "visitor": 21, "visit": 21, "gpc": True},
        {"at": "2026-11-03T10:00:00", "visitor": 22, "visit": 22, "bot": True},
    )  # fmt: skip
    return site


@pytest.fixture
def period(days, shop):
    return days("2026-10-01", "2026-11-30", shop)


def made(world, shop, period, what="events", fmt=FileFormat.PARQUET, **asked):
    rows = of_table(world.client, TABLES[what], Wanted(**asked), shop, period)
    return b"".join(write.chunks(world.client, rows, fmt, Counted()))


READ = {
    FileFormat.PARQUET: lambda data: pl.read_parquet(data),
    FileFormat.ARROW: lambda data: pl.read_ipc(data),
    FileFormat.CSV: lambda data: pl.read_csv(data, infer_schema=False),
    FileFormat.NDJSON: lambda data: pl.DataFrame([json.loads(line) for line in data.splitlines()]),
}


@pytest.mark.parametrize("fmt", FileFormat, ids=str)
@pytest.mark.parametrize(("what", "count"), [("events", 10), ("visits", 9), ("daily_events", 4), ("daily_pages", 3)])
def test_every_row_is_there_in_every_format(world, shop, period, what, count, fmt):
    found = READ[fmt](made(world, shop, period, what, fmt))
    assert found.height == count
    assert found.columns == [each.name for each in TABLES[what].columns]


@pytest.mark.parametrize("fmt", FileFormat, ids=str)
def test_a_file_without_rows_has_its_columns(world, shop, period, fmt):
    data = made(world, shop, period, fmt=fmt, where=where.parse("path=/nowhere"))
    if fmt is FileFormat.NDJSON:
        assert data == b""
        return
    assert READ[fmt](data).shape == (0, len(TABLES["events"].columns))


def test_columns_are_typed(world, shop, period):
    data = made(world, shop, period)
    schema = pq.ParquetFile(io.BytesIO(data)).schema_arrow
    kinds = {name: str(schema.field(name).type) for name in ("timestamp", "visitor_id", "revenue", "bot", "local_date")}
    assert kinds == {
        "timestamp": "timestamp[ms, tz=UTC]", "visitor_id": "uint64", "revenue": "decimal128(18, 4)", "bot": "bool",
        "local_date": "date32[day]",
    }  # fmt: skip
    assert pq.ParquetFile(io.BytesIO(data)).metadata.row_group(0).column(0).compression == "ZSTD"
    frame = pl.read_parquet(data).sort("timestamp")
    assert frame["visitor_id"][0] == 2**64 - 1
    assert dict(frame["props"].to_list()[1]) == {"plan": 'p"ro'}


def test_text_formats_lose_nothing(world, shop, period):
    lines = [json.loads(line) for line in made(world, shop, period, fmt=FileFormat.NDJSON).splitlines()]
    [bought] = [line for line in lines if line["name"] == "purchase"]
    assert (bought["visitor_id"], bought["props"], bought["timestamp"]) == (
        str(2**64 - 1), {"plan": 'p"ro'}, "2026-10-31T23:10:00.000Z",
    )  # fmt: skip
    cells = list(csv.DictReader(io.StringIO(made(world, shop, period, fmt=FileFormat.CSV).decode(), newline="")))
    assert json.loads(next(row["props"] for row in cells if row["name"] == "purchase")) == {"plan": 'p"ro'}
    assert sorted(row["utm_campaign"] for row in cells if row["utm_campaign"]) == sorted(f"'{x}" for x in FORMULAS)


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        ({"consent": Consent.NOT_DENIED}, 8),
        ({"consent": Consent.REQUIRED}, 2),
        ({"where": where.parse("country=FR")}, 2),
        ({"segment": where.parse("event=purchase")}, 2),
        ({"include_bots": True}, 11),
    ],
    ids=["nobody who denied, or sends Sec-GPC", "those who agreed", "a condition", "visitors", "bots too"],
)
def test_rows_are_chosen(world, shop, period, asked, count):
    assert pl.read_parquet(made(world, shop, period, **asked)).height == count


@pytest.mark.parametrize("asked", [{"where": where.parse("country=FR")}, {"consent": Consent.REQUIRED}], ids=str)
def test_rollups_say_what_they_cannot_be_asked(world, shop, period, asked):
    with pytest.raises(UsageError, match="export events or visits"):
        made(world, shop, period, "daily_events", **asked)


def test_rollups_are_those_of_the_days(world, shop, period):
    frame = pl.read_parquet(made(world, shop, period, "daily_events")).filter(name="purchase")
    assert frame.rows() == [(frame["local_date"][0], "purchase", 1, 9.5, 1)]


@pytest.mark.parametrize(
    ("query", "head", "count"),
    [
        (RANKED["pages"].query(), ["page", "visitors", "pageviews"], 2),
        (Query(dimensions=("time:day",), metrics=("events",)), ["day", "events"], 4),
        (Query(dimensions=("time:month", "country"), metrics=("visitors",)), ["month", "country", "visitors"], 2),
    ],
    ids=["a report", "days", "months by country"],
)
def test_reports_have_every_row(world, shop, period, query, head, count):
    rows = of_report(world.client, query, Wanted(), shop, period)
    data = b"".join(write.chunks(world.client, rows, FileFormat.CSV, Counted()))
    found = pl.read_csv(data)
    assert (found.columns, found.height) == (head, count)
    if "day" in head:
        assert found["day"].to_list() == ["2026-10-31", "2026-11-01", "2026-11-02", "2026-11-03"]


def test_a_comparison_is_no_table(world, shop, period):
    with pytest.raises(UsageError, match="cannot be exported"):
        of_report(world.client, Query(compare="previous"), Wanted(), shop, period)


def test_a_file_a_month(world, shop, period, out):
    rows = lambda span: of_table(world.client, TABLES["events"], Wanted(), shop, span)  # noqa: E731
    divided = list(parts(period, Partition.MONTH))
    assert [name for name, _ in divided] == ["2026-10", "2026-11"]
    assert len(parts(period, Partition.DAY)) == 61
    told = []
    target = Store(str(out))
    files = tuple(write.folder(world.client, divided, rows, FileFormat.PARQUET, target, told.append))
    assert [(each.name, each.rows) for each in files] == [("2026-10.parquet", 1), ("2026-11.parquet", 9)]
    assert told == list(files)
    manifest = write.finished(world.client, rows(period), "events", FileFormat.PARQUET, files, {}, (target, "events"))
    assert read_manifest(target, "events") == manifest
    assert log.every(world.client, shop, limit=1)["rows"].to_list() == [10]


def test_row_groups_are_even(world, monkeypatch):
    monkeypatch.setattr(encode, "ROW_GROUP", 100_000)
    told = Statement("select number, toString(number) as text from numbers(250001)", {}, {})
    with answered(world.client, told) as answer:
        data = b"".join(encode.encoded(answer, FileFormat.PARQUET, (), Counted()))
    meta = pq.ParquetFile(io.BytesIO(data)).metadata
    assert [meta.row_group(at).num_rows for at in range(meta.num_row_groups)] == [100_000, 100_000, 50_001]
    assert pl.read_parquet(data)["number"].to_list() == list(range(250_001))


def test_an_answer_of_many_blocks_comes_as_one(world):
    """As one stream, and what is read of it at a time does not grow with it."""
    told = Statement("select number from numbers(1000000)", {}, {})
    with answered(world.client, told) as answer:
        sizes = [batch.num_rows for batch in answer]
    assert sum(sizes) == 1_000_000
    assert max(sizes) < 200_000


def test_an_answer_that_breaks_off_leaves_no_file(world, out):
    fails = "select throwIf(number = 900000, 'no more') as n from numbers(1000000)"
    target = Store(str(out))
    (out / "a.parquet").write_bytes(b"before")

    def chunks():
        with answered(world.client, Statement(fails, {}, {})) as answer:
            yield from encode.encoded(answer, FileFormat.PARQUET, (), Counted())

    with pytest.raises(EngineError):
        target.put("a.parquet", chunks())
    assert [path.name for path in out.iterdir()] == ["a.parquet"]
    assert (out / "a.parquet").read_bytes() == b"before"
    with pytest.raises(EngineRefused), answered(world.client, Statement("select nothing", {}, {})):
        pass


def test_a_manifest_removes_what_it_no_longer_names(out):
    target = Store(str(out))
    entries = [write.FileEntry(name, 0, *target.put(name, [b"x"])) for name in ("a", "b")]
    of = lambda files: Manifest("e", "s", "csv", log.moment(0), tuple(files), {})  # noqa: E731
    write_manifest(target, "a", of(entries))
    write_manifest(target, "a", of(entries[:1]))
    assert sorted(path.name for path in out.iterdir()) == ["a", "a.manifest.json"]


def test_texts_of_a_slice():
    column = pa.array(["aa", "b", "ccc", ""])
    assert encode.texts_of(column.slice(1, 2)) == b"bccc"
    assert encode.texts_of(column.slice(0, 0)) == b""
    assert encode.texts_of(column.cast(pa.large_string())) == b"aabccc"

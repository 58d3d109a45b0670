"""Plausible's export: daily totals, whole days at a time."""

from __future__ import annotations

import datetime as dt
import zipfile

import pytest

from collector.imports import plausible
from collector.imports.plausible import Reading, totals
from sql.core.errors import StorageError, UsageError

DAY = dt.date(2025, 3, 1)
SOURCES = (
    "date,source,referrer,utm_source,utm_medium,utm_campaign,utm_content,utm_term,pageviews,visitors,visits,"
    "visit_duration,bounces\n"
)
FILES = {
    "imported_visitors_20250301_20250302.csv": (
        "date,visitors,pageviews,bounces,visits,visit_duration\n2025-03-01,3,7,1,4,600\n2025-03-02,1,1,1,1,0\n"
    ),
    "imported_sources_20250301_20250302.csv": (
        SOURCES + "2025-03-01,Google,,,,,,,4,2,2,300,1\n"
        "2025-03-01,Google,google.com/search,,,,,,1,1,1,100,0\n"
        "2025-03-01,,,,,,,,2,1,1,200,0\n"
        "2025-03-02,news,,news,email,spring,,,1,1,1,0,1\n"
    ),
    "imported_pages_20250301_20250302.csv": (
        "date,hostname,page,visits,visitors,pageviews,total_scroll_depth,total_scroll_depth_visits\n"
        '2025-03-01,a.example,"/a,b",4,3,7,10,1\n2025-03-02,a.example,/,1,1,1,,\n'
    ),
    "imported_entry_pages_20250301_20250302.csv": (
        "date,entry_page,visitors,entrances,visit_duration,bounces,pageviews\n2025-03-01,/,3,4,600,1,7\n"
    ),
    "imported_locations_20250301_20250302.csv": (
        "date,country,region,city,visitors,visits,visit_duration,bounces,pageviews\n"
        "2025-03-01,DE,DE-BE,2950159,2,2,10,1,3\n2025-03-01,DE,,0,1,2,20,0,4\n"
    ),
    "imported_devices_20250301_20250302.csv": (
        "date,device,visitors,visits,visit_duration,bounces,pageviews\n"
        "2025-03-01,Laptop,1,1,1,1,1\n2025-03-01,Desktop,1,1,1,0,1\n2025-03-01,Watch,1,1,1,0,1\n"
    ),
    "imported_browsers_20250301_20250302.csv": (
        "date,browser,browser_version,visitors,visits,visit_duration,bounces,pageviews\n2025-03-01,Firefox,1,3,4,5,1,7\n"
    ),
    "imported_operating_systems_20250301_20250302.csv": (
        "date,operating_system,operating_system_version,visitors,visits,visit_duration,bounces,pageviews\n"
        "2025-03-01,Mac,14,3,4,5,1,7\n"
    ),
    "imported_exit_pages_20250301_20250302.csv": "date,exit_page,visitors,visit_duration,exits,bounces,pageviews\n",
    "imported_custom_events_20250301_20250302.csv": "date,name,link_url,path,visitors,events\n",
}


def archive(folder, files=FILES):
    path = folder / "shop_example_20250303.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for name, text in files.items():
            out.writestr(name, text)
    return path


def read(path):
    reading = Reading()
    return [each for its in totals(str(path), reading) for each in its], reading


def test_every_file(tmp_path):
    found, reading = read(archive(tmp_path))
    said = {(each.dimension, each.day.day, each.value): tuple(each[3:]) for each in found}
    assert len(said) == len(found)
    assert said == {
        ("", 1, ""): (3, 4, 7, 1, 600),
        ("", 2, ""): (1, 1, 1, 1, 0),
        ("source", 1, "Google"): (3, 3, 5, 1, 400),
        ("source", 1, "Direct"): (1, 1, 2, 0, 200),
        ("source", 2, "news"): (1, 1, 1, 1, 0),
        ("channel", 1, "Organic Search"): (3, 3, 5, 1, 400),
        ("channel", 1, "Direct"): (1, 1, 2, 0, 200),
        ("channel", 2, "Email"): (1, 1, 1, 1, 0),
        ("utm_source", 2, "news"): (1, 1, 1, 1, 0),
        ("utm_medium", 2, "email"): (1, 1, 1, 1, 0),
        ("utm_campaign", 2, "spring"): (1, 1, 1, 1, 0),
        ("page", 1, "/a,b"): (3, 4, 7, 0, 0),
        ("page", 2, "/"): (1, 1, 1, 0, 0),
        ("entry_page", 1, "/"): (3, 4, 7, 1, 600),
        ("country", 1, "DE"): (3, 4, 7, 1, 30),
        ("device", 1, "desktop"): (2, 2, 2, 1, 2),
        ("device", 1, "other"): (1, 1, 1, 0, 1),
        ("browser", 1, "Firefox"): (3, 4, 7, 1, 5),
        ("os", 1, "Mac"): (3, 4, 7, 1, 5),
    }
    assert sorted(name.partition("_2025")[0] for name in reading.passed_over) == [
        "imported_custom_events",
        "imported_exit_pages",
    ]
    assert (reading.rows, reading.rejected) == (16, {})


def test_one_file_of_it(tmp_path):
    name = "imported_visitors_20250301_20250302.csv"
    (tmp_path / name).write_text("\ufeff" + FILES[name])
    assert [each.visitors for each in read(tmp_path / name)[0]] == [3, 1]


@pytest.mark.parametrize(
    ("line", "reason", "cause"),
    [
        ("soon,1,1,1,1,1", "malformed", "not a day: 'soon'"),
        ("1969-12-31,1,1,1,1,1", "malformed", "not a day that can be stored"),
        ("2025-03-01,-1,1,1,1,1", "malformed", "visitors is not a count: '-1'"),
        ("2025-03-01,1.5,1,1,1,1", "malformed", "visitors is not a count"),
        ("2025-03-01,99999999999999999999,1,1,1,1", "malformed", "visitors is not a count"),
        ("2025-03-01,١,1,1,1,1", "malformed", "visitors is not a count"),
        ("2025-03-01,1", "malformed", "another number of fields"),
        ("2025-03-01,1,1,1,1,1,1", "malformed", "another number of fields"),
        ("2025-02-01,1,1,1,1,1", "out_of_order", "2025-02-01 comes after 2025-03-01"),
    ],
)
def test_a_bad_row_is_named_and_the_others_kept(tmp_path, line, reason, cause):
    head = "date,visitors,pageviews,bounces,visits,visit_duration\n"
    path = tmp_path / "imported_visitors.csv"
    path.write_text(f"{head}2025-03-01,1,1,1,1,1\n{line}\n2025-03-02,2,1,1,1,1\n")
    found, reading = read(path)
    assert [each.visitors for each in found] == [1, 2]
    assert (reading.rows, dict(reading.rejected)) == (3, {reason: 1})
    assert reading.bad[0].startswith(f"{path}:3: {cause}")


def test_days_come_as_a_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(plausible, "AT_ONCE", 3)
    head = "date,page,visits,visitors,pageviews\n"
    rows = [f"2025-03-{day:02},/{page},1,1,1\n" for day in range(1, 5) for page in range(2)]
    path = tmp_path / "imported_pages.csv"
    path.write_text(head + "".join(rows))
    lists = list(totals(str(path), Reading()))
    assert [[each.day.day for each in its] for its in lists] == [[1, 1, 2, 2], [3, 3, 4, 4]]


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"a.csv": "a\n"}, "no file of a Plausible export"),
        ({"imported_pages.csv": "date,page\n"}, "has no column visitors, visits"),
        ({"imported_visitors.csv": ""}, "has no column bounces, date"),
    ],
)
def test_what_is_no_export(tmp_path, files, says):
    with pytest.raises(UsageError, match=says):
        read(archive(tmp_path, files))


def test_what_cannot_be_read(tmp_path):
    with pytest.raises(UsageError, match="is not a file"):
        read(tmp_path / "imported_visitors.csv")
    rows = "".join(f"{DAY + dt.timedelta(days=at)},{at * 7919 % 10007},1,1,1,1\n" for at in range(20_000))
    path = archive(
        tmp_path,
        {"imported_visitors.csv": FILES["imported_visitors_20250301_20250302.csv"].split("\n")[0] + "\n" + rows},
    )
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 200] = b"\0" * 200
    path.write_bytes(data)
    with pytest.raises(StorageError, match="damaged"):
        read(path)

"""``footfall spool``, ``flush`` and ``dedupe``, as an operator meets them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from collector.event.model import SpooledEvent
from collector.spool.lines import encode
from collector.spool.spool import Spool, SpoolWriter

FOOTFALL = str(Path(sys.executable).with_name("footfall"))
AT = 1_790_000_000_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a site; nothing runs there."""
    made = tmp_path_factory.mktemp("spool")
    (made / "footfall.toml").write_text('data_dir = "data"\n[loader]\nidempotency_days = 3\n')
    start(made, "init")
    start(made, "site", "add", "shop.example")
    return made


def start(folder, *args, code=0):
    """stdout and stderr of a command as a process of its own."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("FOOTFALL_")}
    run = [FOOTFALL, *args]
    done = subprocess.run(
        run, cwd=folder, env=env, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL
    )
    assert done.returncode == code, done.stderr
    return done.stdout, done.stderr


@pytest.fixture
def ask(command):
    """``ask(folder, *args, code=0)``: stdout and stderr of a command in this process."""

    def run(folder, *args, code=0):
        done = command(*args, cwd=folder)
        assert done.returncode == code, done.stderr
        return done.stdout, done.stderr

    return run


def put(folder, *records):
    writer = SpoolWriter(Spool(folder / "data" / "spool"), "test")
    for record in records:
        writer.commit([record])
    writer.close()


def record(*numbers):
    plain = {"visitor": 1, "previous": 0, "timestamp": AT, "name": "page_view", "interactive": False}
    events = [
        SpooledEvent(event_id=uuid.UUID(int=n).bytes, known=True, url="https://shop.example/", **plain) for n in numbers
    ]
    return encode(1, AT, events)


@pytest.fixture
def figures(ask):
    def read(folder):
        rows = json.loads(ask(folder, "spool", "status")[0])
        return {row["what"]: row["events"] for row in rows if row["events"]}

    return read


def test_the_way_of_events_through_the_commands(folder, ask, figures, tmp_path):
    put(folder, record(1, 2), record(2, 3), record(4).replace(b"\x1f1\n", b"\x1f9\n"), b"no event\n")
    copy = shutil.copy(Spool(folder / "data" / "spool").sealed()[0], tmp_path)
    assert figures(folder) == {"sealed": 6, "accepted": 6, "pending": 6}
    assert "would load 6 events" in ask(folder, "flush", "--dry-run")[1]
    assert "loaded 6 pending events" in start(folder, "flush")[1]
    assert "nothing to load" in ask(folder, "flush")[1]
    known = {"accepted": 6, "stored": 3, "duplicate": 1, "quarantined": 2, "in quarantine": 2}
    assert figures(folder) == known

    listed = json.loads(ask(folder, "spool", "quarantine", "list")[0])
    assert [(item["kind"], item["events"]) for item in listed] == [("line", 1)] * 2
    newer, broken = (item["id"] for item in listed)
    shown = json.loads(ask(folder, "spool", "quarantine", "show", newer)[0])
    assert {"field": "url", "value": "https://shop.example/"} in shown
    [path] = [p for p in (folder / "data" / "spool" / "quarantine").glob("*.bin") if b"shop.example" in p.read_bytes()]
    path.write_bytes(path.read_bytes().replace(b"\x1f9\n", b"\x1f1\n"))
    assert "would requeue 1 events" in ask(folder, "spool", "quarantine", "retry", newer, "--dry-run")[1]
    assert "requeued 1 events" in ask(folder, "spool", "quarantine", "retry", "--all", code=3)[1]
    assert figures(folder) == known | {"quarantined": 1, "in quarantine": 1, "sealed": 1, "pending": 1}
    assert "without confirmation" in ask(folder, "spool", "quarantine", "purge", "--all", code=2)[1]
    assert "would delete 1 items" in ask(folder, "spool", "quarantine", "purge", broken, "--dry-run")[1]
    assert "deleted 1 items" in ask(folder, "spool", "quarantine", "purge", broken, "--yes")[1]
    assert "no items given" in ask(folder, "spool", "quarantine", "purge", code=2)[1]

    assert "would accept 6 events" in ask(folder, "spool", "restore", copy, "--dry-run")[1]
    assert "accepted 6 events" in ask(folder, "spool", "restore", copy)[1]
    assert "loaded 1 batches" in start(folder, "loader", "--once")[1]
    assert figures(folder) == {
        "accepted": 12, "stored": 4, "duplicate": 5, "quarantined": 3, "in quarantine": 2
    }  # fmt: skip


def test_an_open_segment_of_a_dead_writer_is_sealed(folder, ask, figures):
    before = figures(folder)["accepted"]
    writer = SpoolWriter(Spool(folder / "data" / "spool"), "test")
    writer.commit([record(9)])
    writer._abandon()
    assert "would seal 1 segments" in ask(folder, "spool", "seal", "--dry-run")[1]
    assert "sealed 1 segments" in ask(folder, "spool", "seal")[1]
    assert figures(folder)["sealed"] == 1
    ask(folder, "flush")
    assert figures(folder)["accepted"] == before + 1


def test_a_writer_that_does_not_answer_is_named(folder, ask):
    writer = SpoolWriter(Spool(folder / "data" / "spool"), "test")
    writer.commit([record(10)])
    assert writer.name in ask(folder, "spool", "seal", "--timeout", "0.2", code=1)[1]
    assert "events are still pending" in ask(folder, "flush", "--timeout", "0.2", code=1)[1]
    writer.close()
    ask(folder, "flush")


def test_a_lost_segment_is_told(folder, ask):
    put(folder, record(20, 21))
    [path] = Spool(folder / "data" / "spool").sealed()
    kept = path.read_bytes()
    path.unlink()
    out, err = ask(folder, "spool", "status", code=3)
    assert {k: v for k, v in json.loads(out)[-1].items() if v is not None} == {"what": "missing", "events": 2}
    assert "2 accepted events are missing" in err
    path.write_bytes(kept)
    ask(folder, "flush")


def test_dedupe(folder, ask):
    assert json.loads(ask(folder, "dedupe", "--dry-run")[0]) == []
    ask(folder, "query", "insert into events settings insert_deduplicate = 0 select * from events limit 3")
    out, err = ask(folder, "dedupe", "--dry-run", code=3)
    assert [(row["site"], row["copies"]) for row in json.loads(out)] == [("shop.example", 3)]
    assert "would remove 3 duplicates" in err
    assert json.loads(ask(folder, "dedupe", "--to", "2020-01-01", "--dry-run")[0]) == []
    assert "without confirmation" in ask(folder, "dedupe", code=2)[1]
    assert "removed 3 duplicates" in ask(folder, "dedupe", "--site", "shop.example", "--yes")[1]
    assert json.loads(ask(folder, "dedupe", "--dry-run")[0]) == []


@pytest.mark.parametrize(
    ("section", "told"),
    [("idempotency_days = 0", "from 1 to 90"), ("idempotency_days = 91", "from 1 to 90"), ("days = 3", "days")],
)
def test_bounds_of_the_window(tmp_path, ask, section, told):
    (tmp_path / "footfall.toml").write_text(f"[loader]\n{section}\n")
    assert told in ask(tmp_path, "spool", "status", code=2)[1]

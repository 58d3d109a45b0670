"""Imports through the spool: interrupted, beside another loader, into a spool that is full."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from collector.event.model import SpooledEvent
from collector.imports.run import COMMIT_RECORDS, RECORD_EVENTS, Import, import_secret, new_import_id
from collector.loader.batches import Manifest
from collector.loader.loader import Loader
from collector.sites.registry import Site
from collector.sites.snapshot import publish
from collector.spool.spool import SpoolFull, SpoolOptions
from sql.client import opened
from sql.core.data_dir import DataDir
from sql.engine.server import alongside
from sql.schema import migrate

MAY = int(dt.datetime(2015, 5, 17, tzinfo=dt.UTC).timestamp() * 1000)
COMMIT = RECORD_EVENTS * COMMIT_RECORDS
numbers = count(1)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DataDir]:
    made = DataDir(tmp_path_factory.mktemp("data")).make()
    publish(made.sites_file, [Site(number, f"s{number}.example", "UTC") for number in range(1, 20)])
    with alongside(made):
        with opened(f"chdb://{made.root}") as client:
            migrate.apply(client)
        yield made


@pytest.fixture
def site() -> int:
    return next(numbers)


def page_view(number: int, path: str = "/a") -> SpooledEvent:
    at = MAY + number * 1000
    return SpooledEvent(number.to_bytes(16, "big"), True, number, 0, at, "page_view", False, f"https://s.example{path}")


def begin(home: DataDir, site: int, **options: int) -> Import:
    return Import(home, f"chdb://{home.root}", site, f"test-{site}", SpoolOptions(**options))


def stored(home: DataDir, site: int) -> int:
    with opened(f"chdb://{home.root}") as client:
        question = "select count() from events where site_id = {site:UInt32}"
        return int(client.command(question, parameters={"site": site}))


def test_all_is_stored_and_counted(home: DataDir, site: int) -> None:
    seen = []
    with begin(home, site) as run:
        run.add((page_view(number) for number in range(COMMIT + 7)), lambda: seen.append(run.spooled))
        assert run.finish() == COMMIT + 7
    assert seen == [COMMIT, COMMIT + 7]
    assert stored(home, site) == COMMIT + 7


def test_nothing_to_import(home: DataDir, site: int) -> None:
    with begin(home, site) as run:
        run.add([])
        assert run.finish() == 0


def test_what_was_spooled_before_an_interrupt_is_not_lost(home: DataDir, site: int) -> None:
    def until_interrupted() -> Iterator[SpooledEvent]:
        yield from (page_view(number) for number in range(COMMIT + 500))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), begin(home, site) as run:
        run.add(until_interrupted())
    assert run.spooled == COMMIT
    with begin(home, site) as other:
        other.add([page_view(COMMIT + 1_000_000)])
        other.finish()
    assert stored(home, site) == COMMIT + 1
    with begin(home, site) as again:
        again.add(page_view(number) for number in range(COMMIT + 500))
        again.finish()
    assert stored(home, site) == COMMIT + 501


def test_a_loader_that_runs_already_does_the_loading(home: DataDir, site: int) -> None:
    stop, batches, ready = threading.Event(), list[Manifest](), threading.Event()

    def load() -> None:
        with Loader(home, f"chdb://{home.root}", stop=stop, on_batch=batches.append) as loader:
            ready.set()
            loader.run(stop)

    thread = threading.Thread(target=load)
    thread.start()
    try:
        assert ready.wait(10)
        with begin(home, site) as run:
            run.add(page_view(number) for number in range(100))
            assert run.finish() == 100
    finally:
        stop.set()
        thread.join()
    assert sum(manifest.rows for manifest in batches) == 100


def test_a_full_spool_is_waited_for(home: DataDir, site: int) -> None:
    events = [page_view(number, f"/{number:0200d}") for number in range(COMMIT * 3)]
    with begin(home, site, segment_bytes=1_000_000, total_bytes=10_000_000) as run:  # one commit takes 2.7 MB
        run.add(events)
        assert run.finish() == COMMIT * 3


def test_a_spool_too_small_for_anything_says_so(home: DataDir, site: int) -> None:
    with pytest.raises(SpoolFull), begin(home, site, total_bytes=1000) as run:
        run.add(page_view(number) for number in range(100))


def test_endless_addresses_fit_into_records(home: DataDir, site: int) -> None:
    with begin(home, site) as run:
        run.add(page_view(number, "/" + "x" * 60_000) for number in range(600))
        assert run.finish() == 600


def test_what_stops_the_loader_stops_the_import(tmp_path: Path) -> None:
    broken = DataDir(tmp_path / "data").make()
    (broken.root / "journal.jsonl").mkdir()
    with alongside(broken):
        with opened(f"chdb://{broken.root}") as client:
            migrate.apply(client)
        with pytest.raises(IsADirectoryError), begin(broken, 1) as run:
            run.add([page_view(1)])
            run.finish()
    assert len(list((broken.spool / "sealed").iterdir())) == 1, "it waits for a loader that can"


def test_the_secret_is_made_once_and_for_the_owner_alone(tmp_path: Path) -> None:
    secret = import_secret(DataDir(tmp_path))
    assert import_secret(DataDir(tmp_path)) == secret
    assert len(secret) == 32
    assert [(path.name, path.stat().st_mode & 0o777) for path in tmp_path.iterdir()] == [("import.key", 0o600)]


def test_import_ids_tell_kind_and_time() -> None:
    first, second = (new_import_id("access-log", MAY / 1000) for _ in range(2))
    assert first.startswith("access-log-20150517T000000Z-")
    assert first != second

"""What was set aside comes back once, however often it is asked for and wherever it is interrupted."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from collector.lifecycle import quarantine, restore
from collector.lifecycle.ledger import take
from collector.loader.loader import Loader, LoaderOptions
from collector.sites.registry import SiteRegistry
from collector.spool.lines import encode
from collector.spool.spool import SpoolOptions
from sql.core.errors import UsageError

QUICK = LoaderOptions(backoff_seconds=0.02, backoff_limit=0.2)


def load(house):
    with Loader(house.home, house.url, QUICK) as loader:
        loader.drain()


def totals(house):
    account = take(house.home)
    assert account.missing == account.pending == 0
    return account.totals.stored, account.totals.duplicate, account.quarantined


@pytest.fixture
def lines(house, event, monkeypatch):
    """Two events in quarantine that could not be read, and can be now; one that never can."""
    line = encode(1, event(0).timestamp, [event(1)])
    too_new = [encode(1, event(0).timestamp, [event(n)]).replace(b"\x1f1\n", b"\x1f9\n") for n in (2, 3)]
    house.put_lines(line, *too_new, b"no event\n")
    load(house)
    for item in quarantine.items(house.spool):
        item.path.write_bytes(item.path.read_bytes().replace(b"\x1f9\n", b"\x1f1\n"))
    return quarantine.items(house.spool)


def able(house, items):
    registry = SiteRegistry(house.home.sites_file)
    return [item for item in items if not quarantine.why_not(item, registry)]


def test_lines_come_back(house, lines):
    assert totals(house) == (1, 0, 3)
    assert [(item.kind, item.events, item.loading) for item in lines] == [(quarantine.Kind.LINE, 1, False)] * 3
    assert quarantine.content(lines[0])["url"] == "https://shop.example/2"
    assert quarantine.content(lines[2]) == {"bytes": "no event\n"}
    assert quarantine.requeue(house.spool, able(house, lines)) == 2
    account = take(house.home)
    assert (account.missing, account.pending, account.quarantined, account.accepted) == (0, 2, 1, 4)
    load(house)
    assert totals(house) == (3, 0, 1)
    assert [item.name for item in quarantine.items(house.spool)] == [lines[2].name]
    assert len(list(house.spool.quarantine_dir.iterdir())) == 2


@pytest.mark.parametrize("step", ["the half is written", "the item is gone", "it is already in the spool"])
def test_a_replay_that_is_interrupted(house, lines, monkeypatch, step):
    chosen = able(house, lines)
    calls = {"the half is written": "unlink", "the item is gone": "rename", "it is already in the spool": "unlink"}
    really, left = getattr(Path, calls[step]), [0 if step == "the half is written" else 2]
    if step == "the item is gone":
        left = [0]

    def stop(path, *args, **kwargs):
        if left[0] == 0:
            raise OSError(5, "stopped")
        left[0] -= 1
        return really(path, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(Path, calls[step], stop)
        with pytest.raises(OSError, match="stopped"):
            quarantine.requeue(house.spool, chosen)
    assert take(house.home).missing == 0
    again = able(house, quarantine.items(house.spool))
    assert len(again) == (0 if step == "it is already in the spool" else 2)
    quarantine.requeue(house.spool, again)
    load(house)
    assert totals(house) == (3, 0, 1)
    with house.client() as client:
        assert client.command("select count() from events") == 3


def test_rows_that_clickhouse_refused_come_back_as_they_were_enriched(house, event, agree):
    long = "long title " * 10
    with house.client() as client:
        client.command("alter table events modify column title FixedString(64)")
        try:
            house.put([event(n, n, known=False, title=long if n in (3, 4) else "fine") for n in range(10)])
            load(house)
        finally:
            client.command("alter table events modify column title String")
    assert totals(house) == (8, 0, 2)
    refused = quarantine.items(house.spool)
    assert [item.kind for item in refused] == [quarantine.Kind.ROW] * 2
    assert quarantine.content(refused[0])["title"] == long
    house.put([event(4, 4)])  # its client has sent it again meanwhile
    load(house)
    assert quarantine.requeue(house.spool, able(house, refused)) == 2
    assert take(house.home).missing == 0
    load(house)
    assert totals(house) == (10, 1, 0)
    assert quarantine.items(house.spool) == []
    with house.client() as client:
        rows = client.query("select count(), uniqExact(event_id), uniqExact(batch_id, batch_seq) from events").first_row
        assert rows == (10, 10, 10)
        assert client.query("select path, country from events where title != 'fine' and title != ''").row_count == 1
        agree(client)


def test_a_row_that_is_refused_again_is_in_quarantine_once(house, event):
    with house.client() as client:
        client.command("alter table events modify column title FixedString(64)")
        try:
            house.put([event(n, title="x" * (80 if n == 3 else 3)) for n in range(10)])
            load(house)
            [item] = quarantine.items(house.spool)
            quarantine.requeue(house.spool, [item])
            house.put([event(20)])
            load(house)
        finally:
            client.command("alter table events modify column title String")
    assert totals(house) == (10, 0, 1)
    assert len(quarantine.items(house.spool)) == 1


def test_damage_stays_and_what_is_not_done_waits(house, event):
    house.put([event(1)])
    path = house.spool.sealed()[0]
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    kept = path.read_bytes()
    load(house)
    [item] = quarantine.items(house.spool)
    registry = SiteRegistry(house.home.sites_file)
    assert (item.kind, item.events) == (quarantine.Kind.DAMAGED, 1)
    assert "damaged" in quarantine.why_not(item, registry)
    path.write_bytes(kept)  # as before its batch was made
    assert "still loading" in quarantine.why_not(quarantine.items(house.spool)[0], registry)
    path.unlink()
    quarantine.purge(house.spool, [item])
    assert list(house.spool.quarantine_dir.iterdir()) == []
    assert totals(house) == (0, 0, 1)
    with pytest.raises(UsageError, match="there is no item"):
        quarantine.find(house.spool, [item.name])


def test_a_copy_of_a_segment_counts_once(house, event, tmp_path):
    """Also events to which the collector gave the id."""
    house.put([event(n, n, known=n % 2 == 0) for n in range(100)])
    copy = shutil.copy(house.spool.sealed()[0], tmp_path)
    for times in range(3):
        load(house)
        assert totals(house) == (100, 100 * times, 0)
        found = restore.read(house.spool, Path(copy))
        assert (found.events, found.damaged) == (100, 0)
        assert restore.restore(house.spool, [found], SpoolOptions()) == 100
        assert take(house.home).missing == 0
    load(house)


def test_what_is_no_segment_is_refused(house, event, tmp_path):
    house.put([event(1)])
    path = house.spool.sealed()[0]
    with pytest.raises(UsageError, match="is already in the spool"):
        restore.read(house.spool, path)
    with pytest.raises(UsageError, match="has no readable events"):
        restore.read(house.spool, Path(shutil.copy(path, tmp_path / "renamed.seg")))

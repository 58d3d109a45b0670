"""Segments to a prepared batch: the unreadable is set aside, what came before is dropped, the rest stored whole."""

from __future__ import annotations

import datetime as dt
import itertools
import uuid

import clickhouse_connect
import pytest

from collector.enrich import bots
from collector.enrich.referrer_spam import SpamHosts
from collector.event.model import SpooledEvent
from collector.loader import insert
from collector.loader.batches import from_stream
from collector.loader.prepare import IDEMPOTENCY, SEEN_WINDOWS, gather, prepare
from collector.loader.seen_filter import SeenIds
from collector.sites.registry import Site, SiteRegistry
from collector.sites.snapshot import publish
from collector.spool import framing
from collector.spool.lines import encode
from collector.spool.spool import Spool
from sql.client import PINNED
from sql.schema import migrate

NOON = dt.datetime(2026, 9, 21, 12, tzinfo=dt.UTC)
HOUR = 3_600_000
numbers = itertools.count(1)


def ms(moment):
    return int(moment.timestamp() * 1000)


def seen(client) -> SeenIds:
    """What a loader that starts now knows."""
    known = SeenIds()
    known.load(client, dt.datetime.now(dt.UTC).date() - SEEN_WINDOWS * IDEMPOTENCY)
    return known


@pytest.fixture(scope="module")
def client(engine):
    how = engine.how
    with clickhouse_connect.get_client(**how) as made:
        made.command("create database if not exists prepare_test")
    client = clickhouse_connect.get_client(
        **how, database="prepare_test", settings=PINNED, autogenerate_session_id=False
    )
    migrate.apply(client)
    yield client
    client.close()


@pytest.fixture
def folder(tmp_path):
    return Spool(tmp_path / "spool").make()


@pytest.fixture
def site(tmp_path):
    return next(numbers)


@pytest.fixture
def registry(tmp_path, site):
    sites = [Site(site, "a.example", "Europe/Berlin"), Site(site + 10_000, "b.example", "UTC")]
    publish(tmp_path / "sites.json", sites)
    return SiteRegistry(tmp_path / "sites.json")


@pytest.fixture
def loading(folder, registry, client):
    """``loading(records, flight)``: the batch of one segment; ``loading.store(batch)`` puts it into ClickHouse."""

    class Loading:
        def __call__(self, *payloads, flight=None):
            return prepare(
                gather(folder, [segment(folder, *payloads)], registry, SpamHosts()),
                client,
                registry,
                seen(client),
                flight,
            )

        def store(self, made):
            insert.insert(client, made.manifest, made.data, str(uuid.uuid4()))

    return Loading()


def segment(folder, *payloads):
    path = folder.sealed_dir / f"{next(numbers):020d}-w.seg"
    key, before = framing.key_of(path), itertools.accumulate(map(framing.events_in, payloads), initial=0)
    path.write_bytes(b"".join(framing.frame(payload, key, at) for payload, at in zip(payloads, before, strict=False)))
    return path


def event(n=None, at=NOON, known=True, **fields):
    plain = {"visitor": 1, "previous": 0, "name": "page_view", "interactive": False}
    key = uuid.uuid4().bytes if n is None else n.to_bytes(16, "big")
    return SpooledEvent(event_id=key, known=known, timestamp=ms(at), **(plain | fields))


def counts(made):
    m = made.manifest
    assert from_stream(made.data).num_rows == m.rows
    return m.rows, m.duplicates, m.quarantined


def test_a_record_that_cannot_be_read_is_set_aside_with_its_reason(folder, site, loading):
    good = [encode(site, 1, [event(n)]) for n in range(3)]
    made = loading(good[0], b"\xc1 no record", good[1], b"\x95", good[2])
    assert counts(made) == (3, 0, 2)
    assert made.manifest.accepted == 5
    kept = sorted(folder.quarantine_dir.iterdir())
    assert [path.suffix for path in kept] == [".bin", ".reason"] * 2
    assert [path.read_bytes() for path in kept[::2]] == [b"\xc1 no record", b"\x95"]
    assert all(path.read_text() for path in kept[1::2])
    assert {path.stat().st_mode & 0o777 for path in kept} == {0o600}


def test_a_line_that_breaks_a_step_is_set_aside_alone(folder, site, loading, monkeypatch, caplog):
    real = bots.verdict
    monkeypatch.setattr(bots, "verdict", lambda agent, *signs: 1 // 0 if agent == "poison" else real(agent))
    record = encode(site, 1, [event(n, user_agent="poison" if n in (3, 7) else "fine") for n in range(10)])
    made = loading(record, encode(site, 1, [event(11)]))
    assert counts(made) == (9, 0, 2)
    kept = sorted(folder.quarantine_dir.glob("*.bin"))
    assert len(kept) == 2
    assert all(b"poison" in path.read_bytes() for path in kept)
    assert "ZeroDivisionError" in kept[0].with_suffix(".reason").read_text()
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize("count", [1, 2, 99])
def test_a_few_lines_that_all_break_a_step_hold_nobody_up(folder, site, loading, monkeypatch, count):
    real = bots.verdict
    monkeypatch.setattr(bots, "verdict", lambda agent, *signs: 1 // 0 if agent == "poison" else real(agent))
    made = loading(encode(site, 1, [event(n, user_agent="poison") for n in range(count)]))
    assert counts(made) == (0, 0, count)
    assert len(list(folder.quarantine_dir.glob("*.bin"))) == count


@pytest.mark.parametrize("count", [1, 300])
def test_a_defect_that_a_plain_event_meets_too_is_no_lines_fault(folder, site, loading, monkeypatch, count):
    """Nothing is set aside: the segment waits for a loader without the defect."""
    monkeypatch.setattr(bots, "verdict", lambda *signs: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        loading(encode(site, 1, [event(n) for n in range(count)]))
    assert len(list(folder.quarantine_dir.glob("*.bin"))) == 0


def test_a_defect_that_every_line_meets_is_no_lines_fault(folder, site, loading, monkeypatch):
    real = bots.verdict
    monkeypatch.setattr(bots, "verdict", lambda agent, *signs: 1 // 0 if agent else real(agent))
    with pytest.raises(ZeroDivisionError):
        loading(encode(site, 1, [event(n, user_agent="fine") for n in range(300)]))
    assert len(list(folder.quarantine_dir.glob("*.bin"))) == 0


def test_bytes_that_are_no_text_are_set_aside_too(folder, site, loading):
    torn = encode(site, 1, [event(7, title="torn")]).replace(b"torn", b"\xff\xfe\xfd\xfc")
    assert counts(loading(encode(site, 1, [event(1)]), torn, encode(site, 1, [event(2)]))) == (2, 0, 1)
    assert len(list(folder.quarantine_dir.glob("*.bin"))) == 1


def test_preparing_again_sets_aside_once(folder, registry, site):
    path = segment(folder, encode(site, 1, [event(1)]), b"\xc1")
    first, second = (gather(folder, [path], registry, SpamHosts()) for _ in range(2))
    assert first.events.drop("extra", "page", "client", "origin", "verdict").equals(
        second.events.drop("extra", "page", "client", "origin", "verdict")
    )
    assert first.quarantined == second.quarantined == 1
    assert len(list(folder.quarantine_dir.iterdir())) == 2


def test_a_damaged_record_is_counted(folder, registry, site):
    """It was acknowledged: accepted = stored + duplicate + quarantined must hold with it."""
    path = segment(folder, *(encode(site, 1, [event(n)]) for n in range(3)))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    found = gather(folder, [path], registry, SpamHosts())
    assert found.events.height == 2
    assert found.quarantined == 1
    assert len(list(folder.quarantine_dir.glob("*.damaged"))) == 1


def test_a_batch_of_nothing_but_damage(loading, client):
    made = loading(b"\xc1")
    assert counts(made) == (0, 0, 1)
    assert (made.manifest.days, made.manifest.moves) == ([], [])
    loading.store(made)


def test_an_empty_segment(loading):
    assert counts(loading()) == (0, 0, 0)


def test_several_segments_are_one_batch(folder, registry, client, site):
    paths = [segment(folder, encode(site, 1, [event(n)])) for n in range(3)]
    made = prepare(gather(folder, paths, registry, SpamHosts()), client, registry, seen(client))
    assert made.manifest.segments == [path.name for path in paths]
    assert counts(made) == (3, 0, 0)


@pytest.mark.parametrize("where", ["batch", "record", "flight", "stored"])
def test_what_came_before_is_dropped(loading, site, where):
    first, again = encode(site, 1, [event(1), event(2)]), encode(site, 2, [event(2), event(3)])
    if where == "batch":
        assert counts(loading(first, again)) == (3, 1, 0)
    elif where == "record":
        assert counts(loading(encode(site, 1, [event(1), event(1), event(1)]))) == (1, 2, 0)
    else:
        before = loading(first)
        if where == "stored":
            loading.store(before)
        made = loading(again, flight=before if where == "flight" else None)
        assert counts(made) == (1, 1, 0)
        assert made.ids["event_id"].to_list() == [(3).to_bytes(16, "big")]


def test_the_first_of_equal_ids_stays(loading, site):
    made = loading(encode(site, 1, [event(1, title="first"), event(1, title="second")]))
    assert from_stream(made.data)["title"].to_pylist() == ["first"]


@pytest.mark.parametrize("stored", [False, True], ids=["new", "stored"])
def test_the_same_id_on_another_site_is_another_event(loading, site, stored):
    if stored:
        loading.store(loading(encode(site, 1, [event(1)])))
    made = loading(encode(site, 1, [event(1)]), encode(site + 10_000, 1, [event(1)]))
    assert made.ids["site_id"].to_list() == ([site + 10_000] if stored else [site, site + 10_000])
    assert counts(made) == ((1, 1, 0) if stored else (2, 0, 0))


def test_another_time_does_not_make_it_another_event(loading, site):
    loading.store(loading(encode(site, 1, [event(1)])))
    assert counts(loading(encode(site, 1, [event(1, NOON + dt.timedelta(hours=5))]))) == (0, 1, 0)


@pytest.mark.parametrize(("days", "duplicates"), [(-1, 1), (0, 1), (7, 1), (8, 0)])
def test_the_idempotency_window(loading, site, days, duplicates):
    """An id is known for seven days after its first event, and a day before it."""
    loading.store(loading(encode(site, 1, [event(1)])))
    again = event(1, NOON + dt.timedelta(days=days))
    assert counts(loading(encode(site, 1, [again]))) == (1 - duplicates, duplicates, 0)


def test_a_batch_over_many_days_keeps_the_window_of_each_end(loading, site):
    loading.store(loading(encode(site, 1, [event(1)])))
    batch = [event(2, NOON + dt.timedelta(days=20)), event(1, NOON + dt.timedelta(days=3)), event(3)]
    assert counts(loading(encode(site, 1, batch))) == (2, 1, 0)


def test_many_ids_are_asked_for_at_once(loading, site):
    loading.store(loading(encode(site, 1, [event(n) for n in range(20_000)])))
    assert counts(loading(encode(site, 1, [event(n) for n in range(10_000, 30_000)]))) == (10_000, 10_000, 0)


def test_every_field_is_stored_as_it_was_sent(loading, client, site):
    text = "ä\0\x1f'\"\\\n{x} 日本 🎌"
    sent = event(
        1,
        name="purchase",
        interactive=True,
        url="https://a.example/p?utm_campaign=c",
        referrer="https://www.bing.com/search?q=secret",
        title=text,
        user_agent="curl/8.0",
        country="DE",
        screen="100x200",
        language="de",
        session_id=text,
        user_id="u",
        engagement_ms=2**32 - 1,
        scroll_depth=100,
        gpc=True,
        revenue="-999999999999.9999",
        currency="EUR",
        props={"t": text, "": "empty name"},
        props_number={"n": -1.5, "m": 1e300},
        props_bool={"b": True, "c": False},
    )
    loading.store(loading(encode(site, ms(NOON) + 5, [sent, event(2)], "i1")))
    columns = [
        "toString(event_id)", "name", "interactive", "hostname", "path", "utm_campaign", "referrer", "title",
        "user_agent", "country", "screen", "language", "session_id", "user_id", "engagement_ms", "scroll_depth", "gpc",
        "toString(revenue)", "currency", "props", "props_number", "props_bool", "import_id",
        "toUnixTimestamp64Milli(timestamp)", "toUnixTimestamp64Milli(received_at)", "batch_seq", "toString(local_date)",
    ]  # fmt: skip
    rows = client.query(
        f"select {', '.join(columns)} from events where site_id = {site} order by batch_seq"  # noqa: S608
    ).result_rows
    spaced = text.replace("\x1f", " ").replace("\n", " ")
    assert rows[0] == (
        str(uuid.UUID(int=1)), "purchase", True, "a.example", "/p", "c", "www.bing.com/search", spaced,
        "curl/8.0", "DE", "100x200", "de", spaced, "u", 2**32 - 1, 100, True,
        "-999999999999.9999", "EUR", sent.props, sent.props_number, sent.props_bool, "i1",
        ms(NOON), ms(NOON) + 5, 0, "2026-09-21",
    )  # fmt: skip
    assert rows[1][17:22] == ("0", "", {}, {}, {})


def test_days_and_dates_are_of_the_site_and_hold_the_visits(loading, site):
    """Half an hour into October in Berlin: the visit began in September."""
    start = dt.datetime(2026, 9, 30, 21, 50, tzinfo=dt.UTC)
    made = loading(encode(site, 1, [event(1, start), event(2, start + dt.timedelta(minutes=20))]))
    m = made.manifest
    assert m.days == [(site, dt.date(2026, 9, 30)), (site, dt.date(2026, 10, 1))]
    assert (m.first_date, m.last_date) == (dt.date(2026, 9, 30), dt.date(2026, 10, 1))
    table = from_stream(made.data)
    assert table["visit_date"].to_pylist() == [dt.date(2026, 9, 30)] * 2
    assert len(set(table["visit_id"].to_pylist())) == 1


@pytest.mark.parametrize("where", ["flight", "stored"])
def test_a_visit_goes_on_in_the_next_batch(loading, site, where):
    before = loading(encode(site, 1, [event(1)]))
    if where == "stored":
        loading.store(before)
    later = event(2, NOON + dt.timedelta(minutes=30))
    apart = event(3, NOON + dt.timedelta(minutes=90))
    made = loading(encode(site, 1, [later, apart]), flight=before if where == "flight" else None)
    [visit] = from_stream(before.data)["visit_id"].to_pylist()
    visits = from_stream(made.data)["visit_id"].to_pylist()
    assert visits[0] == visit != visits[1]
    assert made.manifest.moves == []


def test_a_late_event_joins_visits_and_the_views_follow(loading, client, site):
    minutes = dt.timedelta(minutes=1)
    loading.store(loading(encode(site, 1, [event(1), event(2, NOON + 50 * minutes)])))
    made = loading(encode(site, 1, [event(3, NOON + 25 * minutes)]))
    assert made.manifest.moves
    loading.store(made)
    found = client.query(
        f"select count(), sum(events), max(duration) from visits_merged where site_id = {site}"  # noqa: S608
    ).first_row
    assert found == (1, 3, 3000.0)


def test_midnight_does_not_end_a_visit(loading, site):
    night = dt.datetime(2026, 9, 21, 23, 50, tzinfo=dt.UTC)
    loading.store(loading(encode(site, 1, [event(1, night, visitor=11)])))
    made = loading(encode(site, 1, [event(2, night + dt.timedelta(minutes=20), visitor=12, previous=11)]))
    assert from_stream(made.data)["visitor_id"].to_pylist() == [11]


def test_events_of_a_site_that_is_not_registered_are_set_aside_together(folder, loading, site):
    stranger = encode(site + 50_000, 1, [event(n) for n in range(3)])
    assert counts(loading(encode(site, 1, [event(7)]), stranger)) == (1, 0, 3)
    [kept] = folder.quarantine_dir.glob("*.bin")
    assert kept.read_bytes() == stranger


def test_the_filter_speaks_only_for_windows_that_it_knows(folder, registry, client, site, loading):
    """An event from before the filter's first day is looked up, and so is one whose window begins before it."""
    loading.store(loading(encode(site, 1, [event(1)])))
    short = SeenIds()
    short.load(client, (NOON + dt.timedelta(days=1)).date())
    gathered = gather(
        folder, [segment(folder, encode(site, 1, [event(1, NOON + dt.timedelta(days=2))]))], registry, SpamHosts()
    )
    assert counts(prepare(gathered, client, registry, short)) == (0, 1, 0)

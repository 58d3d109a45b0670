"""Spool records to columns: what was written is what stands in the row of its event."""

from __future__ import annotations

import datetime as dt

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector import columns
from collector.model import SPOOL_VERSION, Envelope, SpooledEvent, encode
from collector.sites import Registry, Site, publish

AT = 1_790_000_000_000
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
BOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


def event(n=0, **fields):
    plain = {
        "event_id": n.to_bytes(16, "big"),
        "known": True,
        "visitor": 1,
        "previous": 0,
        "timestamp": AT,
        "name": "a",
    }
    return SpooledEvent(**(plain | {"interactive": False} | fields))


def record(*events, site=1, at=AT, source=""):
    return encode(site, at, list(events), source)


@pytest.fixture
def registry(tmp_path):
    zones = {1: "UTC", 2: "Pacific/Kiritimati", 3: "America/St_Johns", 4: "Pacific/Pago_Pago"}
    publish(tmp_path / "sites.json", [Site(n, f"s{n}.example", zone, "") for n, zone in zones.items()])
    return Registry(tmp_path / "sites.json")


texts = st.text(max_size=20)
spooled = st.builds(
    SpooledEvent,
    event_id=st.binary(min_size=16, max_size=16),
    known=st.booleans(),
    visitor=st.integers(0, 2**64 - 1),
    previous=st.integers(0, 2**64 - 1),
    timestamp=st.integers(0, 4_102_444_800_000),
    name=texts,
    interactive=st.booleans(),
    title=texts,
    user_agent=texts,
    engagement_ms=st.integers(0, 2**32 - 1),
    scroll_depth=st.integers(0, 100),
    revenue=st.sampled_from(["", "1.0000", "-0.5000"]),
    props=st.none() | st.dictionaries(texts, texts, max_size=3),
    props_number=st.none() | st.dictionaries(texts, st.floats(allow_nan=False), max_size=3),
    props_bool=st.none() | st.dictionaries(texts, st.booleans(), max_size=3),
)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.lists(spooled, max_size=4)), max_size=5))
def test_round_trip(records):
    frame, maps = columns.table(columns.decode([record(*events, site=site) for site, events in records]))
    flat = [(site, e) for site, events in records for e in events]
    assert frame["site_id"].to_list() == [site for site, _ in flat]
    for name in SpooledEvent.__struct_fields__:
        expected = [getattr(e, name) for _, e in flat]
        assert list(maps[name]) == expected if name in maps else frame[name].to_list() == expected, name


def test_no_records_have_the_columns_all_the_same(registry):
    frame, maps = columns.table(columns.decode([]))
    full = columns.enrich(frame, registry)
    assert full.height == 0
    assert {"local_date", "browser", "channel", "bot", "path"} <= set(full.columns)
    assert set(maps) == {"props", "props_number", "props_bool"}
    one = columns.enrich(columns.table(columns.decode([record(event())]))[0], registry)
    assert one.schema == full.schema


def envelope(**fields):
    plain = {"version": SPOOL_VERSION, "site_id": 1, "received_at": AT, "import_id": "", "events": [event()]}
    return list((plain | fields).values())


def packed(**fields):
    """An event as a list, with a field changed."""
    plain = msgspec.to_builtins(event(), builtin_types=(bytes,))
    for name, value in fields.items():
        plain[SpooledEvent.__struct_fields__.index(name)] = value
    return plain


UNREADABLE = {
    "bytes": b"\xc1\xff",
    "empty map": b"\x80",
    "text": msgspec.msgpack.encode("text"),
    "later version": msgspec.msgpack.encode(envelope(version=SPOOL_VERSION + 1)),
    "too short": msgspec.msgpack.encode(envelope()[:3]),
    "site": msgspec.msgpack.encode(envelope(site_id=2**32)),
    "negative time": msgspec.msgpack.encode(envelope(received_at=-1)),
    "far future": msgspec.msgpack.encode(envelope(received_at=2**62)),
    "torn": msgspec.msgpack.encode(envelope())[:-3],
    "trailing": msgspec.msgpack.encode(envelope()) + b"\x00",
    "id": msgspec.msgpack.encode(envelope(events=[packed(event_id=b"short")])),
    "visitor": msgspec.msgpack.encode(envelope(events=[packed(visitor=-1)])),
    "timestamp": msgspec.msgpack.encode(envelope(events=[packed(timestamp=2**62)])),
    "engagement": msgspec.msgpack.encode(envelope(events=[packed(engagement_ms=2**32)])),
    "scroll": msgspec.msgpack.encode(envelope(events=[packed(scroll_depth=101)])),
    "name": msgspec.msgpack.encode(envelope(events=[packed(name=5)])),
    "no UTF-8": msgspec.msgpack.encode(envelope()).replace(b"\xa1a", b"\xa1\xff"),
    "props": msgspec.msgpack.encode(envelope(events=[packed(props={"a": 5})])),
}


@pytest.mark.parametrize("name", UNREADABLE)
@pytest.mark.parametrize("beside", [0, 1], ids=["alone", "beside a good one"])
def test_unreadable(name, beside):
    with pytest.raises(columns.UnreadableRecord):
        columns.decode([record(event())] * beside + [UNREADABLE[name]])


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=60) | st.data())
def test_no_bytes_raise_anything_else(data):
    if not isinstance(data, bytes):
        body = bytearray(record(event(name="name", title="title", props={"a": "b"})))
        for _ in range(data.draw(st.integers(1, 3))):
            body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
        data = bytes(body)
    try:
        rows = columns.decode([data])
    except columns.UnreadableRecord:
        return
    columns.table(rows)


def test_the_format_is_the_envelope():
    decoded = msgspec.msgpack.decode(record(event(title="t"), source="i1"), type=Envelope)
    assert decoded == Envelope(SPOOL_VERSION, 1, AT, "i1", [event(title="t")])


def test_enriched(registry):
    url = "https://shop.example/a?utm_source=news&utm_medium=email&secret=1&gclid=g"
    rows = columns.decode(
        [
            record(
                event(0, user_agent=CHROME, url=url),
                event(1, user_agent=BOT, referrer="https://www.google.com/"),
            )
        ]
    )
    first, second = columns.enrich(columns.table(rows)[0], registry).to_dicts()
    assert (first["hostname"], first["path"]) == ("shop.example", "/a")
    assert (first["utm_source"], first["utm_medium"], first["click_id_kind"], first["click_id"]) == (
        "news", "email", "gclid", "g",
    )  # fmt: skip
    assert "secret" not in first["query"]
    assert (first["browser"], first["browser_version"], first["os"], first["device"]) == (
        "Chrome", "140", "Linux", "desktop",
    )  # fmt: skip
    assert (first["bot"], first["bot_reason"]) == (False, "")
    assert second["bot"]
    assert second["bot_reason"]
    assert second["source"] == "Google"
    assert second["channel"] == "Organic Search"


def test_enriching_keeps_the_order_and_the_rows(registry):
    events = [event(n, url=f"https://s/{n % 3}", user_agent=[CHROME, BOT, ""][n % 3], title=str(n)) for n in range(50)]
    frame = columns.enrich(columns.table(columns.decode([record(*events)]))[0], registry)
    assert frame["title"].to_list() == [str(n) for n in range(50)]
    assert frame["path"].to_list() == [f"/{n % 3}" for n in range(50)]


@pytest.mark.parametrize(
    ("site", "at", "day"),
    [
        (1, "2026-09-21T23:59:59.999Z", "2026-09-21"),
        (2, "2026-09-21T09:59:59.999Z", "2026-09-21"),
        (2, "2026-09-21T10:00:00Z", "2026-09-22"),
        (3, "2026-09-21T02:29:59.999Z", "2026-09-20"),
        (3, "2026-11-01T02:30:00Z", "2026-11-01"),
        (4, "2026-09-21T10:59:59.999Z", "2026-09-20"),
        (99, "2026-09-21T23:59:59.999Z", "2026-09-21"),
    ],
    ids=[
        "UTC",
        "ahead, before",
        "ahead, after",
        "half an hour",
        "half an hour, midnight",
        "behind",
        "unknown site",
    ],
)
def test_the_local_day_is_of_the_sites_zone(registry, site, at, day):
    moment = int(dt.datetime.fromisoformat(at).timestamp() * 1000)
    others = record(event(1), site=1), record(event(2), site=2)
    frame, _ = columns.table(columns.decode([*others, record(event(timestamp=moment), site=site)]))
    assert columns.enrich(frame, registry)["local_date"].to_list()[-1] == dt.date.fromisoformat(day)
    assert columns.local_date(frame, registry, "timestamp").to_list()[-1] == dt.date.fromisoformat(day)

"""Spool records: what was written is what stands in the row of its event; what is not ours is never read as if."""

from __future__ import annotations

import gzip
import json
import zlib

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.event.model import SpooledEvent
from collector.spool.line_reader import UnreadableRecord, decode
from collector.spool.lines import SEPARATOR, VERSION, encode

AT = 1_790_000_000_000
FIELDS = ("site_id", "received_at", "import_id", *SpooledEvent.__struct_fields__, "version")


def event(n=0, **fields):
    plain = {"event_id": n.to_bytes(16, "big"), "known": True, "visitor": 1, "previous": 0, "timestamp": AT}
    return SpooledEvent(**(plain | {"name": "a", "interactive": False} | fields))


def changed(**fields):
    """A record with some fields replaced by other text."""
    texts = encode(1, AT, [event()]).decode().rstrip("\n").split(SEPARATOR)
    for name, text in fields.items():
        texts[FIELDS.index(name)] = text
    return SEPARATOR.join(texts).encode() + b"\n"


texts = st.text(st.characters(exclude_characters=SEPARATOR + "\r\n", exclude_categories=["Cs"]), max_size=20)
finite = st.floats(allow_nan=False, allow_infinity=False)
spooled = st.builds(
    SpooledEvent,
    event_id=st.binary(min_size=16, max_size=16),
    known=st.booleans(),
    visitor=st.integers(0, 2**64 - 1),
    previous=st.integers(0, 2**64 - 1),
    timestamp=st.integers(0, 4_102_444_800_000),
    name=texts,
    interactive=st.booleans(),
    url=texts,
    title=texts,
    user_agent=texts,
    engagement_ms=st.integers(0, 2**32 - 1),
    scroll_depth=st.integers(0, 100),
    gpc=st.booleans(),
    revenue=st.sampled_from(["", "1.0000", "-0.5000"]),
    props=st.none() | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), texts, min_size=1, max_size=3),
    props_number=st.none() | st.dictionaries(texts, finite, min_size=1, max_size=3),
    props_bool=st.none() | st.dictionaries(texts, st.booleans(), min_size=1, max_size=3),
)


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.lists(spooled, max_size=4)), max_size=5), texts)
def test_round_trip(records, source):
    rows = decode([encode(site, AT, events, source) for site, events in records])
    flat = [(site, e) for site, events in records for e in events]
    assert rows["site_id"].to_list() == [site for site, _ in flat]
    assert set(rows["import_id"]) <= {source}
    for name in SpooledEvent.__struct_fields__:
        expected = [getattr(e, name) for _, e in flat]
        if name.startswith("props"):
            assert [json.loads(text) if text else None for text in rows[name]] == expected, name
        else:
            assert rows[name].to_list() == expected, name


def test_no_records_have_the_columns_all_the_same():
    assert decode([]).schema == decode([encode(1, AT, [event()])]).schema
    assert decode([]).height == 0


@pytest.mark.parametrize("inside", ["\n", "\r", "\r\n", SEPARATOR, f"\n{SEPARATOR}1"], ids=repr)
def test_a_separator_within_a_text_becomes_a_blank(inside):
    sent = [event(1, title=f"a{inside}b", props={"k": f"v{inside}"}), event(2, title="next")]
    rows = decode([encode(1, AT, sent, f"i{inside}")])
    assert rows["title"].to_list() == [
        "a" + " " * len(inside.replace("1", "")) + ("1" if "1" in inside else "") + "b",
        "next",
    ]
    assert json.loads(rows["props"][0]) == {"k": f"v{inside}"}
    assert rows["event_id"].to_list() == [n.to_bytes(16, "big") for n in (1, 2)]


UNREADABLE = {
    "bytes": b"\xc1\xff",
    "a word": b"text\n",
    "empty line": b"\n",
    "later version": changed(version=str(VERSION + 1)),
    "too short": encode(1, AT, [event()]).rpartition(b"\x1f")[0] + b"\n",
    "too long": changed(props_bool="\x1f"),
    "site": changed(site_id=str(2**32)),
    "no site": changed(site_id=""),
    "negative time": changed(received_at="-1"),
    "far future": changed(received_at=str(2**62)),
    "torn": encode(1, AT, [event(title="t" * 50)])[:60],
    "id": changed(event_id="00ff"),
    "no hex": changed(event_id="g" * 32),
    "visitor": changed(visitor="-1"),
    "timestamp": changed(timestamp=str(2**62)),
    "engagement": changed(engagement_ms=str(2**32)),
    "scroll": changed(scroll_depth="101"),
    "flag": changed(gpc="2"),
    "no UTF-8": changed(title="ÿ").replace("ÿ".encode(), b"\xff"),
    "no end": encode(1, AT, [event()])[:-1],
}


@pytest.mark.parametrize("name", UNREADABLE)
@pytest.mark.parametrize("beside", ["alone", "before a good one", "after a good one"])
def test_unreadable(name, beside):
    good = [encode(1, AT, [event()])] * (beside != "alone")
    records = [UNREADABLE[name], *good] if beside == "before a good one" else [*good, UNREADABLE[name]]
    with pytest.raises(UnreadableRecord):
        decode(records)


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress, zstandard.compress, lambda data: b"\x28\xb5\x2f\xfd"])
def test_what_is_packed_is_no_record(pack):
    with pytest.raises(UnreadableRecord):
        decode([pack(encode(1, AT, [event(1)]))])


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=60) | st.data())
def test_no_bytes_raise_anything_else(data):
    if not isinstance(data, bytes):
        body = bytearray(encode(1, AT, [event(name="name", title="title", props={"a": "b"}), event(2)]))
        for _ in range(data.draw(st.integers(1, 3))):
            body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
        data = bytes(body)
    try:
        rows = decode([data])
    except UnreadableRecord:
        return
    assert rows.height == data.count(b"\n")

"""Frames: what is written is read; what is damaged is found, counted, and nothing else is lost."""

from __future__ import annotations

import itertools
from pathlib import Path

import google_crc32c
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.spool import framing
from collector.spool.framing import Damage

KEY = 0x5EED_BEEF
payloads = st.lists(st.binary(min_size=1, max_size=200), max_size=20)


def written(records, key=KEY):
    before = itertools.accumulate(map(framing.events_in, records), initial=0)
    return [framing.frame(record, key, count) for record, count in zip(records, before, strict=False)]


def events(records):
    return sum(map(framing.events_in, records))


def whole_bytes(found):
    return sum(framing.HEADER.size + len(payload) for payload in found.payloads)


@given(payloads, st.integers(0, 2**32 - 1))
def test_round_trip(records, key):
    found = framing.read(b"".join(written(records, key)), key, events(records))
    assert found.payloads == records
    assert found.damaged == []
    assert found.events == events(records)


@given(payloads, st.data())
def test_torn_tail_costs_only_the_last_record(records, data):
    whole = b"".join(written(records))
    cut = data.draw(st.integers(0, len(whole)))
    found = framing.read(whole[:cut], KEY)
    assert found.payloads == records[: len(found.payloads)]
    assert found.events == events(found.payloads)
    lost = cut - whole_bytes(found)
    assert len(found.payloads) == len(records) or 0 <= lost < len(written(records)[len(found.payloads)])


@given(st.lists(st.binary(min_size=1, max_size=100), min_size=3, max_size=10), st.data())
def test_a_flipped_bit_costs_one_record_and_its_events_are_counted(records, data):
    whole = bytearray(b"".join(written(records)))
    where = data.draw(st.integers(0, len(whole) - 1))
    whole[where] ^= 1 << data.draw(st.integers(0, 7))
    found = framing.read(bytes(whole), KEY, events(records))
    assert len(found.payloads) == len(records) - 1
    [damage] = found.damaged
    assert set(found.payloads) <= set(records)
    assert damage.events == events(records) - events(found.payloads)
    assert found.events == events(records)


@given(st.binary(max_size=500), st.none() | st.integers(0, 50))
def test_no_bytes_raise(data, total):
    found = framing.read(data, KEY, total)
    assert sum(damage.end - damage.start for damage in found.damaged) + whole_bytes(found) == len(data)


def test_what_was_cut_off_between_two_records_is_missed():
    first, second = written([b"a\nb\n", b"c\n"])
    found = framing.read(first, KEY, 3)
    assert (found.damaged, found.events) == ([Damage(len(first), len(first), 1)], 3)
    assert framing.read(first + second, KEY, 3).damaged == []


def test_without_a_total_nobody_knows_what_the_end_held():
    first, second = written([b"a\n", b"c\n"])
    found = framing.read(first + second[:-1] + b"!", KEY)
    assert [damage.events for damage in found.damaged] == [None]
    assert found.events == 1


@pytest.mark.parametrize("key", [0, KEY ^ 1], ids=["plain checksum", "another key"])
def test_a_record_that_a_sender_wrote_into_an_event_is_never_taken_for_ours(key):
    """Where the record around it is damaged, the reader looks for the next one within its bytes."""
    forged = framing.frame(b"forged\n", key, 0)
    [outer, good] = written([b"x" * 20 + forged + b"\n", b"good\n"])
    torn = bytearray(outer)
    torn[14] ^= 1
    assert framing.read(bytes(torn) + good, KEY).payloads == [b"good\n"]


def test_the_key_is_no_plain_checksum_of_anything_a_sender_sees():
    path = Path("open/collector-12-0a1b2c3d4e5f-000001.seg")
    sealed = Path("sealed/00000000000000000001~12~" + path.name)
    assert framing.key_of(path) == framing.key_of(sealed) != 0
    assert framing.key_of(path) != framing.key_of(Path("open/collector-12-0a1b2c3d4e5f-000002.seg"))
    data = b"payload"
    assert framing.frame(data, 0, 0)[4:8] == google_crc32c.value(data).to_bytes(4, "little")
    assert framing.frame(data, framing.key_of(path), 0)[4:8] != framing.frame(data, 0, 0)[4:8]


@pytest.mark.parametrize("size", [0, framing.MAX_PAYLOAD + 1], ids=["empty", "too big"])
def test_sizes_that_are_no_record(size):
    with pytest.raises(ValueError, match="a record must have"):
        framing.frame(b"x" * size, KEY, 0)


def test_zeros_are_damage_not_records():
    assert framing.read(bytes(4096), KEY).payloads == []

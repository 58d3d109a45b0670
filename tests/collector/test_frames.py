"""Frames: what is written is read; what is damaged is found and nothing else is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector import frames

payloads = st.lists(st.binary(min_size=1, max_size=200), max_size=20)


@given(payloads)
def test_round_trip(records):
    found = frames.read(b"".join(map(frames.frame, records)))
    assert found.payloads == records
    assert found.damaged == []


@given(payloads, st.data())
def test_torn_tail_costs_only_the_last_record(records, data):
    whole = b"".join(map(frames.frame, records))
    cut = data.draw(st.integers(0, len(whole)))
    found = frames.read(whole[:cut])
    assert found.payloads == records[: len(found.payloads)]
    assert found.good_length <= cut
    lost = whole[found.good_length : cut]
    assert len(found.payloads) == len(records) or len(lost) < len(frames.frame(records[len(found.payloads)]))


@given(st.lists(st.binary(min_size=1, max_size=100), min_size=3, max_size=10), st.data())
def test_a_flipped_bit_costs_one_record(records, data):
    whole = bytearray(b"".join(map(frames.frame, records)))
    where = data.draw(st.integers(0, len(whole) - 1))
    whole[where] ^= 1 << data.draw(st.integers(0, 7))
    found = frames.read(bytes(whole))
    assert len(found.payloads) == len(records) - 1
    assert len(found.damaged) == 1
    assert set(found.payloads) <= set(records)


@given(st.binary(max_size=500))
def test_no_bytes_raise(data):
    found = frames.read(data)
    assert sum(end - start for start, end in found.damaged) + found.good_length == len(data)


@pytest.mark.parametrize("size", [0, frames.MAX_PAYLOAD + 1], ids=["empty", "too big"])
def test_sizes_that_are_no_record(size):
    with pytest.raises(ValueError, match="a record holds"):
        frames.frame(b"x" * size)


def test_zeros_are_damage_not_records():
    assert frames.read(bytes(4096)).payloads == []

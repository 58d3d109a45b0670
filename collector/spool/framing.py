"""The record format of spool segments: ``length | crc32c | before | payload``, numbers little-endian 32 bit.

A reader takes every whole frame, and where bytes are damaged it looks for the next frame that checks out,
so that one bad sector does not cost the rest of a segment. The checksum begins with a key that no sender knows,
so that a record found within damaged bytes is one that we wrote, never one that a sender wrote into an event.
``before`` counts the events of the records before this one: it tells how many were lost to damage.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from pathlib import Path

from google_crc32c import extend as crc32c
from google_crc32c import value as plain_crc32c

HEADER = struct.Struct("<III")
MAX_PAYLOAD = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes of a segment that could not be read, and how many events they held (None: nobody knows)."""

    start: int
    end: int
    events: int | None


@dataclass(slots=True)
class Segment:
    """What a segment's bytes hold: payloads in order, the ranges that could not be read, and how many events."""

    payloads: list[bytes] = field(default_factory=list)
    damaged: list[Damage] = field(default_factory=list)
    events: int = 0


def key_of(path: Path) -> int:
    """The key of a segment's checksums, from the part of its name that it keeps when it is sealed."""
    return int(plain_crc32c(path.stem.rpartition("~")[2].encode()))


def events_in(payload: bytes) -> int:
    """How many events a record's payload holds: one a line, also where the last one has no end."""
    return payload.count(b"\n") + (payload[-1:] != b"\n")


def frame(payload: bytes, key: int, before: int) -> bytes:
    """One record. An empty payload is not a record: zeros on disk would read as one."""
    if not 0 < len(payload) <= MAX_PAYLOAD:
        raise ValueError(f"a record must have 1 to {MAX_PAYLOAD} bytes, not {len(payload)}")
    return HEADER.pack(len(payload), crc32c(key ^ before, payload), before) + payload


def read(data: bytes, key: int, total: int | None = None) -> Segment:
    """Every whole record of a segment's bytes, and what is damaged; ``total`` events went in, where that is known."""
    found = Segment()
    keep, unpack, header = found.payloads.append, HEADER.unpack_from, HEADER.size
    at, end, last = 0, len(data), -1
    while at < end:
        start = at + header
        if start <= end:  # this loop is the loader's innermost: nothing is called that need not be
            length, checksum, before = unpack(data, at)
            payload = data[start : start + length]
            if 0 < length <= MAX_PAYLOAD and start + length <= end and crc32c(key ^ before, payload) == checksum:
                keep(payload)
                last = at
                at = start + length
                continue
        resumed = _next_whole(data, at + 1, end, key)
        follows = unpack(data, resumed)[2] if resumed < end else total
        found.damaged.append(Damage(at, resumed, None if follows is None else follows - _through(data, last)))
        at = resumed
    found.events = _through(data, last)
    if total is not None and total > found.events:
        if not found.damaged or found.damaged[-1].end < end:  # cut off between two records
            found.damaged.append(Damage(end, end, total - found.events))
        found.events = total
    return found


def _through(data: bytes, at: int) -> int:
    """How many events there are up to and with the record at ``at``."""
    if at < 0:
        return 0
    length, _, before = HEADER.unpack_from(data, at)
    start = at + HEADER.size
    return int(before) + events_in(data[start : start + length])


def is_torn(data: bytes, at: int) -> bool:
    """Whether the bytes from ``at`` to the end are a record that was being written: its end is missing."""
    if len(data) - at < HEADER.size:
        return True
    length = HEADER.unpack_from(data, at)[0]
    return bool(length > len(data) - at - HEADER.size or not any(data[at:]))


def _next_whole(data: bytes, at: int, end: int, key: int) -> int:
    """Where the next record that checks out begins; ``end`` where none does."""
    for candidate in range(at, end - HEADER.size):
        length, checksum, before = HEADER.unpack_from(data, candidate)
        start = candidate + HEADER.size
        fits = 0 < length <= min(MAX_PAYLOAD, end - start)
        if fits and crc32c(key ^ before, data[start : start + length]) == checksum:
            return candidate
    return end

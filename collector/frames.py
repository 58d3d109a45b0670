"""The record format of spool segments: ``length | crc32c | payload``, both numbers little-endian 32 bit.

A reader takes every whole frame, and where bytes are damaged it looks for the next frame that checks out,
so that one bad sector does not cost the rest of a segment.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from google_crc32c import value as crc32c

HEADER = struct.Struct("<II")
MAX_PAYLOAD = 16 * 1024 * 1024


@dataclass(slots=True)
class Segment:
    """What a segment's bytes hold: payloads in order, and the byte ranges that could not be read."""

    payloads: list[bytes] = field(default_factory=list)
    damaged: list[tuple[int, int]] = field(default_factory=list)

    @property
    def good_length(self) -> int:
        """Bytes of the whole frames, for a segment whose only damage is at its end."""
        return sum(HEADER.size + len(p) for p in self.payloads)


def frame(payload: bytes) -> bytes:
    """One record. An empty payload is not a record: zeros on disk would read as one."""
    if not 0 < len(payload) <= MAX_PAYLOAD:
        raise ValueError(f"a record holds 1 to {MAX_PAYLOAD} bytes, not {len(payload)}")
    return HEADER.pack(len(payload), crc32c(payload)) + payload


def read(data: bytes) -> Segment:
    """Every whole record of a segment's bytes, and what is damaged."""
    found = Segment()
    keep, unpack, header = found.payloads.append, HEADER.unpack_from, HEADER.size
    at, end = 0, len(data)
    while at < end:
        start = at + header
        if start <= end:  # this loop is the loader's innermost: nothing is called that need not be
            length, checksum = unpack(data, at)
            payload = data[start : start + length]
            if 0 < length <= MAX_PAYLOAD and start + length <= end and crc32c(payload) == checksum:
                keep(payload)
                at = start + length
                continue
        resumed = _next_whole(data, at + 1, end)
        found.damaged.append((at, resumed))
        at = resumed
    return found


def is_torn(data: bytes, at: int) -> bool:
    """Whether the bytes from ``at`` to the end are a record that was being written: its end is missing."""
    if len(data) - at < HEADER.size:
        return True
    length, _ = HEADER.unpack_from(data, at)
    return bool(length > len(data) - at - HEADER.size or not any(data[at:]))


def _next_whole(data: bytes, at: int, end: int) -> int:
    """Where the next record that checks out begins; ``end`` where none does."""
    for candidate in range(at, end - HEADER.size):
        length, checksum = HEADER.unpack_from(data, candidate)
        start = candidate + HEADER.size
        if 0 < length <= min(MAX_PAYLOAD, end - start) and crc32c(data[start : start + length]) == checksum:
            return candidate
    return end

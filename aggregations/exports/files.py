"""Files of an export: each whole or not there, and a manifest that says what is in them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Protocol

import msgspec


class Target(Protocol):
    """Where files go: a directory, or a place in an object store."""

    def put(self, name: str, chunks: Iterable[bytes]) -> tuple[int, str]:
        """Write a file, durable and whole or not at all; returns its size and SHA-256."""

    def get(self, name: str) -> bytes:
        """The bytes of a file. Raises OSError."""

    def delete(self, name: str) -> None:
        """Delete a file; nothing happens where it is not there."""


class FileEntry(msgspec.Struct, frozen=True):
    """One file: rows, size in bytes, SHA-256 in hex. ``holds``: rows, additions or removals."""

    name: str
    rows: int
    bytes: int
    sha256: str
    holds: str = "rows"


class Manifest(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the files of one export hold. Moments are UTC; days are local days of the site."""

    export: str
    site: str
    format: str
    made: dt.datetime
    files: tuple[FileEntry, ...]
    definition: dict[str, object]
    first_day: dt.date | None = None
    last_day: dt.date | None = None
    consent: str = ""
    people: int = 0
    left_out: dict[str, int] = {}

    @property
    def rows(self) -> int:
        """Rows of all files."""
        return sum(each.rows for each in self.files)


def manifest_name(name: str) -> str:
    """The name of the manifest next to a file."""
    return f"{name}.manifest.json"


def write_manifest(target: Target, name: str, manifest: Manifest) -> None:
    """Put a manifest into its place, which says that the files are all there; then remove what it no longer names.

    An export before this one may have had more files.
    """
    before = read_manifest(target, name)
    target.put(manifest_name(name), [msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n"])
    if before is not None:
        kept = {each.name for each in manifest.files}
        for each in before.files:
            if each.name not in kept:
                target.delete(each.name)


def read_manifest(target: Target, name: str) -> Manifest | None:
    """The manifest of the export before; None where there is none that can be read."""
    try:
        return msgspec.json.decode(target.get(manifest_name(name)), type=Manifest)
    except (OSError, msgspec.MsgspecError):
        return None

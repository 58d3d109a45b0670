"""Prepared batches: an immutable columnar file and its manifest, durable before anything is inserted."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from sql.core.errors import StorageError
from sql.core.files import fsync_dir, write_atomic

if TYPE_CHECKING:
    import pyarrow as pa


class Move(msgspec.Struct, frozen=True):
    """A stored visit that turned out to be part of another, or to have begun on another day. ``start`` in ms."""

    site_id: int
    old_id: int
    new_id: int
    start: int
    old_date: dt.date
    new_date: dt.date


class Manifest(msgspec.Struct, frozen=True):
    """What a prepared batch is. accepted = rows + duplicates + erased + quarantined.

    ``after`` names the batch that was on its way when this one was stitched, and must come before it.
    ``requeued`` of the events were counted as quarantined until they came back. ``number`` counts batches from 1, and
    ``days`` are those of sites that it touches: of its events, and of their visits' starts, before and after moves.
    ``made_by`` says of each derivation by which version its columns were made.
    """

    batch_id: uuid.UUID
    segments: list[str]
    rows: int
    duplicates: int
    quarantined: int
    sha256: str
    first_date: dt.date
    last_date: dt.date
    moves: list[Move]
    after: uuid.UUID | None = None
    requeued: int = 0
    number: int = 0
    days: list[tuple[int, dt.date]] = []
    erased: int = 0
    made_by: dict[str, str] = {}

    @property
    def accepted(self) -> int:
        """Events that the segments of this batch held."""
        return self.rows + self.duplicates + self.erased + self.quarantined


class Batches:
    """The folder of prepared batches."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(self, manifest: Manifest, data: bytes) -> None:
        """Make a batch durable: its rows first, then the manifest that says they are whole."""
        path = self.rows_path(manifest.batch_id)
        try:
            with path.open("wb") as out:
                out.write(data)
                out.flush()
                os.fsync(out.fileno())
            write_atomic(self._manifest_path(manifest.batch_id), msgspec.json.encode(manifest))
        except OSError:  # no room: leave none of it behind
            self._manifest_path(manifest.batch_id).unlink(missing_ok=True)
            path.unlink(missing_ok=True)
            raise

    def rows_path(self, batch_id: uuid.UUID) -> Path:
        """The Arrow stream of a batch."""
        return self.folder / f"{batch_id}.arrows"

    def _manifest_path(self, batch_id: uuid.UUID) -> Path:
        return self.folder / f"{batch_id}.json"

    def waiting(self) -> Iterator[Manifest]:
        """Batches that were prepared and not retired, each after the one that it was stitched on.

        Rows without a manifest are thrown away: their segments are still there.
        """
        manifests = sorted(self.folder.glob("*.json"), key=lambda path: path.stat().st_mtime_ns)
        whole = {path.stem for path in manifests}
        for path in self.folder.glob("*.arrows"):
            if path.stem not in whole:
                path.unlink()
        found = {m.batch_id: m for m in (msgspec.json.decode(path.read_bytes(), type=Manifest) for path in manifests)}
        while found:
            free = (manifest for manifest in found.values() if manifest.after not in found)
            yield found.pop(next(free).batch_id)

    def read(self, manifest: Manifest) -> bytes:
        """The rows of a batch, as the Arrow stream that was saved. Raises StorageError when they changed."""
        try:
            data = self.rows_path(manifest.batch_id).read_bytes()
        except OSError as exc:
            raise StorageError(f"cannot read prepared batch {manifest.batch_id}: {exc.strerror}") from exc
        if hashlib.sha256(data).hexdigest() != manifest.sha256:
            raise StorageError(
                f"prepared batch {manifest.batch_id} does not match its manifest", "its file has changed"
            )
        return data

    def retire(self, manifest: Manifest) -> None:
        """Forget a batch that is done; nothing happens where it is gone already."""
        self._manifest_path(manifest.batch_id).unlink(missing_ok=True)
        self.rows_path(manifest.batch_id).unlink(missing_ok=True)
        fsync_dir(self.folder)


def to_stream(table: pa.Table) -> bytes:
    """``table`` as one Arrow record batch in a stream, LZ4-compressed: one batch is one block."""
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table.combine_chunks())
    return bytes(sink.getvalue())


def from_stream(data: bytes) -> pa.Table:
    """The table of ``to_stream``."""
    import pyarrow as pa

    with pa.ipc.open_stream(data) as reader:
        return reader.read_all()

"""What could not be loaded, and the way back: an item is a file with its reason beside it (``segments.set_aside``).

An item goes back in one rename: it is first rewritten, within quarantine, as the sealed segment that it will be, then
taken away, then the segment is moved. At every moment, and after any crash, its events are in one place.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from collector.enrich.referrer_spam import SpamHosts
from collector.loader.batches import from_stream
from collector.loader.enrichment import enrich
from collector.sites.registry import SiteRegistry
from collector.spool.framing import frame, key_of
from collector.spool.line_reader import decode
from collector.spool.lines import FIELDS, SEPARATOR
from collector.spool.spool import LINES, REQUEUE, ROWS, Spool
from sql.core.errors import UsageError
from sql.core.files import fsync_dir, write_atomic

_ORIGIN = re.compile(r"\.(?:line-\d+|row-\d+|site-\d+|\d+-\d+)\Z")
_EVENTS = re.compile(r": (\d+) events\Z")
_SHOWN_BYTES = 512


class Kind(StrEnum):
    """What an item is."""

    LINE = "line"  # events that nothing could be made of, a line each
    ROW = "row"  # an enriched event that ClickHouse refused
    DAMAGED = "damaged"  # bytes whose checksum does not fit
    RETURNING = "returning"  # on its way back when a replay was interrupted


_ENDINGS = {".damaged": Kind.DAMAGED, f".{REQUEUE}{LINES}": Kind.RETURNING, f".{REQUEUE}{ROWS}": Kind.RETURNING}


@dataclass(frozen=True, slots=True)
class Item:
    """One piece of quarantine. ``events`` is None where nobody knows; ``loading``: its batch is not done yet.

    ``short`` is a name that a person can type.
    """

    name: str
    kind: Kind
    path: Path
    size: int
    events: int | None
    reason: str
    loading: bool

    @property
    def short(self) -> str:
        """The first digits of a hash of the name."""
        return hashlib.sha256(self.name.encode()).hexdigest()[:8]


def items(spool: Spool) -> list[Item]:
    """All items, in the order of their names."""
    found: dict[str, Item] = {}
    for path in sorted(spool.quarantine_dir.iterdir()):
        made = _item(spool, path)
        # Both files of an item exist if a retry was interrupted early: it starts over.
        if made and (made.name not in found or found[made.name].kind is Kind.RETURNING):
            found[made.name] = made
    return list(found.values())


def find(spool: Spool, names: Iterable[str]) -> list[Item]:
    """Items by name, short or whole. Raises UsageError where one is not there."""
    there = {name: item for item in items(spool) for name in (item.short, item.name)}
    wanted = list(dict.fromkeys(names))
    for name in wanted:
        if name not in there:
            raise UsageError(f"there is no item {name} in quarantine", "footfall spool quarantine list")
    return list({there[name].name: there[name] for name in wanted}.values())


def why_not(item: Item, registry: SiteRegistry) -> str:
    """Why an item cannot go back, or an empty text."""
    if item.loading:
        return "its batch is still loading"
    if item.kind is Kind.DAMAGED:
        return "the bytes are damaged, so their original content cannot be verified"
    try:
        data = item.path.read_bytes()
        if item.kind is Kind.LINE:
            enrich(decode([data]), registry, SpamHosts())
        elif item.kind is Kind.ROW:
            unknown = {site for site in from_stream(data)["site_id"].to_pylist() if registry.by_id(site) is None}
            return f"site {min(unknown)} is unknown" if unknown else ""
    except Exception as exc:
        return f"it is still unreadable: {exc}"
    return ""


def requeue(spool: Spool, wanted: list[Item]) -> int:
    """Put items back into the spool, each a sealed segment; returns how many events that is.

    The caller has asked ``why_not``. Raises OSError; what is done by then stays done, and the rest can be done again.
    """
    returning = []
    for item in wanted:
        if item.kind is Kind.RETURNING:
            returning.append(item.path)
            continue
        data = item.path.read_bytes()
        line = item.kind is Kind.LINE
        half = spool.quarantine_dir / f"{item.name}.{REQUEUE}{LINES if line else ROWS}"
        write_atomic(half, frame(data, key_of(_sealed(spool, half, 0)), 0) if line else data, mode=0o600)
        item.path.unlink()
        returning.append(half)
    fsync_dir(spool.quarantine_dir)
    events = 0
    for half, item in zip(returning, wanted, strict=True):
        count = item.events or 0
        half.rename(_sealed(spool, half, count))
        events += count
    fsync_dir(spool.sealed_dir)
    for item in wanted:
        (spool.quarantine_dir / f"{item.name}.reason").unlink(missing_ok=True)
    fsync_dir(spool.quarantine_dir)
    return events


def purge(spool: Spool, wanted: list[Item]) -> None:
    """Delete items permanently. They still count as quarantined."""
    for item in wanted:
        for suffix in (".bin", *_ENDINGS, ".reason"):
            (spool.quarantine_dir / f"{item.name}{suffix}").unlink(missing_ok=True)
    fsync_dir(spool.quarantine_dir)


def recount(spool: Spool, item: Item, events: int) -> None:
    """Say in the reason of an item how many events it has, after some were taken out of it."""
    if _EVENTS.search(item.reason):
        reason = _EVENTS.sub(f": {events} events", item.reason)
        write_atomic(spool.quarantine_dir / f"{item.name}.reason", reason.encode(), mode=0o600)


def content(item: Item) -> dict[str, str]:
    """What of an item can be read, by field; fields without a value are left out."""
    data = item.path.read_bytes()
    if item.kind is Kind.ROW:
        row = from_stream(data).to_pylist()[0]
        return {name: _text(value) for name, value in row.items() if value not in ("", None, [])}
    if item.kind is Kind.LINE and data.count(SEPARATOR.encode()) == len(FIELDS) - 1:
        values = data.decode("utf-8", "replace").rstrip("\n").split(SEPARATOR)
        return {name: value for name, value in zip(FIELDS, values, strict=True) if value}
    more = "" if len(data) <= _SHOWN_BYTES else f" … and {len(data) - _SHOWN_BYTES:,} bytes more"
    return {"bytes": data[:_SHOWN_BYTES].decode("utf-8", "replace").replace(SEPARATOR, " | ") + more}


def _item(spool: Spool, path: Path) -> Item | None:
    ending = next((ending for ending in (".bin", *_ENDINGS) if path.name.endswith(ending)), None)
    if ending is None or path.name.startswith("."):
        return None
    name = path.name.removesuffix(ending)
    kind = _ENDINGS.get(ending) or (Kind.ROW if ".row-" in name else Kind.LINE)
    try:
        reason = (spool.quarantine_dir / f"{name}.reason").read_text("utf-8", "replace")
    except FileNotFoundError:
        reason = ""
    origin = _ORIGIN.sub("", name)
    batch, segment = spool.prepared_dir / f"{origin}.json", spool.sealed_dir / f"{origin}{LINES}"
    loading = kind is not Kind.RETURNING and (batch.exists() or segment.exists())
    told = _EVENTS.search(reason)
    events = int(told[1]) if told else None if kind is Kind.DAMAGED else 1
    return Item(name, kind, path, path.stat().st_size, events, reason, loading)


def _sealed(spool: Spool, half: Path, events: int) -> Path:
    """What an item on its way back is called once it is sealed; the last part depends on the item alone."""
    digest = hashlib.sha256(half.name.encode()).hexdigest()[:16]
    return spool.sealed_dir / f"{time.time_ns():020d}~{events}~{REQUEUE}-{digest}{half.suffix}"


def _text(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)

"""What waits of a person: the spool is loaded without it, quarantine is written again without it."""

from __future__ import annotations

from functools import partial

from collector.ingest.identity_keys import identity_keys
from collector.lifecycle import quarantine
from collector.lifecycle.flush import flush as load
from collector.lifecycle.parts import Part
from collector.lifecycle.persons import Person
from collector.lifecycle.quarantine import Item, Kind
from collector.loader.batches import from_stream
from collector.loader.erased import kept_rows
from collector.loader.loader import LoaderOptions
from collector.sites.tombstones import Tombstones
from collector.spool.lines import SEPARATOR, who
from collector.spool.spool import Spool
from sql.core.data_dir import DataDir
from sql.core.errors import StorageError
from sql.core.files import write_atomic

FLUSH_SECONDS = 600.0


def flush(home: DataDir, url: str, options: LoaderOptions | None = None, timeout: float = FLUSH_SECONDS) -> None:
    """Load what the spool holds, by a loader that knows the tombstones.

    What was on its way back from quarantine goes with it. Raises StorageError where events still wait after ``timeout``
    seconds.
    """
    spool = Spool(home.spool).make()
    quarantine.requeue(spool, [item for item in quarantine.items(spool) if item.kind is Kind.RETURNING])
    if left := load(home, url, timeout, options):
        raise StorageError(f"{left:,} events still wait in the spool", "run `footfall flush`, then this again")


def plan(home: DataDir, person: Person) -> list[Part]:
    """The step that writes quarantine again, with the items that hold something of the person now."""
    spool = Spool(home.spool).make()
    items = [item for item in quarantine.items(spool) if _of_person(item, person)]
    files = tuple(item.short for item in items)
    return [Part("rewrite", "quarantine without their events", partial(clean, home, person), files=files)]


def clean(home: DataDir, person: Person) -> int:
    """Take what is of erased visitors out of quarantine; returns how many items that changed. Safe to run again.

    From damaged bytes go torn lines too: nobody can tell whose they are, and they cannot be loaded. Raises StorageError
    for an item whose batch is still loading.
    """
    spool = Spool(home.spool).make()
    stones = Tombstones(home.tombstones_file, identity_keys(home).user)
    stones.refresh(at_once=True)
    changed = 0
    for item in quarantine.items(spool):
        data = item.path.read_bytes()
        kept = _kept(item, data, stones, person.site.site_id)
        if kept == data:
            continue
        if item.loading:
            raise StorageError(f"the batch of item {item.short} of quarantine is still loading", "run it again")
        if kept:
            write_atomic(item.path, kept, mode=0o600)
            quarantine.recount(spool, item, kept.count(b"\n"))
        else:
            quarantine.purge(spool, [item])
        changed += 1
    return changed


def held(home: DataDir, person: Person) -> list[str]:
    """Where, apart from the database, something of a person waits: files of the spool and items of quarantine."""
    spool = Spool(home.spool).make()
    folders = (spool.open_dir, spool.sealed_dir)
    found = [
        f"spool/{folder.name}/{path.name}"
        for folder in folders
        for path in sorted(folder.iterdir())
        if not path.name.startswith(".") and _has_lines(path.read_bytes(), person)
    ]
    return found + [f"quarantine {item.short}" for item in quarantine.items(spool) if _of_person(item, person)]


def _of_person(item: Item, person: Person) -> bool:
    data = item.path.read_bytes()
    if item.kind is not Kind.ROW:
        return _has_lines(data, person)
    rows = from_stream(data).select(["site_id", "visitor_id", "user_id"]).to_pylist()
    return any(_is(person, row["site_id"], (row["visitor_id"],), str(row["user_id"])) for row in rows)


def _has_lines(data: bytes, person: Person) -> bool:
    lines = (who(line.decode("utf-8", "replace")) for line in data.split(b"\n"))
    return any(_is(person, found[0], found[1:3], found[3]) for found in lines if found)


def _is(person: Person, site_id: int, visitors: tuple[int, ...], user_id: str) -> bool:
    named = any(visitor in person.visitors for visitor in visitors) or user_id in person.users
    return site_id == person.site.site_id and named


def _kept(item: Item, data: bytes, stones: Tombstones, site_id: int) -> bytes:
    if item.kind is Kind.ROW:
        rows = from_stream(data)
        return data if kept_rows(rows, stones).num_rows == rows.num_rows else b""  # an item is one row
    lines = data.split(b"\n")
    gone = {line for line in lines if _is_theirs(line, stones, site_id)}
    if not gone:
        return data
    if item.kind is Kind.DAMAGED:
        gone |= {line for line in lines if who(line.decode("utf-8", "replace")) is None}
    return b"".join(line + b"\n" for line in lines if line and line not in gone)


def _is_theirs(line: bytes, stones: Tombstones, site_id: int) -> bool:
    """Whether a line is of an erased visitor; of one that is torn, whether any field is an id of one of the site."""
    text = line.decode("utf-8", "replace")
    if found := who(text):
        return stones.holds(found[0], found[1:3], found[3])
    fields = text.split(SEPARATOR)
    numbers = (int(field) for field in fields if field.isascii() and field.isdigit() and len(field) <= 20)
    return stones.holds(site_id, numbers, "") or any(stones.holds(site_id, (), field) for field in fields)

"""What every table has in common, said once: the settings that the durability of stored events rests on."""

from __future__ import annotations

import re

SETTINGS = {
    # A batch that is inserted again under its token is left out.
    "non_replicated_deduplication_window": 1000,
    # An insert is answered once its files are on disk.
    "fsync_after_insert": 1,
    "fsync_part_directory": 1,
    # Merges of a few small parts would rewrite what comes again and again.
    "min_parts_to_merge_at_once": 8,
}
_CREATES = re.compile(r"(?:--[^\n]*\n|\s)*create table if not exists \w+ \(", re.ASCII)
_STORED = re.compile(r"^engine = \w*MergeTree\b", re.MULTILINE)
_CLAUSE = re.compile(r"^settings\b", re.MULTILINE)


def placed(statement: str) -> str:
    """A statement of a migration as it is run: a table that is stored gets ``SETTINGS``.

    Raises ValueError where a migration states settings of its own for a new table: they have one place, and it is here.
    """
    if not _CREATES.match(statement) or not _STORED.search(statement):
        return statement
    if _CLAUSE.search(statement):
        raise ValueError("settings of a table are in placement.py, not in its migration")
    return f"{statement}\nsettings {', '.join(f'{name} = {value}' for name, value in SETTINGS.items())}"

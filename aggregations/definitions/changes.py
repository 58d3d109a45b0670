"""The difference between what is defined and what is wanted, and making it so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from aggregations.query.sites import SiteRow
from sql import definitions
from sql.core.data_dir import DataDir
from sql.definitions import Kind

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client


class Act(StrEnum):
    """What becomes of one definition. In this order changes are shown."""

    ADD = "add"
    CHANGE = "change"
    KEEP = "keep"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Change:
    """One definition of a site, as it is and as it is wanted; None: not there."""

    site: SiteRow
    kind: Kind[Any]
    name: str
    before: Any
    after: Any

    @property
    def act(self) -> Act:
        """What becomes of it."""
        if self.before == self.after:
            return Act.KEEP
        return Act.ADD if self.before is None else Act.REMOVE if self.after is None else Act.CHANGE

    @property
    def told(self) -> str:
        """Which one it is, and what it says."""
        bodies = [self.kind.shown(body) for body in (self.before, self.after) if body is not None]
        said = dict.fromkeys(bodies)  # both are equal where it is kept
        return f"{self.kind.noun} {self.name} of {self.site.domain} ({' → '.join(said)})"


def changes(
    client: Client, site: SiteRow, kind: Kind[Any], wanted: Mapping[str, Any], *, prune: bool = False
) -> list[Change]:
    """What ``wanted``, bodies by name, makes of a site's definitions, by name. Others stay, or go with ``prune``.

    Raises UsageError for a name or body that cannot be.
    """
    for name, body in wanted.items():
        definitions.check_name(kind, name)
        kind.check(body)
    known = {each.name: each.body for each in definitions.every(client, site.site_id, kind)}
    names = wanted.keys() | known.keys() if prune else wanted.keys()
    return [Change(site, kind, name, known.get(name), wanted.get(name)) for name in sorted(names)]


def change_of(client: Client, site: SiteRow, kind: Kind[Any], name: str, made: Callable[[Any], Any]) -> Change:
    """What becomes of one definition; ``made`` makes its new body (None: it goes) of the one before (None: none).

    Raises UsageError for a name or body that cannot be.
    """
    known = {each.name: each.body for each in definitions.every(client, site.site_id, kind)}
    before = known.get(name)
    after = made(before)
    if after is not None:
        definitions.check_name(kind, name)
        kind.check(after)
    return Change(site, kind, name, before, after)


def carry_out(client: Client, home: DataDir, change: Change) -> None:
    """Write the version that makes it so. Raises EngineBusy."""
    if change.after is None:
        definitions.remove(client, home, change.site.site_id, change.kind, change.name)
    else:
        definitions.put(client, home, change.site.site_id, change.kind, change.name, change.after)

"""Corrections of what the tracker detected: these events are of that kind, from now on and before.

Raw events stay as they are; the view `detected_events` applies what is in force at reading. Of several overrides that
fit an event the one with the most criteria decides, among equals the latest.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aggregations.query.fetch import fetch
from aggregations.reports.detected import DETECTED
from sql.core.errors import EngineBusy, UsageError
from sql.core.queries import query

if TYPE_CHECKING:
    import polars as pl
    from clickhouse_connect.driver.client import Client

    from aggregations.query.periods import Period
    from aggregations.query.sites import SiteRow
    from sql.core.files import OwnedLock

_KIND = re.compile(r"[a-z][a-z0-9_]{0,39}\Z")


@dataclass(frozen=True, slots=True)
class Override:
    """``kind`` for all events whose ``name``, ``rule``, ``selector`` and ``text`` are these; None: whichever."""

    kind: str
    name: str | None = None
    rule: str | None = None
    selector: str | None = None
    text: str | None = None

    @property
    def criteria(self) -> dict[str, str]:
        """What it asks for, by name."""
        asked = {"name": self.name, "rule": self.rule, "selector": self.selector, "text": self.text}
        return {name: value for name, value in asked.items() if value is not None}

    @property
    def shown(self) -> str:
        """What it asks for, as a person reads it."""
        return ", ".join(f"{name} {value!r}" for name, value in self.criteria.items())


def check(wanted: Override) -> None:
    """Raises UsageError: not a kind, an event that is not detected, or no criterion but the event's name."""
    if not _KIND.match(wanted.kind):
        raise UsageError(
            f"not a kind: {wanted.kind!r}",
            "such as sign_up or add_to_cart, or none if nothing should have been detected",
        )
    if wanted.name not in {None, *DETECTED}:
        raise UsageError(f"{wanted.name!r} is not detected by the tracker", " or ".join(DETECTED))
    if not wanted.criteria.keys() - {"name"}:
        raise UsageError("no criteria given", "use --selector, --text or --rule; see `footfall detected review`")


def changes(client: Client, site: SiteRow, wanted: Override, period: Period) -> pl.DataFrame:
    """What an override decides once it is there. Columns was (kind), becomes, events, visitors; one row a kind.

    People's events of the period alone; those that an override with more criteria decides are not among them.
    """
    check(wanted)
    bound = _bound(site, wanted) | {"first": period.first, "last": period.last}
    return fetch(client, "overrides/changes", bound)


def add(client: Client, site: SiteRow, wanted: Override, by: str, lock: OwnedLock, wait: float = 10.0) -> int:
    """Write an override, made by ``by``; returns its number. Raises UsageError as ``check``, EngineBusy (no lock)."""
    check(wanted)
    # Two at once would get one number, and one of them would be lost.
    with lock.held(wait) as taken:
        if not taken:
            raise EngineBusy(f"overrides are being changed by {lock.holder() or 'another process'}", "try again")
        client.command(query("overrides/put"), parameters=_bound(site, wanted) | {"by": by})
        return int(client.query(query("overrides/newest")).result_rows[0][0])


def find(client: Client, number: int) -> dict[str, Any]:
    """The override of this number that is in force, as ``listed`` shows it. Raises UsageError for none, and for one
    that was removed."""
    row = next((row for row in listed(client).iter_rows(named=True) if row["id"] == number), None)
    if row is None:
        raise UsageError(f"no override {number}", "see `footfall detected overrides list`")
    if row["removed"] is not None:
        raise UsageError(f"override {number} was removed on {row['removed']:%Y-%m-%d}")
    return row


def remove(client: Client, number: int, by: str) -> None:
    """End an override: what it decided is again what others or the tracker say. Raises UsageError as ``find``."""
    find(client, number)
    client.command(query("overrides/remove"), parameters={"id": number, "by": by})


def decided(client: Client, number: int, since: dt.date) -> int:
    """How many events from that local day on an override decides, bots' included."""
    found = client.query(query("overrides/decides"), parameters={"id": number, "since": since})
    return int(found.result_rows[0][0])


def listed(client: Client, site: SiteRow | None = None) -> pl.DataFrame:
    """All overrides of a site, or of every site: id, site, kind, name, rule, selector, text (null: any), created, by,
    removed (null: in force), removed_by."""
    return fetch(client, "overrides/listed", {"site": site.site_id if site else 0})


def _bound(site: SiteRow, wanted: Override) -> dict[str, Any]:
    return {
        "site": site.site_id,
        "kind": wanted.kind,
        "name": wanted.name,
        "rule": wanted.rule,
        "selector": wanted.selector,
        "text": wanted.text,
    }

"""Corrections of what the tracker detected: these events are of that kind, from now on and before.

Raw events stay as they are; the view `detected_events` applies what is in force at reading. Of several overrides that
fit an event the one with the most criteria decides, among equals the one that was written last.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import count
from typing import TYPE_CHECKING

import msgspec

from aggregations.query.fetch import fetch_text
from aggregations.reports.detected import Detected
from sql.compose import shown as shown_of
from sql.compose import with_first
from sql.core.errors import UsageError
from sql.core.queries import query
from sql.definitions import Kind

if TYPE_CHECKING:
    import polars as pl
    from clickhouse_connect.driver.client import Client

    from aggregations.query.periods import Period
    from aggregations.query.sites import SiteRow

MAX_DERIVED_NAME = 40
_KIND = re.compile(r"[a-z][a-z0-9_]{0,39}\Z")


class OverrideBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """``kind`` for all detected events whose name, ``rule``, ``selector`` and ``text`` are these; None: whichever."""

    kind: str = ""
    event: Detected | None = None
    rule: str | None = None
    selector: str | None = None
    text: str | None = None

    @property
    def criteria(self) -> dict[str, str]:
        """What it asks for, by name."""
        asked = {"event": self.event, "rule": self.rule, "selector": self.selector, "text": self.text}
        return {name: str(value) for name, value in asked.items() if value is not None}


def check(body: OverrideBody) -> None:
    """Raises UsageError: not a kind, or no criterion but the event's name."""
    if not _KIND.match(body.kind):
        raise UsageError(
            f"not a kind: {body.kind!r}" if body.kind else "an override needs a kind",
            "such as sign_up or add_to_cart, or none if nothing should have been detected",
        )
    if not body.criteria.keys() - {"event"}:
        raise UsageError("no criteria given", "a selector, text or rule; see `footfall detected review`")


def shown(body: OverrideBody) -> str:
    """An override in a line."""
    return f"{', '.join(f'{name} {value!r}' for name, value in body.criteria.items())} is {body.kind}"


def name_of(body: OverrideBody, known: Mapping[str, OverrideBody]) -> str:
    """What an override is called that nobody named: after its criteria, and unlike those of others in ``known``."""
    words = re.findall(r"\w+", " ".join(body.criteria.values())[:1_000].lower())
    stem = "-".join(words)[:MAX_DERIVED_NAME].strip("-") or "without-text"
    names = (stem if number == 1 else f"{stem}-{number}" for number in count(1))
    return next(name for name in names if name not in known or known[name].criteria == body.criteria)


def effect(client: Client, site: SiteRow, name: str, after: OverrideBody | None, period: Period) -> pl.DataFrame:
    """What becomes of people's detected events in a period with a new body of one override; None: it is removed.

    Columns was, becomes (kinds), events, visitors; one row a pair of kinds. Events that it decides neither before nor
    after are not among them; of those that it decides both times only those whose kind changes.
    """
    bound = {
        "site": site.site_id,
        "first": period.first,
        "last": period.last,
        "override": name,
        "body": OVERRIDE.encode(after) if after else "",
        "removed": after is None,
    }
    versions = shown_of("overrides_in_force", "definitions as d", query("overrides/next_version"))
    rules = shown_of("override_rules", "overrides_in_force as o", versions)
    return fetch_text(client, with_first("next_rules", rules, query("overrides/effect")), bound)


OVERRIDE = Kind("override", OverrideBody, check, shown, command="detected override")

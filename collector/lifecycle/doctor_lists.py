"""What ``footfall doctor`` says of lists: how old they are, and what older ones have derived."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from collector.enrich import geo
from collector.enrich.versions import updated, versions
from collector.lifecycle.findings import Finding, Level
from collector.sites.table import all_sites
from sql.core.errors import UsageError
from sql.schema.derived_by import outdated

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

OLD_LISTS = dt.timedelta(days=365)
# Networks change hands every day.
OLD_PLACES = dt.timedelta(days=180)
_EVER = (dt.date(1970, 1, 1), dt.date(2149, 6, 6))


def ages(geoip_file: Path | None, today: dt.date) -> Iterator[Finding]:
    """How old the lists in the package and the GeoIP file are."""
    yield _age("lists", "of sources, bots and spam", updated(), today, OLD_LISTS, "upgrade Footfall")
    if geoip_file is None:
        return
    try:
        made = geo.made(geoip_file)
    except UsageError:  # the settings, which name it, are told to be wrong
        return
    yield _age("geo", geoip_file.name, made, today, OLD_PLACES, "get a newer file, such as monthly from cron")


def derived(client: Client, spam_file: Path | None) -> Iterator[Finding]:
    """What other rules and lists than those of today have derived of stored events."""
    try:
        now = versions(spam_file)
    except UsageError:
        return
    found = outdated(client, now, [site.site_id for site in all_sites(client)], *_EVER)
    for name, its in groupby(found, key=lambda each: each.derivation):
        old = list(its)
        first, last = min(each.first for each in old), max(each.last for each in old)
        oldest = min(each.oldest for each in old).partition(" ")[0]
        since = f"lists of {oldest}" if oldest else "an earlier version"
        text = f"{name} of {first}..{last} were derived by {since} ({sum(each.days for each in old):,} days)"
        hint = f"see what changes: footfall backfill {name} --from {first} --to {last} --dry-run"
        yield Finding(Level.NOTE, "derived", text, hint)


def _age(subject: str, what: str, made: dt.date, today: dt.date, limit: dt.timedelta, hint: str) -> Finding:
    age = today - made
    text = f"{what}: of {made}, {max(age.days, 0):,} days old"
    return Finding(Level.NOTE, subject, text, hint) if age > limit else Finding(Level.OK, subject, text)

"""Which site a report is about."""

from __future__ import annotations

import datetime as dt
import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sql.core import queries
from sql.core.errors import SchemaError, UsageError, lacks_table
from sql.core.hosts import ascii_host

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client


@dataclass(frozen=True, slots=True)
class SiteRow:
    """A site as reports need it; ``timezone`` is an IANA name."""

    site_id: int
    domain: str
    timezone: str
    currency: str = ""


def find(client: Client, domain: str | None = None) -> SiteRow:
    """The site of ``domain``, or the only one there is.

    Raises UsageError (unknown, several and none named, none at all), SchemaError (no tables yet).
    """
    known = {site.domain: site for site in every(client)}
    if not known:
        raise UsageError("there are no sites yet", "add one: footfall site add shop.example")
    if domain is None:
        if len(known) == 1:
            return next(iter(known.values()))
        raise UsageError("there are several sites", f"--site {_listed(list(known))}")
    wanted = ascii_host(domain.strip())
    if wanted in known:
        return known[wanted]
    close = difflib.get_close_matches(wanted, known, n=1)
    raise UsageError(f"no site {domain}", f"did you mean {close[0]}?" if close else f"known: {_listed(list(known))}")


def every(client: Client) -> list[SiteRow]:
    """All sites by domain, ascending. Raises SchemaError where the database has no tables yet."""
    from clickhouse_connect.driver.exceptions import DatabaseError

    try:
        return [SiteRow(*row) for row in client.query(queries.query("sites/of_reports")).result_rows]
    except DatabaseError as exc:
        if lacks_table(exc):
            raise SchemaError("the database does not have Footfall's tables yet", "run `footfall init`") from exc
        raise


def first_day(client: Client, site: SiteRow) -> dt.date | None:
    """The first local day with an event, or None where there is none."""
    day, found = client.query(queries.query("events/first_day"), parameters={"site": site.site_id}).result_rows[0]
    return day if found else None


def _listed(domains: list[str]) -> str:
    shown = ", ".join(domains[:8])
    return f"{shown} and {len(domains) - 8} more" if len(domains) > 8 else shown

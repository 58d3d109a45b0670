"""The options that several commands share, and what those of reports mean."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli import completion
from cli.context import database
from cli.render.render import Format

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from aggregations.query.filters import Filter
    from aggregations.query.periods import Period
    from aggregations.query.sites import SiteRow

SiteOption = Annotated[
    str | None,
    typer.Option(
        "--site", "-s", help="The site's domain; required if there are several sites.", autocompletion=completion.sites
    ),
]
PeriodOption = Annotated[
    str,
    typer.Option(
        "--period",
        "-p",
        help="today, yesterday, 7d, month, 12mo, year, all, 2026-10, 2026-10-01..2026-10-15.",
    ),
]
FormatOption = Annotated[
    Format | None, typer.Option("--format", "-f", help="Output format (default: table on a terminal, JSON when piped).")
]
OutputOption = Annotated[Path | None, typer.Option("--output", "-o", help="Write to this file instead of stdout.")]
LimitOption = Annotated[
    int, typer.Option("--limit", "-n", min=0, max=1_000_000, help="Maximum number of rows; 0 shows all.")
]
BotsOption = Annotated[bool, typer.Option("--include-bots", help="Include traffic flagged as bots.")]
RawOption = Annotated[bool, typer.Option("--raw", help="Count from raw events instead of rollups.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Show what would happen without changing anything.")]


@dataclass(frozen=True, slots=True)
class Scope:
    """What one report asks about, with an open client."""

    client: Client
    site: SiteRow
    period: Period
    only: Filter

    def title(self, what: str) -> str:
        """The heading of a report."""
        return f"{what} · {self.site.domain} · {self.period.label}"


@contextmanager
def scoped(what: str, site: str | None, period: str, bots: bool) -> Iterator[Scope]:
    """An open client, and the site and period that the options name.

    Raises UsageError for what they cannot mean.
    """
    from aggregations.query import periods, sites
    from aggregations.query.filters import Filter

    with database(what) as client:
        row = sites.find(client, site)
        now = dt.datetime.now(dt.UTC)
        span = periods.parse(period, zone=row.timezone, now=now, earliest=lambda: sites.first_day(client, row))
        yield Scope(client, row, span, Filter(include_bots=bots))

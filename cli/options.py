"""The options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli import completion
from cli.render.render import Format

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
RemovedOption = Annotated[bool, typer.Option("--removed", help="Also list those that were removed.")]
LimitOption = Annotated[
    int, typer.Option("--limit", "-n", min=0, max=1_000_000, help="Maximum number of rows; 0 shows all.")
]
BotsOption = Annotated[bool, typer.Option("--include-bots", help="Include traffic flagged as bots.")]
RawOption = Annotated[bool, typer.Option("--raw", help="Count from raw events instead of rollups.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Show what would happen without changing anything.")]
BackupsOption = Annotated[
    str, typer.Option("--to", help="Directory or s3:// URL of the backups (default: the setting backup_to).")
]

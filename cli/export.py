"""``footfall export``: data, audiences and conversions as files, and the log of what went out."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import export_conversions, export_data, export_run, export_segment
from cli.context import database
from cli.options import FormatOption, LimitOption, OutputOption, SiteOption
from cli.render.render import render
from cli.render.view import View

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Data, audiences and conversions as files. Each is written whole or not at all.",
    epilog="Example: footfall export events --period 2026-10 -o october.parquet",
)
_LABELS = {
    "at": "At", "export": "Export", "what": "What", "target": "To", "rows": "Rows", "people": "People",
    "added": "Added", "removed": "Removed", "left_out": "Left out", "files": "Files", "sha256": "SHA-256",
    "definition": "Definition", "status": "Status", "error": "Error",
}  # fmt: skip
export_data.add_to(app)
export_segment.add_to(app)
export_conversions.add_to(app)
export_run.add_to(app)


@app.command("log", epilog="Example: footfall export log --site shop.example")
def log(
    name: Annotated[str, typer.Argument(help="Name of an export (default: all).")] = "",
    site: SiteOption = None,
    limit: LimitOption = 20,
    fmt: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """List exports, the newest first: rows, additions and removals, and how many were left out, by reason."""
    from aggregations.exports import log
    from aggregations.query import sites

    with database("export log") as client:
        frame = log.every(client, sites.find(client, site), name, limit)
    narrow = ("at", "export", "rows", "added", "removed", "status")
    render(frame, View("Exports", labels=_LABELS, nothing="nothing was exported", narrow=narrow), fmt, output)

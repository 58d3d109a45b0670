"""``footfall receipt``: what commands changed."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.context import settings
from cli.options import FormatOption, LimitOption, OutputOption
from cli.render.render import render
from cli.render.view import View

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="What commands changed: a receipt for each run.",
    epilog="Example: footfall receipt list",
)
_LABELS = {
    "receipt": "Receipt",
    "command": "Command",
    "by": "By",
    "started": "Started",
    "progress": "State",
    "done": "Done",
    "steps": "Steps",
    "step": "Step",
    "change": "Change",
    "rows": "Rows",
    "bytes": "Bytes",
    "months": "Months",
    "files": "Files",
}


@app.command("list", epilog="Example: footfall receipt list --limit 3 --format json")
def list_(limit: LimitOption = 10, fmt: FormatOption = None, output: OutputOption = None) -> None:
    """List receipts, the newest first."""
    import polars as pl

    from sql.core import receipts

    found = receipts.every(settings().home)
    found = found[: limit or len(found)]
    frame = pl.DataFrame(
        {
            "receipt": [each.id for each in found],
            "command": [each.command for each in found],
            "by": [each.by for each in found],
            "started": pl.Series([each.started for each in found], dtype=pl.Datetime("ms", "UTC")),
            "progress": [each.progress.value for each in found],
            "done": [each.done for each in found],
            "steps": [len(each.steps) for each in found],
        }
    )
    narrow = ("receipt", "command", "progress", "done", "steps")
    render(frame, View("Receipts", labels=_LABELS, narrow=narrow, nothing="no receipts yet"), fmt, output)


@app.command(epilog="Example: footfall receipt show 20261122T054600-4711")
def show(
    receipt: Annotated[str, typer.Argument(help="The receipt's id (see: footfall receipt list).")],
    fmt: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """Show the steps of one run."""
    import polars as pl

    from sql.core import receipts

    found = receipts.find(settings().home, receipt)
    frame = pl.DataFrame(
        {
            "step": range(1, len(found.steps) + 1),
            "done": [number < found.done for number in range(len(found.steps))],
            "change": [f"{step.act} {step.what}" for step in found.steps],
            "rows": [step.rows for step in found.steps],
            "bytes": [step.bytes for step in found.steps],
            "months": pl.Series([list(step.months) for step in found.steps], dtype=pl.List(pl.Int64)),
            "files": pl.Series([list(step.files) for step in found.steps], dtype=pl.List(pl.String)),
        }
    )
    said = f"{found.command} · {found.started:%Y-%m-%d %H:%M:%S} UTC · {found.progress}"
    view = View(said, labels=_LABELS, narrow=("step", "done", "change", "rows"), footnote=found.error)
    render(frame, view, fmt, output)

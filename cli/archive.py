"""``footfall archive``: raw events that retention has written to files."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from cli.context import database, settings
from cli.exit_codes import Exit
from cli.options import DryRunOption, FormatOption, OutputOption, SiteOption
from cli.plan import Action, Plan, Yes, carry_out
from cli.render.render import render
from cli.render.view import View
from sql.core.errors import UsageError

if TYPE_CHECKING:
    import polars as pl

    from collector.lifecycle.archive import Archived

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Raw events that `retention apply` has written to Parquet files before it removed them.",
    epilog="Example: footfall archive list /backup/archive",
)
Where = Annotated[str, typer.Argument(help="The archive: a directory or s3:// URL.", metavar="ARCHIVE")]
Months = Annotated[
    list[str] | None, typer.Option("--month", "-m", help="Only this month, such as 2025-09; repeatable.")
]
_LABELS = {
    "site": "Site", "month": "Month", "from": "From", "to": "To", "rows": "Rows", "bytes": "Bytes",
    "written": "Written", "file": "File", "problem": "Problem",
}  # fmt: skip
_VIEW = View(
    "Archive", labels=_LABELS, nothing="there are no files", narrow=("site", "month", "from", "to", "rows", "bytes")
)


@app.command("list", epilog="Example: footfall archive list s3://backup/footfall --site shop.example")
def list_(archive: Where, site: SiteOption = None, fmt: FormatOption = None, output: OutputOption = None) -> None:
    """List the files of an archive."""
    from collector.lifecycle.archive import every

    render(_frame(every(archive, site or "")).drop("problem"), _VIEW, fmt, output)


@app.command(epilog="Example: footfall archive verify /backup/archive")
def verify(archive: Where, site: SiteOption = None, fmt: FormatOption = None, output: OutputOption = None) -> None:
    """Compare each file with its manifest. Exit code 3 if one is damaged."""
    from collector.lifecycle.archive import check, every

    found = every(archive, site or "")
    if not found:  # cron would take a slip in its name for a sound archive
        raise UsageError(f"nothing to verify in {archive}", "see `footfall archive list`")
    problems = [check(archive, each) for each in found]
    frame = _frame(found, problems)
    render(frame, _VIEW, fmt, output)
    if any(problems):
        raise typer.Exit(Exit.FOUND)


@app.command(epilog="Example: footfall archive restore /backup/archive --site shop.example --month 2025-09")
def restore(
    archive: Where,
    site: SiteOption = None,
    month: Months = None,
    yes: Yes = False,
    dry_run: DryRunOption = False,
) -> None:
    """Put archived events back. Visits and rollups that are derived from them are there already.

    `retention apply` removes them again unless the setting is changed first.
    """
    from collector.lifecycle.archive import every, lower_horizon
    from collector.lifecycle.archive import restore as put_back
    from collector.lifecycle.partitions import held

    home = settings().home
    wanted, listed = set(map(_month, month or ())), every(archive)
    its = [each for each in listed if site is None or each.name.startswith(f"{site}/")]
    found = [each for each in its if not wanted or each.manifest.month in wanted]
    if not found:
        raise UsageError(f"nothing to restore in {archive}", "see `footfall archive list`")

    with database("archive restore") as client:

        def carry(each: Archived) -> None:
            with held(client, home, "footfall archive restore", 60.0):
                put_back(client, archive, each)
                lower_horizon(client, listed, each.manifest.site_id)

        actions = tuple(
            Action("restore", each.name, partial(carry, each), rows=each.manifest.rows, months=(each.manifest.month,))
            for each in reversed(found)  # the latest first: raw events are whole from there on
        )
        carry_out(Plan("footfall archive restore", actions), home, dry_run=dry_run, yes=yes)


def _month(text: str) -> int:
    year, _, month = text.partition("-")
    if not (year.isdigit() and month.isdigit() and len(year) == 4 and 1 <= int(month) <= 12):
        raise UsageError(f"not a month: {text!r}", "such as 2025-09")
    return int(year) * 100 + int(month)


def _frame(found: list[Archived], problems: list[str] | None = None) -> pl.DataFrame:
    import polars as pl

    its = [each.manifest for each in found]
    return pl.DataFrame(
        {
            "site": [each.domain for each in its],
            "month": [f"{each.month // 100}-{each.month % 100:02}" for each in its],
            "from": [each.first for each in its],
            "to": [each.last for each in its],
            "rows": [each.rows for each in its],
            "bytes": [each.bytes for each in its],
            "written": pl.Series([each.written for each in its], dtype=pl.Datetime("ms", "UTC")),
            "problem": [problem or None for problem in problems or [""] * len(its)],
            "file": [f"{each.name}.parquet" for each in found],
        },
        schema_overrides={"from": pl.Date, "to": pl.Date, "problem": pl.String},
    )

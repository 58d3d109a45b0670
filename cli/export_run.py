"""``footfall export run``: the exports of a file that are due, for cron."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import export_conversions, export_data, export_segment, exporting
from cli.context import database, settings
from cli.exit_codes import Exit
from cli.options import DryRunOption
from sql.core.errors import FootfallError, UsageError

if TYPE_CHECKING:
    from aggregations.exports.schedule import Scheduled

# What an export of a kind is, what carries it out, and what of the file it needs.
_Kind = tuple[Any, Callable[..., object], tuple[str, ...]]
_NEEDS: dict[str, _Kind] = {
    "segment": (export_segment.SegmentExport, export_segment.run, ("segment", "to", "output")),
    "conversions": (export_conversions.ConversionsExport, export_conversions.run, ("goal", "to", "output")),
}
_DATA: _Kind = (export_data.DataExport, export_data.run, ("output",))


def add_to(app: typer.Typer) -> None:
    """Add the command to the group."""
    app.command("run", epilog="Example: footfall export run /etc/footfall/exports.toml")(run)


def run(
    file: Annotated[Path, typer.Argument(help="TOML file with the exports, see docs/exports.md.")],
    names: Annotated[list[str] | None, typer.Argument(help="Only these (default: all).", metavar="[NAME]...")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Run them whether or not they are due.")] = False,
    dry_run: DryRunOption = False,
) -> None:
    """Run the exports of a file that are due, one after the other. For cron.

    One that fails does not stop the others; the exit code is 1 then. While a run lasts, another one does nothing.
    """
    from aggregations.exports import schedule
    from sql.core.files import OwnedLock

    found = schedule.read(file)
    if unknown := sorted(set(names or ()) - {each.name for each in found}):
        raise UsageError(f"{file} has no export {unknown[0]}", f"it has {', '.join(each.name for each in found)}")
    todo = [(each, *made(file, each)) for each in found if not names or each.name in names]
    lock = OwnedLock(settings().home.make().schedule_lock, "footfall export run")
    if not lock.try_acquire():
        typer.echo(f"exports are being run by {lock.holder() or 'another process'}; nothing to do", err=True)
        return
    try:
        bad = [each.name for each, asked, carry_out in todo if not _one(each, asked, carry_out, everything, dry_run)]
    finally:
        lock.release()
    if bad:
        typer.echo(f"failed: {', '.join(bad)}", err=True)
        raise typer.Exit(Exit.FAILED)


def _one(export: Scheduled, asked: Any, carry_out: Callable[..., object], everything: bool, dry_run: bool) -> bool:
    """Run one of them, where it is due. Whether it went well."""
    from aggregations.exports import schedule
    from aggregations.query import sites

    try:
        with database("export run") as client:
            site = sites.find(client, asked.site)
            if not everything and not schedule.is_due(client, site, export, dt.datetime.now(dt.UTC)):
                return True
        carry_out(asked, dry_run, lambda line: typer.echo(f"{export.name}: {line}", err=True))
    except FootfallError as exc:
        typer.echo(f"{export.name}: {exc}", err=True)
        if not dry_run:
            _remember(export, asked, exc)
        return False
    return True


def _remember(export: Scheduled, asked: Any, exc: FootfallError) -> None:
    """Write the failure into the log, if that can be."""
    from aggregations.exports import schedule
    from aggregations.query import sites

    try:
        with database("export run") as client:
            target = str(getattr(asked, "to", "") or getattr(asked, "format", "") or "")
            schedule.failed(client, sites.find(client, asked.site), export, target, str(exc))
    except FootfallError as other:
        typer.echo(f"{export.name}: not in the log: {other}", err=True)


def made(file: Path, export: Scheduled) -> tuple[Any, Callable[..., object]]:
    """The export that a table says, and what carries it out. Raises UsageError."""
    import msgspec

    kind, carry_out, needs = _NEEDS.get(export.kind, _DATA)
    options = dict(export.options)
    if kind is export_data.DataExport:
        options["what"] = options.pop("table", "daily_events") if export.kind == "rollups" else export.kind
    known = {each.name for each in dataclasses.fields(kind)} - {"name", "query"}
    if wrong := sorted(options.keys() - known):
        raise UsageError(f"{file}: {export.name} has no option {wrong[0]}", f"it has {', '.join(sorted(known))}")
    if missing := [name for name in needs if name not in options]:
        raise UsageError(f"{file}: {export.name} needs {missing[0]}", f"it needs {', '.join(needs)}")
    try:
        asked: Any = msgspec.convert(options | {"name": export.name}, kind)
    except msgspec.ValidationError as exc:
        raise UsageError(f"{file}: {export.name}: {exc}") from None
    return dataclasses.replace(asked, output=_output(file, asked.output)), carry_out


def _output(file: Path, output: str) -> str:
    """Where it goes: relative to the file, with today's date (UTC) for {date}."""
    text = output.replace("{date}", dt.datetime.now(dt.UTC).date().isoformat())
    if "://" in text or text == exporting.STDOUT:
        return text
    made = file.parent / Path(text).expanduser()
    return f"{made}/" if text.endswith("/") else str(made)

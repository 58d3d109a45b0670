"""``footfall config``: the settings in force, and what is wrong with them."""

from __future__ import annotations

import typer

from cli.context import loaded
from cli.findings import tell
from cli.options import FormatOption, OutputOption
from cli.render.render import render
from cli.render.view import View

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Show and check the configuration.",
    epilog="Example: footfall config show",
)
_LABELS = {"setting": "Setting", "value": "Value", "from": "From"}


@app.command(epilog="Example: FOOTFALL_COLLECTOR_PORT=9090 footfall config show --format csv")
def show(fmt: FormatOption = None, output: OutputOption = None) -> None:
    """Show every setting, its value and its origin: default, file, environment or flag.

    The password in `url` is masked.
    """
    import polars as pl

    from cli.config.settings import SETTINGS, shown

    found = loaded()
    config = found.valid()
    rows = [
        {"setting": key, "value": shown(setting, config), "from": found.origin(key).value}
        for key, setting in SETTINGS.items()
    ]
    title = f"Settings · {config.source or 'no footfall.toml'}"
    render(pl.DataFrame(rows), View(title, labels=_LABELS, whole=("setting",)), fmt, output)


@app.command(epilog="Example: footfall config check")
def check() -> None:
    """Report every mistake in the file and the environment.

    Exit code 3 if Footfall would not start, because of a wrong value or an unreadable file.
    """
    from cli.config.check import findings

    tell(findings(loaded()))

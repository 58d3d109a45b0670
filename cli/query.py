"""``footfall query``: SQL of the operator's own."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Annotated

import typer

from cli import completion, standard_input
from cli.context import database, settings
from cli.options import FormatOption, OutputOption
from cli.render.render import emit, render
from cli.render.view import View
from sql.core.errors import UsageError

if TYPE_CHECKING:
    import polars as pl

HeldOption = Annotated[
    str | None,
    typer.Option("--site", "-s", help="Only SELECT, and only rows of this site.", autocompletion=completion.sites),
]
EPILOG = 'Example: footfall query "select name, count() as events from events group by name order by events desc"'


def query(
    sql: Annotated[str, typer.Argument(help="One statement of ClickHouse SQL; - reads stdin.", metavar="SQL")],
    site: HeldOption = None,
    fmt: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """Run one SQL statement and print the result."""
    text = _text(standard_input.read() if sql == "-" else os.fsencode(sql))
    answer = _run(text) if site is None else _held(text, site)
    if answer is None:
        typer.echo("ok", err=True)
    elif isinstance(answer, bytes):
        emit(answer, output)
    else:
        render(answer, View(nothing="no rows"), fmt, output)


def _run(text: str) -> pl.DataFrame | bytes | None:
    from aggregations.query.console import run

    with database("query", newer=True) as client:
        return run(client, text)


def _held(text: str, domain: str) -> pl.DataFrame | bytes | None:
    from aggregations.query import held, sites
    from sql.client import embedded_home
    from sql.engine.server import alongside

    home = embedded_home(settings().database_url)
    # In this process, settings that forbid to be changed would hold for what comes after, too.
    engine: AbstractContextManager[object] = alongside(home.make()) if home else nullcontext()
    with engine, database("query") as client:
        return held.run(client, sites.find(client, domain), text)


def _text(given: bytes) -> str:
    try:
        return given.decode()
    except UnicodeDecodeError as exc:
        raise UsageError(f"the statement is not UTF-8: byte {exc.start} is 0x{given[exc.start]:02x}") from exc


def register(app: typer.Typer) -> None:
    """Add the command to the root."""
    app.command(epilog=EPILOG)(query)

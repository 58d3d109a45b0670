"""``footfall query``: SQL of the operator's own."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from cli import standard_input
from cli.context import database
from cli.options import FormatOption, OutputOption
from cli.render.render import emit, render
from cli.render.view import View
from sql.core.errors import UsageError

EPILOG = 'Example: footfall query "select name, count() as events from events group by name order by events desc"'


def query(
    sql: Annotated[str, typer.Argument(help="One statement of ClickHouse SQL; - reads stdin.", metavar="SQL")],
    fmt: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """Run one SQL statement and print the result."""
    from aggregations.query.console import run

    text = _text(standard_input.read() if sql == "-" else os.fsencode(sql))
    with database("query", newer=True) as client:
        answer = run(client, text)
    if answer is None:
        typer.echo("ok", err=True)
    elif isinstance(answer, bytes):
        emit(answer, output)
    else:
        render(answer, View(nothing="no rows"), fmt, output)


def _text(given: bytes) -> str:
    try:
        return given.decode()
    except UnicodeDecodeError as exc:
        raise UsageError(f"the statement is not UTF-8: byte {exc.start} is 0x{given[exc.start]:02x}") from exc


def register(app: typer.Typer) -> None:
    """Add the command to the root."""
    app.command(epilog=EPILOG)(query)

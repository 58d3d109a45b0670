"""``footfall experiment``: which variant a visitor sees."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import standard_input
from cli.options import FormatOption, OutputOption
from cli.render.render import render
from cli.render.view import View
from sql.core.errors import UsageError

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Experiments. A hash of visitor and experiment selects the variant, as in the browser.",
    epilog="Example: footfall experiment assign checkout visitor-1 visitor-2 --variants control:1,blue:1",
)


@app.command(epilog="Example: footfall experiment assign checkout visitor-1 visitor-2 --variants control:9,blue:1")
def assign(
    experiment: Annotated[str, typer.Argument(help="The experiment's name.")],
    visitors: Annotated[
        list[str], typer.Argument(help="Visitor ids as the page has them; - reads one per line from stdin.")
    ],
    variants: Annotated[
        str, typer.Option("--variants", help="Variants with their weights, in the same order as on the page.")
    ],
    fmt: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """Show which variant visitors see. Nothing is stored or looked up. Names, weights and order must match the page."""
    from aggregations.definitions.experiments import assignments, parse

    chosen = parse(variants)
    given = [text for visitor in visitors for text in (_lines() if visitor == "-" else [_checked(visitor)])]
    labels = {"visitor": "Visitor", "variant": "Variant"}
    render(assignments(given, experiment, chosen), View(f"Experiment {experiment}", labels=labels), fmt, output)


def _checked(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:  # bytes of the command line that are no text
        raise UsageError("a visitor is not UTF-8") from None
    return text


def _lines() -> list[str]:
    """Visitors on standard input, without empty lines."""
    try:
        lines = [line.decode() for line in standard_input.read().splitlines()]
    except UnicodeDecodeError:
        raise UsageError("standard input is not UTF-8") from None
    return [line for line in lines if line]

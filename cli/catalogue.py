"""``footfall metrics``, ``footfall dimensions``, ``footfall explain``: what a question can name."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import completion
from cli.options import FormatOption, OutputOption
from cli.render.render import render
from cli.render.view import View


def metrics(fmt: FormatOption = None, output: OutputOption = None) -> None:
    """List the metrics, with unit and definition."""
    import polars as pl

    from aggregations.query.metrics import METRICS

    rows = [(m.name, str(m.unit), m.definition) for m in METRICS.values()]
    frame = pl.DataFrame(rows, ["metric", "unit", "definition"], orient="row")
    labels = {"metric": "Metric", "unit": "Unit", "definition": "Definition"}
    render(frame, View(labels=labels), fmt, output)


def dimensions(fmt: FormatOption = None, output: OutputOption = None) -> None:
    """List the dimensions, with level and meaning. Event properties are props.NAME."""
    import polars as pl

    from aggregations.query.dimensions import DIMENSIONS

    rows = [(d.name, str(d.level or "time"), d.about) for d in DIMENSIONS.values()]
    frame = pl.DataFrame(rows, ["dimension", "level", "meaning"], orient="row")
    labels = {"dimension": "Dimension", "level": "Level", "meaning": "Meaning"}
    render(frame, View(labels=labels), fmt, output)


def explain(
    name: Annotated[str, typer.Argument(help="A metric or a dimension.", autocompletion=completion.names)],
) -> None:
    """Define a metric or dimension, and name the tables it is read from."""
    from aggregations.query import dimensions as d
    from aggregations.query.metrics import METRICS, SAMPLED

    if name in METRICS:
        found = METRICS[name]
        typer.echo(f"{found.name} ({found.unit}): {found.definition}")
        if found.made_of:
            typer.echo(f"computed from {', '.join(found.made_of)}: {found.text.replace('a_', '')}")
        typer.echo(SAMPLED)
        return
    dimension = d.find(name)
    typer.echo(f"{dimension.name} (of {'an' if dimension.level == 'event' else 'a'} {dimension.level or 'moment'}): "
               f"{dimension.about}")  # fmt: skip
    for source in dimension.columns:
        typer.echo(f"read from {source.name}: {source.about}")


def register(app: typer.Typer) -> None:
    """Add the commands to the root."""
    app.command(epilog="Example: footfall metrics")(metrics)
    app.command(epilog="Example: footfall dimensions --format csv")(dimensions)
    app.command(epilog="Example: footfall explain bounce_rate")(explain)

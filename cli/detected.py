"""``footfall detected``: review what the tracker detected, and correct it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from aggregations.reports.detected import Confidence
from cli import override
from cli.asking import Asking, asks, show
from cli.render.view import View

if TYPE_CHECKING:
    import polars as pl
    from clickhouse_connect.driver.client import Client

    from aggregations.query.answer import Asked

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Review and correct the clicks and forms that the tracker classified.",
    epilog="Example: footfall detected review --site shop.example --confidence low",
)
app.add_typer(override.app, name="override")
_LABELS = {
    "kind": "Kind",
    "detected": "Detected",
    "confidence": "Confidence",
    "name": "Event",
    "rule": "Rule",
    "selector": "Selector",
    "text": "Text",
    "last_seen": "Last seen",
    "page": "Page",
    "override": "Override",
}


@app.command(epilog="Example: footfall detected review --site shop.example --period 7d --confidence low")
@asks(without=("goal", "compare", "sort", "raw", "explain", "as_json"))
def review(
    asking: Asking,
    confidence: Annotated[
        Confidence | None, typer.Option("--confidence", "-c", help="Only events with this confidence.")
    ] = None,
    kind: Annotated[str, typer.Option("--kind", "-k", help="Only this kind, after corrections.")] = "",
) -> None:
    """List detected events, those that most need a review first: lowest confidence, then most events."""
    from aggregations.query.model import Query
    from aggregations.reports.detected import review as answer

    def ask(client: Client, asked: Asked) -> pl.DataFrame:
        return answer(client, asked.query, asked.site, asked.period, confidence=confidence, kind=kind)

    narrow = ("kind", "confidence", "selector", "text", "events", "visitors", "override")
    view = View("Detected events", labels=_LABELS, narrow=narrow, nothing="nothing was detected")
    show("detected review", asking.query(Query()), view, ask, fmt=asking.fmt, output=asking.output)

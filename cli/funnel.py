"""``footfall funnel``: define funnels. ``footfall report funnel`` answers them."""

from __future__ import annotations

from typing import Annotated

import typer

from aggregations.reports.funnel import StepOrder
from cli.context import database, settings
from cli.options import DryRunOption, FormatOption, OutputOption, SiteOption
from cli.plan import Yes, confirm
from cli.render.render import render
from cli.render.view import View

_EXAMPLE = "Example: footfall funnel add checkout '/product/*' add_to_cart purchase --window 7d --site shop.example"
_LABELS = {"funnel": "Funnel", "steps": "Steps", "window": "Window", "order": "Order", "excluded": "Excluded"}
app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Define funnels: steps that visitors take within a time window.",
    epilog=_EXAMPLE,
)
Name = Annotated[str, typer.Argument(help="The funnel's name.")]
ExcludeOption = Annotated[
    list[str] | None,
    typer.Option("--exclude", help="Event that ends an attempt, written as a step; repeatable."),
]


@app.command(epilog=_EXAMPLE)
def add(
    name: Name,
    steps: Annotated[
        list[str],
        typer.Argument(help="2 to 8 steps: an event name, name:/path/*, or /path/* for a page view there."),
    ],
    window: Annotated[str, typer.Option("--window", help="Time for all steps, such as 30m, 24h or 7d.")] = "24h",
    order: Annotated[
        StepOrder, typer.Option("--order", help="Steps in this order, with no other event between, or in any order.")
    ] = StepOrder.ORDERED,
    exclude: ExcludeOption = None,
    site: SiteOption = None,
    dry_run: DryRunOption = False,
) -> None:
    """Define a funnel. It covers past events too."""
    from aggregations.definitions import funnels
    from aggregations.query import sites
    from aggregations.reports.funnel import Funnel, check, parse_window
    from aggregations.reports.funnel_steps import FunnelStep
    from sql.core.files import OwnedLock

    parsed = tuple(map(FunnelStep.parse, steps))
    wanted = Funnel(name, parsed, parse_window(window), order, tuple(map(FunnelStep.parse, exclude or ())))
    check(wanted)
    with database("funnel add") as client:
        row = sites.find(client, site)
        if not dry_run:
            funnels.add(client, row, wanted, OwnedLock(settings().home.make().funnels_lock, "footfall funnel add"))
    said = "would add" if dry_run else "added"
    typer.echo(f"{said} funnel {name} with {len(parsed)} steps to {row.domain}", err=True)


@app.command("list", epilog="Example: footfall funnel list --site shop.example")
def list_(site: SiteOption = None, fmt: FormatOption = None, output: OutputOption = None) -> None:
    """List the funnels of a site."""
    from aggregations.definitions import funnels
    from aggregations.query import sites

    with database("funnel list") as client:
        row = sites.find(client, site)
        frame = funnels.listed(funnels.every(client, row))
    render(frame, View(f"Funnels · {row.domain}", labels=_LABELS, nothing="no funnels yet"), fmt, output)


@app.command(epilog="Example: footfall funnel remove checkout --site shop.example --yes")
def remove(
    name: Name,
    site: SiteOption = None,
    yes: Yes = False,
    dry_run: DryRunOption = False,
) -> None:
    """Remove a funnel. Its events stay, so you can define it again."""
    from aggregations.definitions import funnels
    from aggregations.query import sites

    with database("funnel remove") as client:
        row = sites.find(client, site)
        funnels.find(client, row, name)
        if not dry_run:
            confirm(f"remove funnel {name} of {row.domain}", yes)
            funnels.remove(client, row, name)
    typer.echo(f"{'would remove' if dry_run else 'removed'} funnel {name} of {row.domain}", err=True)

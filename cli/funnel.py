"""``footfall funnel``: define funnels. ``footfall report funnel`` answers them."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.confirm import Yes, confirm
from cli.context import database, settings
from cli.options import DryRunOption, FormatOption, OutputOption, SiteOption
from cli.render.render import render
from cli.render.view import View

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Define funnels: steps that visitors take in order within 24 hours.",
    epilog="Example: footfall funnel add checkout '/product/*' add_to_cart purchase --site shop.example",
)
Name = Annotated[str, typer.Argument(help="The funnel's name.")]


@app.command(epilog="Example: footfall funnel add checkout '/product/*' add_to_cart purchase --site shop.example")
def add(
    name: Name,
    steps: Annotated[
        list[str],
        typer.Argument(help="2 to 8 steps: an event name, name:/path/*, or /path/* for a page view there."),
    ],
    site: SiteOption = None,
    dry_run: DryRunOption = False,
) -> None:
    """Define a funnel and compute it from stored events. Adding the same funnel again recomputes it."""
    from aggregations.definitions import funnels
    from aggregations.definitions.funnel_steps import FunnelStep
    from aggregations.query import sites
    from sql.core.files import OwnedLock

    parsed = tuple(FunnelStep.parse(step) for step in steps)
    funnels.check(name, parsed)
    config = settings()
    home = config.home.make()
    with database("funnel add") as client:
        row = sites.find(client, site)
        if not dry_run:
            funnels.add(client, row, name, parsed, OwnedLock(home.partitions_lock, "footfall funnel add"))
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
    view = View(f"Funnels · {row.domain}", labels={"funnel": "Funnel", "steps": "Steps"}, nothing="no funnels yet")
    render(frame, view, fmt, output)


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

"""``footfall affiliate``: affiliate networks, and which landing pages are clicks of whom."""

from __future__ import annotations

import typer

from cli import affiliate_network, affiliate_url

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Affiliate networks, and which landing pages are clicks of whom.",
    epilog="Example: footfall affiliate network list --site shop.example",
)
app.add_typer(affiliate_network.app, name="network")
app.add_typer(affiliate_url.app, name="url")

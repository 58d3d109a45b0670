"""``footfall key``: the write keys of sites."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import typer

from cli.context import database, settings
from cli.options import DryRunOption, FormatOption, OutputOption
from cli.plan import Action, Plan, Yes, carry_out
from cli.render.render import render
from cli.render.view import View

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Write keys. Servers send events with them; nothing can be read with them.",
    epilog="Example: footfall key rotate shop.example --keep-for 7d",
)
Domain = Annotated[str, typer.Argument(help="The site's domain.", metavar="SITE")]
Label = Annotated[str, typer.Option(help="What the key is for.")]
_LABELS = {"key_id": "Id", "site": "Site", "label": "Label", "created_at": "Created", "revoked_at": "Revoked"}


@app.command(epilog="Example: footfall key add shop.example --label 'order service'")
def add(site: Domain, label: Label = "") -> None:
    """Create a write key for a site. It is shown only once."""
    from collector.sites.admin import find_site
    from collector.sites.keys import add_key

    with database("key add") as client:
        found = find_site(client, site)
        key, text = add_key(client, settings().home, found, label)
    typer.echo(f"key {key.key_id} for {found.domain}, shown only once:", err=True)
    typer.echo(text)


@app.command("list", epilog="Example: footfall key list shop.example")
def list_(
    site: Annotated[str | None, typer.Argument(help="Only keys of this site.", metavar="[SITE]")] = None,
    fmt: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """List keys, including revoked ones. The keys themselves are never shown."""
    from collector.sites.admin import find_site
    from collector.sites.keys import listed
    from collector.sites.table import all_keys, all_sites

    with database("key list") as client:
        sites = [find_site(client, site)] if site else all_sites(client)
        wanted = {each.site_id for each in sites}
        frame = listed([key for key in all_keys(client) if key.site_id in wanted], sites)
    render(frame, View("Write keys", labels=_LABELS, nothing="no keys yet"), fmt, output)


@app.command(epilog="Example: footfall key revoke 3 --yes")
def revoke(
    key_id: Annotated[int, typer.Argument(help="Key id from `footfall key list`.")],
    yes: Yes = False,
    dry_run: DryRunOption = False,
) -> None:
    """Revoke a key. This cannot be undone; create a new key instead."""
    from collector.sites.keys import find_key, revoke_key
    from collector.sites.table import all_sites

    with database("key revoke") as client:
        key = find_key(client, key_id)
        domain = next((each.domain for each in all_sites(client) if each.site_id == key.site_id), "")
        home = settings().home
        what = f"key {key_id} of {domain} ({key.label or 'no label'})"
        action = Action("revoke", what, lambda: revoke_key(client, home, key_id))
        carry_out(Plan("footfall key revoke", (action,), loses=True), home, dry_run=dry_run, yes=yes)


@app.command(epilog="Example: footfall key rotate shop.example --keep-for 24h")
def rotate(
    site: Domain,
    keep_for: Annotated[str, typer.Option(help="How long the other keys stay valid: 0s, 90m, 24h, 7d.")] = "24h",
    label: Label = "",
    dry_run: DryRunOption = False,
) -> None:
    """Create a new key for a site, and revoke its other keys after --keep-for. The new key is shown only once."""
    from collector.sites.admin import find_site
    from collector.sites.keys import check_label, ending, live_keys, rotate_keys
    from sql.core.durations import seconds_of

    seconds = seconds_of(keep_for)
    check_label(label)
    with database("key rotate") as client:
        found, home = find_site(client, site), settings().home
        texts: list[str] = []
        what = [f"a key of {found.domain}"]
        for other in (ending(key, seconds) for key in live_keys(client, found)):
            end = dt.datetime.fromtimestamp((other.revoked_at or 0) / 1000, dt.UTC)
            what.append(f"revoke key {other.key_id} ({other.label or 'no label'}) at {end:%Y-%m-%d %H:%M:%S} UTC")
        action = Action(
            "create", ", ".join(what), lambda: texts.append(rotate_keys(client, home, found, seconds, label)[1])
        )
        carry_out(Plan("footfall key rotate", (action,)), home, dry_run=dry_run)
    for text in texts:
        typer.echo(f"the new key of {found.domain}, shown only once:", err=True)
        typer.echo(text)

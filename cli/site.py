"""``footfall site``: the sites that send events."""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from cli.context import database, settings
from cli.options import DryRunOption, FormatOption, OutputOption
from cli.plan import Action, Plan, Yes, carry_out
from cli.render.render import render
from cli.render.view import View
from collector.event.contact import ContactData
from collector.sites.identity import Identity
from sql.core.errors import UsageError

if TYPE_CHECKING:
    from sql.schema.site_rows import SiteRows

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Sites that send events.",
    epilog="Example: footfall site list",
)
Domain = Annotated[str, typer.Argument(help="The site's domain.")]
_IDENTITY = "How visitors are identified: by a hash that changes every day, or by an id that the browser keeps."
_LABELS = {
    "site_id": "Id",
    "domain": "Site",
    "timezone": "Time zone",
    "currency": "Currency",
    "identity": "Identity",
    "max_age_days": "Max age (days)",
    "events_per_second": "Events/s",
    "archived": "Archived",
    "contact_data": "Contact data",
}


@app.command(epilog="Example: footfall site add shop.example --timezone Europe/Paris --currency EUR")
def add(
    domain: Domain,
    timezone: Annotated[str, typer.Option(help="IANA time zone; reports use its days.")] = "UTC",
    currency: Annotated[str, typer.Option(help="Default currency for revenue, such as EUR.")] = "",
    identity: Annotated[Identity, typer.Option(help=_IDENTITY)] = Identity.COOKIELESS,
    max_age_days: Annotated[int, typer.Option(help="Maximum age of an event on arrival, in days.")] = 30,
    events_per_second: Annotated[
        int, typer.Option(help="Rate limit of the site; 0 uses the limit in footfall.toml.")
    ] = 0,
) -> None:
    """Add a site. Prints its first write key and the snippet for its pages."""
    from collector.sites.admin import add_site
    from collector.web.snippet import Wanted
    from collector.web.snippet import snippet as tag
    from collector.web.tracker_files import built

    config = settings()
    with database("site add") as client:
        site, key = add_site(client, config.home, domain, timezone, currency, identity, max_age_days, events_per_second)
    wanted = Wanted(site.domain, config.collector.address)
    typer.echo(f"site {site.site_id}: {site.domain} ({site.timezone})", err=True)
    typer.echo(f"write key: {key}")
    typer.echo(f"snippet:   {tag(wanted, config.collector.paths, built())}")
    typer.echo("The key is shown only once. Web pages need only the snippet; servers send the key.", err=True)
    typer.echo(
        f"For your public address: footfall site snippet {site.domain} --url https://visits.example.com", err=True
    )


@app.command(epilog="Example: footfall site snippet shop.example --url https://visits.example.com --modules outbound")
def snippet(
    domain: Domain,
    url: Annotated[str, typer.Option(help="Public URL of the collector (default: the address it listens on).")] = "",
    modules: Annotated[str, typer.Option(help="Tracker modules, comma-separated.")] = "",
    identity: Annotated[
        Identity, typer.Option(help="With first-party, the browser keeps an id and a session.")
    ] = Identity.COOKIELESS,
    integrity: Annotated[
        bool,
        typer.Option(
            "--integrity/--no-integrity", help="Pin the current version by its hash, or always load the newest."
        ),
    ] = True,
) -> None:
    """Print the tag for a site's pages.

    With `--integrity`, the tag has the script's version and hash. Browsers run only that file, so upgrades do not reach
    a page until you replace its tag. Without it, pages load the newest script within an hour.
    """
    from collector.sites.admin import find_site
    from collector.web.snippet import Wanted
    from collector.web.snippet import snippet as tag
    from collector.web.tracker_files import built

    config = settings().collector
    with database("site snippet") as client:
        site = find_site(client, domain)
    named = [name.strip() for name in modules.split(",") if name.strip()]
    wanted = Wanted(site.domain, url or config.address, named, identity, integrity)
    typer.echo(tag(wanted, config.paths, built()))
    if identity is Identity.FIRST_PARTY and site.identity is not identity:
        typer.echo(f"To use these ids, also run: footfall site set {site.domain} --identity first-party", err=True)


@app.command("set", epilog="Example: footfall site set shop.example --max-age-days 7 --events-per-second 500")
def set_(
    domain: Domain,
    timezone: Annotated[
        str | None, typer.Option(help="IANA time zone. Stored events keep their days until `backfill local-dates`.")
    ] = None,
    currency: Annotated[str | None, typer.Option(help="Default currency for revenue; '' removes it.")] = None,
    identity: Annotated[Identity | None, typer.Option(help=_IDENTITY)] = None,
    max_age_days: Annotated[int | None, typer.Option(help="Maximum age of an event on arrival, in days.")] = None,
    events_per_second: Annotated[
        int | None, typer.Option(help="Rate limit of the site; 0 uses the limit in footfall.toml.")
    ] = None,
    contact_data: Annotated[
        ContactData | None, typer.Option(help="What `identify` may leave of e-mail, phone, name and address.")
    ] = None,
) -> None:
    """Change the settings of a site for future events. Collectors apply them within about a second."""
    from collector.sites.admin import set_site

    given = {
        "timezone": timezone,
        "currency": currency,
        "identity": identity,
        "max_age_days": max_age_days,
        "events_per_second": events_per_second,
        "contact_data": contact_data,
    }
    changes = {name: value for name, value in given.items() if value is not None}
    if not changes:
        raise UsageError("nothing to change", "name a setting: footfall site set --help")
    with database("site set") as client:
        site = set_site(client, settings().home, domain, changes)
    typer.echo(f"{site.domain}: " + ", ".join(f"{name} {value or 'none'}" for name, value in changes.items()), err=True)
    if timezone:
        typer.echo(
            f"To give stored events the days of this zone: footfall backfill local-dates --site {site.domain}", err=True
        )


@app.command(epilog="Example: footfall site archive shop.example")
def archive(
    domain: Domain,
    undo: Annotated[
        bool, typer.Option("--undo", help="Accept events again. Revoked keys stay revoked; add a new one.")
    ] = False,
    dry_run: DryRunOption = False,
) -> None:
    """Accept no more events of a site: its keys are revoked, requests get a 403. Its data stays readable."""
    from collector.sites.admin import archive_site, find_site

    home = settings().home
    with database("site archive") as client:
        site = find_site(client, domain)
        if site.archived is not undo:
            typer.echo(f"nothing changes: {site.domain} is {'' if site.archived else 'not '}archived", err=True)
            return
        act = Action(
            "restore" if undo else "archive", site.domain, lambda: archive_site(client, home, domain, not undo)
        )
        carry_out(Plan("footfall site archive", (act,)), home, dry_run=dry_run)


@app.command(epilog="Example: footfall site remove shop.example --dry-run")
def remove(domain: Domain, yes: Yes = False, dry_run: DryRunOption = False) -> None:
    """Remove a site with all of its events, visits, rollups, definitions and keys.

    If it is interrupted, run it again. Its events in the spool are loaded first; those that come later are refused or
    set aside in quarantine. Backups and archives of it are not changed.
    """
    from collector.lifecycle import site_removal
    from sql.client import embedded_home
    from sql.engine.server import alongside
    from sql.schema import site_rows

    config = settings()
    home = embedded_home(config.database_url)
    with alongside(home.make()) if home else nullcontext(), database("site remove") as client:
        site = site_removal.find(client, domain)

        def delete(rows: SiteRows) -> Action:
            act = "drop" if rows.whole else "delete"
            do = partial(site_removal.remove, client, config.home, site, rows)
            return Action(act, f"{rows.table} of {site.domain}", do, rows=rows.rows, months=rows.months)

        begin = partial(site_removal.begin, client, config.home, config.database_url, site)
        finish = partial(site_removal.finish, client, config.home, site)
        actions = (
            Action("revoke", f"the keys and registration of {site.domain}", begin),
            *map(delete, site_rows.count(client, site.site_id)),
            Action("remove", site.domain, finish),
        )
        carry_out(Plan("footfall site remove", actions, loses=True), config.home, dry_run=dry_run, yes=yes)


@app.command("list", epilog="Example: footfall site list --format csv")
def list_(fmt: FormatOption = None, output: OutputOption = None) -> None:
    """List the sites and their settings."""
    from collector.sites.admin import listed
    from collector.sites.table import all_sites

    with database("site list") as client:
        frame = listed(all_sites(client))
    render(frame, View("Sites", labels=_LABELS, nothing="no sites yet"), fmt, output)

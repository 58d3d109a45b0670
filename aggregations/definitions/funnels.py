"""Funnels that operators define. Defining one stores nothing but its definition: reports read raw events."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from aggregations.reports.funnel import Funnel, StepOrder, check, window_text
from aggregations.reports.funnel_steps import FunnelStep
from sql.core import queries
from sql.core.errors import EngineBusy, UsageError

if TYPE_CHECKING:
    import polars as pl
    from clickhouse_connect.driver.client import Client

    from aggregations.query.sites import SiteRow
    from sql.core.files import OwnedLock


def every(client: Client, site: SiteRow) -> list[Funnel]:
    """All funnels of a site, by name."""
    rows = client.query(queries.query("funnels/of_site"), parameters={"site": site.site_id}).result_rows
    return [
        Funnel(name, _steps(steps), window, StepOrder(order), _steps(excluded), number)
        for number, name, steps, window, order, excluded in rows
    ]


def find(client: Client, site: SiteRow, name: str) -> Funnel:
    """The funnel of this name. Raises UsageError where there is none."""
    known = {funnel.name: funnel for funnel in every(client, site)}
    if name not in known:
        hint = f"known: {', '.join(known)}" if known else "define one: footfall funnel add NAME STEP STEP"
        raise UsageError(f"{site.domain} has no funnel {name!r}", hint)
    return known[name]


def add(client: Client, site: SiteRow, wanted: Funnel, lock: OwnedLock, wait: float = 10.0) -> Funnel:
    """Define a funnel and return it with its number; one that is there already stays as it is.

    Raises UsageError (impossible, or the name means another funnel), EngineBusy (``lock`` not had in ``wait`` seconds).
    """
    check(wanted)
    # Two at once would get one number, and one of them would be lost.
    with lock.held(wait) as taken:
        if not taken:
            raise EngineBusy(f"funnels are being changed by {lock.holder() or 'another process'}", "try again")
        known = {funnel.name: funnel for funnel in every(client, site)}
        if wanted.name not in known:
            number = client.query(queries.query("funnels/next_id"), parameters={"site": site.site_id}).result_rows[0][0]
            _put(client, site, replace(wanted, funnel_id=number), deleted=False)
            return replace(wanted, funnel_id=number)
    found = known[wanted.name]
    if replace(found, funnel_id=0) != replace(wanted, funnel_id=0):
        raise UsageError(
            f"{site.domain} already has a funnel {wanted.name!r}",
            f"remove it first: footfall funnel remove {wanted.name!r}",
        )
    return found


def remove(client: Client, site: SiteRow, name: str) -> Funnel:
    """Remove a funnel's definition; its number is not given again. Raises UsageError where there is none."""
    funnel = find(client, site, name)
    _put(client, site, funnel, deleted=True)
    return funnel


def listed(funnels: list[Funnel]) -> pl.DataFrame:
    """Columns funnel (name), steps (as a person writes them, joined by arrows), window, order, excluded."""
    import polars as pl

    return pl.DataFrame(
        {
            "funnel": [f.name for f in funnels],
            "steps": [" → ".join(step.shown for step in f.steps) for f in funnels],
            "window": [window_text(f.window) for f in funnels],
            "order": [f.order.value for f in funnels],
            "excluded": [", ".join(step.shown for step in f.excluded) for f in funnels],
        },
        schema=dict.fromkeys(("funnel", "steps", "window", "order", "excluded"), pl.String),
    )


def _steps(stored: list[dict[str, str]]) -> tuple[FunnelStep, ...]:
    return tuple(FunnelStep(step["name"], step["path"]) for step in stored)


def _put(client: Client, site: SiteRow, funnel: Funnel, *, deleted: bool) -> None:
    bound = {
        "site": site.site_id,
        "funnel": funnel.funnel_id,
        "name": funnel.name,
        "steps": [(step.name, step.path) for step in funnel.steps],
        "window": funnel.window,
        "order": funnel.order.value,
        "excluded": [(step.name, step.path) for step in funnel.excluded],
        "deleted": deleted,
    }
    client.command(queries.query("funnels/put"), parameters=bound)

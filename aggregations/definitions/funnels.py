"""Funnels: definitions, and how many visitors got how far.

A visitor reaches step n when the steps up to n happened in this order, each later than the one before, within
24 hours of the first. One event counts for one step, also where it matches several. Source of the rule:
ClickHouse's ``windowFunnel``, over moments that hold the order of arrival too (``funnel_moment``, migration 0009).
Materialized states hold it per visitor and day, so that a report reads no raw events.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from aggregations.definitions.funnel_steps import FunnelStep
from aggregations.query.fetch import scope
from aggregations.query.filters import EXCLUDE_BOTS, Filter
from sql.core import queries
from sql.core.errors import EngineBusy, UsageError
from sql.schema import rebuild

if TYPE_CHECKING:
    import polars as pl
    from clickhouse_connect.driver.client import Client

    from aggregations.query.periods import Period
    from aggregations.query.sites import SiteRow
    from sql.core.files import OwnedLock

MIN_STEPS, MAX_STEPS = 2, 8


@dataclass(frozen=True, slots=True)
class Funnel:
    """A funnel of one site; ``funnel_id`` counts from 1 within the site."""

    funnel_id: int
    name: str
    steps: tuple[FunnelStep, ...]


def every(client: Client, site: SiteRow) -> list[Funnel]:
    """All funnels of a site, by name."""
    rows = client.query(queries.query("funnels/of_site"), parameters={"site": site.site_id}).result_rows
    return [
        Funnel(number, name, tuple(FunnelStep(step["name"], step["path"]) for step in steps))
        for number, name, steps in rows
    ]


def find(client: Client, site: SiteRow, name: str) -> Funnel:
    """The funnel of this name. Raises UsageError where there is none."""
    known = {funnel.name: funnel for funnel in every(client, site)}
    if name not in known:
        hint = f"known: {', '.join(known)}" if known else "define one: footfall funnel add NAME STEP STEP"
        raise UsageError(f"{site.domain} has no funnel {name!r}", hint)
    return known[name]


def check(name: str, steps: tuple[FunnelStep, ...]) -> None:
    """Raises UsageError for a funnel that cannot be: no name, too few or too many steps."""
    if not name.strip():
        raise UsageError("a funnel needs a name")
    if not MIN_STEPS <= len(steps) <= MAX_STEPS:
        raise UsageError(f"a funnel has {MIN_STEPS} to {MAX_STEPS} steps, not {len(steps)}")


def add(
    client: Client,
    site: SiteRow,
    name: str,
    steps: tuple[FunnelStep, ...],
    lock: OwnedLock,
    wait: float = 60.0,
) -> Funnel:
    """Define a funnel and build its states for all past months; the same funnel again rebuilds them.

    ``lock`` is the partitions lock, waited for up to ``wait`` seconds: while past states are built, no new
    events come in. Raises UsageError (impossible, or the name means another funnel), EngineBusy (no lock).
    """
    check(name, steps)
    with lock.held(wait) as taken:
        if not taken:
            raise EngineBusy(
                f"events are being written by {lock.holder() or 'another process'}", "try again in a moment"
            )
        known = {funnel.name: funnel for funnel in every(client, site)}
        if name in known and known[name].steps != steps:
            raise UsageError(
                f"{site.domain} already has a funnel {name!r}", f"remove it first: footfall funnel remove {name!r}"
            )
        funnel = known.get(name) or Funnel(_next_id(client, site), name, steps)
        _put(client, site, funnel, deleted=False)
        rebuild.rebuild_months(client, ["funnel_states"], rebuild.months(client))
    return funnel


def remove(client: Client, site: SiteRow, name: str) -> Funnel:
    """Remove a funnel's definition; its number is not given again. Raises UsageError where there is none."""
    funnel = find(client, site, name)
    _put(client, site, funnel, deleted=True)
    return funnel


def listed(funnels: list[Funnel]) -> pl.DataFrame:
    """Columns funnel (name) and steps (as a person writes them, joined by arrows)."""
    import polars as pl

    steps = [" → ".join(step.shown for step in funnel.steps) for funnel in funnels]
    return pl.DataFrame(
        {"funnel": [f.name for f in funnels], "steps": steps},
        schema={"funnel": pl.String, "steps": pl.String},
    )


def report(
    client: Client, site: SiteRow, funnel: Funnel, period: Period, only: Filter = EXCLUDE_BOTS, *, raw: bool = False
) -> pl.DataFrame:
    """One row a step: step (from 1), event, path, visitors, from_previous, from_first.

    The last two are ratios 0..1 of the visitors at the step before and at the first; null where nobody was.

    Each visitor counts once, with the farthest step reached within the period.
    """
    import polars as pl

    bound = scope(site, period, only, funnel=funnel.funnel_id)
    found = client.query(queries.query("funnels/levels_raw" if raw else "funnels/levels"), parameters=bound)
    levels: list[tuple[int, int]] = [(level, visitors) for level, visitors in found.result_rows]
    reached = [sum(n for level, n in levels if level >= step) for step in range(1, len(funnel.steps) + 1)]
    return pl.DataFrame(
        {
            "step": range(1, len(reached) + 1),
            "event": [step.name for step in funnel.steps],
            "path": [step.shown_path for step in funnel.steps],
            "visitors": reached,
            "from_previous": [None, *(_share(now, before) for before, now in pairwise(reached))],
            "from_first": [_share(now, reached[0]) for now in reached],
        },
        schema={
            "step": pl.UInt8,
            "event": pl.String,
            "path": pl.String,
            "visitors": pl.UInt64,
            "from_previous": pl.Float64,
            "from_first": pl.Float64,
        },
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _next_id(client: Client, site: SiteRow) -> int:
    rows = client.query(queries.query("funnels/next_id"), parameters={"site": site.site_id}).result_rows
    return int(rows[0][0])


def _put(client: Client, site: SiteRow, funnel: Funnel, *, deleted: bool) -> None:
    bound = {
        "site": site.site_id,
        "funnel": funnel.funnel_id,
        "name": funnel.name,
        "steps": [(step.name, step.path) for step in funnel.steps],
        "deleted": deleted,
    }
    client.command(queries.query("funnels/put"), parameters=bound)

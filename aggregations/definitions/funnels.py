"""Funnels that operators define. Nothing is stored but the definition: reports read raw events."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from aggregations.query import model
from aggregations.query.answer import located
from aggregations.reports.funnel import DAY, Funnel, StepOrder, check
from aggregations.reports.funnel_steps import FunnelStep
from aggregations.reports.reached import AskedFunnel, ask
from sql import definitions
from sql.core.durations import span_of
from sql.definitions import Kind

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from aggregations.query.model import Query
    from aggregations.query.sites import SiteRow


class FunnelBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A funnel as it is defined: steps, and events that end an attempt, as people write them; ``window`` in seconds."""

    steps: tuple[str, ...] = ()
    window: int = DAY
    order: StepOrder = StepOrder.ORDERED
    exclude: tuple[str, ...] = ()


def every(client: Client, site: SiteRow) -> list[Funnel]:
    """All funnels of a site, by name."""
    return [funnel(each.name, each.body) for each in definitions.every(client, site.site_id, FUNNEL)]


def find(client: Client, site: SiteRow, name: str) -> Funnel:
    """The funnel of this name. Raises UsageError where there is none."""
    return funnel(name, definitions.find(client, site.site_id, FUNNEL, name).body)


def prepare(client: Client, query: Query, now: dt.datetime | None = None) -> AskedFunnel:
    """What a question about a funnel asks: by its definition, but for what the question says. Raises UsageError."""
    asked = query.funnel
    if asked is None:
        raise ValueError("which funnel?")
    model.check(query)
    excluded = None if asked.exclude is None else tuple(map(FunnelStep.parse, asked.exclude))
    site, period, before = located(client, query, now)
    found = find(client, site, asked.name)
    made = replace(
        found,
        window=found.window if asked.window is None else asked.window,
        order=StepOrder(asked.order or found.order),
        excluded=found.excluded if excluded is None else excluded,
    )
    return ask(client, made, query, site, period, before)


def funnel(name: str, body: FunnelBody) -> Funnel:
    """The funnel that a definition says. Raises UsageError for what is not a step."""
    steps, excluded = (tuple(map(FunnelStep.parse, texts)) for texts in (body.steps, body.exclude))
    return Funnel(name, steps, body.window, body.order, excluded)


def shown(body: FunnelBody) -> str:
    """A funnel in a line."""
    parts = [
        " → ".join(body.steps),
        f"within {span_of(body.window)}",
        "" if body.order is StepOrder.ORDERED else f"{body.order} order",
        f"without {', '.join(body.exclude)}" if body.exclude else "",
    ]
    return ", ".join(filter(None, parts))


FUNNEL = Kind("funnel", FunnelBody, lambda body: check(funnel("a funnel", body)), shown)
